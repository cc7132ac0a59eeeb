"""Say sizes, times and names as people read them. Values in, texts out."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elliptio.artifacts.display import human_size, model_name, printable

MOST_LETTERS = 300

_GROUPS = {
    "d": ("csv", "tsv", "parquet", "feather", "arrow", "jsonl", "npy", "npz", "xlsx", "db", "sqlite", "link"),
    "a": ("pt", "pth", "pkl", "pickle", "joblib", "safetensors", "onnx", "h5", "keras", "ckpt"),
    "g": ("html", "pdf", "md", "ipynb", "svg", "png", "jpg", "jpeg", "gif", "webp"),
}
_COLOURS = {suffix: group for group, suffixes in _GROUPS.items() for suffix in suffixes}
_SHORT = {"parquet": "PQ", "feather": "FTH", "jsonl": "JSONL", "safetensors": "SAFE", "joblib": "JBLB", "pickle": "PKL"}
PEOPLE = 8
"""Colours of people."""


def size(value: Any) -> str:
    """Say so many bytes."""
    return human_size(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def when(moment: Any, now: datetime) -> str:
    """Say when something was, the less exactly the longer ago."""
    if not isinstance(moment, datetime):
        return ""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    ago = now - moment
    if ago < timedelta(0) or ago >= timedelta(days=300):
        return f"{moment.day} {moment:%b %Y}"
    if ago < timedelta(minutes=1):
        return "just now"
    if ago < timedelta(hours=1):
        return f"{ago.seconds // 60} min ago"
    if ago < timedelta(hours=24) and moment.date() == now.date():
        return f"{ago.seconds // 3600} h ago"
    if moment.date() == (now - timedelta(days=1)).date():
        return f"yesterday {moment:%H:%M}"
    if ago < timedelta(days=7):
        return f"{moment:%a %H:%M}"
    return f"{moment.day} {moment:%b %H:%M}"


def exact(moment: Any) -> str:
    """Say when something was to the second."""
    if not isinstance(moment, datetime):
        return ""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def plain(value: Any, most: int = MOST_LETTERS) -> str:
    """Write any value on one line, without letters that steer or turn the text around, and not too long."""
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def suffix_of(relpath: str) -> str:
    """Return what follows the last dot of a name, in small letters; empty where there is none."""
    name = relpath.rpartition("/")[2]
    found = name.rpartition(".")
    return found[2].lower() if found[0] and found[2].isascii() and found[2].isalnum() and len(found[2]) <= 11 else ""


def badge(suffix: str) -> tuple[str, str]:
    """Return the short name of a kind of file, and the class of its colour."""
    return _SHORT.get(suffix, suffix.upper()[:5] or "FILE"), _COLOURS.get(suffix, "")


def person(name: Any) -> dict[str, Any]:
    """Return a person's name, its first letter, and the number of a colour that is always the same."""
    text = plain(name, 80)
    return {"name": text, "letter": (text[:1] or "?").upper(), "colour": zlib.crc32(text.encode()) % PEOPLE}


def files_of(document: Mapping[str, Any], most: int = 3) -> str:
    """Name the files of an artifact: all, or the first few and how many there are."""
    model = model_name(document)
    if model:
        return plain(model, 120)
    given = _texts(document.get("file_relpaths"))
    count = document.get("file_count")
    total = count if isinstance(count, int) else len(given)
    names = [plain(name, 120) for name in given[: max(most, 1)]]
    if not names:
        link = document.get("link")
        return plain(link, 120) + f" · {total:,} files" if link else f"{total:,} files"
    if total <= most:
        return ", ".join(names)
    shown = names[: max(most - 1, 1)]
    return f"{', '.join(shown)} and {total - len(shown):,} more"


def suffix_of_artifact(document: Mapping[str, Any]) -> str:
    """Return the kind of its first file."""
    if document.get("link"):
        return "link"
    names = _texts(document.get("file_relpaths"))
    return suffix_of(names[0]) if names else ""


def _texts(value: Any) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def labels_of(document: Mapping[str, Any], most: int = 4) -> list[tuple[str, str]]:
    """List the labels of an artifact that have a value, names and values."""
    labels = document.get("labels")
    if not isinstance(labels, Mapping):
        return []
    found = [(plain(name, 40), plain(value, 60)) for name, value in labels.items() if value not in (None, "", {}, [])]
    return found[:most]
