"""Nodes on every combination of store and index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import sync
from elliptio.models.db import set_engine
from elliptio.models.sync import Node, current_node
from tests.conftest import Team

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class Stage(Node):
    stage_ended_at: datetime | None = None
    options: dict[str, Any] | None = None


def found(h: eio.Handler) -> dict[str, Any]:
    return {one["_id"]: {**one, "heartbeat": None} for one in h.lake.find_runs({})}


def test_a_tree_lives_and_is_rebuilt(team: Team) -> None:
    h = team.handler()
    set_engine(h)
    with current_node(Node) as top:
        with current_node(Stage, options={"a.b": 1, "$c": [NOW]}) as stage, current_node(Node) as leaf:
            sync.write_node_models("current", {"a": 1})
        with current_node(Stage) as gone:
            sync.write_node_models("current", {"b": 2})
    stage.stage_ended_at = NOW
    by_hand = Stage(node_parent_id=top.node_id)
    sync.write_nodes([stage, by_hand])
    sync.write_parent_child_relationships([(by_hand, stage)])
    sync.delete_node(gone)

    def look() -> None:
        read = sync.read_node(stage)
        assert isinstance(read, Stage)
        assert (read.stage_ended_at, read.options) == (NOW, {"a.b": 1, "$c": [NOW]})
        assert [one.node_id for one in sync.read_ancestor_nodes(leaf)] == [
            stage.node_id,
            by_hand.node_id,
            top.node_id,
        ]
        assert {one.node_id for one in sync.read_descendant_nodes(top)} == {
            by_hand.node_id,
            stage.node_id,
            leaf.node_id,
        }
        assert [model for _, model in sync.read_descendant_artifacts(top)] == [1]
        assert not sync.read_node_exists(gone)

    look()
    rows = h.runs.search({"node.stage_ended_at": {"$gte": NOW.replace(microsecond=0)}}, columns=["node"]).rows()
    assert [row["run_id"] for row in rows] == [stage.node_id]
    before = found(h)
    # As if the index were lost: another one does not know anything of it.
    h.index.delete("runs", list(before))
    report = h.reindex()
    assert report.ok
    assert report.runs == len(before) == 4
    look()
    assert found(h) == before
    assert h.reindex().runs == 0


def test_what_the_index_did_not_take_is_told_later(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    set_engine(local)
    node = Stage()
    sync.write_node(node)

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise eio.IndexUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(local.index, "insert", fail)
        patch.setattr(local.index, "replace", fail)
        node.options = {"a": 1}
        with pytest.warns(eio.SpooledWarning, match="change is recorded"):
            sync.write_node(node)
    local.lake.reached()
    again = Stage()
    with monkeypatch.context() as patch:
        patch.setattr(local.index, "insert", fail)
        with pytest.warns(eio.SpooledWarning, match="h.runs does not show it yet"):
            sync.write_node(again)
    local.lake.reached()
    read = sync.read_node(node)
    assert isinstance(read, Stage)
    assert read.options == {"a": 1}
    assert sync.read_node_exists(again)
