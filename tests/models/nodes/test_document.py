"""The examples of the document about nodes, and what it says of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pytest

import elliptio as eio
from elliptio.models.db import current_session
from elliptio.models.nodes.awaited import (
    read_ancestor_nodes,
    read_ancestor_spans,
    read_child_artifacts,
    read_child_nodes,
    read_child_spans,
    read_descendant_artifacts,
    read_descendant_nodes,
    read_descendant_spans,
    read_node,
    read_node_models,
    read_parent_node,
    read_parent_span,
    write_node_models,
)
from elliptio.models.nodes.entering import create_current
from elliptio.models.nodes.node import Node


class Run(Node):
    __mapper_args__ = {"polymorphic_identity": "run"}  # noqa: RUF012  # as the document has it
    run_started_at: datetime
    run_ended_at: datetime | None = None


async def tree() -> SimpleNamespace:
    async with create_current(Node) as p, create_current(Node) as n:
        m1 = await write_node_models("current", {"model1": {"some_value": 1}})
        async with create_current(Node) as c1, create_current(Node) as g:
            m2 = await write_node_models("current", {"model2": {"some_value": 2}})
        async with create_current(Node) as c2:
            m3 = await write_node_models("current", {"model2": {"some_value": 3}})
    ids = {name: one.node_id for name, one in [("p", p), ("n", n), ("c1", c1), ("c2", c2), ("g", g)]}
    return SimpleNamespace(**ids, m1=m1["model1"], m2=m2["model2"], m3=m3["model2"])


def ids(found: Any) -> set[str]:
    return {one.node_id for one in found}


def of_artifacts(found: Any) -> dict[str, Any]:
    return {artifact.artifact_id: model for artifact, model in found}


def test_models_are_read_by_label(h: eio.Handler) -> None:
    async def main() -> None:
        given = {"training_dataset": {"rows": 3}, "test_dataset": {"rows": 1}, "trained_model": {"weight": 0.5}}
        async with create_current(Node) as node:
            written = await write_node_models("current", given)
        assert await read_node_models(node.node_id) == given
        assert await read_node_models(node.node_id, labels=["trained_model"]) == {"trained_model": {"weight": 0.5}}
        assert await read_node_models(node.node_id, ["missing"]) == {}
        assert {h.show(one).metadata.run_id for one in written.values()} == {node.node_id}

    asyncio.run(main())


def test_the_tree_of_the_document(h: eio.Handler) -> None:
    async def main() -> None:
        t = await tree()
        assert ids(await read_child_nodes(t.n)) == ids(await read_child_spans(t.n)) == {t.c1, t.c2}
        assert of_artifacts(await read_child_artifacts(t.n)) == {t.m1: {"some_value": 1}}
        assert ids(await read_descendant_spans(t.n)) == ids(await read_descendant_nodes(t.n)) == {t.c1, t.c2, t.g}
        assert of_artifacts(await read_descendant_artifacts(t.n)) == {
            t.m1: {"some_value": 1},
            t.m2: {"some_value": 2},
            t.m3: {"some_value": 3},
        }
        parent = await read_parent_span(t.n)
        assert parent is not None
        assert parent.node_id == t.p
        assert await read_parent_node(t.p) is None
        assert [one.node_id for one in await read_ancestor_spans(t.g)] == [t.c1, t.n, t.p]
        assert ids(await read_ancestor_nodes(t.g)) == {t.c1, t.n, t.p}

    asyncio.run(main())


def test_a_class_of_nodes(h: eio.Handler) -> None:
    async def main() -> None:
        now = datetime.now(UTC)
        async with create_current(Run(run_started_at=now)) as first, create_current(Run, run_started_at=now) as second:
            assert first.run_ended_at is None
            async with create_current(Node) as plain:
                pass
        for one in (first, second):
            found = await read_node(one.node_id)
            assert type(found) is Run
            assert (found.run_started_at, found.run_ended_at, found.node_type) == (now, None, "run")
        assert ids(await read_child_nodes(first.node_id, Node)) == {second.node_id}
        assert ids(await read_descendant_nodes(first.node_id, Run)) == {second.node_id}
        assert type(await read_node(plain.node_id)) is Node
        assert plain.node_type == "node"

    asyncio.run(main())
    assert sorted(h.runs({"node.run_started_at": {"$exists": True}}).name) == ["Run", "Run"]


def run(func: Any) -> Any:
    @wraps(func)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        async with create_current(Run(run_started_at=datetime.now(UTC))) as run:
            try:
                parent = await read_parent_node("current")
                result = await func(parent, *args, **kwargs)
                await write_node_models("current", result)
                return result
            finally:
                async with current_session() as session:
                    run.run_ended_at = datetime.now(UTC)
                    session.add(run)
                    await session.commit()

    return wrapper


def test_the_decorator_of_the_document(h: eio.Handler) -> None:
    parents: list[Any] = []

    @run
    async def train_model(parent_span: Any, **parameters: Any) -> dict[str, Any]:
        parents.append(parent_span)
        if parameters.get("fail"):
            raise ValueError("no")
        return {"model": parameters}

    async def main() -> None:
        async with create_current(Node) as outer:
            assert await train_model(rate=1) == {"model": {"rate": 1}}
            with pytest.raises(ValueError, match="no"):
                await train_model(fail=True)
        good, bad = await read_child_nodes(outer.node_id)
        assert isinstance(good, Run)
        assert isinstance(bad, Run)
        assert good.run_ended_at is not None
        assert bad.run_ended_at is not None
        assert good.run_started_at <= good.run_ended_at
        assert await read_node_models(good.node_id) == {"model": {"rate": 1}}
        assert await read_node_models(bad.node_id) == {}
        assert [one.node_id for one in parents] == [outer.node_id] * 2
        assert h.runs.search({"_id": good.node_id}).rows()[0]["status"] == "finished"
        assert h.runs.search({"_id": bad.node_id}).rows()[0]["status"] == "failed"

    asyncio.run(main())
