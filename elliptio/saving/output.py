"""Copy what a block prints and logs, while it still shows."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from elliptio.lake.run_output import standing
from elliptio.system.forking import Lock

MAX_CHARACTERS = 50_000_000
"""Limit of what is kept of it; the log says where more was printed."""


class Output:
    """Collects text from several streams, in the order in which it was written.

    Parameters
    ----------
    tell
        Is given each text at once, as far as it is kept.

    """

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self._text = io.StringIO()
        self._tell = tell
        self._left = MAX_CHARACTERS

    def add(self, text: str) -> None:
        """Keep `text`, as far as it fits."""
        if self._left > 0:
            self._text.write(text[: self._left])
            if self._tell is not None:
                self._tell(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._text.write("\n[elliptio: output beyond this was not kept]\n")

    def text(self) -> str:
        """All that was kept; of lines that progress bars rewrote, only what was left standing."""
        return standing(self._text.getvalue())


_lock = Lock()
_outputs: list[Output] = []
"""Those of the blocks that are running now: a program has one stdout, so each of them gets all of it."""

_undo = contextlib.ExitStack()


class _Tee(io.TextIOBase):
    """Passes everything on to a stream, and what is written also to the running blocks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        with _lock:
            for output in _outputs:
                output.add(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    # Of these the class has its own, which say nothing.
    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return getattr(self._stream, "encoding", None)

    @property
    def errors(self) -> Any:  # type: ignore[override]
        return getattr(self._stream, "errors", None)

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return getattr(self._stream, "newlines", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def captured(tell: Callable[[str], object] | None = None) -> Iterator[Output]:
    """Copy what Python code writes to stdout, stderr and logging inside the block."""
    output = Output(tell)
    with _lock:
        if not _outputs:
            _begin()
        _outputs.append(output)
    try:
        yield output
    finally:
        with _lock:
            _outputs.remove(output)
            if not _outputs:
                _undo.close()


def _begin() -> None:
    """Put tees in the place of the streams, also in those logging handlers that write to them."""
    for name in ("stdout", "stderr"):
        original = getattr(sys, name)
        if original is None:
            continue
        tee = _Tee(original)
        setattr(sys, name, tee)
        _undo.callback(_restore, name, tee, original)
        for handler in _stream_handlers():
            if handler.stream is original:
                handler.setStream(tee)
                _undo.callback(handler.setStream, original)


def _restore(name: str, tee: _Tee, original: TextIO) -> None:
    # Somebody else may have put their own stream there since.
    if getattr(sys, name) is tee:
        setattr(sys, name, original)


def _stream_handlers() -> list[logging.StreamHandler[Any]]:
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    found = {handler: None for logger in loggers for handler in getattr(logger, "handlers", ())}
    return [handler for handler in found if isinstance(handler, logging.StreamHandler)]
