"""Show a progress bar for transfers that take a while; silent where nobody watches."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

from elliptio.system import ending
from elliptio.system.forking import Lock

DELAY = 1.0
"""Seconds that a transfer must last before a bar shows."""


SMALL = 8 << 20
"""Bytes that are moved long before a bar would show."""


MOST_NAMES = 3
"""Names of what is under way that are shown beside a bar."""


class StoppedError(Exception):
    """Another part of the transfer failed, so that this one need not go on."""


class Progress:
    """Counts bytes moved by several threads and shows them, once `DELAY` has passed, in a terminal or notebook.

    Attributes
    ----------
    stopped
        Set to stop what is under way: to count more bytes is an error then.

    Parameters
    ----------
    total
        Bytes to come.
    what
        What is under way, such as ``"Saving"``.
    enabled
        False never shows anything.
    stopped
        See above; one of its own where none is given.

    """

    def __init__(self, total: int, what: str, *, enabled: bool = True, stopped: threading.Event | None = None) -> None:
        self.stopped = threading.Event() if stopped is None else stopped
        self._lock = Lock()
        self._moved = 0
        self._total = total
        self._what = what
        self._bar: Any = None
        self._timer: threading.Timer | None = None
        # A thread for a few bytes would cost more than the transfer: small ones are over long before the delay.
        if enabled and total > SMALL and _is_watched() and not ending.begun:
            self._timer = threading.Timer(DELAY, self._show)
            self._timer.daemon = True

    def __enter__(self) -> Progress:
        if self._timer:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
            with self._lock:
                self._timer = None
                if self._bar is not None:
                    self._bar.close()
                    self._bar = None

    def advance(self, size: int) -> None:
        """Count `size` more bytes.

        Raises
        ------
        StoppedError
            If it is stopped.

        """
        if self.stopped.is_set():
            raise StoppedError("something else failed")
        with self._lock:
            self._moved += size
            if self._bar is not None:
                self._bar.update(size)

    def _show(self) -> None:
        from tqdm.auto import tqdm

        with self._lock:
            if self._timer is not None:
                self._bar = tqdm(
                    total=self._total, initial=self._moved, desc=self._what, unit="B", unit_scale=True, leave=False
                )


class NamedProgress:
    """Counts things that are done one by one, and shows which are under way, once `DELAY` has passed.

    Parameters
    ----------
    total
        How many there are; `expect` adds more.
    what
        What is under way, as a whole.
    enabled
        False never shows anything.

    """

    def __init__(self, total: int, what: str, *, enabled: bool = True) -> None:
        self._lock = Lock()
        self._total, self._done = total, 0
        self._what = what
        self._names: list[str] = []
        self._bar: Any = None
        self._timer: threading.Timer | None = None
        if enabled and total and _is_watched() and not ending.begun:
            self._timer = threading.Timer(DELAY, self._show)
            self._timer.daemon = True

    def __enter__(self) -> NamedProgress:
        if self._timer:
            self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._timer:
            self._timer.cancel()
            with self._lock:
                self._timer = None
                if self._bar is not None:
                    self._bar.close()
                    self._bar = None

    def expect(self, count: int) -> None:
        """Count more to come."""
        self._total += count

    def begin(self, name: str) -> None:
        """Show that one is under way."""
        if self._timer is not None:
            with self._lock:
                self._names.append(name)
                self._refresh(0)

    def end(self, name: str | None = None) -> None:
        """Count one that is done, by its name if it was under way."""
        self._done += 1
        if self._timer is not None:
            with self._lock:
                if name in self._names:
                    self._names.remove(name)
                self._refresh(1)

    def _refresh(self, count: int) -> None:
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.set_postfix_str(", ".join(self._names[:MOST_NAMES]), refresh=False)
            self._bar.update(count)
            if not count:
                self._bar.refresh()

    def _show(self) -> None:
        from tqdm.auto import tqdm

        with self._lock:
            if self._timer is not None:
                self._bar = tqdm(
                    total=self._total, initial=self._done, desc=self._what, unit="step", leave=False, dynamic_ncols=True
                )
                self._refresh(0)


def _is_watched() -> bool:
    if "ipykernel" in sys.modules:
        return True
    return sys.stderr is not None and sys.stderr.isatty()
