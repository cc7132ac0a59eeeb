"""A pipeline may be longer than Python's stack is deep."""

from __future__ import annotations

import sys
from collections.abc import Callable

from elliptio.pipelines import Craft, Pipeline, Volatile
from tests.pipelines.projects import Project


def _link(number: int) -> Callable[..., int]:
    def begin() -> int:
        return 0

    def go_on(value: int) -> int:
        return value + 1

    function: Callable[..., int] = begin if number == 0 else go_on
    function.__name__ = f"link{number}"
    function.__annotations__ = {"return": Volatile(f"v{number}")}
    if number:
        function.__annotations__["value"] = Volatile(f"v{number - 1}")
    return function


def test_a_chain_of_crafts_may_be_of_any_length(project: Project) -> None:
    length = sys.getrecursionlimit() + 100
    pipeline = Pipeline("chain")
    for number in reversed(range(length)):
        pipeline += Craft(_link(number))
    assert [craft.name for craft in pipeline.crafts[::99]] == [f"link{number}" for number in range(0, length, 99)]
    assert str(pipeline).count("\n") == length
    with project.session():
        assert len(pipeline.plan().rows) == length
        found = pipeline()
    assert found[f"v{length - 1}"] == length - 1
