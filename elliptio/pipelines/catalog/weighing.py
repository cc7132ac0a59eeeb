"""Tell what the bytes of a value would be, if it were saved to an entry; nothing is saved."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from elliptio.formats import registry
from elliptio.pipelines.catalog import pages, types
from elliptio.pipelines.catalog.assets import without_index
from elliptio.pipelines.catalog.entries import Entry


class Weight(NamedTuple):
    """Hash and number of bytes."""

    sha256: str
    size: int


def weigh(entry: Entry, value: Any, options: Mapping[str, Any] | None = None) -> Weight | None:
    """Hash what would be saved; None where a class of a user saves it, which nobody can ask without saving.

    Raises
    ------
    ValueRefusedError
        If its type cannot keep the value as it is.

    """
    if entry.is_custom or entry.is_query:
        return None
    if entry.type == types.PAGE:
        content = pages.page_of(value)
        return Weight(hashlib.sha256(content).hexdigest(), len(content))
    value, more = without_index(value, {**entry.save_options, **(options or {})})
    with tempfile.TemporaryDirectory(prefix="elliptio-value-") as folder:
        path = Path(folder, "value")
        with open(path, "xb") as stream:
            registry.get(types.format_of(entry.type)).write(value, stream, **more)
        with open(path, "rb") as written:
            return Weight(hashlib.file_digest(written, "sha256").hexdigest(), path.stat().st_size)
