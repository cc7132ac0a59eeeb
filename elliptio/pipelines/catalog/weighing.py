"""Tell what the bytes of a value would be, if it were saved to an entry; nothing is saved."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from elliptio.formats import registry
from elliptio.pipelines.catalog import pages, types
from elliptio.pipelines.catalog.assets import Assets, with_extra, without_index
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys


class Weight(NamedTuple):
    """Hash and number of bytes."""

    sha256: str
    size: int


def weigh_custom(
    assets: Assets, entry: Entry, keys: Keys, value: Any, options: Mapping[str, Any] | None = None
) -> Weight | None:
    """Hash what a class of a user would save, if its entry lay in a folder that is removed afterwards.

    None where the entry has no path of this machine: to save it would write where it really lies.
    """
    path = entry.path_of(keys)
    if not path or "://" in path:
        return None
    more = {**entry.save_options, **(options or {}), **keys}
    with tempfile.TemporaryDirectory(prefix="elliptio-value-") as folder:
        place = Path(folder, entry.relpath_of(keys))
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = with_extra(entry, path=str(place))
        made = assets.interactor(aside, more).save(value, **more)
        if isinstance(made, bytes | bytearray | memoryview):
            return Weight(hashlib.sha256(made).hexdigest(), len(bytes(made)))
        written = place if made is None else Path(made)
        if not written.is_file():
            return None
        with open(written, "rb") as file:
            return Weight(hashlib.file_digest(file, "sha256").hexdigest(), written.stat().st_size)


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
