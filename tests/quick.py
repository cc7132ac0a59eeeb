"""Which tests are quick, as those of `make check` and `make quick` are: those that need no server and are not slow.

A test that asks for a server is marked by what it asks for; what takes half a second for another reason is marked
``slow`` where it stands. Both are held without a clock: a test without a mark may start no server, and one
interpreter at most. `make quick` names those that took longer all the same.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

SERVERS = frozenset({"mongodb_url", "s3_server", "database", "redis_shared"})
"""Fixtures that start one."""
NAMES = frozenset({"mongodb", "s3"})
"""Words in the parameters of tests that have one started."""
SLOW_PROMISES = frozenset(
    {
        "test_a_link_holds_the_content_whatever_becomes_of_the_other",
        "test_a_store_that_copies_takes_nothing_but_the_content",
        "test_links_of_many",
        "test_queries_mean_what_mongodb_says",
        "test_what_is_complete_or_discarded_is_not_unfinished",
    }
)
"""Of the suites in `elliptio.testing`, which know no marks: others run them too."""
MOST_INTERPRETERS = 1
"""So many may a quick test start: one that imports little is there at once."""

_running: pytest.Item | None = None
_interpreters = 0


def _is_python(program: object) -> bool:
    return isinstance(program, str | bytes | os.PathLike) and os.path.basename(os.fsdecode(program)).startswith("py")


_start = subprocess.Popen.__init__


def _counted_start(process: subprocess.Popen[Any], args: Any, *more: Any, **options: Any) -> None:
    global _interpreters
    program = options.get("executable") or (args if isinstance(args, str | bytes | os.PathLike) else args[0])
    _interpreters += _is_python(program)
    _start(process, args, *more, **options)


# Not an audit hook: that is asked about each file that is opened, too.
subprocess.Popen.__init__ = _counted_start  # type: ignore[assignment]


def is_quick(item: pytest.Item) -> bool:
    """Tell whether a test is quick."""
    return item.get_closest_marker("server") is None and item.get_closest_marker("slow") is None


def asks_for_a_server(item: pytest.Item) -> bool:
    """Tell it from the fixtures of a test, and from its parameters where those decide about the fixtures."""
    if SERVERS & set(getattr(item, "fixturenames", ())):
        return True
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(NAMES & set(value.split("-")) for value in parameters if isinstance(value, str))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Choose one worker more than there are processors for the whole suite: much of it waits for servers."""
    return None if "not server" in config.getoption("markexpr") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark those that ask for a server, and let long ones begin, so that none of them is left for the end."""
    for item in items:
        if asks_for_a_server(item):
            item.add_marker("server")
        if getattr(item, "originalname", "") in SLOW_PROMISES:
            item.add_marker("slow")
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = dealt(items, lambda item: item.get_closest_marker("slow") is not None, lambda item: item.path, workers)


Test = TypeVar("Test")


def dealt(
    tests: Sequence[Test], is_slow: Callable[[Test], bool], file_of: Callable[[Test], object], workers: int
) -> list[Test]:
    """Order tests so that each worker begins with long ones, where each gets an equal part of them, in order.

    Those of a file stay together, as they share what they start. What a worker has left in the end others take from it.
    """
    files: dict[object, list[Test]] = {}
    for test in filter(is_slow, tests):
        files.setdefault(file_of(test), []).append(test)
    hands: list[list[Test]] = [[] for _ in range(workers)]
    for slow in sorted(files.values(), key=len, reverse=True) if workers > 1 else files.values():
        min(hands, key=len).extend(slow)
    others = itertools.filterfalse(is_slow, tests)
    found: list[Test] = []
    for number, hand in enumerate(hands):
        size = (len(tests) - len(found)) // (workers - number)
        found += [*hand, *itertools.islice(others, max(0, size - len(hand)))]
    return [*found, *others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know which test runs."""
    global _running, _interpreters
    _running, _interpreters = item, 0
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Refuse a server to a test that is not marked; where one runs already, this is not asked."""
    if fixturedef.argname in SERVERS and _running is not None and _running.get_closest_marker("server") is None:
        pytest.fail(f"asks for {fixturedef.argname}: mark it with pytest.mark.server", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Refuse several interpreters to a test that is not marked: to start them takes longer than a quick test."""
    found = yield
    if _interpreters > MOST_INTERPRETERS and is_quick(item):
        pytest.fail(f"starts {_interpreters} interpreters: mark it with pytest.mark.slow", pytrace=False)
    return found
