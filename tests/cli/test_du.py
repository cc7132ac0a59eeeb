"""``elliptio du``."""

from __future__ import annotations

from pathlib import Path

import elliptio as eio
from tests.cli.conftest import Run


def test_sizes_are_summed_up(cli: Run, here: Path) -> None:
    (here / "one.bin").write_bytes(b"x" * 1000)
    (here / "two.bin").write_bytes(b"y" * 3000)
    for user, name, project in (("andy", "one.bin", "a"), ("brenda", "two.bin", "b"), ("brenda", "one.bin", "a")):
        with eio.mock_username(user):
            cli("upload", name, "--project", project)
    assert cli("du", "--json").json == {
        "size": 5000,
        "files": 3,
        "artifacts": 3,
        "linked": 0,
        "by": [
            {"user": "brenda", "size": 4000, "files": 2, "artifacts": 2},
            {"user": "andy", "size": 1000, "files": 1, "artifacts": 1},
        ],
    }
    lines = [line.split() for line in cli("du", "--by", "project").out.splitlines()]
    assert lines[0] == ["SIZE", "FILES", "ARTIFACTS", "PROJECT"]
    assert [line[-1] for line in lines[1:]] == ["b", "a", "total"]
    assert cli("du", '{"username": "andy"}', "--json").json["size"] == 1000
    assert len(cli("du", "--by", "month", "--json").json["by"]) == 1


def test_what_is_linked_is_counted_by_itself(cli: Run, here: Path) -> None:
    (here / "one.bin").write_bytes(b"x" * 1000)
    cli("link", "one.bin")
    found = cli("du", "--json").json
    assert (found["size"], found["linked"]) == (0, 1000)
    assert "lie elsewhere" in cli("du").out
