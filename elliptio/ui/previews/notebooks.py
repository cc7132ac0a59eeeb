"""Show a notebook: its cells as text, of its outputs texts and pictures, never markup or scripts."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from elliptio.ui.previews.images import size_of
from elliptio.ui.previews.reading import Ranged, UnfitError
from elliptio.ui.previews.shapes import Cell, Notebook

MOST_CELLS = 300
MOST_OUTPUTS = 20
"""Outputs of a cell that are shown."""

MOST_LETTERS = 20_000
MOST_IMAGE = 2 * 2**20
MOST_IMAGES = 8 * 2**20
"""Bytes of a picture, and of all of them together, that are shown."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def read_notebook(ranged: Ranged, rows: int = 0) -> Notebook:
    """Show a notebook."""
    try:
        document = json.loads(ranged.head(ranged.source.size))
    except RecursionError:
        raise UnfitError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise UnfitError("it is no notebook")
    listed = document.get("cells")
    if listed is None and isinstance(document.get("worksheets"), list):
        listed = [
            cell for sheet in document["worksheets"] if isinstance(sheet, dict) for cell in _listed(sheet, "cells")
        ]
    if not isinstance(listed, list):
        raise UnfitError("it has no cells")
    outputs = _Outputs()
    cells = [outputs.cell(cell) for cell in listed[:MOST_CELLS] if isinstance(cell, Mapping)]
    notes = [f"first {MOST_CELLS:,} of {len(listed):,} cells"] if len(listed) > MOST_CELLS else []
    if outputs.left_out:
        notes.append(f"{outputs.left_out:,} outputs are not shown: only texts, PNG and JPEG are")
    return Notebook(cells, _language(document), "; ".join(notes) or None)


class _Outputs:
    """Reads the outputs of cells, and counts what is left out."""

    def __init__(self) -> None:
        self.left_out = 0
        self._room = MOST_IMAGES

    def cell(self, cell: Mapping[str, Any]) -> Cell:
        kind = str(cell.get("cell_type"))
        text = _joined(cell.get("source", cell.get("input", "")))
        texts: list[str] = []
        images: list[str] = []
        outputs = _listed(cell, "outputs")
        for output in outputs[:MOST_OUTPUTS]:
            if isinstance(output, Mapping):
                self._output(output, texts, images)
        self.left_out += max(0, len(outputs) - MOST_OUTPUTS)
        known = kind if kind in ("code", "markdown", "raw") else "raw"
        return Cell(known, text[:MOST_LETTERS], texts, images)

    def _output(self, output: Mapping[str, Any], texts: list[str], images: list[str]) -> None:
        kind = output.get("output_type")
        if kind == "stream":
            texts.append(_plain(output.get("text")))
            return
        if kind in ("error", "pyerr"):
            traceback = _plain("\n".join(map(str, _listed(output, "traceback"))))
            texts.append(traceback or _plain(f"{output.get('ename')}: {output.get('evalue')}"))
            return
        data = output.get("data", output)
        if not isinstance(data, Mapping):
            self.left_out += 1
            return
        for mime in ("image/png", "image/jpeg"):
            url = self._image(mime, data.get(mime)) if mime in data else None
            if url:
                images.append(url)
                return
        if "text/plain" in data or "text" in data:
            texts.append(_plain(data.get("text/plain", data.get("text"))))
        else:
            self.left_out += 1

    def _image(self, mime: str, encoded: Any) -> str | None:
        """Make a URL of a picture, if it is one, and not too large."""
        text = "".join(_joined(encoded).split())
        if not text or len(text) > MOST_IMAGE * 4 // 3 + 4 or len(text) > self._room * 4 // 3:
            return None
        try:
            data = base64.b64decode(text, validate=True)
            found, _, _ = size_of(data)
        except (UnfitError, binascii.Error, ValueError):
            return None
        if f"image/{found}" != mime:
            return None
        self._room -= len(data)
        return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _joined(text: Any) -> str:
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _plain(text: Any) -> str:
    return _ANSI.sub("", _joined(text))[:MOST_LETTERS]


def _language(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    for name, key in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(name) if isinstance(metadata, Mapping) else None
        if isinstance(part, Mapping) and isinstance(part.get(key), str):
            return str(part[key])[:40]
    return "python"
