"""Show texts, patches, and pages as their source."""

from __future__ import annotations

import json

from elliptio.naming import shorten
from elliptio.ui.previews.reading import Ranged, decoded
from elliptio.ui.previews.shapes import Diff, Hex, Sandboxed, Text

SAMPLE = 256 * 1024
"""Bytes of a text that are read."""

MOST_LINES = 2000
MOST_LETTERS = 2000
HEX = 4096
"""Bytes that are shown where nothing else can be."""

LANGUAGES = {
    ".json": "json", ".geojson": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".md": "markdown",
    ".markdown": "markdown", ".py": "python", ".r": "r", ".sql": "sql", ".sh": "sh", ".ini": "ini", ".cfg": "ini",
    ".xml": "xml", ".js": "javascript", ".css": "css", ".tex": "tex", ".rst": "rst",
}  # fmt: skip


def read_text(ranged: Ranged, rows: int = 0) -> Text:
    """Show a text; JSON in one line is indented."""
    language = LANGUAGES.get(ranged.source.suffix, "text")
    lines, notes = _lines(ranged)
    if language == "json" and len(lines) <= 2 and ranged.source.size <= SAMPLE:
        indented = _indented(ranged)
        if indented:
            notes = [*_cut(indented), "indented to be read"]
            lines = [shorten(line, MOST_LETTERS) for line in indented[:MOST_LINES]]
    return Text(lines, language, "; ".join(notes) or None)


def read_diff(ranged: Ranged, rows: int = 0) -> Diff:
    """Show a patch, each line with what it is."""
    lines, notes = _lines(ranged)
    shown: list[tuple[str, str]] = []
    left = [0, 0]
    for line in lines:
        kind = _kind(line, left)
        shown.append((kind, line))
    count = [kind for kind, _ in shown]
    files = sum(line.startswith("+++ ") for kind, line in shown if kind == "file")
    return Diff(shown, files, count.count("added"), count.count("removed"), "; ".join(notes) or None)


def _kind(line: str, left: list[int]) -> str:
    """Tell what a line of a patch is; `left` are the lines of the old and the new file that its hunk still has."""
    if line.startswith("@@"):
        left[:] = _lengths(line)
        return "hunk"
    if left[0] <= 0 and left[1] <= 0:
        names = ("diff ", "--- ", "+++ ", "index ", "new file", "deleted file", "rename ", "similarity ", "old mode ")
        return "file" if line.startswith(names) else "same"
    if line.startswith("+"):
        left[1] -= 1
        return "added"
    if line.startswith("-"):
        left[0] -= 1
        return "removed"
    if not line.startswith("\\"):
        left[0] -= 1
        left[1] -= 1
    return "same"


def _lengths(line: str) -> list[int]:
    """Read how many lines a hunk has of the old file, and of the new."""
    lengths = []
    for sign in "-+":
        ranges = [word for word in line.split()[1:3] if word.startswith(sign)]
        number = ranges[0].partition(",")[2] or "1" if ranges else "0"
        lengths.append(int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0)
    return lengths


def read_page(ranged: Ranged, rows: int = 0) -> Sandboxed:
    """Show a page or a drawing that could run code: its source, and what format it is."""
    kind = {".htm": "html", ".xhtml": "html", ".pdf": "pdf", ".svg": "svg"}.get(ranged.source.suffix, "html")
    if kind == "pdf" or ranged.head(5) == b"%PDF-":
        if ranged.head(5) != b"%PDF-":
            raise ValueError("it does not begin as a PDF does")
        says = (
            "A PDF is not shown here: browsers show none where nothing may run. Download it: it is verified on its way."
        )
        return Sandboxed("pdf", [], says)
    lines, notes = _lines(ranged)
    return Sandboxed(kind, lines, "; ".join(notes) or None)


def read_hex(ranged: Ranged, note: str | None = None) -> Hex:
    """Show the first bytes."""
    data = ranged.head(ranged.within(HEX))
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:08x}  {part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}  |{shown}|")
    notes = [note] if note else []
    if ranged.source.size > len(data):
        notes.append(f"first {len(data):,} of {ranged.source.size:,} bytes")
    return Hex(lines, "; ".join(notes) or None)


def _lines(ranged: Ranged) -> tuple[list[str], list[str]]:
    """Read the first lines, and say what was left out."""
    data = ranged.head(ranged.within(SAMPLE))
    whole = len(data) >= ranged.source.size
    text, note = decoded(data, whole=whole)
    lines = text.replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    notes = ["the file is empty"] if not ranged.source.size else []
    notes += [note] if note else []
    notes += _cut(lines)
    if not whole:
        notes.append(f"first {len(data):,} of {ranged.source.size:,} bytes")
    return [shorten(line, MOST_LETTERS) for line in lines[:MOST_LINES]], notes


def _cut(lines: list[str]) -> list[str]:
    notes = [f"first {MOST_LINES:,} of {len(lines):,} lines"] if len(lines) > MOST_LINES else []
    long = sum(len(line) > MOST_LETTERS for line in lines[:MOST_LINES])
    return notes + ([f"{long:,} lines are cut"] if long else [])


def _indented(ranged: Ranged) -> list[str]:
    try:
        text, _ = decoded(ranged.head(SAMPLE), whole=True)
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return []
