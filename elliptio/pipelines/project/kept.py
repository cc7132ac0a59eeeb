"""Keep what was read of YAML files for the next process, in the project's own folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elliptio.pipelines.project.own_folder import NAME, own_folder, replace
from elliptio.pipelines.project.settings import plain

_READER = b"1"
"""Raise it when the same text is read to something else than before."""


class Kept:
    """Keeps what was read of one file, as ``<sha256 of what it was read from> <sha256 of the JSON>`` and the JSON.

    A reader of a torn, damaged, old or foreign file reads nothing, and reads the YAML.
    """

    def __init__(self, root: Path, shown: str, text: str, settings: Mapping[str, Any] | None) -> None:
        self.root, self.name = root, f"{_sha256(shown.encode(errors='replace'))[:32]}.json"
        self.key = _key(text, settings)

    def load(self) -> tuple[Any, list[int]] | None:
        """Return what was kept: the value, and the lines at the top; None where that was read of something else."""
        if self.key is None:
            return None
        try:
            header, _, payload = (self.root / NAME / "yaml" / self.name).read_bytes().partition(b"\n")
            if header.decode("ascii") != f"{self.key} {_sha256(payload)}":
                return None
            value, lines = json.loads(payload)
            return value, lines
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def store(self, read: tuple[Any, list[int]]) -> None:
        """Keep what was read, where JSON gives it back as it is and the folder can be written."""
        if self.key is None or not _is_json(read[0]):
            return
        folder = own_folder(self.root)
        if folder is None:
            return
        payload = json.dumps(read).encode()
        try:
            (folder / "yaml").mkdir(exist_ok=True)
            replace(folder / "yaml" / self.name, f"{self.key} {_sha256(payload)}\n".encode() + payload, private=True)
        except OSError:
            return


def _key(text: str, settings: Mapping[str, Any] | None) -> str | None:
    """Hash all that a result depends on: the text, and the settings whose names are in it."""
    parts = [_READER, text.encode(errors="surrogatepass")]
    if settings is not None:
        folded = text.casefold()
        used = {key: plain(settings[key]) for key in settings if str(key).casefold() in folded}
        # A message may name all settings, a result cannot: only values of those that are named are in it.
        if not _is_json(used):
            return None
        parts.append(json.dumps(used).encode())
    return _sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_json(value: Any) -> bool:
    """Tell whether JSON gives a value back as it is: nothing but texts for keys, no dates, no sets."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str and _is_json(each) for key, each in value.items())
    if kind is list:
        return all(map(_is_json, value))
    return value is None or kind in (str, int, float, bool)
