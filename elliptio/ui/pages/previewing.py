"""Previews of files and logs: nothing is shown of a file that is known not to be what was saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile
from elliptio.artifacts.hashing import CHUNK
from elliptio.errors import ElliptioError
from elliptio.ui import wording
from elliptio.ui.checks import Check
from elliptio.ui.previews import Image, Source, contact_sheet, preview
from elliptio.ui.view import View

FEW_ROWS = 30
BUDGET = 16 << 20
"""Bytes of a file that a preview may read."""

SHEET = 60
"""Pictures of an artifact that are shown small."""

RASTER = frozenset({"png", "jpg", "jpeg", "gif", "webp", "bmp"})


def of_file(view: View, artifact: Artifact, place: int, *, rows: int = FEW_ROWS) -> dict[str, Any]:
    """Look into the n-th file of an artifact."""
    file = artifact.files[artifact.metadata.file_relpaths[place]]
    return {"n": place, "name": wording.plain(file.relpath, 200), **_looked(view, artifact, file, rows)}


def of_log(view: View, artifact: Artifact, name: str) -> dict[str, Any] | None:
    """Look into a log of an artifact."""
    if name not in artifact.metadata.log_relpaths:
        return None
    return {"n": None, "name": name, **_looked(view, artifact, artifact.logs[name], FEW_ROWS)}


def _looked(view: View, artifact: Artifact, file: RemoteFile, rows: int) -> dict[str, Any]:
    check = view.checks.look(artifact.artifact_id, file)
    found = None
    if check.ok:
        try:
            found = preview(source_of(file), rows=rows, budget=BUDGET)
        except ElliptioError as error:
            check = Check("missing", str(error))
    return {
        "size": file.size or 0,
        "check": check,
        "shown": found,
        "sha256": file.sha256,
        "lines": _lines(found),
        "profile": _profile(found),
        "load": _load(file),
    }


def source_of(file: RemoteFile) -> Source:
    """Let parts of a file be read."""

    def read(offset: int, length: int) -> bytes:
        with file.open("rb") as source:
            source.seek(offset)
            return bytes(source.read(length))

    return Source(file.relpath, file.size or 0, read)


def pieces(file: RemoteFile, wanted: range) -> Iterator[bytes]:
    """Yield the bytes of a range."""
    with file.open("rb") as source:
        source.seek(wanted.start)
        left = len(wanted)
        while left and (data := source.read(min(CHUNK, left))):
            left -= len(data)
            yield bytes(data)


def is_safe_image(view: View, artifact: Artifact, file: RemoteFile) -> bool:
    """Tell whether a picture may be decoded: what is small as a file may be huge as a picture."""
    if not view.checks.look(artifact.artifact_id, file).ok:
        return False
    found = preview(source_of(file), rows=1, budget=BUDGET)
    return isinstance(found, Image) and found.safe


def sheet(artifact: Artifact) -> list[dict[str, Any]]:
    """List the pictures of an artifact that are shown small."""
    metadata = artifact.metadata
    places = contact_sheet(metadata.file_relpaths, [record.size for record in metadata.files])
    return [
        {"n": place, "name": wording.plain(metadata.file_relpaths[place], 120)}
        for place in places[:SHEET]
        if wording.suffix_of(metadata.file_relpaths[place]) in RASTER
    ]


_COLOURS = {"file": "head", "hunk": "head", "added": "add", "removed": "del"}


def kind_of_line(line: str) -> str:
    """Name the class of a line of a diff."""
    if line.startswith(("+++", "---", "diff ", "index ", "@@")):
        return "head"
    return {"+": "add", "-": "del"}.get(line[:1], "")


def _lines(found: Any) -> list[tuple[str, str]]:
    """Give the lines of a text or a diff the class of their colour."""
    lines = getattr(found, "lines", None)
    if not isinstance(lines, list | tuple):
        return []
    if found.kind == "diff":
        return [(_COLOURS.get(kind, ""), line) for kind, line in lines]
    return [("", str(line)) for line in lines]


def _profile(found: Any) -> list[list[dict[str, float]]]:
    """Make of the histogram of each column what a picture is drawn from."""
    shown = []
    for column in getattr(found, "columns", None) or ():
        most = max(column.histogram, default=0) or 1
        width = 92 / max(len(column.histogram), 1)
        shown.append(
            [
                {"x": round(place * width, 1), "width": round(width * 0.85, 1), "y": round(22 - count / most * 22, 1),
                 "height": round(count / most * 22, 1)}
                for place, count in enumerate(column.histogram)
            ]
        )  # fmt: skip
    return shown


def _load(file: RemoteFile) -> str:
    """Write how a program gets this file."""
    suffix = wording.suffix_of(file.relpath)
    read = {"csv": "pd.read_csv", "parquet": "pd.read_parquet", "feather": "pd.read_feather"}.get(suffix)
    return read or ""
