"""Many items, several at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from elliptio.system.parallel import each


def test_all_are_done_several_at_once_and_none_is_asked_for_early() -> None:
    together = threading.Barrier(4, timeout=10)
    asked, done = 0, []

    def items() -> Iterator[int]:
        nonlocal asked
        for number in range(100):
            asked += 1
            assert asked <= len(done) + 4
            yield number

    def do(number: int) -> None:
        if number < 4:
            together.wait()
        done.append(number)

    each(do, items(), workers=4, name="test")
    assert sorted(done) == list(range(100))


def test_after_a_failure_nothing_is_begun() -> None:
    asked = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            asked.append(number)
            yield number

    def do(number: int) -> None:
        if number == 5:
            raise ValueError("the fifth")

    with pytest.raises(ValueError, match="the fifth"):
        each(do, items(), workers=3, name="test")
    assert len(asked) < 10_000


def test_what_is_under_way_can_be_stopped_and_the_first_failure_is_told() -> None:
    stopped = threading.Event()

    def do(number: int) -> None:
        if number == 3:
            raise ValueError("the third")
        assert stopped.wait(10)
        raise RuntimeError("stopped")

    with pytest.raises(ValueError, match="the third"):
        each(do, range(10), workers=4, name="test", stopped=stopped)


def test_a_failure_of_the_items_is_raised() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        each(lambda _: None, items(), workers=3, name="test")
