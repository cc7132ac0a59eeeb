"""Nodes by hand: written, changed, moved and deleted, and found again when the index is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import create_current, engine_context, sync
from elliptio.models.errors import NoCurrentNodeError, NodeNotFoundError, UnfitValueError
from elliptio.models.nodes.engine import set_engine
from elliptio.models.sync import Node, current_node

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MISSING = "run_01a20060-0b1c-7000-8a2a-1c5727dc9b55"


class Study(Node):
    rate: float
    ended_at: datetime | None = None
    notes: dict[str, Any] | None = None


class DeepStudy(Study):
    depth: int = 1


def rebuilt(h: eio.Handler) -> eio.Handler:
    """The lake with an index made anew from its files."""
    h.close()
    assert h.store.folder is not None
    for path in Path(h.store.folder, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    again = eio.Handler(h.store.folder)
    assert again.reindex().ok
    set_engine(again)
    return again


def runs_of(h: eio.Handler) -> dict[str, Any]:
    return {one["_id"]: {**one, "heartbeat": None} for one in h.lake.find_runs({})}


def test_a_node_by_hand_is_a_run_without_a_process(h: eio.Handler) -> None:
    node = Study(rate=0.5, ended_at=NOW, notes={"a.b": [1, {"$x": None}]})
    assert sync.write_node(node) is node
    child = DeepStudy(rate=1, node_parent_id=node.node_id)
    sync.write_node(child)
    assert h.runs.search({"_id": node.node_id}).rows()[0]["status"] == "recorded"
    before = runs_of(h)
    for found in (sync.read_node(node.node_id), rebuilt(h) and sync.read_node(node.node_id)):
        assert isinstance(found, Study)
        assert (found.rate, found.ended_at, found.notes) == (0.5, NOW, {"a.b": [1, {"$x": None}]})
        assert (found.node_id, found.node_parent_id, found.node_type) == (node.node_id, None, "Study")
        assert found.node_created_at == found.node_updated_at == node.node_created_at
        assert found == node
    again = eio.Handler(h.store.folder)
    assert runs_of(again) == before
    assert again.verify().ok
    assert str(again.runs.tree(child.node_id).parent.run_id) == node.node_id  # type: ignore[union-attr]


def test_many_are_written_at_once_whatever_their_order(h: eio.Handler) -> None:
    top = Node()
    inner = [Node(node_parent_id=top.node_id) for _ in range(5)]
    innermost = Node(node_parent_id=inner[3].node_id)
    sync.write_nodes([innermost, *inner, top])
    assert {one.node_id for one in sync.read_child_nodes(top)} == {one.node_id for one in inner}
    assert [one.node_id for one in sync.read_ancestor_nodes(innermost)] == [inner[3].node_id, top.node_id]
    assert {one["root"] for one in h.lake.find_runs({})} == {top.node_id}


def test_what_is_changed_is_a_new_line_and_not_an_overwrite(h: eio.Handler) -> None:
    with current_node(Study, rate=0.5) as node:
        sync.write_model("a", 1)
    files = {path: path.read_bytes() for path in Path(str(h.store.folder), ".elliptio", "runs").rglob("*.json")}
    with sync.current_session() as session:
        node.rate, node.ended_at = 0.75, NOW
        session.add(node)
        assert isinstance(found := sync.read_node(node), Study)
        assert found.rate == 0.5
        session.commit()
        session.commit()
    assert all(path.read_bytes() == content for path, content in files.items())
    after = set(Path(str(h.store.folder), ".elliptio", "runs").rglob("*.json")) - files.keys()
    assert len(after) == 1
    assert h.runs.search({"node.rate": {"$gt": 0.7}, "node.ended_at": {"$exists": True}}).rows()
    for again in (h, rebuilt(h)):
        assert isinstance(found := sync.read_node(node), Study)
        assert (found.rate, found.ended_at) == (0.75, NOW)
        assert found.node_updated_at == node.node_updated_at > node.node_created_at
        assert again.runs.search({"_id": node.node_id}).rows()[0]["status"] == "finished"
    assert h.find({"run.node.rate": 0.75}).shape[0] == 1


def test_two_who_change_other_fields_both_count(h: eio.Handler) -> None:
    node = Study(rate=0.5)
    sync.write_node(node)
    other = sync.read_node(node)
    assert isinstance(other, Study)
    node.rate, other.notes = 1.5, {"by": "other"}
    both = [threading.Thread(target=sync.write_node, args=(one,)) for one in (node, other)]
    [one.start() for one in both]
    [one.join() for one in both]
    for _ in (h, rebuilt(h)):
        assert isinstance(found := sync.read_node(node), Study)
        assert (found.rate, found.notes) == (1.5, {"by": "other"})


def test_a_node_that_goes_on_can_be_changed_and_keeps_that_when_it_ends(h: eio.Handler) -> None:
    with current_node(Study, rate=0.5) as node, h.current_run.run("inside"):  # type: ignore[union-attr]
        node.rate = 2.0
        sync.write_node(node)
        assert isinstance(found := sync.read_node(node), Study)
        assert found.rate == 2.0
    row = h.runs.search({"node.rate": 2.0}).rows()[0]
    assert (row["run_id"], row["status"]) == (node.node_id, "finished")


def test_moving_takes_all_along(h: eio.Handler) -> None:
    with current_node(Node) as old, current_node(Node) as inner, current_node(Node) as leaf:
        pass
    new = Node()
    sync.write_node(new)
    sync.write_parent_child_relationships([(new.node_id, inner.node_id)])
    before = None
    for again in (h, rebuilt(h)):
        assert [one.node_id for one in sync.read_ancestor_nodes(leaf)] == [inner.node_id, new.node_id]
        assert sync.read_child_nodes(old) == []
        assert [one.run_id for one in again.runs.tree(new.node_id).descendants] == [inner.node_id, leaf.node_id]
        assert before in (None, runs_of(again))
        before = runs_of(again)
    with pytest.raises(eio.MetadataError, match="lies in it"):
        sync.write_parent_child_relationships([(leaf.node_id, new.node_id)])
    sync.write_parent_child_relationships([(None, inner)])
    assert sync.read_parent_node(inner) is None
    found = sync.read_node(inner)
    found.node_parent_id = old.node_id
    sync.write_node(found)
    assert [one.node_id for one in sync.read_ancestor_nodes(leaf)] == [inner.node_id, old.node_id]


def test_moving_what_goes_on(h: eio.Handler) -> None:
    new = Node()
    sync.write_node(new)
    with current_node(Node) as node:
        with current_node(Node) as inner:
            sync.write_parent_child_relationships([(new, node)])
            with current_node(Node) as innermost:
                pass
        assert [one.node_id for one in sync.read_ancestor_nodes(inner)] == [node.node_id, new.node_id]
    assert [one.node_id for one in sync.read_ancestor_nodes(innermost)][-1] == new.node_id
    assert {one["root"] for one in h.lake.find_runs({})} == {new.node_id}


def test_deleting_takes_models_and_nodes_inside_and_stays_so(h: eio.Handler) -> None:
    with current_node(Node) as stays, current_node(Node) as node:
        mine = sync.write_node_models("current", {"a": 1, "b": 2})
        with current_node(Node) as inner:
            assert sync.read_model(mine["a"]) == 1
            inside = sync.write_model("c", 3)  # based on a
        kept = sync.write_model("d", 4, parent_id=stays)
    sync.delete_node(node)
    for again in (h, rebuilt(h)):
        assert not sync.read_node_exists(node.node_id)
        assert not sync.read_node_exists(inner.node_id)
        assert [one.node_id for one in sync.read_descendant_nodes(stays)] == []
        assert list(again.find().index) == [kept]
        assert again.verify().ok
        with pytest.raises(eio.DocumentNotFoundError, match="was deleted"):
            again.get(inside)
    assert not Path(str(h.store.folder), ".elliptio/runs", node.node_id, "begin.json").exists()


def test_what_others_are_based_on_is_not_deleted_unless_forced(h: eio.Handler) -> None:
    with current_node(Node) as node:
        mine = sync.write_model("a", 1)
        other = sync.write_model("unused", 2)
    with current_node(Node):
        sync.read_model(mine)
        theirs = sync.write_model("b", 2)
    with pytest.raises(eio.InUseError, match=theirs):
        sync.delete_node(node)
    assert sync.read_node_models(node) == {"a": 1, "unused": 2}
    h.tag(other, "prod")
    with pytest.raises(eio.InUseError, match="prod"):
        sync.delete_node(node)
    sync.delete_node(node, force=True)
    assert not sync.read_node_exists(node)
    with pytest.raises(NodeNotFoundError, match=node.node_id):
        sync.delete_node(node)


def test_a_node_alone_can_be_deleted_and_what_was_in_it_is_a_root(h: eio.Handler) -> None:
    with current_node(Node) as node, current_node(Node) as inner:
        pass
    sync.delete_node(node, descendants=False)
    assert sync.read_parent_node(inner) is None
    assert sync.read_ancestor_nodes(inner) == []


def test_a_node_that_goes_on_can_be_deleted(h: eio.Handler) -> None:
    with current_node(Node) as node:
        sync.delete_node("current")
    for again in (h, rebuilt(h)):
        assert not sync.read_node_exists(node)
        assert again.runs().empty


def test_the_newest_of_a_label_is_read_and_both_are_kept(h: eio.Handler) -> None:
    with current_node(Node) as node:
        first = sync.write_model("a", 1)
    second = sync.write_model("a", 2, parent_id=node.node_id)
    assert sync.read_node_models(node) == {"a": 2}
    assert [(one.artifact_id, model) for one, model in sync.read_child_artifacts(node)] == [(first, 1), (second, 2)]


def test_reading_counts_as_loading(h: eio.Handler) -> None:
    with current_node(Node) as node:
        first = sync.write_model("a", 1)
    with current_node(Node):
        sync.read_node_models(node)
        second = sync.write_model("b", 1)
    assert h.show(second).metadata.based_on == [first]


def test_what_is_not_there_is_named(h: eio.Handler) -> None:
    sync.write_node(Node())
    asks: list[Any] = [
        sync.read_node, sync.read_parent_node, sync.read_child_nodes, sync.read_descendant_nodes,
        sync.read_ancestor_nodes, sync.read_node_models, sync.read_child_artifacts, sync.read_descendant_artifacts,
        sync.delete_node, lambda one: sync.write_node_models(one, {"a": 1}), lambda one: sync.write_model("a", 1, one),
        lambda one: sync.read_nodes([one]), lambda one: sync.write_node(Node(node_parent_id=one)),
        lambda one: sync.write_parent_child_relationships([(None, one)]),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(NodeNotFoundError, match=MISSING) as raised:
            ask(MISSING)
        assert isinstance(raised.value, LookupError)
        with pytest.raises(NoCurrentNodeError, match="current") as raised:
            ask("current")
        assert isinstance(raised.value, RuntimeError)
    for ask in asks[:9]:
        with pytest.raises(NodeNotFoundError):
            ask(7)
    with pytest.raises(LookupError, match="artifact_"):
        sync.read_model("artifact_01a20060-0b1c-7000-8a2a-1c5727dc9b55")
    assert sync.read_node(MISSING, allow_none=True) is None
    assert sync.read_nodes([MISSING], allow_none=True) == [None]
    assert not sync.read_nodes_exist([MISSING])
    assert h.find().empty


def test_what_is_no_node_is_refused(local: eio.Handler) -> None:
    with engine_context(local):
        for make in (lambda: create_current(int), lambda: create_current(3), lambda: sync.write_nodes([Node(), 3])):
            with pytest.raises(TypeError, match="A node is made of Node") as raised:
                make()
            assert isinstance(raised.value, eio.ElliptioError)
        node = sync.write_node(Node())
        assert [one.node_id for one in sync.read_nodes(node.node_id)] == [node.node_id], "a text is one identifier"
        assert len(local.runs({})) == 1
        assert sync.read_nodes_exist(node.node_id)


def test_a_run_is_a_node(h: eio.Handler) -> None:
    with h.run("train", {"rate": 1}) as run, current_node(Node) as inner:
        assert sync.read_parent_node("current").node_id == run.run_id  # type: ignore[union-attr]
    sync.write_model("a", 1, parent_id=run)
    assert sync.read_node_models(run.run_id) == {"a": 1}
    assert [one.node_id for one in sync.read_child_nodes(run.run_id)] == [inner.node_id]
    assert type(sync.read_node(run.run_id)) is Node
    sync.write_parent_child_relationships([(inner, sync.write_node(Node()))])


def test_a_node_whose_class_is_gone_keeps_its_fields(h: eio.Handler) -> None:
    class Gone(Study):
        more: int

    node = Gone(rate=1.0, more=3)
    sync.write_node(node)
    key = "tests.models.nodes.test_nodes:test_a_node_whose_class_is_gone_keeps_its_fields.<locals>.Gone"
    from elliptio.models.nodes.node import _classes

    assert _classes.pop(key) is Gone
    found = sync.read_node(node)
    assert type(found) is Study
    assert (found.more, found.node_type) == (3, "Gone")  # type: ignore[attr-defined]
    found.rate = 2.0
    sync.write_node(found)
    found.more = 4  # type: ignore[attr-defined]
    with pytest.raises(UnfitValueError, match="more"):
        sync.write_node(found)

    class Other:
        class Gone(Study):
            more: int

    assert type(sync.read_node(node)) is Other.Gone
    assert sync.read_node(node).rate == 2.0  # type: ignore[attr-defined]


def test_what_has_no_form_is_refused_before_anything_is_written(h: eio.Handler) -> None:
    with pytest.raises(UnfitValueError, match=r"notes\['x'\]"):
        sync.write_node(Study(rate=1, notes={"x": object()}))
    with pytest.raises(UnfitValueError), current_node(Study, rate=1, notes={"x": object()}):
        pass
    assert list(h.lake.find_runs({})) == []
    with pytest.raises(UnfitValueError):
        sync.write_node_models(sync.write_node(Node()), ["a"])  # type: ignore[arg-type]


def test_a_class_for_sqlalchemy_is_taken(h: eio.Handler) -> None:
    orm = pytest.importorskip("sqlalchemy.orm")
    Mapped, mapped_column = orm.Mapped, orm.mapped_column

    class Row(Node):
        __mapper_args__ = {"polymorphic_identity": "row"}  # noqa: RUF012
        row_started_at: Mapped[datetime]
        row_ended_at: Mapped[datetime | None] = None
        row_size: Mapped[int | None] = mapped_column(nullable=True)
        row_count: Mapped[int] = mapped_column(default=3)
        row_tags: Mapped[list[str]] = mapped_column(default=list)

    with pytest.raises(TypeError):
        Row()
    node = Row(row_started_at=NOW)
    sync.write_node(node)
    found = sync.read_node(node)
    assert isinstance(found, Row)
    assert vars(found) | {"_stored": None} == vars(node) | {"_stored": None}
    assert (found.row_started_at, found.row_ended_at, found.row_size, found.row_count) == (NOW, None, None, 3)
    assert (found.row_tags, found.node_type) == ([], "row")


def test_entering_again_adds_to_what_has_ended(h: eio.Handler) -> None:
    with current_node(Node) as node:
        pass
    ended = h.runs.search({}).rows()[0]["end_time"]
    with current_node(node) as again, current_node(Node) as inner:
        assert again is node
    with current_node(sync.read_node(node)):
        sync.write_model("a", 1)
    assert sync.read_node_models(node) == {"a": 1}
    assert inner.node_parent_id == node.node_id
    assert h.runs.search({"_id": node.node_id}).rows()[0]["end_time"] == ended


def test_sessions_forget_what_was_not_committed(h: eio.Handler) -> None:
    node = Study(rate=1.0)
    with sync.session_context() as session, sync.current_session() as same:
        assert same is session
        session.add_all([node])
        session.rollback()
        session.commit()
        assert not sync.read_node_exists(node)
        session.add(node)
        session.commit()
        other = sync.read_node(node)
        other.rate = 3.0  # type: ignore[attr-defined]
        sync.write_node(other)
        session.refresh(node)
    assert node.rate == 3.0
    with pytest.raises(ValueError, match="write_model"):
        session.add({"no": "node"})  # type: ignore[arg-type]


def test_a_parent_can_be_named(h: eio.Handler) -> None:
    with current_node(Node) as outer:
        with current_node(Node, node_parent_id=None) as root, current_node(Node) as inner:
            pass
        with current_node(Node(node_parent_id=root.node_id)) as second, current_node(Node) as innermost:
            pass
        third = sync.write_node(Node(node_parent_id="current"))
    assert root.node_parent_id is None
    assert [one.node_id for one in sync.read_descendant_nodes(root)] == [
        inner.node_id,
        second.node_id,
        innermost.node_id,
    ]
    assert [one.node_id for one in sync.read_child_nodes(outer)] == [third.node_id]
    assert {one["_id"]: one["root"] for one in h.lake.find_runs({})} == {
        **dict.fromkeys((root.node_id, inner.node_id, second.node_id, innermost.node_id), root.node_id),
        **dict.fromkeys((outer.node_id, third.node_id), outer.node_id),
    }


def test_models_are_written_with_the_node_first_or_last(h: eio.Handler) -> None:
    node = sync.write_node(Node())
    sync.write_models({"a": 1}, node)
    sync.write_models(node.node_id, {"b": 2})
    sync.write_models({"outside": 3})
    with current_node(node):
        sync.write_models({"c": 3})
        sync.write_model(label="d", model=4)
    sync.write_model("e", 5, parent_id=node.node_id)
    assert sync.read_node_models(node) == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}


@pytest.mark.parametrize(
    "record",
    [7, {"values": 7}, {"values": "{"}, {"values": "[1]"}, {"values": "[" * 100_000}, {"classes": 3}, {"schema": "x"}],
)
def test_a_hostile_document_is_an_error_of_ours(record: Any, h: eio.Handler) -> None:
    node = sync.write_node(Node())
    document = next(h.lake.find_runs({"_id": node.node_id}))
    h.index.replace("runs", {**document, "node_record": record})
    with pytest.raises(eio.ElliptioError, match="damaged"):
        sync.read_node(node)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("begin.json", '"node": 7'), ("begin.json", '"node": {}'), ("begin.json", '"node_record": {"values": "x"}'),
        ("begin.json", '"status": "finished"'), ("log-00000001.json", '"node": 7'),
        ("log-00000001.json", '"node": {"asked": {}, "values": "[]"}'),
        ("log-00000001.json", '"node": {"asked": {}, "values": "{}", "parent": 7, "root": "x"}'),
    ],
)  # fmt: skip
def test_a_hostile_file_is_a_problem_that_is_named(name: str, text: str, h: eio.Handler) -> None:
    node = sync.write_node(Study(rate=1.0))
    folder = Path(str(h.store.folder), ".elliptio", "runs", node.node_id)
    if name == "begin.json":
        known = (folder / name).read_text()
        parts = json.loads(known)
        added = json.loads(f"{{{text}}}")
        if added == {"node": {}}:
            del parts["node_record"]
        (folder / name).write_text(json.dumps(parts | added))
    else:
        (folder / name).write_text(f'{{"time": {{"$date": "2026-01-01T00:00:00Z"}}, "rows": [], "used": [], {text}}}')
    h.index.delete("runs", [node.node_id])
    report = h.reindex()
    assert [problem.artifact_id for problem in h.verify().problems] == [node.node_id]
    assert ([problem.artifact_id for problem in report.problems] == [node.node_id]) == (name == "begin.json")


def test_what_is_too_large_or_cannot_be_stored_is_refused(h: eio.Handler) -> None:
    node = sync.write_node(Study(rate=1.0))
    for wrong in ({"x": "a" * (5 << 20)}, {"x": object()}):
        with pytest.raises(UnfitValueError):
            sync.write_node(Study(rate=1, notes=wrong))
        node.notes = wrong
        with pytest.raises(UnfitValueError):
            sync.write_node(node)
    node.notes = {"": 1, "a\0b": 2, "ü": 10**30, "nan": float("inf"), "text": "\ud800"}
    sync.write_node(node)
    rebuilt(h)
    assert sync.read_node(node).notes == node.notes  # type: ignore[attr-defined]


def test_steps_that_are_recorded_with_others_are_moved_and_deleted_with_them(h: eio.Handler) -> None:
    from elliptio.provenance import collecting
    from elliptio.runs.running import running

    with h.run("build") as build:
        seen = collecting.collect(git_diff=h._settings["git_diff"].value)
        with running(
            h.lake, build._scope, "step", None, None, log_output=False, git_diff="none", seen=seen, step={}
        ) as step:
            pass
    new = sync.write_node(Node())
    assert not Path(str(h.store.folder), ".elliptio/runs", step.run_id).exists()
    with pytest.raises(eio.InUseError, match=build.run_id):
        sync.delete_node(step.run_id)
    sync.write_parent_child_relationships([(new, step.run_id)])
    for _ in (h, rebuilt(h)):
        assert [one.node_id for one in sync.read_child_nodes(new)] == [step.run_id]
        assert sync.read_child_nodes(build.run_id) == []
    sync.write_parent_child_relationships([(build.run_id, step.run_id)])
    sync.delete_node(build.run_id)
    rebuilt(h)
    assert sync.read_nodes([build.run_id, step.run_id], allow_none=True) == [None, None]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["begin.json", "log-00000001.json", "end.json", "deleted.json"])
@pytest.mark.parametrize("after", [False, True])
def test_who_is_killed_leaves_a_node_whole_or_absent(where: str, after: bool, h: eio.Handler) -> None:
    """At each file that is written of it, before and after."""
    program = f"""
import os, signal
import elliptio as eio
from elliptio.lake import run_records
from elliptio.models import create_current, engine_context, sync
from tests.models.nodes.test_nodes import Study
sync.set_engine({str(h.store.root)!r})
real = run_records.write
def write(lake, run_id, name, content):
    if name == {where!r} and not {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    written = real(lake, run_id, name, content)
    if name == {where!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    return written
run_records.write = write
with sync.current_node(Study, rate=1.0) as node:
    print(node.node_id, flush=True)
    node.rate = 2.0
    sync.write_node(node)
sync.delete_node(node)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    node_id = done.stdout.strip()
    rebuilt(h)
    rows = list(h.lake.find_runs({}))
    if where == "begin.json":
        assert len(rows) == after
        return
    if where == "deleted.json" and after:
        assert rows == []
        return
    found = sync.read_node(node_id)
    assert isinstance(found, Study)
    assert found.rate == (1.0 if where.startswith("log") and not after else 2.0)
