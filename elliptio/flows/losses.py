"""Count how often a step was lost with its worker, so that one which ends each of them fails at last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.flows.brokers.defining import Epoch
from elliptio.flows.errors import StepLostError

LOST = "lost"
"""Part of a step's state that says how often it was lost, and how many values each of its streams had then."""


def losses(epoch: Epoch, counts: Mapping[str, int], *, waited: bool) -> int:
    """Count the workers in a row that were lost with a step which came no further.

    One that could only wait is not counted: it was something else that ended its worker.

    Parameters
    ----------
    epoch
        That of whoever takes the step over.
    counts
        How many values each of its streams has.
    waited
        Whether it could only wait, for values or for room.

    """
    if not epoch.lost or waited:
        return 0
    before = (epoch.state or {}).get(LOST)
    return before["times"] + 1 if before and before["counts"] == counts else 1


def marked(state: Mapping[str, Any] | None, times: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """Write into the state of a step how often it was lost."""
    plain = {name: value for name, value in (state or {}).items() if name != LOST}
    return {**plain, LOST: {"times": times, "counts": dict(counts)}} if times else plain


def check(times: int, attempts: int, step: str) -> None:
    """Raise an error if a step was lost as often as it may be begun.

    Raises
    ------
    StepLostError
        Then.

    """
    if times >= attempts:
        workers = f"{times} workers in a row were" if times > 1 else "The worker was"
        raise StepLostError(
            f"{workers} lost with the step {step!r}, which made nothing new meanwhile. It may be what ends its "
            "process, for want of memory or by a fault in compiled code: see the logs of the workers, and of their "
            "system. How often such a step is begun says the setting 'attempts'."
        )
