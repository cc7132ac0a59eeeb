"""Print results to stdout; warnings and errors, a line each, to stderr."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from elliptio.masking import hide_password
from elliptio.naming import shorten

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact

UNLIMITED = 1_000_000
"""A width that nothing is cut to."""

LEAST = 6
"""Characters that a column keeps, however narrow the terminal is."""


# What steers a terminal or turns the order of letters around. Written as code points: none of them is visible.
_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_STEERING = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *_BIDIRECTIONAL)
_REPLACED = dict.fromkeys((code for code in _STEERING if chr(code) not in "\n\t"), "�")
_ESCAPED = {code: f"\\u{code:04x}" for code in (*_STEERING, *range(0xD800, 0xE000)) if code >= 0x20}


class Shown(io.TextIOBase):
    """A stream to people, through which nothing comes that steers a terminal, whoever chose the text.

    Parameters
    ----------
    stream
        Where the text goes.

    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text, with a mark for each character that would steer."""
        self.stream.write(text if text.isprintable() else text.translate(_REPLACED))
        return len(text)

    def flush(self) -> None:
        """Hand on what is written; who forgets this does so too, when the stream itself may be closed."""
        if not self.stream.closed:
            self.stream.flush()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the number of the stream."""
        return self.stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream."""
        return self.stream.encoding


@contextlib.contextmanager
def aside(*, wanted: bool) -> Iterator[None]:
    """Send to stderr what code of users prints in a block, where stdout is to be one JSON document."""
    if not wanted:
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ValueError):  # also of other processes, unless a stream is no file
            stdout, stderr = sys.stdout.fileno(), sys.stderr.fileno()
            sys.stdout.flush()
            kept = os.dup(stdout)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, stdout)
            os.dup2(stderr, stdout)
        with contextlib.redirect_stdout(Shown(sys.stderr)):
            yield


def print_content(text: str) -> None:
    """Print what a program may read on as it is, such as a diff; to a terminal, without what would steer it."""
    stream = sys.stdout
    raw = stream.stream if isinstance(stream, Shown) and not stream.isatty() else stream
    print(text, end="", file=raw)


def notice(kind: str, message: str, *, as_json: bool, **more: str) -> None:
    """Print one line to stderr: a warning, an error or a log line."""
    message = hide_password(message)
    if as_json:
        line = _json({kind: {**more, "message": message}}, indent=None)
    else:
        line = f"elliptio: {kind}: {one_line(message)}"
    print(line, file=sys.stderr)


def one_line(text: str) -> str:
    """Put `text` on one line, without characters that would steer a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))


def print_json(value: Any) -> None:
    """Print a value as one JSON document."""
    from elliptio.documents import jsonable

    print(_json(jsonable(value), indent=2))


def _json(value: Any, indent: int | None) -> str:
    """Write JSON; what would steer a terminal, and half characters that UTF-8 does not have, as escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False).translate(_ESCAPED)


def artifact_document(artifact: Artifact, *, whole: bool) -> dict[str, Any]:
    """Return everything that is recorded about an artifact; packages and machine only if `whole`."""
    metadata = artifact.metadata
    left_out = set() if whole else {"python_packages", "environment"}
    document: dict[str, Any] = {"artifact_id": metadata.artifact_id, "creation_time": metadata.creation_time}
    for entry in dataclasses.fields(metadata):
        if entry.name not in left_out:
            document[entry.name] = getattr(metadata, entry.name)
    document["file_relpaths"] = metadata.file_relpaths
    if whole:
        document["python_packages"] = dict(metadata.python_packages)
        document["environment"] = {
            name: value for name, value in metadata.environment.items() if name not in ("_id", "python_packages")
        }
    return document


def cell(value: Any, most: int = 60) -> str:
    """Shorten a value to one line for a table."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if not isinstance(value, str):
        from elliptio.documents import jsonable

        value = json.dumps(jsonable(value), ensure_ascii=False)
    return cut(one_line(value), most)


def cut(text: str, width: int) -> str:
    """Cut `text` to at most `width` characters."""
    return shorten(text, max(width, 1))


def width() -> int:
    """Count the columns a line may have: of the terminal, or of COLUMNS; where there is neither, nothing is cut."""
    if not os.environ.get("COLUMNS") and not sys.stdout.isatty():
        return UNLIMITED
    return shutil.get_terminal_size((160, 24)).columns


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lay out a table with aligned columns; the widest are cut to make lines of `width`, but never the first."""
    lines = [header, *rows]
    widths = _fitted([max(len(line[column]) for line in lines) for column in range(len(header))], width)
    return [
        "  ".join(cut(text, size).ljust(size) for text, size in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _fitted(widths: list[int], width: int) -> list[int]:
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    while excess > 0 and len(widths) > 1:
        widest = max(range(1, len(widths)), key=widths.__getitem__)
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def open_missing_streams() -> None:
    """Print to nowhere where the caller has closed a stream (``elliptio … >&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process


def drop_stdout() -> None:
    """Forget what is still to be printed: nobody reads it any more (``elliptio … | head``)."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
