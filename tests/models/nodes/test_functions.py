"""Calls that are nodes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import sync
from elliptio.models.errors import ModelDefinitionError, UnfitValueError
from elliptio.models.nodes.entering import create_current
from elliptio.models.sync import Node, node_function


class Run(Node):
    run_started_at: datetime
    run_ended_at: datetime | None = None
    size: int = 0


class Odd(Node):
    began: datetime | None = None
    over: datetime | None = None
    weekend_ended_at: str = ""


def test_a_call_is_a_node(h: eio.Handler) -> None:
    @node_function
    def train(parent: Any, rate: float) -> dict[str, Any]:
        """Train."""
        return {"model": rate, "parent": parent and parent.node_id}

    with sync.current_node(Node) as outer:
        assert train(0.1) == {"model": 0.1, "parent": outer.node_id}
    (node,) = sync.read_child_nodes(outer)
    assert sync.read_node_models(node) == {"model": 0.1, "parent": outer.node_id}
    assert train(rate=0.2)["parent"] is None
    assert train.__doc__ == "Train."


@pytest.mark.parametrize("how", [node_function(Run), node_function(Run, size=3, ended="run_ended_at")])
def test_beginning_and_end_are_kept_also_of_what_raises(how: Any, h: eio.Handler) -> None:
    @how
    async def train(parent: Any, fail: bool) -> dict[str, Any] | None:
        await asyncio.sleep(0)
        if fail:
            raise ValueError("no")
        return None

    async def main() -> str:
        async with create_current(Node) as outer:
            await train(False)
            with pytest.raises(ValueError, match="no"):
                await train(True)
        return outer.node_id

    good, bad = sync.read_child_nodes(asyncio.run(main()), Run)
    for node, status in ((good, "finished"), (bad, "failed")):
        assert isinstance(node, Run)
        assert node.run_ended_at is not None
        assert node.run_started_at <= node.run_ended_at
        assert h.runs.search({"_id": node.node_id}).rows()[0]["status"] == status
        assert sync.read_node_models(node) == {}


def test_fields_can_be_named(h: eio.Handler) -> None:
    @node_function(Odd, started="began", ended="over")
    def work(parent: Any) -> None:
        found = sync.read_node("current")
        assert isinstance(found, Odd)
        assert found.began is not None
        assert found.over is None

    work()
    with sync.current_node(Node) as outer:
        work()
    (found,) = sync.read_child_nodes(outer)
    assert isinstance(found, Odd)
    assert found.over is not None
    assert found.weekend_ended_at == ""
    with pytest.raises(ModelDefinitionError, match="stopped"):
        node_function(Odd, ended="stopped")


def test_what_is_no_dict_is_refused(h: eio.Handler) -> None:
    @node_function
    def wrong(parent: Any) -> Any:
        return [1]

    with pytest.raises(UnfitValueError, match="list"):
        wrong()
    assert list(h.runs().status) == ["failed"]
