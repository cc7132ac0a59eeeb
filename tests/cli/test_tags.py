"""``elliptio tag``, ``untag`` and ``tags``, and ``tag:NAME`` where an identifier goes."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.provenance.collecting import username
from tests.cli.conftest import Run


@pytest.fixture
def other(cli: Run, data: Path) -> str:
    return cli("upload", data / "train.txt", "--json").artifact_id


def test_a_tag_is_set_moved_and_taken_away(cli: Run, saved: str, other: str) -> None:
    result = cli("tag", saved[:-2], "prod")
    assert (result.code, result.out, result.err) == (0, f"tag:prod is {saved}\n", "")
    result = cli("tag", other, "prod")
    assert result.code == 1
    assert f"The tag 'prod' names {saved}" in result.error
    assert "--overwrite" in result.error
    assert cli("tag", "train.txt:latest", "prod", "--overwrite", "--json").json == {"tag": "prod", "artifact_id": other}
    lines = cli("tags").out.splitlines()
    assert lines[0].split() == ["TAG", "ARTIFACT", "TIME", "(UTC)", "BY"]
    assert lines[1].split()[:2] == ["prod", other]
    assert cli("untag", "prod").out == "tag:prod was removed\n"
    result = cli("untag", "prod", "--json")
    assert (result.code, result.out) == (1, "")
    assert "was removed by" in result.err
    assert cli("tags").err == "elliptio: note: There are no tags.\n"
    assert cli("tags", "--json").json == []
    moves = cli("tags", "--history", "prod", "--json").json
    assert [move["artifact_id"] for move in moves] == [None, other, saved]
    assert {move["username"] for move in moves} == {username()}
    assert [line.split()[1] for line in cli("tags", "--history", "prod").out.splitlines()[1:]] == [
        "(removed)",
        other,
        saved,
    ]


def test_verbs_take_a_tag(cli: Run, saved: str, other: str, here: Path) -> None:
    cli("tag", saved, "prod")
    assert cli("show", "tag:prod").out.startswith(f"Artifact {saved}")
    assert "tags      prod" in cli("show", "tag:prod").out
    assert cli("show", "tag:prod", "--json").json["tags"] == ["prod"]
    assert cli("lineage", "tag:prod", "--json").json["artifact_id"] == saved
    assert cli("compare", "tag:prod", other, "--json").json["a"] == saved
    assert cli("verify", "tag:prod", "--json").json["artifacts"] == 1
    assert cli("find", '{"tags": "prod"}', "--json").json[0]["artifact_id"] == saved
    child = cli("upload", here.parent / "data", "--based-on", "tag:prod", "--json").artifact_id
    assert [row["artifact_id"] for row in cli("find", "--based-on", "tag:prod", "--json").json] == [child]
    assert cli("get", "tag:prod", "--file", "train.txt").code == 0
    assert (here / saved / "train.txt").exists()
    result = cli("get", "tag:prdo")
    assert (result.code, "did you mean 'prod'" in result.error) == (1, True)


def test_deleting_what_a_tag_names_takes_force(cli: Run, saved: str, root: Path) -> None:
    cli("tag", saved, "prod")
    assert "these tags name it: 'prod'" in cli("delete", "tag:prod").error
    assert cli("delete", "train.txt:latest").code == 2
    assert cli("delete", f"{'x' * 60}:latest").code == 2
    assert cli("delete", "tag:prod", "--force").out == f"{saved} was deleted\n"
    assert len(eio.Handler(root).tags()) == 0
