"""``h.lineage`` and ``find(ancestors_of=, descendants_of=)``: all generations, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pymongo import monitoring

import elliptio as eio
from benchmarks import lakes
from benchmarks.place import Place
from elliptio.finding.options import Unasked
from elliptio.indexes.mongo import MongoIndex
from elliptio.indexes.query import ordering


@pytest.fixture
def family(h: eio.Handler, data: Path) -> dict[str, str]:
    """``a`` → ``b``, ``c`` → ``d`` (of both) → ``e``, and one of which the lake knows nothing above ``a``."""
    ids = {"gone": "artifact_gone"}
    parents = {"a": ["gone"], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"], "lone": []}
    for name, above in parents.items():
        with eio.mock_username(f"maker of {name}"):
            ids[name] = h.upload(data, based_on=[ids[parent] for parent in above]).artifact_id
    return ids


def test_all_generations(h: eio.Handler, family: dict[str, str]) -> None:
    names = {identifier: name for name, identifier in family.items()}
    found = h.lineage(family["d"])
    assert found.artifact_id == family["d"]
    assert [names[identifier] for identifier in found.ancestors] in (["b", "c", "a", "gone"], ["c", "b", "a", "gone"])
    assert [names[identifier] for identifier in found.descendants] == ["e"]
    assert {(names[child], names[parent]) for child, parent in found.links} == {
        ("d", "b"), ("d", "c"), ("b", "a"), ("c", "a"), ("a", "gone"), ("e", "d"),
    }  # fmt: skip
    assert len(found) == 6
    assert len(h.lineage(family["lone"])) == 1


def test_one_way_and_so_far(h: eio.Handler, family: dict[str, str]) -> None:
    assert h.lineage(family["d"], direction="up").descendants == []
    assert h.lineage(family["d"], direction="down").ancestors == []
    near = h.lineage(family["d"], depth=1)
    assert set(near.ancestors) == {family["b"], family["c"]}
    assert set(h.lineage(family["a"], depth=2, direction="down").descendants) == {family[n] for n in "bcd"}


def test_as_a_frame(h: eio.Handler, family: dict[str, str]) -> None:
    frame = h.lineage(family["d"]).to_frame()
    assert list(frame.columns) == [
        "generation", "state", "creation_time", "username", "file_relpaths", "labels", "run_id", "based_on",
    ]  # fmt: skip
    names = {identifier: name for name, identifier in family.items()}
    assert {names[identifier]: generation for identifier, generation in frame["generation"].items()} == {
        "gone": -3, "a": -2, "b": -1, "c": -1, "d": 0, "e": 1,
    }  # fmt: skip
    assert frame["generation"].is_monotonic_increasing
    assert frame.loc[family["e"], "username"] == "maker of e"
    assert frame.loc["artifact_gone", "state"] == "unknown"
    assert str(frame["creation_time"].dtype) == "datetime64[ms, UTC]"
    assert list(h.lineage(family["lone"]).to_frame().columns) == list(frame.columns)


def test_what_was_deleted_stays_in_its_place(h: eio.Handler, family: dict[str, str]) -> None:
    for name in "ab":
        h.delete(family[name], force=True)
    for start in ("d", "a"):
        frame = h.lineage(family[start]).to_frame()
        assert set(frame.index[frame["state"] == "deleted"]) == {family["a"], family["b"]}
        assert set(frame.index) == {family[name] for name in ("gone", "a", "b", "c", "d", "e")}
    assert frame.loc[family["b"], "username"] == "maker of b"


def test_documents_are_not_sorted_to_be_looked_up(
    h: eio.Handler, family: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "sort_documents", None)
    assert len(h.lineage(family["d"]).nodes()) == 6


def test_find_among_relatives(h: eio.Handler, family: dict[str, str]) -> None:
    assert set(h.find(ancestors_of=family["d"]).index) == {family[name] for name in "abc"}
    assert set(h.find(descendants_of=family["b"]).index) == {family["d"], family["e"]}
    assert list(h.find({"username": "maker of c"}, ancestors_of=family["e"]).index) == [family["c"]]
    assert set(h.find(ancestors_of=family["e"], descendants_of=family["a"]).index) == {family[name] for name in "bcd"}
    assert len(h.find(descendants_of=h.get(family["e"], track=False))) == 0
    with pytest.warns(eio.TruncatedWarning, match="1 of 3"):
        assert len(h.find(ancestors_of=family["d"], max_docs=Unasked(1))) == 1
    h.delete(family["a"], force=True)
    assert set(h.find(ancestors_of=family["d"], deleted=True).index) == {family[name] for name in "abc"}


def test_a_beginning_of_an_identifier_will_do(h: eio.Handler, family: dict[str, str]) -> None:
    assert h.lineage(family["lone"][:-2]).artifact_id == family["lone"]


def test_a_beginning_that_several_have_is_none_of_the_one_that_was_deleted(h: eio.Handler, data: Path) -> None:
    first, second, _ = (h.upload(data).artifact_id for _ in range(3))
    h.delete(second)
    assert h.lineage(second).artifact_id == second
    for beginning in ("artifact_", first[:14]):
        with pytest.raises(eio.DocumentNotFoundError, match="More than one"):
            h.lineage(beginning)


@pytest.mark.parametrize("wrong", [{"direction": "sideways"}, {"depth": 0}, {"depth": True}, {"depth": "2"}])
def test_what_is_no_question_is_refused(local: eio.Handler, data: Path, wrong: dict[str, Any]) -> None:
    artifact = local.upload(data)
    with pytest.raises(eio.QueryError, match=next(iter(wrong))):
        local.lineage(artifact, **wrong)


def test_nobody_has_no_lineage(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    for ask in (lambda: local.lineage("artifact_x"), lambda: local.find(ancestors_of="artifact_x")):
        with pytest.raises(eio.DocumentNotFoundError, match="artifact_x"):
            ask()


def test_the_lake_rebuilds_it(local: eio.Handler, data: Path) -> None:
    first = local.upload(data)
    second = local.upload(data, based_on=first)
    local.delete(first, force=True)
    before = local.lineage(second).to_frame()
    local.close()
    Path(local.store.root, ".elliptio/index.sqlite").unlink()
    again = eio.Handler(local.store.root)
    again.reindex()
    assert again.lineage(second).to_frame().equals(before)
    assert again.lineage(first).descendants == [second.artifact_id]


class Counting(monitoring.CommandListener):
    def __init__(self) -> None:
        self.finds = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.finds += event.command_name == "find"

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Count nothing."""


@pytest.fixture
def counting() -> Iterator[Counting]:
    listener = Counting()
    monitoring.register(listener)
    yield listener
    monitoring._LISTENERS.command_listeners.remove(listener)


def test_mongodb_is_asked_once_a_generation(counting: Counting, mongodb_url: str) -> None:
    index = MongoIndex(f"{mongodb_url.rstrip('/')}/links")
    index.insert("artifacts", {"_id": "root", "based_on": []})
    for number in range(300):
        index.insert("artifacts", {"_id": f"child {number}", "based_on": ["root"]})
        index.insert("artifacts", {"_id": f"grandchild {number}", "based_on": [f"child {number}"]})
    counting.finds = 0
    assert len(index.links(["artifacts"], ["root"], up=False)) == 600
    assert counting.finds == 3  # children, theirs, and that these have none


@pytest.mark.slow
def test_it_shows_itself(h: eio.Handler, family: dict[str, str]) -> None:
    lineage = h.lineage(family["d"])
    lines = str(lineage).splitlines()
    assert len(lines) == len(lineage) + 1  # one is reached twice
    asked = next(number for number, line in enumerate(lines) if line.startswith(f"▶ {family['d']}"))
    assert asked == len(lines) - 2
    assert "maker of d" in lines[asked]
    assert family["e"] in lines[-1]
    assert any("artifact_gone" in line and "unknown" in line for line in lines[:asked])
    for text in (lineage.to_mermaid(), lineage.to_dot(), lineage.to_svg()):
        assert all(f"maker of {name}" in text for name in "abcde")
    assert lineage.to_svg() in lineage._repr_html_()
    assert "not drawn" in lineage.to_svg(most=2)
    assert {(child, parent) for parent, child in lineage.to_networkx().edges} == set(lineage.links)


def test_runs_are_drawn(h: eio.Handler, data: Path) -> None:
    source = h.upload(data)
    with pytest.raises(ZeroDivisionError), h.run("train", {"rate": 0.5}) as run:
        h.get(source)
        model = h.upload(data)
        _ = 1 / 0
    found = h.lineage(source)
    made = {node.artifact_id: node.run for node in found.nodes()}
    assert made[source.artifact_id] is None
    assert (made[model.artifact_id] or {})["_id"] == run.run_id
    for text in (found.to_svg(), found.to_mermaid(), found.to_dot(), str(found)):
        assert "train" in text
        assert "failed" in text
    assert set(found.to_networkx()) == {source.artifact_id, model.artifact_id}


@pytest.mark.slow
def test_a_thousand_artifacts_are_drawn(tmp_path: Path) -> None:
    def parents(number: int) -> list[str]:
        return [lakes.artifact_id(other) for other in {number // 2, number - 1 - number % 30} if 0 <= other < number]

    h = lakes.filled(Place(tmp_path, tmp_path, documents=1000), parents=parents)
    found = h.lineage(lakes.artifact_id(0), direction="down")
    assert len(found) == 1000
    picture = ElementTree.fromstring(found.to_svg())
    drawn = [group.get("class") for group in picture.iter("{http://www.w3.org/2000/svg}g")]
    assert drawn.count("here asked") == 1
    assert 250 <= len(drawn) <= 300
    assert "more farther away are not drawn" in "".join(picture.itertext())
    assert len(ElementTree.fromstring(found.to_svg(most=2000)).findall(".//{http://www.w3.org/2000/svg}g")) > 900
