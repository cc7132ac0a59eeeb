"""Define every error of processors, streams and flows, as one branch of elliptio's tree.

::

    ElliptioError
    ├── ProcessorError (TypeError, ValueError)              a processor, or its function, cannot be what it says
    ├── MismatchedIOError (ValueError)                      a value for a stream that the step does not write
    ├── ReadOnlyIOError (TypeError)                         a stream that is only read here was written to
    ├── DuplicateIOError (ValueError)                       two processors write one stream
    ├── CyclicFlowError (ValueError)                        processors need each other's streams in a circle
    ├── FloatingIOError (ValueError)                        streams that nobody writes, and no input was given for
    ├── UnresolvedFlowError (RuntimeError)                  a flow was used before `resolve`
    ├── UnrecordedFlowError (RuntimeError)                  artifacts are asked of a flow that nobody records here
    ├── UnregisteredProcessorError (LookupError)            nobody implements a processor
    │   └── NobodyRunsError (TimeoutError)                  … and a reader has waited for it long enough
    ├── SupervisorError (RuntimeError)                      there is no supervisor, or already one
    ├── FlowNotFoundError (LookupError)                     no such flow, here
    ├── EmptyStreamError (LookupError)                      a stream ended without a value
    ├── IOStreamTimeout (TimeoutError)                      nobody who writes a stream is alive
    ├── FlowExecutionAdvancementTimeout (TimeoutError)      an executor did not dispatch a step in time
    ├── UnevenStreamsError (ValueError)                     streams to be zipped do not end together
    ├── HeldUpError (RuntimeError)                          steps wait for each other in a circle
    ├── StepFailedError (RuntimeError)                      a step failed: its type, text and traceback
    ├── StepLostError (RuntimeError)                        a step was lost with each worker that ran it
    ├── FlowCancelledError (RuntimeError)                   the flow was cancelled
    ├── ReplayError (RuntimeError)                          a step that was run again made other values
    ├── TamperedDataError (ValueError)                      bytes in the broker are not what was written there
    ├── UnserializableValueError (TypeError, ValueError)    a value that cannot go through a broker, by path
    ├── BrokerUnavailableError (ConnectionError)            the broker cannot be reached
    └── BrokerRefusal                                       what a broker refuses, and the step's engine handles
        ├── StreamFullError                                 the slowest reader is too far behind
        ├── StreamEndedError                                the stream has ended
        ├── LeaseLostError                                  another one has taken the step over
        └── PositionError (ValueError)                      values would leave a hole
"""

from __future__ import annotations

from typing import Any

from elliptio.errors import ElliptioError


class ProcessorError(ElliptioError, TypeError, ValueError):
    """A processor, or the function that implements it, cannot be what it says."""


class MismatchedIOError(ElliptioError, ValueError):
    """A value is for a stream that this step does not write."""


class ReadOnlyIOError(ElliptioError, TypeError):
    """A stream that is only read here was written to."""


class DuplicateIOError(ElliptioError, ValueError):
    """Two processors write one stream, or two have one name."""


class CyclicFlowError(ElliptioError, ValueError):
    """Processors need each other's streams in a circle; the message draws each, shortest first."""


class FloatingIOError(ElliptioError, ValueError):
    """A flow was started without values for inputs that nobody in it writes."""


class UnresolvedFlowError(ElliptioError, RuntimeError):
    """A flow was used before `Flow.resolve`."""


class UnrecordedFlowError(ElliptioError, RuntimeError):
    """Artifacts are asked of a flow that was started without ``record=``, or that only another process records."""


class UnregisteredProcessorError(ElliptioError, LookupError):
    """Nobody implements a processor: its module was not imported, or no worker has it."""


class NobodyRunsError(UnregisteredProcessorError, TimeoutError):
    """No worker took a step for as long as a reader waits."""


class SupervisorError(ElliptioError, RuntimeError):
    """There is no supervisor yet, or there is one already."""


class FlowNotFoundError(ElliptioError, LookupError):
    """The broker knows no flow of this identifier: a wrong one, or it was forgotten, or has expired."""


class EmptyStreamError(ElliptioError, LookupError):
    """A stream ended without a value."""


class IOStreamTimeout(ElliptioError, TimeoutError):
    """No value came for a long time, and nobody who could write one is alive."""


class FlowExecutionAdvancementTimeout(ElliptioError, TimeoutError):
    """An executor did not dispatch a step in time."""


class UnevenStreamsError(ElliptioError, ValueError):
    """Streams that are read together do not end together."""


class HeldUpError(ElliptioError, RuntimeError):
    """Steps wait for each other in a circle; the message says who holds whom."""


class StepFailedError(ElliptioError, RuntimeError):
    """A step failed, or one that it needs.

    Attributes
    ----------
    step
        Name of the step that failed first.
    kind, text
        Type and message of what it raised.
    worker
        Where it ran.
    traceback
        How it came to that, secrets masked.

    """

    def __init__(self, message: str, cause: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        cause = cause or {}
        self.step: str = cause.get("step", "")
        self.kind: str = cause.get("kind", "")
        self.text: str = cause.get("text", "")
        self.worker: str = cause.get("worker", "")
        self.traceback: str = cause.get("traceback", "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], {name: getattr(self, name) for name in CAUSE})


CAUSE = ("step", "kind", "text", "worker", "traceback")
"""Parts of what an outcome says about a failure."""


class StepLostError(ElliptioError, RuntimeError):
    """A step was lost with each worker that ran it, as often as it may be begun: it may be what ends them."""


class FlowCancelledError(ElliptioError, RuntimeError):
    """The flow was cancelled before the stream was complete."""


class ReplayError(ElliptioError, RuntimeError):
    """A step that was run again made other values than before."""


class TamperedDataError(ElliptioError, ValueError):
    """Bytes in the broker are not what was written there: altered, moved, replayed or cut, or of another secret."""


class UnserializableValueError(ElliptioError, TypeError, ValueError):
    """A value cannot go through the broker; the message names its type and where in the value it is."""


class BrokerUnavailableError(ElliptioError, ConnectionError):
    """The broker cannot be reached."""


class BrokerRefusal(ElliptioError):
    """A broker refuses an append or an end."""


class StreamFullError(BrokerRefusal):
    """The slowest attached reader is as far behind as the limit allows."""


class StreamEndedError(BrokerRefusal):
    """The stream has ended; `outcome` says how."""

    def __init__(self, message: str, outcome: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome or {}


class LeaseLostError(BrokerRefusal):
    """The lease has expired and another one has taken the step over: what comes from here is refused."""


class PositionError(BrokerRefusal, ValueError):
    """Values at this position would leave a hole."""
