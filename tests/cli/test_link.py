"""``elliptio link`` and ``elliptio hash``."""

from __future__ import annotations

from pathlib import Path

import elliptio as eio
from tests.cli.conftest import Run


def test_link_prints_the_artifact(cli: Run, data: Path, root: Path) -> None:
    result = cli("link", data, "--project", "story", "--label", "owner=brenda")
    assert (result.code, result.err) == (0, "")
    assert f"link to   {data}" in result.out
    assert "2 files" in result.out
    (artifact_id,) = eio.Handler(root).find({"labels.owner": "brenda"}).index
    assert eio.Handler(root).get(artifact_id).metadata.link == str(data)


def test_link_as_json(cli: Run, data: Path, saved: str) -> None:
    document = cli("link", data / "train.txt", data / "test.txt", "--based-on", saved, "--json").json
    assert (document["link"], document["based_on"]) == (str(data), [saved])
    assert [len(entry["sha256"]) for entry in document["files"]] == [64, 64]
    assert all(entry["stamp"] for entry in document["files"])


def test_hash_does_what_link_left_out(cli: Run, data: Path) -> None:
    made = cli("link", data, "--no-hash")
    assert "not hashed" in made.out
    artifact_id = made.out.split()[1]
    report = cli("verify")
    assert report.code == 0
    assert report.out.startswith("2 linked files are not hashed: only their size and stamp were compared\n")
    done = cli("hash", artifact_id[:-1])
    assert done.out.startswith(f"{artifact_id} has the fingerprint ")
    assert cli("hash", artifact_id, "--json").json == {
        "artifact_id": artifact_id,
        "fingerprint": done.out.split()[-1],
    }
    assert "not hashed" not in cli("verify").out + cli("show", artifact_id).out


def test_what_changed_ends_with_1(cli: Run, data: Path) -> None:
    artifact_id = cli("link", data, "--json").artifact_id
    (data / "train.txt").write_text("changed")
    for result in (cli("get", artifact_id), cli("link", data / "nowhere"), cli("hash", "artifact_none")):
        assert result.code == 1
        assert result.err.count("\n") == 1
    assert "changed since it was linked" in cli("get", artifact_id).err
    assert "changed since it was linked" in cli("verify").out


def test_other_urls_are_refused(cli: Run) -> None:
    result = cli("link", "https://example.org/x.csv")
    assert (result.code, "https:// cannot be linked" in result.err) == (1, True)
