"""``elliptio upload``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


def test_upload_prints_the_artifact(cli: Run, data: Path) -> None:
    result = cli("upload", data / "train.txt", data / "test.txt")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Artifact artifact_")
    assert "train.txt" in result.out
    assert "2 files" in result.out


def test_showing_does_not_ask_the_index(cli: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eio.Artifact, "_neighbours", lambda _: pytest.fail("asked"))
    assert "used by   nothing" in cli("upload", data).out


def test_upload_as_json(cli: Run, data: Path, root: Path) -> None:
    document = cli("upload", data, "--json").json
    artifact = eio.Handler(root).get(document["artifact_id"])
    assert document["remote_root"] == artifact.remote_root
    assert Path(document["remote_root"]).is_absolute()
    assert document["fingerprint"] == artifact.metadata.fingerprint
    assert document["creation_time"].endswith("Z")
    assert sorted(document["file_relpaths"]) == sorted(artifact.files)
    assert {entry["relpath"]: entry["size"] for entry in document["files"]} == {
        name: file.size for name, file in artifact.files.items()
    }
    assert "python_packages" not in document


def test_usual_labels_are_labels(cli: Run, data: Path, root: Path) -> None:
    arguments = ["--ticket", "AB-1", "--project", "p", "--datatype", "d", "--dataset", "s", "--description", "a text"]
    found = cli("upload", data, *arguments, "--labels", '{"infos": {"n": 3}}', "--json").artifact_id
    assert eio.Handler(root).get(found).metadata.labels == eio.Labels(
        ticket="AB-1", project="p", datatype="d", dataset="s", description="a text", infos={"n": 3}
    )


def test_any_labels(cli: Run, data: Path, root: Path) -> None:
    arguments = ["--label", "n=3", "--label", "formula=a=b", "--labels", '{"epochs": 3, "nested": {"x": [1.5, null]}}']
    found = cli("upload", data, *arguments, "--json").artifact_id
    labels = eio.Handler(root).get(found).metadata.labels
    assert labels == {"n": "3", "formula": "a=b", "epochs": 3, "nested": {"x": [1.5, None]}}


def test_based_on(cli: Run, data: Path, saved: str, root: Path) -> None:
    another = cli("upload", data, "--json").artifact_id
    child = cli("upload", data, "--based-on", another, "--based-on", saved, "--json").json
    assert child["based_on"] == [another, saved]


def test_based_on_may_be_shortened(cli: Run, data: Path, saved: str) -> None:
    assert cli("upload", data, "--based-on", saved[:-3], "--json").json["based_on"] == [saved]


def test_based_on_nothing_that_is_there(cli: Run, data: Path, saved: str) -> None:
    result = cli("upload", data, "--based-on", "artifact_nobody", "--json")
    assert result.code == 1
    assert len(cli("find", "--json").json) == 1


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["no-such-file"], "SourceNotFoundError"),
        (["here.txt", "--label", "a.b=c"], "MetadataError"),
        (["here.txt", "--labels", '{"$set": 1}'], "MetadataError"),
    ],
)
def test_what_cannot_be_saved(cli: Run, here: Path, arguments: list[str], kind: str) -> None:
    (here / "here.txt").write_text("x")
    result = cli("upload", *arguments, "--json")
    assert (result.code, result.out) == (1, "")
    assert json.loads(result.err)["error"]["type"] == kind
