"""``elliptio lineage``."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


@pytest.fixture
def child(cli: Run, saved: str, data: Path) -> str:
    return cli("upload", data, "--based-on", saved, "--json").artifact_id


def test_the_tree(cli: Run, saved: str, child: str, root: Path) -> None:
    result = cli("lineage", child)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{eio.Handler(root).lineage(child)}\n"
    above, asked = result.out.splitlines()
    assert above.startswith(f"┌─ {saved}  test.txt, train.txt  ")
    assert asked.startswith(f"▶ {child}")
    assert cli("lineage", child[:-2]).out == result.out


def test_as_json(cli: Run, saved: str, child: str) -> None:
    found = cli("lineage", saved, "--json").json
    assert found["artifact_id"] == saved
    assert [(node["artifact_id"], node["generation"], node["state"]) for node in found["nodes"]] == [
        (saved, 0, "here"),
        (child, 1, "here"),
    ]
    assert found["nodes"][0]["labels"]["project"] == "story"
    assert found["nodes"][0]["creation_time"].endswith("Z")
    assert found["links"] == [{"child": child, "parent": saved}]


def test_one_way_and_so_far(cli: Run, saved: str, child: str, data: Path) -> None:
    grandchild = cli("upload", data, "--based-on", child, "--json").artifact_id

    def reached(*more: object) -> set[str]:
        return {node["artifact_id"] for node in cli("lineage", child, "--json", *more).json["nodes"]}

    assert reached("--direction", "up") == {saved, child}
    assert reached("--direction", "down") == {child, grandchild}
    nodes = cli("lineage", saved, "--depth", 1, "--json").json["nodes"]
    assert [node["artifact_id"] for node in nodes] == [saved, child]


def test_in_other_notations(cli: Run, saved: str, child: str, root: Path, here: Path) -> None:
    lineage = eio.Handler(root).lineage(child)
    assert cli("lineage", child, "--mermaid").out == lineage.to_mermaid()
    assert cli("lineage", child, "--dot").out == lineage.to_dot()
    assert cli("lineage", child, "--dot", "--json").json == {"dot": lineage.to_dot()}
    assert cli("lineage", child, "--svg", "a.svg").out == f"{here / 'a.svg'}\n"
    assert (here / "a.svg").read_text("utf-8") == lineage.to_svg()


def test_what_was_deleted(cli: Run, saved: str, child: str) -> None:
    cli("delete", saved, "--force")
    assert cli("lineage", child).out.splitlines()[0].endswith("  deleted")
    node = cli("lineage", saved, "--json").json["nodes"][0]
    assert (node["artifact_id"], node["state"]) == (saved, "deleted")
    assert node["deleted"]["username"]


def test_an_error_is_one_line(cli: Run, saved: str) -> None:
    result = cli("lineage", "artifact_nobody_has")
    assert (result.code, result.out) == (1, "")
    assert "artifact_nobody_has" in result.error
    result = cli("lineage", saved, "--svg", "no/such/folder.svg")
    assert (result.code, result.out) == (1, "")
    assert "no/such/folder.svg" in result.error
