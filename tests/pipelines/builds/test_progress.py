"""How far a build has come."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from elliptio.pipelines.builds.progress import Progress
from elliptio.system.progress import NamedProgress
from tests.performance.counting import calls_of


def waiting(steps: int) -> tuple[Progress, list[Future[Any]]]:
    progress, futures = Progress(NamedProgress(steps, "p", enabled=False)), [Future[Any]() for _ in range(steps)]
    for number, future in enumerate(futures):
        progress.wait_for(number, future)  # type: ignore[arg-type]
    return progress, futures


def test_steps_that_are_over_are_returned_once_each() -> None:
    progress, futures = waiting(4)
    futures[2].set_result("c")
    assert progress.over() == [(2, futures[2])]
    futures[0].set_result("a")
    futures[3].set_exception(ValueError("d"))
    assert progress.over() == [(0, futures[0]), (3, futures[3])]
    assert progress.waiting == 1
    futures[1].cancel()
    assert progress.over() == [(1, futures[1])]
    assert progress.waiting == 0


def test_to_wait_takes_no_longer_with_many_steps_that_are_being_made() -> None:
    calls = []
    for steps in (10, 1_000):
        progress, futures = waiting(steps)
        calls.append(calls_of(lambda futures=futures, progress=progress: (futures[5].set_result(1), progress.over())))
    assert calls[0] == calls[1] < 50
