"""A store and an index that take their time do not hold up the loop: no step of it waits for them."""

from __future__ import annotations

import asyncio
import time
from asyncio.events import Handle
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trio

import elliptio as eio
from elliptio.models.db import current_session
from elliptio.models.nodes import engine
from elliptio.models.nodes.awaited import (
    delete_node,
    read_descendant_nodes,
    read_model,
    read_node_models,
    write_model,
    write_node_models,
)
from elliptio.models.nodes.entering import create_current
from elliptio.models.nodes.functions import node_function
from elliptio.models.nodes.node import Node
from elliptio.system import current_handler

SLOW = 0.1
"""Seconds that each operation takes: a step of the loop that waits for one takes as long, whatever else goes on."""
STORE = ("open", "list", "create", "begin", "stat", "remove")
INDEX = ("find", "insert", "replace", "delete", "count")


class Step(Node):
    number: int
    ended_at: datetime | None = None


class Steps(trio.abc.Instrument):
    """Measures how long each step of a task takes."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.longest = max(self.longest, time.perf_counter() - self._began)


def longest_of_asyncio(main: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> float:
    longest, real = 0.0, Handle._run  # type: ignore[attr-defined]

    def measured(self: Handle) -> None:
        nonlocal longest
        began = time.perf_counter()
        real(self)
        longest = max(longest, time.perf_counter() - began)

    monkeypatch.setattr(Handle, "_run", measured)
    asyncio.run(main())
    return longest


def longest_of_trio(main: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> float:
    steps = Steps()
    trio.run(main, instruments=[steps])
    return steps.longest


def slowed(thing: Any, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    for name in names:
        real = getattr(thing, name)

        def slow(*args: Any, real: Any = real, name: str = name, **kwargs: Any) -> Any:
            done.append(name)
            time.sleep(SLOW)
            return real(*args, **kwargs)

        monkeypatch.setattr(thing, name, slow)


async def everything() -> None:
    async with create_current(Step, number=1) as node:
        written = await write_node_models("current", {"a": 1})
        await write_model("b", 2)
        assert await read_node_models("current") == {"a": 1, "b": 2}
        assert await read_model(written["a"]) == 1
        async with current_session() as session:
            node.number = 2
            session.add(node)
            await session.commit()
    assert await read_descendant_nodes(node) == []
    with pytest.raises(RuntimeError, match="boom"):
        async with create_current(Step(number=3)):
            raise RuntimeError("boom")
    await node_function(Step, number=4)(returns)()
    await delete_node(node, force=True)


async def returns(parent: Node | None) -> dict[str, Any]:
    return {"c": 3}


@pytest.mark.slow
@pytest.mark.parametrize("longest", [longest_of_asyncio, longest_of_trio])
def test_no_step_of_the_loop_waits_for_store_or_index(
    longest: Callable[..., float], h: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()
    slowed(h.store, STORE, monkeypatch, done)
    slowed(h.index, INDEX, monkeypatch, done)
    held_up = longest(everything, monkeypatch)
    assert len(done) > 20
    assert held_up < SLOW


@pytest.mark.parametrize("longest", [longest_of_asyncio, longest_of_trio])
def test_a_lake_that_takes_its_time_to_open_holds_nobody_up(
    longest: Callable[..., float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened() -> eio.Handler:
        time.sleep(SLOW)
        return eio.Handler(tmp_path / "lake")

    async def main() -> None:
        async with create_current(Step, number=1):
            pass
        await read_descendant_nodes((await create_and_leave()).node_id)

    monkeypatch.setattr(current_handler, "_open", [])
    monkeypatch.setattr(engine, "Handler", opened)
    engine._of_process.clear()
    engine._usual.clear()
    assert longest(main, monkeypatch) < SLOW


async def create_and_leave() -> Step:
    async with create_current(Step, number=2) as node:
        return node


@pytest.mark.parametrize("longest", [longest_of_asyncio, longest_of_trio])
def test_a_step_that_waits_would_be_seen(longest: Callable[..., float], monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits() -> None:
        time.sleep(SLOW)

    assert longest(waits, monkeypatch) >= SLOW
