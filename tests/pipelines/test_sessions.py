"""Each thread and task is in the session that it entered, and in no other."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from elliptio.pipelines import NoSessionError, Session
from tests.pipelines.projects import Project


def test_a_thread_enters_a_session_of_its_own(project: Project) -> None:
    found: list[object] = []

    def work() -> None:
        with pytest.raises(NoSessionError, match="with sess"):
            Session.get_session()
        with project.session() as own:
            found.append(Session.get_session() is own)

    with project.session() as outer:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert Session.get_session() is Session.get_active_session() is outer
        with project.session() as inner:
            assert Session.get_session() is inner
            with outer:
                assert Session.get_session() is outer
            assert Session.get_session() is inner
        assert Session.get_session() is outer
    assert found == [True]


def test_tasks_are_in_sessions_of_their_own(tmp_path: Path) -> None:
    async def work(name: str) -> bool:
        with Project(tmp_path / name).session() as own:
            await asyncio.sleep(0)
            return Session.get_session() is own

    async def both() -> list[bool]:
        return await asyncio.gather(work("one"), work("two"))

    assert asyncio.run(both()) == [True, True]
