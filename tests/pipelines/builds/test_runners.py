"""Each runner holds its promises."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from elliptio.pipelines import CraftError, PipelineDefinitionError
from elliptio.testing import RunnerConformance


class TestInline(RunnerConformance):
    @pytest.fixture
    def runner(self) -> str:
        return "inline"


class TestThreads(RunnerConformance):
    @pytest.fixture
    def runner(self) -> str:
        return "threads"


@pytest.mark.slow
class TestProcesses(RunnerConformance):
    elsewhere = True

    @pytest.fixture
    def runner(self) -> str:
        return "processes"


class TestOwn(RunnerConformance):
    """The runner of the docstring of `Runner`."""

    @pytest.fixture
    def runner(self) -> Any:
        class Here:
            one_by_one = True

            def submit(self, step: Any) -> Future[Any]:
                future: Future[Any] = Future()
                try:
                    future.set_result(step.run())
                except CraftError as error:
                    future.set_exception(error)
                return future

            def close(self) -> None:
                raise AssertionError("who makes a runner closes it")

        return Here()
