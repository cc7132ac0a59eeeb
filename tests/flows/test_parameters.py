"""What the parameters of processors and of their dependencies get."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import pytest

from elliptio.flows import IO, Depends, IOVal, Processor, ProcessorError

pytestmark = pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")


def work() -> int:
    return 40


def result(parameters: Annotated[int, Depends(work)]) -> int:
    return parameters + 1


class Adder:
    def __init__(self, start: Annotated[int, Depends(work)]) -> None:
        self.start = start


def test_a_parameter_that_only_has_a_place_gets_its_stream():
    @Processor(name="places", inputs=["x", "z"], outputs=["y"])
    async def places(x: IO[int], more: Annotated[int, Depends(work)], /, *, z: IO[int]):
        yield await x.first() + more + await z.first()

    assert places(x=1, z=2) == {"y": [43]}


def test_a_stream_may_have_the_name_of_anything():
    @Processor(name="names", inputs=["self", "function", "named"], outputs=["y"])
    async def names(self, function, named):
        yield [await one.first() for one in (self, function, named)]

    assert names(self=1, function=2, named=3) == {"y": [[1, 2, 3]]}


def test_a_stream_that_no_parameter_can_be_called_is_named_in_the_annotation():
    @Processor(name="anything", inputs=["raw rows", "2nd", "plain"], outputs=["no-word", "class"])
    async def anything(
        rows: Annotated[IO[int], "raw rows"],
        second: Annotated[IO[int], "the other one", "2nd"],
        plain: Annotated[IO[int], "whose name says it"],
        kind: Annotated[IO[int], "class"],
    ):
        yield IOVal(name="no-word", value=[await one.first() for one in (rows, second, plain)])
        await kind.write(IOVal(name="class", value=4))

    assert anything(**{"raw rows": 1, "2nd": 2, "plain": 3}) == {"no-word": [[1, 2, 3]], "class": [4]}
    with pytest.raises(ProcessorError, match=r"unresolvable parameters: \{'rows'\}.*Annotated\[IO, 'raw rows'\]"):

        @Processor(name="anything", inputs=["raw rows"], outputs=["y"])
        async def misspelt(rows: Annotated[IO[int], "raw row"]):
            yield await rows.first()


def test_annotations_of_dependencies_that_are_texts_mean_what_is_around_them():
    def first() -> int:
        return 1

    async def second(x: Annotated[int, Depends(first)]) -> int:
        return x + 1

    async def third(x: int = Depends(second)):
        yield x + 1

    @Processor(name="texts", outputs=["y"])
    async def texts(
        a: Annotated[int, Depends(second)],
        b: Annotated[int, Depends(third)],
        c: Annotated[int, Depends(result)],
        d: Annotated[Adder, Depends(Adder)],
        e: int = Depends(second),
    ):
        yield [a, b, c, d.start, e]

    assert texts() == {"y": [[2, 3, 41, 40, 2]]}


def test_annotations_of_what_was_made_of_a_function_count_too():
    async def times(factor: int, x: IO[int], more: Annotated[int, Depends(work)]):
        async for value in x.stream():
            yield factor * value + more

    made: Any = Processor(name="made", inputs=["x"], outputs=["y"])(functools.partial(times, 3))
    assert made(x=[1, 2]) == {"y": [43, 46]}


def test_a_dependency_that_cannot_be_resolved_is_named_at_once():
    def needs(what):
        return what

    def indirectly(it: Annotated[int, Depends(needs)]):
        return it

    with pytest.raises(ProcessorError, match=r"'lacks' depends on .*needs, which has an unresolvable .*: 'what'"):

        @Processor(name="lacks", outputs=["y"])
        async def lacks(it: int = Depends(indirectly)):
            yield it


def test_what_depends_on_a_result_is_refused() -> None:
    def factor() -> int:
        return 2

    for wrong in (factor(), None):
        with pytest.raises(ProcessorError, match=r"'factor' of processor 'lacks' .*Depends\(function\), not"):

            @Processor(name="lacks", inputs=["x"], outputs=["y"])
            async def _lacks(x: IO[int], factor: Annotated[int, Depends(wrong)]) -> int:
                return factor
