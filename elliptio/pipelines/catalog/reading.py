"""Read the entries of a catalog from YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elliptio.pipelines.catalog.entries import Entry


def read_entries(source: Path, settings: Mapping[str, Any], root: Path) -> list[Entry]:
    """Read the entries of a file, or of all YAML files of a folder.

    Raises
    ------
    EntryError
        If one is wrong; the message names file, line and entry.

    """
    import yaml

    found = []
    for path in sorted(source.rglob("*.y*ml")) if source.is_dir() else [source]:
        for value in yaml.safe_load(path.read_text()) or []:
            found.append(Entry.read(value, str(path)))
    return found
