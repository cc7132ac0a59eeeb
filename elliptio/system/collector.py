"""Pause Python's search for reference cycles where it would only take time."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Hold the search back while many plain values are made: it would walk all of them again and again.

    Values that hold no cycles are freed all the same when nobody needs them any more. Where several threads are in
    here, the first to leave ends it for all, which costs them time and nothing else.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
