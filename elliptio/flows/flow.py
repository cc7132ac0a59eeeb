"""Join processors to a flow, and start it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from elliptio.flows.declaring import Declaration
from elliptio.flows.errors import MismatchedIOError, ProcessorError, UnresolvedFlowError
from elliptio.flows.topology import Topology

if TYPE_CHECKING:
    from elliptio.flows.executions import Execution


class Flow:
    """Processors, joined by the names of their streams.

    Parameters
    ----------
    processors
        What it consists of, in any order. Who implements them does not matter here.

    Examples
    --------
    >>> from elliptio.flows import Flow, Processor
    >>> double = Processor(name="double", inputs=["x"], outputs=["y"])
    >>> @double
    ... async def _double(x):
    ...     async for value in x.stream():
    ...         yield 2 * value
    >>> flow = Flow.from_tasks(double).resolve()
    >>> sorted(flow.inputs), sorted(flow.outputs)
    (['x'], ['y'])
    >>> flow.run({"x": iter([1, 2, 3])})
    {'y': [2, 4, 6]}

    """

    def __init__(self, processors: Iterable[Declaration]) -> None:
        if isinstance(processors, Declaration) or not isinstance(processors, Iterable):
            raise ProcessorError(f"A flow takes a list of processors, not {processors!r}: Flow.from_tasks(…).")
        self.processors = tuple(processors)
        for one in self.processors:
            if not isinstance(one, Declaration):
                raise ProcessorError(_no_processor(one))
        if not self.processors:
            raise ProcessorError("A flow needs at least one processor: Flow.from_tasks(one, another).")
        self._topology: Topology | None = None

    @classmethod
    def from_tasks(cls, *processors: Declaration) -> Flow:
        """Join processors to a flow.

        Raises
        ------
        ProcessorError
            If something else is among them, or there is none.

        """
        return cls(processors)

    @classmethod
    def from_processors(cls, *processors: Declaration) -> Flow:
        """Join processors to a flow; the same as `from_tasks`."""
        return cls(processors)

    def __repr__(self) -> str:
        return f"Flow({', '.join(one.name for one in self.processors)})"

    def resolve(self) -> Flow:
        """Order the processors, and return the flow.

        Raises
        ------
        DuplicateIOError
            If two processors write one stream.
        CyclicFlowError
            If processors need each other's streams in a circle.
        ProcessorError
            If two have one name.

        """
        self._topology = Topology.of(self.processors)
        return self

    @property
    def topology(self) -> Topology:
        """The graph of processors.

        Raises
        ------
        UnresolvedFlowError
            Before `resolve`, as the other attributes.

        """
        if self._topology is None:
            raise UnresolvedFlowError("Flows must be resolved before they can be used: flow.resolve().")
        return self._topology

    @property
    def execution_plan(self) -> list[set[Declaration]]:
        """The stages that waiting makes; nothing is dispatched by them, as each step starts as soon as it can."""
        return self.topology.stages

    @property
    def inputs(self) -> frozenset[str]:
        """Streams that must be given."""
        return self.topology.inputs

    @property
    def outputs(self) -> frozenset[str]:
        """Streams that nobody in the flow reads."""
        return self.topology.outputs

    def _repr_html_(self) -> str | None:
        return None if self._topology is None else self._topology._repr_html_()

    async def start(self, inputs: Any = (), *, all_outputs: bool = False, record: Any = None) -> Execution:
        """Start it by the attached supervisor; see `Supervisor.start_flow`."""
        from elliptio.flows.supervisor import Supervisor

        return await Supervisor.instance.start_flow(self, inputs=inputs, all_outputs=all_outputs, record=record)

    def run(
        self, inputs: Any = (), *, all_outputs: bool = False, record: Any = None, **settings: Any
    ) -> dict[str, list[Any]]:
        """Run it in this process's memory, to its end, and return the values of each output.

        No supervisor is needed, and it may be called where an event loop runs already, such as in a notebook.

        Parameters
        ----------
        inputs, all_outputs, record
            As for `Supervisor.start_flow`.
        settings
            As for `Supervisor`.

        Raises
        ------
        StepFailedError
            If a step failed.
        FloatingIOError, MismatchedIOError
            If an input is missing, or cannot be one.

        """
        from elliptio.flows.running_alone import run_alone

        if strange := self.inputs & settings.keys():
            name = min(strange)
            raise MismatchedIOError(f"Inputs of a flow are given as a mapping: flow.run({{{name!r}: …}}).")
        return run_alone(self, inputs, all_outputs=all_outputs, record=record, settings=settings)


def _no_processor(one: object) -> str:
    runner = getattr(one, "processor", None)
    if isinstance(runner, Declaration):
        return f"{one!r} is what implements a processor; the flow takes the processor itself, {runner.name!r}."
    each = " Give each by itself: Flow.from_tasks(*processors)." if isinstance(one, list | tuple | set) else ""
    return f"A flow is made of processors, not of {one!r}.{each}"
