"""Projects before and after an edit, and what is made of them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elliptio.pipelines.code import Code, as_record, changes, code_of

Files = Mapping[str, str]


@contextmanager
def imported(root: Path, files: Files, module: str = "crafts") -> Iterator[Any]:
    """Write a project, import one of its modules, and forget all of them in the end."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before, path_before = {*sys.modules}, [*sys.path]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(module)
    finally:
        sys.path[:] = path_before
        for name in {*sys.modules} - before:
            if (
                str(getattr(sys.modules[name], "__file__", None) or getattr(sys.modules[name], "__path__", "")).find(
                    str(root)
                )
                >= 0
            ):
                del sys.modules[name]


def read(root: Path, files: Files, name: str = "craft", **options: Any) -> Code:
    """Return the code of a function of `crafts.py`."""
    with imported(root, files) as module:
        return code_of(getattr(module, name), [root], **options)


def edited(files: Files, *edits: tuple[str, str, str]) -> dict[str, str]:
    """Return the files with one text in each edit replaced by another, or appended to where there is none."""
    made = dict(files)
    for name, old, new in edits:
        text = made.get(name, "")
        assert old in text, f"{old!r} is not in {name}"
        made[name] = text.replace(old, new) if old else text + new
    return made


def compared(tmp_path: Path, before: Files, after: Files) -> tuple[Code, Code, list[str]]:
    """Return the code before and after an edit, read in two folders, and what is said of it."""
    first = read(tmp_path / "first", before)
    second = read(tmp_path / "a" / "second folder", after)
    return first, second, changes(as_record(first), second)
