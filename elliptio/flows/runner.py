"""Hold what implements a processor, and run it by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elliptio.flows.declaring import Declaration
from elliptio.flows.flow import Flow
from elliptio.flows.parameters import Parameters


class Runner:
    """Implements a processor: call it to run it by itself, in this process's memory.

    Its arguments are the input streams, by name; it returns the values of each output.

    Attributes
    ----------
    processor
        What it implements.
    function
        The function, as it was written.

    Examples
    --------
    >>> from elliptio.flows import Processor
    >>> @Processor(name="half", inputs=["x"], outputs=["y"])
    ... async def half(x):
    ...     async for value in x.stream():
    ...         yield value / 2
    >>> half(x=[4, 6])
    {'y': [2.0, 3.0]}

    """

    def __init__(self, processor: Declaration, function: Callable[..., Any], parameters: Parameters) -> None:
        self.processor = processor
        self.function = function
        self.parameters = parameters
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", processor.name)
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<{self.__name__} implements {self.processor}>"

    def __call__(self, /, **inputs: Any) -> dict[str, list[Any]]:
        """Run it by itself: a list is a stream of its values, anything else a stream of one.

        Raises
        ------
        RuntimeError
            If an event loop runs here: ``await runner.run(…)`` there.

        """
        from elliptio.flows.running_alone import loop_runs

        if loop_runs():
            raise RuntimeError(
                f"An event loop runs here, so that {self.__name__!r} would hold it up. Use `.run`: await it."
            )
        return self._flow().run(self._streams(inputs))

    async def run(self, /, **inputs: Any) -> dict[str, list[Any]]:
        """Run it by itself in the event loop that runs here."""
        from elliptio.flows.running_alone import in_memory

        return await in_memory(self._flow(), self._streams(inputs), all_outputs=False, record=None, settings={})

    def _flow(self) -> Flow:
        return Flow([self.processor]).resolve()

    def _streams(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {name: iter(value) if isinstance(value, list) else value for name, value in inputs.items()}
