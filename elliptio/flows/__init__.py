"""Join async functions by named streams: values reach readers as soon as they are yielded, here or elsewhere."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "brokers.memory": ("MemoryBroker",),
    "brokers.redis": ("RedisBroker",),
    "errors": (
        "BrokerUnavailableError", "CyclicFlowError", "DuplicateIOError", "EmptyStreamError", "FloatingIOError",
        "FlowCancelledError", "FlowExecutionAdvancementTimeout",
        "FlowNotFoundError", "HeldUpError", "IOStreamTimeout", "LeaseLostError",
        "MismatchedIOError", "NobodyRunsError", "PositionError", "ProcessorError", "ReadOnlyIOError", "ReplayError",
        "StepFailedError", "StepLostError", "StreamEndedError", "StreamFullError", "SupervisorError",
        "TamperedDataError", "UnevenStreamsError", "UnrecordedFlowError", "UnregisteredProcessorError",
        "UnresolvedFlowError", "UnserializableValueError",
    ),
    "executions": ("Execution",),
    "executors.defining": ("Executor",),
    "executors.celery": ("CeleryExecutor",),
    "executors.local": ("LocalExecutor",),
    "executors.workers": ("WorkerExecutor",),
    "flow": ("Flow",),
    "parameters": ("Checkpoint",),
    "processors": ("Processor",),
    "serializing": ("Serializer",),
    "status": ("Status",),
    "streams": ("FROM_FIRST", "FROM_LATEST", "IO", "ONLY_NEW"),
    "supervisor": ("Supervisor",),
    "topology": ("Topology",),
    "values": ("IOVal", "IOVals"),
}  # fmt: skip
"""Names by the module that has them."""

_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "FROM_FIRST", "FROM_LATEST", "IO", "ONLY_NEW", "BrokerUnavailableError", "CeleryExecutor", "Checkpoint",
    "CyclicFlowError", "Depends", "DuplicateIOError", "EmptyStreamError", "Execution", "Executor",
    "FloatingIOError", "Flow", "FlowCancelledError", "FlowExecutionAdvancementTimeout", "FlowNotFoundError",
    "HeldUpError", "IOStreamTimeout", "IOVal", "IOVals", "LeaseLostError", "LocalExecutor", "MemoryBroker",
    "MismatchedIOError", "NobodyRunsError", "PositionError", "Processor", "ProcessorError", "ReadOnlyIOError",
    "RedisBroker", "ReplayError", "Serializer", "Status", "StepFailedError", "StepLostError", "StreamEndedError",
    "StreamFullError", "Supervisor", "SupervisorError", "TamperedDataError", "Topology", "UnevenStreamsError",
    "UnrecordedFlowError", "UnregisteredProcessorError", "UnresolvedFlowError", "UnserializableValueError",
    "WorkerExecutor",
]  # fmt: skip

if TYPE_CHECKING:
    from fast_depends import Depends

    from elliptio.flows.brokers.memory import MemoryBroker
    from elliptio.flows.brokers.redis import RedisBroker
    from elliptio.flows.errors import (
        BrokerUnavailableError,
        CyclicFlowError,
        DuplicateIOError,
        EmptyStreamError,
        FloatingIOError,
        FlowCancelledError,
        FlowExecutionAdvancementTimeout,
        FlowNotFoundError,
        HeldUpError,
        IOStreamTimeout,
        LeaseLostError,
        MismatchedIOError,
        NobodyRunsError,
        PositionError,
        ProcessorError,
        ReadOnlyIOError,
        ReplayError,
        StepFailedError,
        StepLostError,
        StreamEndedError,
        StreamFullError,
        SupervisorError,
        TamperedDataError,
        UnevenStreamsError,
        UnrecordedFlowError,
        UnregisteredProcessorError,
        UnresolvedFlowError,
        UnserializableValueError,
    )
    from elliptio.flows.executions import Execution
    from elliptio.flows.executors.celery import CeleryExecutor
    from elliptio.flows.executors.defining import Executor
    from elliptio.flows.executors.local import LocalExecutor
    from elliptio.flows.executors.workers import WorkerExecutor
    from elliptio.flows.flow import Flow
    from elliptio.flows.parameters import Checkpoint
    from elliptio.flows.processors import Processor
    from elliptio.flows.serializing import Serializer
    from elliptio.flows.status import Status
    from elliptio.flows.streams import FROM_FIRST, FROM_LATEST, IO, ONLY_NEW
    from elliptio.flows.supervisor import Supervisor
    from elliptio.flows.topology import Topology
    from elliptio.flows.values import IOVal, IOVals


def __getattr__(name: str) -> Any:
    if name != "Depends" and name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        if name == "Depends":
            found = import_module("fast_depends").Depends
        else:
            found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("anyio", "fast_depends", "msgspec", "redis", "sniffio"):
            raise
        from elliptio.errors import MissingExtraError

        raise MissingExtraError(f"Flows need {error.name}. Run: pip install 'elliptio[flows]'") from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
