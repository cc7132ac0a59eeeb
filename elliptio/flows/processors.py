"""Declare processors, and register the functions that implement them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from elliptio.flows.declaring import Declaration
from elliptio.flows.parameters import Parameters
from elliptio.flows.registry import register
from elliptio.flows.runner import Runner


@dataclass(frozen=True, init=False, repr=False, eq=False)  # or other attributes could be set
class Processor(Declaration):
    """An async function between named streams, told by what it reads and writes.

    As a decorator it registers the function that implements it, in this process: any service may implement one, while
    the flow is put together elsewhere.

    Parameters
    ----------
    name
        Its name, by which work is dispatched.
    inputs, outputs
        Names of the streams that it reads and writes.
    wait
        True: start when all inputs have ended; a set of inputs: when those have. False: start at once.
    resume
        How a step goes on elsewhere when its worker was lost. ``"replay"``: it runs again, and what it had written is
        compared and passed over. ``"per_value"``: each value of its only input makes some values of its outputs, so
        that it goes on after the last input whose values were all written.
    on_failure
        ``"fail"``: it fails when an input does. ``"skip"``: such an input merely ends.

    Raises
    ------
    ProcessorError
        If a field cannot be what it is. (An unknown field is a TypeError, as everywhere.)

    Examples
    --------
    >>> from elliptio.flows import Processor
    >>> foobar = Processor(name="foobar", inputs=["foo"], outputs=["bar"])
    >>> foobar
    Processor(name='foobar', inputs={'foo'}, outputs={'bar'})
    >>> @foobar
    ... async def _foobar(foo):
    ...     async for value in foo.stream():
    ...         yield value * 2
    >>> _foobar(foo=[1, 2, 3])
    {'bar': [2, 4, 6]}

    """

    def __call__(self, function: Callable[..., Any]) -> Runner:
        """Register the function that implements it; the last one counts.

        Raises
        ------
        ProcessorError
            If it is not asynchronous, or has a parameter that nothing is known for.

        """
        parameters = Parameters.of(self, function, sys._getframe(1).f_locals)
        return register(Runner(self, function, parameters))
