"""Where the time of an action goes, by the clock: who waits for the disk is asked as often as who computes."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import elliptio
from benchmarks.place import Action

PACKAGE = f"{Path(elliptio.__file__).parent}/"
SECONDS, STEP = 3.0, 1e-3
SHOWN = 6


def profile(
    action: Action,
    actions: Iterator[Action],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Do one action after the other, and return the share of the time that the functions of elliptio took, most first.

    What others did for a function counts as its own.
    """
    spent: Counter[str] = Counter()
    last = 0.0

    def note(number: int, frame: FrameType | None) -> None:
        # A signal that comes inside a system call is handled after it: so much time passed there.
        nonlocal last
        now = clock()
        spent[place_of(frame)] += now - last
        last = now

    signal.signal(signal.SIGALRM, note)
    end = clock() + seconds
    while clock() < end:
        last = clock()
        signal.setitimer(signal.ITIMER_REAL, STEP, STEP)
        action()
        signal.setitimer(signal.ITIMER_REAL, 0)
        action = next(actions)
    whole = sum(spent.values()) or 1.0
    return {place: round(share / whole, 3) for place, share in spent.most_common(SHOWN)}


def place_of(frame: FrameType | None) -> str:
    """Name the innermost function of elliptio that is at work."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return f"{frame.f_code.co_filename.removeprefix(PACKAGE)} {frame.f_code.co_qualname}"
        frame = frame.f_back
    return "the benchmark"
