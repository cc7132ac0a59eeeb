"""Models in nodes, with nothing in the place of what saves them."""

from __future__ import annotations

import asyncio
from dataclasses import field
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import (
    DataModel,
    NodeNotFoundError,
    NotAModelError,
    create_current,
    node_function,
    read_child_artifacts,
    read_model,
    read_node_models,
    sync,
    write_model,
    write_node_models,
)
from elliptio.models.nodes.node import Node


class Weights(DataModel, version=1):
    some_value: int
    another_value: dict[str, str] = field(default_factory=dict)


def test_a_model_belongs_to_its_node_and_counts_when_it_is_read(h: eio.Handler) -> None:
    async def main() -> None:
        one = Weights(42, {"foo": "bar"})
        async with create_current(Node) as node:
            artifact_id = await write_model("my-data", one)
            many = await write_node_models("current", {"a": Weights(1), "b": Weights(2)})
        assert await read_model(artifact_id) == one
        assert await read_node_models(node.node_id) == {"my-data": one, "a": Weights(1), "b": Weights(2)}
        assert await read_node_models(node, labels=["b"]) == {"b": Weights(2)}
        found = await read_child_artifacts(node)
        assert [(artifact.artifact_id, model) for artifact, model in found] == [
            (artifact_id, one), (many["a"], Weights(1)), (many["b"], Weights(2)),
        ]  # fmt: skip
        later = await write_model("a", Weights(3), parent_id=node.node_id)
        assert (await read_node_models(node))["a"] == Weights(3)
        assert h.show(later).metadata.run_id == node.node_id
        outside = await write_model("alone", Weights(4))
        assert h.show(outside).metadata.run_id == h.run_id
        assert set(h.show(outside).metadata.based_on) >= {artifact_id, *many.values()}

    asyncio.run(main())


def test_what_is_saved_in_a_block_by_the_handler_is_of_the_node(h: eio.Handler) -> None:
    with sync.current_node(Node) as node:
        h.save(Weights(1), "mine")
        with eio.Handler(h.store.root).run("part") as inner:
            h.save(Weights(2), "inner")
    assert sync.read_node_models(node) == {"mine": Weights(1)}
    assert sync.read_node_models(inner) == {"inner": Weights(2)}
    assert [model for _, model in sync.read_descendant_artifacts(node)] == [Weights(1), Weights(2)]


def test_a_call_keeps_what_it_returns(h: eio.Handler) -> None:
    @node_function
    async def train(parent: Any, value: int) -> dict[str, Any]:
        return {"model": Weights(value)}

    async def main() -> None:
        async with create_current(Node) as outer:
            await asyncio.gather(*(train(number) for number in range(5)))
        nodes = sync.read_child_nodes(outer)
        assert sorted(sync.read_node_models(node)["model"].some_value for node in nodes) == list(range(5))

    asyncio.run(main())


def test_what_is_no_model_is_refused(h: eio.Handler) -> None:
    node = sync.write_node(Node())
    for wrong in ({"a": 1}, {"a": Weights(1), "b": object()}):
        with pytest.raises(eio.ElliptioError):
            sync.write_node_models(node, wrong)
    assert h.find().empty
    text = h.save("text", "a.txt")
    with pytest.raises(NotAModelError):
        sync.read_model(text.artifact_id)
    with pytest.raises(NodeNotFoundError, match="artifact_"):
        sync.read_model("artifact_01a20060-0b1c-7000-8a2a-1c5727dc9b55")


def test_models_go_with_their_node(h: eio.Handler) -> None:
    with sync.current_node(Node) as node:
        mine = sync.write_model("a", Weights(1))
    sync.read_model(mine)
    other = sync.write_model("b", Weights(2))
    with pytest.raises(eio.InUseError, match=other):
        sync.delete_node(node)
    sync.delete_model(other)
    sync.delete_node(node)
    assert h.find().empty
