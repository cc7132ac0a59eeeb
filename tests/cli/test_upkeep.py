"""``elliptio verify``, ``reindex``, ``gc`` and ``delete``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


def test_a_whole_lake_verifies(cli: Run, saved: str) -> None:
    result = cli("verify")
    assert (result.code, result.err) == (0, "")
    assert "1 artifacts with 2 files" in result.out
    report = cli("verify", saved[:-3], "--json").json
    assert (report["ok"], report["files"], report["problems"]) == (True, 2, [])


def test_damage_is_listed(cli: Run, saved: str, root: Path) -> None:
    stored = Path(eio.Handler(root).get(saved).files["test.txt"].remote_url)
    stored.chmod(0o644)
    stored.write_bytes(b"x")
    result = cli("verify")
    assert result.code == 1
    assert f"{saved} files/test.txt is damaged" in result.out
    result = cli("verify", "--json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert [problem["relpath"] for problem in result.json["problems"]] == ["files/test.txt"]


def test_reindex(cli: Run, saved: str, root: Path) -> None:
    eio.Handler(root).index.delete("artifacts", [saved])
    assert cli("reindex", "--json").json == {
        "ok": True,
        "artifacts": 1,
        "tombstones": 0,
        "already_there": 0,
        "problems": [],
    }
    result = cli("reindex")
    assert (result.code, result.err) == (0, "")
    assert "1 artifacts were there already" in result.out


def test_reindex_lists_what_it_cannot_read(cli: Run, saved: str, root: Path) -> None:
    manifest = Path(eio.Handler(root).get(saved).metadata.remote_root, "metadata.json")
    manifest.chmod(0o644)
    manifest.write_text("{")
    result = cli("reindex")
    assert result.code == 1
    assert saved in result.out
    assert cli("reindex", "--json").json["problems"][0]["artifact_id"] == saved


@pytest.fixture
def left(cli: Run, saved: str, root: Path) -> Path:
    """What an interrupted save left long ago."""
    folder = root / ".elliptio" / "staging" / "000000_artifact_left"
    folder.mkdir(parents=True)
    (folder / "big.bin").write_bytes(b"x" * 2000)
    os.utime(folder / "big.bin", (0, 0))
    return folder


def test_gc_lists(cli: Run, left: Path) -> None:
    result = cli("gc")
    assert (result.code, result.err) == (0, "")
    assert "artifact_left" in result.out
    assert "--delete" in result.out
    (orphan,) = cli("gc", "--json").json
    assert (orphan["size"], orphan["removed"]) == (2000, False)
    assert orphan["age_seconds"] > 1_000_000
    assert left.exists()


def test_gc_removes(cli: Run, left: Path) -> None:
    assert cli("gc", "--delete", "--grace", "5000w", "--json").json[0]["removed"] is False
    assert cli("gc", "--delete", "--grace", "24h", "--json").json[0]["removed"] is True
    assert not left.exists()
    assert cli("gc", "--json").json == []
    assert cli("gc").out == "0 found (0 B), 0 removed\n"


@pytest.mark.parametrize("grace", ["soon", "24", "-1h", "99999999999999w"])
def test_no_age(cli: Run, grace: str) -> None:
    assert cli("gc", f"--grace={grace}").code == 2


def test_delete(cli: Run, saved: str, data: Path) -> None:
    child = cli("upload", data, "--based-on", saved, "--json").artifact_id
    refused = cli("delete", saved, "--json")
    assert (refused.code, refused.out) == (1, "")
    assert json.loads(refused.err)["error"]["type"] == "InUseError"
    assert cli("delete", saved, "--force").out == f"{saved} was deleted\n"
    assert cli("delete", child, "--json").json == {"deleted": child}
    assert cli("find", "--json").json == []
    assert "was deleted" in cli("get", saved).error


def test_delete_takes_no_beginning(cli: Run, saved: str) -> None:
    result = cli("delete", saved[:-1])
    assert (result.code, result.out) == (2, "")
    assert cli("verify").code == 0
