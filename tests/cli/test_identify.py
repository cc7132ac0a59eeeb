"""``elliptio identify``."""

from __future__ import annotations

from pathlib import Path

import pytest

from elliptio import documents
from tests.cli.conftest import Run


def test_a_line_an_artifact(cli: Run, saved: str, data: Path, here: Path) -> None:
    (here / "what.txt").write_bytes((data / "test.txt").read_bytes())
    newer = cli("upload", data / "test.txt", "--json").artifact_id
    result = cli("identify", "what.txt")
    assert (result.code, result.err) == (0, "")
    header, *lines = result.out.splitlines()
    assert header.split() == ["ARTIFACT", "TIME", "(UTC)", "USER", "FILE", "LABELS"]
    assert [line.split()[0] for line in lines] == [newer, saved]
    assert "  test.txt  project=story" in lines[1]


def test_as_json(cli: Run, saved: str, data: Path) -> None:
    (row,) = cli("identify", data / "test.txt", "--json").json
    assert row["artifact_id"] == saved
    assert row["relpath"] == "test.txt"
    assert row["creation_time"].endswith("Z")
    assert row["deleted"] is None


def test_nobody_knows_it(cli: Run, saved: str, here: Path) -> None:
    (here / "new.txt").write_text("new")
    result = cli("identify", "new.txt")
    assert (result.code, result.out) == (1, "")
    assert "No artifact holds exactly this file" in result.err
    as_json = cli("identify", "new.txt", "--json")
    assert (as_json.code, as_json.json, as_json.err) == (1, [], "")


def test_deleted_and_more_than_once(cli: Run, data: Path) -> None:
    (data / "copy.txt").write_bytes((data / "test.txt").read_bytes())
    cli("upload", data)
    single = cli("upload", data / "test.txt", "--json").artifact_id
    cli("delete", single)
    header, deleted, twice = cli("identify", data / "test.txt").out.splitlines()
    assert header.endswith("DELETED")
    assert deleted.startswith(single)
    assert " by " in deleted
    assert "copy.txt +1" in twice


def test_no_such_file(cli: Run, saved: str, here: Path) -> None:
    result = cli("identify", "no.txt")
    assert (result.code, result.out) == (1, "")
    assert "no.txt does not exist" in result.error
    assert cli("identify", here).code == 1


def test_a_name_that_would_steer_a_terminal(cli: Run, here: Path) -> None:
    (here / "a\u202eb.txt").write_text("x")
    cli("upload", "a\u202eb.txt")
    assert "\u202e" not in cli("identify", "a\u202eb.txt").out


def test_large_artifacts_may_be_left_out(cli: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_INDEXED_FILES", 1)
    cli("upload", data)
    assert cli("identify", data / "test.txt").code == 0
    assert cli("identify", data / "test.txt", "--no-large").code == 1
