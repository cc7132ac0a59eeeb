"""Find the source of what is loaded, as it was when it was first looked at, and the facts of it.

A file may have been edited since it was imported, and what is loaded is what runs. So a function is looked up in its
file by its code object: only if compiling the source gives that very code, do the facts of the source count for it.

To parse and compile a file takes a hundred times longer than to hash the code of what is loaded. So its facts are
kept in a folder, by the hash of its text.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import linecache
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from elliptio.masking import Later
from elliptio.pipelines.code.bytecode import exact, facts_by_bytecode, loose
from elliptio.pipelines.code.facts import FileFacts, FunctionFacts, facts_of, from_lists, function, to_lists
from elliptio.system.collector import uncollected

_log = logging.getLogger(__name__)

VERSION = 4
"""Raised when facts are made in another way."""
_CELL = Later(r"[/\\]ipykernel_\d+[/\\]|^<(?:ipython|python)-input-|^<stdin")
_NO_FACTS = FileFacts({}, {}, {}, [], {}, [], [])


class Source:
    """The text of a file or a cell as it was first seen, and what counts of it."""

    def __init__(self, filename: str, text: str, stamp: tuple[int, int] | None) -> None:
        self.filename, self.text, self.stamp = filename, text, stamp
        self._facts: FileFacts | None = None
        self._newer: Source | None = None
        self._loosely: dict[tuple[str, str], list[str]] | None = None

    def facts(self, cache: Path | None) -> FileFacts:
        """Say what counts of it."""
        if self._facts is None:
            self._facts = self._kept(cache) if cache is not None else self._made()
        return self._facts

    def was_edited(self) -> bool:
        """Tell whether the file says something else now."""
        return self.newer() is not None

    def newer(self) -> Source | None:
        """Return the file as it is now; None if it is the same."""
        stamp = _stamp(self.filename)
        if self.stamp is None or stamp in (None, self.stamp):
            return None
        text = _text(self.filename)
        if text is None or text == self.text:
            return None
        if self._newer is None or self._newer.text != text:
            self._newer = Source(self.filename, text, stamp)
        return self._newer

    def find(self, code: CodeType, cache: Path | None) -> list[FunctionFacts] | None:
        """Return the facts of a function, several if one line holds several like it; None if it is not of this text."""
        facts = self.facts(cache).functions
        found = facts.get(exact(code))
        if found is None and facts:
            for each in self._alike().get((code.co_name, loose(code)), ()):
                found = facts.get(each) or found
        return None if found is None else [function(*row) for row in found]

    def _alike(self) -> dict[tuple[str, str], list[str]]:
        if self._loosely is None:
            self._loosely = {}
            for code in _functions(self._compiled()):
                self._loosely.setdefault((code.co_name, loose(code)), []).append(exact(code))
        return self._loosely

    def _compiled(self) -> CodeType | None:
        try:
            return compile(self.text, self.filename, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return None

    def _made(self) -> FileFacts:
        import ast

        code = self._compiled()
        if code is None:
            return _NO_FACTS
        hashes: dict[tuple[int, str], list[str]] = {}
        for each in _functions(code):
            hashes.setdefault((each.co_firstlineno, each.co_name), []).append(exact(each))
        with uncollected():
            try:
                return facts_of(ast.parse(self.text), lambda line, name: hashes.get((line, name), ()))
            except RecursionError:
                return _NO_FACTS

    def _kept(self, cache: Path) -> FileFacts:
        place = hashlib.sha256(f"{VERSION} {sys.version_info[:3]} {sys.flags.optimize} {self.filename}".encode())
        prefix = place.hexdigest()[:20]
        path = cache / f"{prefix}-{hashlib.sha256(self.text.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.json"
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError), uncollected():
            return from_lists(json.loads(path.read_bytes()))
        made = self._made()
        try:
            cache.mkdir(parents=True, exist_ok=True)
            for old in cache.glob(f"{prefix}-*"):
                old.unlink(missing_ok=True)
            staged = cache / f".{secrets.token_hex(8)}"
            staged.write_text(json.dumps(to_lists(made), separators=(",", ":")))
            os.replace(staged, path)
        except OSError:
            _log.debug("cannot keep what counts of %s", self.filename, exc_info=True)
        return made


def _functions(code: CodeType | None) -> Iterator[CodeType]:
    if code is None:
        return
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _functions(inner)


def _stamp(filename: str) -> tuple[int, int] | None:
    try:
        status = os.stat(filename)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def _text(filename: str) -> str | None:
    try:
        with open(filename, "rb") as file:
            written = file.read()
        if b"coding" in written[:200]:
            return importlib.util.decode_source(written)
        return written.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, SyntaxError, ValueError):
        return None


# By file and by the specification that it was loaded with: a reload has another one.
_sources: dict[tuple[str, int], tuple[Any, Source | None]] = {}
_functions_found: dict[int, tuple[CodeType, Source | None, list[FunctionFacts]]] = {}


def source_of(filename: str, spec: Any) -> Source | None:
    """Return the source of a file or a cell as it was when it was first looked at; None if there is none."""
    key = filename, id(spec)
    known = _sources.get(key)
    if known is None:
        stamp = _stamp(filename)
        text = _text(filename) if stamp is not None else "".join(linecache.getlines(filename)) or None
        known = _sources[key] = (spec, None if text is None else Source(filename, text, stamp))
    return known[1]


def function_facts(code: CodeType, spec: Any, cache: Path | None) -> tuple[Source | None, list[FunctionFacts]]:
    """Return what counts of a function, by its source if that is what is loaded, and that source."""
    known = _functions_found.get(id(code))
    if known is None:
        source = source_of(code.co_filename, spec)
        found = source.find(code, cache) if source is not None else None
        if source is not None and found is None:
            # Some tools put new code into loaded functions, and reload nothing.
            newer = source.newer()
            found = newer.find(code, cache) if newer is not None else None
            source = newer if found is not None else source
        if found is None:
            found, source = [facts_by_bytecode(code)], None
        known = _functions_found[id(code)] = code, source, found
    return known[1:]


def cells() -> list[Source]:
    """Return the cells that were executed in this session of a notebook or a console, in their order."""
    names = [name for name in list(linecache.cache) if _CELL.search(name)]
    return [found for name in names if (found := source_of(name, None)) is not None]


def facts_of_cells(cache: Path | None) -> FileFacts:
    """Say what counts of all cells together: the last one that makes something counts for it."""
    made = FileFacts({}, {}, {}, [], {}, [], [])
    for cell in cells():
        facts = cell.facts(cache)
        first = len(made.statements)
        made.statements.extend(facts.statements)
        made.functions.update(facts.functions)
        made.classes.update(facts.classes)
        made.aliases.update(facts.aliases)
        made.bindings.update({n: (line, [first + i for i in numbers]) for n, (line, numbers) in facts.bindings.items()})
    return made
