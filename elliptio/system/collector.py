"""Pause Python's search for reference cycles where it would only take time."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_held = False
"""True where it is held back here, not by a user."""


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Hold the search back while many plain values are made: it would walk all of them again and again.

    Values that hold no cycles are freed all the same when nobody needs them any more. Where several threads are in
    here, the first to leave ends it for all, which costs them time and nothing else.
    """
    global _held
    was_on = gc.isenabled()
    gc.disable()
    _held = _held or was_on
    try:
        yield
    finally:
        if was_on:
            _held = False
            gc.enable()


@contextlib.contextmanager
def collected() -> Iterator[None]:
    """Let the search go on for a block in one that holds it back: code of users runs in it."""
    global _held
    if not _held:
        yield
        return
    _held = False
    gc.enable()
    try:
        yield
    finally:
        gc.disable()
        _held = True
