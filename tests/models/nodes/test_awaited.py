"""Nodes in loops, of asyncio and of trio: nothing is mixed up, nothing waits, nothing is left half."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import trio

import elliptio as eio
from elliptio.models import sync
from elliptio.models.db import current_session, engine_context, session_context, set_engine
from elliptio.models.nodes import models, threads
from elliptio.models.nodes.awaited import (
    read_child_nodes,
    read_node,
    read_node_models,
    read_parent_node,
    write_model,
    write_models,
    write_node,
    write_node_models,
)
from elliptio.models.nodes.current import current_node_id
from elliptio.models.nodes.entering import create_current
from elliptio.models.nodes.node import Node
from elliptio.runs import recording

LOOPS = [pytest.param(asyncio.run, id="asyncio"), pytest.param(trio.run, id="trio")]
Loop = Callable[..., Any]


class Step(Node):
    number: int
    ended_at: datetime | None = None


def run_in(loop: Loop, main: Callable[[], Any]) -> Any:
    return asyncio.run(main()) if loop is asyncio.run else trio.run(main)


async def all_of(loop: Loop, *calls: Callable[[], Any]) -> None:
    if loop is asyncio.run:
        await asyncio.gather(*(call() for call in calls))
    else:
        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)


async def pause(loop: Loop) -> None:
    await (asyncio.sleep(0) if loop is asyncio.run else trio.sleep(0))


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.slow
def test_a_hundred_tasks_do_not_mix(loop: Loop, h: eio.Handler) -> None:
    found: dict[int, Any] = {}

    async def one(number: int) -> None:
        async with create_current(Step, number=number) as node:
            await pause(loop)
            async with create_current(Step, number=-number) as inner:
                await write_model(f"m{number}", number)
                parent = await read_parent_node("current")
                assert parent is not None
                assert parent.node_id == node.node_id
            assert current_node_id() == node.node_id
            await write_node_models("current", {"own": number})
        found[number] = (node, inner)

    async def outside() -> None:
        for _ in range(20):
            assert current_node_id(allow_none=True) is None
            await write_model("outside", 0)
            alone = await write_node(Node())
            assert (await read_node(alone)).node_parent_id is None
            async with create_current(Node) as root:
                assert root.node_parent_id is None

    async def main() -> None:
        await all_of(loop, *(lambda number=number: one(number) for number in range(1, 101)), outside)
        for number, (node, inner) in found.items():
            assert node.node_parent_id is None
            assert [each.node_id for each in await read_child_nodes(node)] == [inner.node_id]
            assert await read_node_models(node) == {"own": number}
            assert await read_node_models(inner) == {f"m{number}": number}

    run_in(loop, main)
    assert set(h.find({"model.label": "outside"}).run_id) == {h.run_id}


@pytest.mark.parametrize("loop", LOOPS)
def test_what_blocks_is_done_in_threads(loop: Loop, h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    places: set[threading.Thread] = set()
    for name in ("open", "list", "create", "begin", "stat"):
        real = getattr(h.store, name)

        def asked(*args: Any, real: Any = real, **kwargs: Any) -> Any:
            places.add(threading.current_thread())
            return real(*args, **kwargs)

        monkeypatch.setattr(h.store, name, asked)
    for name in ("find", "insert", "replace", "delete", "count"):
        real = getattr(h.index, name)

        def asked_index(*args: Any, real: Any = real, **kwargs: Any) -> Any:
            places.add(threading.current_thread())
            return real(*args, **kwargs)

        monkeypatch.setattr(h.index, name, asked_index)

    async def main() -> None:
        async with create_current(Step, number=1) as node:
            written = await write_models(node, {"a": 1})
            assert await read_node_models("current") == {"a": 1}
            async with current_session() as session, session_context() as other, current_session() as same:
                assert same is other is not session
                node.number = 2
                session.add(node)
                await session.commit()
                await session.refresh(node)
                await session.rollback()
        assert set(written) == {"a"}
        with pytest.raises(RuntimeError, match="boom"):
            async with create_current(Node):
                raise RuntimeError("boom")

    run_in(loop, main)
    assert places
    assert threading.main_thread() not in places


_on_loop: list[tuple[threading.Thread, list[str]]] = []
_FILES = ("open", "sqlite3.connect", "subprocess.Popen", "socket.connect", "socket.getaddrinfo", "import")
_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "os.listdir", "os.scandir")


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for thread, seen in _on_loop:
        if event in (*_FILES, *_CHANGES) and threading.current_thread() is thread:
            seen.append(f"{event} {arguments[:1]}")


@pytest.mark.parametrize("loop", LOOPS)
def test_the_thread_of_the_loop_opens_nothing(loop: Loop, h: eio.Handler) -> None:
    seen: list[str] = []

    async def one(number: int) -> None:
        async with create_current(Step, number=number) as node:
            await write_model(f"m{number}", number)
            await write_node_models("current", {"own": number, "long": list(range(10_000))})
            assert (await read_node_models(node))["own"] == number
            async with current_session() as session:
                node.number = -number
                session.add(node)
                await session.commit()

    async def main() -> None:
        sys.addaudithook(_hook)  # cannot be taken back
        _on_loop.append((threading.current_thread(), seen))
        try:
            await all_of(loop, *(lambda number=number: one(number) for number in range(8)))
        finally:
            _on_loop.clear()

    run_in(loop, main)
    assert seen == []


def test_who_is_cancelled_while_a_node_begins_leaves_none_that_goes_on(
    h: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, goes_on = threading.Event(), threading.Event()
    real = recording.Recording.began.__func__  # type: ignore[attr-defined]

    def slow(cls: Any, *args: Any, **kwargs: Any) -> Any:
        begins.set()
        assert goes_on.wait(30)
        return real(cls, *args, **kwargs)

    monkeypatch.setattr(recording.Recording, "began", classmethod(slow))
    entered = []

    async def task() -> None:
        async with create_current(Node):
            entered.append(True)

    async def main() -> None:
        running = asyncio.create_task(task())
        await asyncio.to_thread(begins.wait)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert not entered
    assert list(h.runs().status) == ["failed"]
    assert h.verify().ok


@pytest.mark.parametrize("loop", LOOPS)
def test_who_is_cancelled_in_a_node_ends_it(loop: Loop, h: eio.Handler) -> None:
    """Also what is still done in it then, in ``finally``."""
    nodes = []

    async def task(inside: Callable[[], None]) -> None:
        async with create_current(Step, number=1) as node:
            nodes.append(node)
            try:
                inside()
                await (asyncio.sleep(60) if loop is asyncio.run else trio.sleep(60))
            finally:
                node.number = 2
                async with current_session() as session:
                    session.add(node)
                    await session.commit()

    async def main() -> None:
        if loop is asyncio.run:
            started = asyncio.Event()
            running = asyncio.create_task(task(started.set))
            await started.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        else:
            async with trio.open_nursery() as nursery:
                inside = trio.Event()
                nursery.start_soon(task, inside.set)
                await inside.wait()
                nursery.cancel_scope.cancel()

    run_in(loop, main)
    (row,) = h.runs.search({"node.number": 2}).rows()
    assert (row["run_id"], row["status"]) == (nodes[0].node_id, "failed")


def test_who_is_cancelled_while_a_model_is_written_has_all_of_it(
    h: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, goes_on = threading.Event(), threading.Event()
    real = models.save

    def slow(*args: Any) -> Any:
        begins.set()
        assert goes_on.wait(30)
        return real(*args)

    monkeypatch.setattr(models, "save", slow)

    async def main() -> None:
        running = asyncio.create_task(write_model("a", 1))
        await asyncio.to_thread(begins.wait)
        running.cancel()
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(h.find()) == 1

    asyncio.run(main())


@pytest.mark.parametrize("loop", LOOPS)
def test_what_threads_raise_is_raised_here(loop: Loop) -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await threads.in_thread(lambda: 1 // 0)

    run_in(loop, main)


def test_a_loop_that_is_not_of_the_main_thread(h: eio.Handler) -> None:
    found: list[Any] = []

    async def main() -> None:
        async with create_current(Node) as node:
            found.append((node, await read_parent_node("current")))

    with sync.current_node(Node) as outer:
        thread = threading.Thread(target=asyncio.run, args=(main(),))
        thread.start()
        thread.join()
    # As any thread that nobody told it is in what the main thread is in.
    node, parent = found[0]
    assert node.node_parent_id == parent.node_id == outer.node_id


def test_an_engine_for_a_task(local: eio.Handler, tmp_path: Any) -> None:
    set_engine(local)
    nodes: dict[str, str] = {}

    async def main() -> None:
        async def inside() -> None:
            with engine_context(tmp_path / "other"):
                nodes["inside"] = (await write_node(Node())).node_id

        async def outside() -> None:
            nodes["outside"] = (await write_node(Node())).node_id

        await asyncio.gather(inside(), outside())

    asyncio.run(main())
    assert not sync.read_node_exists(nodes["inside"])
    assert sync.read_node_exists(nodes["outside"])
    with engine_context(tmp_path / "other"):
        assert sync.read_node_exists(nodes["inside"])
