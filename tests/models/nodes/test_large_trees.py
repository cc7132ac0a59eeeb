"""Trees of very many nodes: a query for each level, not for each node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import sync
from elliptio.models.sync import Node


@contextmanager
def counted(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    asked: list[str] = []
    real = h.index.find

    def find(collection: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(collection)
        return real(collection, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(h.index, "find", find)
        yield asked


@pytest.mark.slow
def test_ten_thousand_nodes(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    top = Node()
    nodes, level = [top], [top]
    while len(nodes) < 10_000:
        level = [Node(node_parent_id=one.node_id) for one in level for _ in range(10)][: 10_000 - len(nodes)]
        nodes += level
    assert sync.write_nodes(nodes) == nodes
    sync.write_models(nodes[-1], {"last": 1})
    with counted(h, monkeypatch) as asked:
        found = sync.read_descendant_nodes(top)
    assert [one.node_id for one in found][:10] == [one.node_id for one in nodes[1:11]]
    assert {one.node_id for one in found} == {one.node_id for one in nodes[1:]}
    assert len(asked) <= 1 + 1 + 1 + 1 + 2 + 18 + 1
    with counted(h, monkeypatch) as asked:
        assert [model for _, model in sync.read_descendant_artifacts(top)] == [1]
    assert len(asked) <= 25 + 20 + 2
    with counted(h, monkeypatch) as asked:
        assert len(sync.read_ancestor_nodes(nodes[-1])) == 4
    assert len(asked) <= 6
    with counted(h, monkeypatch) as asked:
        tree = h.runs.tree(nodes[1].node_id, artifacts=False)
        assert str(tree).count("\n") == 1110
    assert len(asked) <= 3


@pytest.mark.slow
def test_a_long_chain(h: eio.Handler) -> None:
    nodes = [Node()]
    for _ in range(200):
        nodes.append(Node(node_parent_id=nodes[-1].node_id))
    sync.write_nodes(nodes)
    assert len(sync.read_ancestor_nodes(nodes[-1])) == len(sync.read_descendant_nodes(nodes[0])) == 200
    sync.delete_node(nodes[1])
    assert sync.read_child_nodes(nodes[0]) == []


def test_circles_end(h: eio.Handler) -> None:
    """Two who move at once, from two processes, may make one."""
    one, two = Node(), Node()
    sync.write_nodes([one, two])
    for inner, outer in ((one, two), (two, one)):
        document = next(h.lake.find_runs({"_id": inner.node_id}))
        h.index.replace("runs", {**document, "parent": outer.node_id})
    assert [node.node_id for node in sync.read_ancestor_nodes(one)] == [two.node_id]
    assert [node.node_id for node in sync.read_descendant_nodes(one)] == [two.node_id]
    with pytest.raises(eio.MetadataError, match="circle"):
        sync.write_nodes(in_a_circle())


def in_a_circle() -> list[Node]:
    one = Node()
    two = Node(node_parent_id=one.node_id)
    one.node_parent_id = two.node_id
    return [one, two]
