"""Say how a stream ended: done, failed with its cause, or cancelled."""

from __future__ import annotations

import os
import socket
import traceback as tracebacks
from typing import Any

from elliptio.flows.brokers.defining import Outcome
from elliptio.flows.errors import CAUSE, FlowCancelledError, StepFailedError
from elliptio.flows.waiting import FEEDER
from elliptio.provenance.redaction import redact

_MOST_TEXT, _MOST_TRACEBACK = 4_000, 20_000
"""So many characters of a message and of a traceback are kept, of the latter the last ones."""


def worker() -> str:
    """Name this process, for people."""
    return f"{socket.gethostname()} (process {os.getpid()})"


def failed(step: str, error: BaseException) -> Outcome:
    """Say that a step failed. Where an input had failed, it is the first cause that is kept."""
    if isinstance(error, StepFailedError) and error.step:
        cause = {name: getattr(error, name) for name in CAUSE}
    else:
        lines = "".join(tracebacks.format_exception(error))
        cause = {
            "step": step,
            "kind": type(error).__qualname__,
            "text": redact(str(error))[0][:_MOST_TEXT],
            "worker": worker(),
            "traceback": redact(lines[-_MOST_TRACEBACK:])[0],
        }
    return {"status": "failed", "cause": cause}


def error_of(outcome: Outcome, stream: str, flow_id: str) -> Exception:
    """Make the error that a reader of a stream gets, which did not end well."""
    if outcome.get("status") == "cancelled":
        return FlowCancelledError(f"The flow {flow_id} was cancelled before its stream {stream!r} was complete.")
    cause: dict[str, Any] = outcome.get("cause") or {}
    what = f"{cause.get('kind', 'an error')}: {cause.get('text', '')}".rstrip(": ")
    who = named(cause.get("step", ""))
    return StepFailedError(f"{who} failed, so {stream!r} is not complete. {what}", cause)


def named(step: str) -> str:
    """Name what failed, for people: a step, or what an input was given."""
    given = step.removeprefix(FEEDER)
    return f"The step {step!r}" if given == step else f"What the input {given!r} was given"


def single(error: BaseException) -> BaseException:
    """Give the error in a group of one, as deep as it lies."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
