"""Keep which function implements each processor in this process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elliptio.flows.declaring import Declaration
from elliptio.flows.errors import ProcessorError, UnregisteredProcessorError

if TYPE_CHECKING:
    from elliptio.flows.runner import Runner

_IMPLEMENTED: dict[str, Runner] = {}


def register(runner: Runner) -> Runner:
    """Keep what implements a processor; the last one counts, with a warning."""
    name = runner.processor.name
    if name in _IMPLEMENTED:
        warnings.warn(f"The processor {name!r} is implemented once more: the last one counts.", stacklevel=3)
    _IMPLEMENTED[name] = runner
    return runner


def implementation(declared: Declaration) -> Runner:
    """Find what implements a processor in this process.

    Raises
    ------
    UnregisteredProcessorError
        If nothing does.
    ProcessorError
        If what does was declared with other streams.

    """
    name = declared.name
    found = _IMPLEMENTED.get(name)
    if found is None:
        raise UnregisteredProcessorError(
            f"Nobody implements the processor {name!r} in this process. Import the module with the function below its "
            "decorator, or let workers take it: Supervisor(executor=WorkerExecutor(), redis_config={'url': …})."
        )
    here = found.processor
    if (here.inputs, here.outputs) != (declared.inputs, declared.outputs):
        raise ProcessorError(f"The processor {name!r} is implemented here as {here}, and the flow has {declared}.")
    return found


def implementation_of(document: Mapping[str, Any]) -> Runner:
    """Find what implements a processor of a plan in this process; see `implementation`."""
    found = _IMPLEMENTED.get(document["name"])
    if found is not None:
        here = found.processor
        if here.inputs == {*document["inputs"]} and here.outputs == {*document["outputs"]}:
            return found
    return implementation(Declaration(**document))


def implemented() -> list[str]:
    """List the names of processors that are implemented in this process."""
    return sorted(_IMPLEMENTED)
