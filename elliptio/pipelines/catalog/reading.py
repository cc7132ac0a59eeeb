"""Read the entries of a catalog from YAML files."""

from __future__ import annotations

from pathlib import Path

from elliptio.naming import shorten
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.errors import EntryError
from elliptio.pipelines.project.yaml_files import Reader


def read_entries(source: Path, reader: Reader) -> list[Entry]:
    """Read the entries of a file, or of all YAML files of a folder.

    Raises
    ------
    EntryError
        If one is wrong; the message names file, line and entry.
    ProjectError
        If a file cannot be read, or is no YAML.

    """
    found = []
    for file in reader.read_all(source):
        if file.value is None:
            continue
        if not isinstance(file.value, list):
            raise EntryError(
                f"{file.where()}: a catalog is a list of entries, `- {{name: …, type: …}}`, not "
                f"{shorten(repr(file.value), 60)}."
            )
        found += [Entry.read(value, place) for value, place in zip(file.value, file.places, strict=True)]
    return found
