"""What a block prints and logs, copied to a file while it still shows."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from typing import Any, TextIO

MAX_CHARACTERS = 50_000_000
"""What is printed beyond this is not kept; the log says so."""


class Output:
    """Collects text from several streams, in the order in which it was written."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._left = MAX_CHARACTERS

    def add(self, text: str) -> None:
        """Keep `text`, as far as it fits."""
        if self._left > 0:
            self._text.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._text.write("\n[elliptio: output beyond this was not kept]\n")

    def text(self) -> str:
        """All that was kept; of lines that progress bars rewrote, only what was left standing."""
        lines = self._text.getvalue().split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


class _Tee(io.TextIOBase):
    """Passes everything on to a stream, and what is written also to an `Output`."""

    def __init__(self, stream: TextIO, output: Output) -> None:
        self._stream = stream
        self._output = output

    def write(self, text: str, /) -> int:
        self._output.add(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def captured() -> Iterator[Output]:
    """Copy what Python code writes to stdout, stderr and logging inside the block."""
    output = Output()
    tees = {name: _Tee(getattr(sys, name), output) for name in ("stdout", "stderr") if getattr(sys, name) is not None}
    originals = {name: tee._stream for name, tee in tees.items()}
    swapped: list[tuple[logging.StreamHandler[Any], TextIO]] = []
    for handler in _stream_handlers():
        for name, original in originals.items():
            if handler.stream is original:
                handler.setStream(tees[name])
                swapped.append((handler, original))
    for name, tee in tees.items():
        setattr(sys, name, tee)
    try:
        yield output
    finally:
        for name, tee in tees.items():
            if getattr(sys, name) is tee:
                setattr(sys, name, originals[name])
        for handler, stream in swapped:
            handler.setStream(stream)


def _stream_handlers() -> list[logging.StreamHandler[Any]]:
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    found = {handler: None for logger in loggers for handler in getattr(logger, "handlers", ())}
    return [handler for handler in found if isinstance(handler, logging.StreamHandler)]
