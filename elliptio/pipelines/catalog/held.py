"""Find what a pickle holds of a project's code: it keeps the names of classes and functions, not what they do."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_AT_ONCE = 16 << 20
_LONGEST = 256
"""Bytes of a name in a pickle, at most."""


def names_in(path: Path, root: Path) -> list[str]:
    """Name the classes and functions of the project of a root that a pickle refers to: ``module:Class``.

    Only what is imported is known here; whoever made the value has that.
    """
    ours = {name: module for name, module in list(sys.modules.items()) if _is_ours(name, module, f"{root}{os.sep}")}
    code = {
        (name, value.__qualname__)
        for name in _mentioned(path, ours)
        for value in list(vars(ours[name]).values())
        if isinstance(value, type | FunctionType) and value.__module__ == name
    }
    there = _mentioned(path, {qualname for _, qualname in code})
    return sorted(f"{module}:{qualname}" for module, qualname in code if qualname in there)


def _is_ours(name: str, module: ModuleType, prefix: str) -> bool:
    if name == "__main__":
        return True
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.startswith(prefix) and f"{os.sep}site-packages{os.sep}" not in file


def _mentioned(path: Path, names: Iterable[str]) -> set[str]:
    """Return those of some names that a pickle has."""
    wanted = {written: name for name in names if len(written := name.encode()) < _LONGEST}
    found = set[str]()
    with _opened(path) as file:
        before, pattern = b"", None
        while wanted and (read := file.read(_AT_ONCE)):
            content = before + read
            pattern = pattern or _pattern(wanted, content)
            found |= {wanted[written] for written in pattern.findall(content)}
            before = content[-_LONGEST:]
    return found


def _pattern(names: Iterable[bytes], begin: bytes) -> re.Pattern[bytes]:
    """Make the pattern of some names where a pickle that begins so has names: behind their length, or on a line."""
    # Each is one literal and what may follow it: so all names are looked for at once, as fast as the literal is found.
    if begin[:1] == b"\x80" and begin[1:2] >= b"\x04":
        each = (rb"(?<=\x8c%b)%b" % (re.escape(bytes([len(name)])), re.escape(name)) for name in names)
        return re.compile(rb"\x8c.(%b)" % b"|".join(each), re.DOTALL)
    return re.compile(rb"[c\n](%b)(?=\n)" % b"|".join(map(re.escape, names)))


def _opened(path: Path) -> Any:
    """Open a pickle for reading, which joblib may have compressed."""
    with open(path, "rb") as file:
        begin = file.read(2)
    if begin == b"\x1f\x8b":
        import gzip

        return gzip.open(path)
    if begin == b"BZ":
        import bz2

        return bz2.open(path)
    if begin in (b"\xfd7", b"]\0"):
        import lzma

        return lzma.open(path)
    if begin[:1] == b"\x78":
        import zlib

        return io.BytesIO(zlib.decompress(path.read_bytes()))
    return open(path, "rb")
