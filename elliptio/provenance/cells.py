"""Make a notebook of the cells that were executed in this session of Jupyter or IPython.

Only who runs inside IPython has cells. A notebook has its cells in an order of its own and may be edited after they
ran; what counts here is what was executed, in the order in which it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from elliptio.provenance.redaction import MASK, Finding, redact, redact_argv
from elliptio.provenance.secrets.names import is_placeholder, is_secret_option

MAX_BYTES = 5 << 20
"""Bytes that are kept of all cells together, the last ones first."""

MAX_CELL = 1 << 20
"""Characters of one cell; a longer one holds data rather than code."""

_COMMAND = re.compile(r"\s*(?:!!?|%(?:sx|system)\s)\s*")
_VARIABLE = re.compile(r"(\s*%(?:set_)?env\s+(\w+)\s+)(\S.*?)(\s*)")

_HEAD = b'{\n "cells": [\n'
_FOOT = b"""
 ],
 "metadata": {
  "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
  "language_info": {"name": "python"}
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
"""


class Notebook(NamedTuple):
    """A notebook in the format of Jupyter, and each secret that was masked in it: number of the cell, and finding."""

    content: bytes
    findings: list[tuple[int, Finding]]


class _Source(NamedTuple):
    """The text of one cell, masked and written as JSON, and what was masked in it."""

    written: bytes
    findings: list[Finding]


# Of the last notebook only: its cells are looked up by their text, so that each is masked once in a session.
_sources: dict[str, _Source] = {}
_last: tuple[list[str], Notebook | None] = ([], None)


def to_notebook(cells: list[str]) -> Notebook | None:
    """Make a notebook of executed cells, secrets masked; None where there are none."""
    global _sources, _last
    known = _last
    if known[0] != cells:
        sources = dict(_fitting(cells, _sources))
        made = _assembled(cells, sources) if any(cells) else None
        _sources = {cells[number]: source for number, source in sources.items()}
        known = _last = [*cells], made
    return known[1]


def _fitting(cells: Sequence[str], known: dict[str, _Source]) -> Iterator[tuple[int, _Source]]:
    """Yield the cells that fit, from the last one back: that one made the artifact."""
    left = MAX_BYTES
    for number in range(len(cells) - 1, -1, -1):
        text = cells[number]
        if not text:
            continue
        source = known.get(text) or _source(text)
        left -= len(source.written)
        if left < 0:
            return
        yield number, source


def _source(text: str) -> _Source:
    if len(text) > MAX_CELL:
        text = f"# elliptio: a cell of {len(text):,} characters was not kept; {MAX_CELL:,} are kept at most"
    text, found = _without_arguments(text)
    clean, findings = redact(text)
    return _Source(_lines(clean), sorted([*found, *findings], key=lambda finding: finding.position))


def _without_arguments(text: str) -> tuple[str, list[Finding]]:
    """Mask secrets where only a command says that they are some: ``!mysql -phunter2``, ``%env TOKEN hunter2``."""
    if "!" not in text and "%" not in text:
        return text, []
    lines, found = text.splitlines(keepends=True), []
    for number, line in enumerate(lines):
        variable = _VARIABLE.fullmatch(line)
        if variable and is_secret_option(variable[2]) and not is_placeholder(variable[3]):
            lines[number] = f"{variable[1]}{MASK}{variable[4]}"
            found.append(Finding("argument", number + 1))
        elif command := _COMMAND.match(line):
            words = re.split(r"(\s+)", line[command.end() :])
            words[::2], masked = redact_argv(words[::2])
            lines[number] = command[0] + "".join(words)
            found += (Finding(finding.kind, number + 1) for finding in masked)
    return "".join(lines), found


def _lines(text: str) -> bytes:
    """Write a text as the list of lines that Jupyter makes of it; what UTF-8 cannot hold becomes a question mark."""
    import json

    lines = (json.dumps(line, ensure_ascii=False) for line in text.splitlines(keepends=True))
    return ("[\n    " + ",\n    ".join(lines) + "\n   ]").encode("utf-8", "replace")


def _assembled(cells: Sequence[str], sources: dict[int, _Source]) -> Notebook:
    numbers = sorted(sources)
    findings = [(number, finding) for number in numbers for finding in sources[number].findings]
    notes = list(_notes(cells, numbers, len(findings)))
    parts = [_code_cell(number, sources[number].written) for number in numbers]
    if notes:
        parts.insert(0, _markdown_cell("\n\n".join(notes)))
    return Notebook(_HEAD + b",\n".join(parts) + _FOOT, findings)


def _notes(cells: Sequence[str], numbers: Sequence[int], masked: int) -> Iterator[str]:
    """Say what is not here as it was executed."""
    first = numbers[0] if numbers else len(cells)
    if older := sum(map(bool, cells[:first])):
        yield f"elliptio: the first {older:,} cells were not kept: together they take more than {MAX_BYTES:,} bytes."
    if cleared := sum(not cell for cell in cells[1:]):
        yield f"elliptio: {cleared:,} cells were cleared from the session's history before this was recorded."
    if masked:
        yield f"elliptio: masked {masked:,} secrets, so those lines are not what was executed."


def _code_cell(number: int, source: bytes) -> bytes:
    return (
        b'  {\n   "cell_type": "code",\n   "execution_count": %d,\n   "id": "cell-%d",\n'
        b'   "metadata": {},\n   "outputs": [],\n   "source": %s\n  }' % (number, number, source)
    )


def _markdown_cell(text: str) -> bytes:
    return b'  {\n   "cell_type": "markdown",\n   "id": "notes",\n   "metadata": {},\n   "source": %s\n  }' % _lines(
        text
    )
