"""Look at linked files, which stay where they are: which are gone, or not what they were? Nothing is read of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elliptio.artifacts.stamps import is_untouched
from elliptio.errors import ElliptioError
from elliptio.lake.checks import check_records
from elliptio.lake.lake import Lake
from elliptio.lake.upkeep.verification import Problem
from elliptio.naming import FILES
from elliptio.protocols import Document


@dataclass
class Looked:
    """Answer of a look at links.

    Attributes
    ----------
    problems
        What changed; of a file that was written again and is hashed, only its content can tell.
    links, files
        How many were looked at.
    more
        Whether some were not.

    """

    problems: list[Problem] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    files: int = 0
    more: bool = False


def changed_links(lake: Lake, *, most_links: int, most_files: int) -> Looked:
    """Look at the files of the newest links, at so many of them.

    Raises
    ------
    IndexUnavailableError
        If the index cannot be reached.

    """
    looked = Looked()
    sort = [("creation_time", -1), ("_id", -1)]
    for document in lake.find({"link": {"$exists": True}}, sort=sort, limit=most_links + 1):
        if len(looked.links) == most_links or looked.files >= most_files:
            looked.more = True
            break
        looked.links[document["_id"]] = str(document["link"])
        _look(lake, document, looked, most_files)
    return looked


def _look(lake: Lake, document: Document, looked: Looked, most_files: int) -> None:
    identifier, entries = document["_id"], document.get("files") or []
    try:
        check_records(entries, FILES, f"The document of {identifier}")
        store, prefix = lake.place(document["link"])
    except ElliptioError as error:
        looked.problems.append(Problem(identifier, None, str(error)))
        return
    for entry in entries:
        if looked.files >= most_files:
            looked.more = True
            return
        looked.files += 1
        relpath = f"{FILES}/{entry['relpath']}"
        try:
            untouched = _is_untouched(store, f"{prefix}/{entry['relpath']}" if prefix else entry["relpath"], entry)
        except ElliptioError as error:
            looked.problems.append(Problem(identifier, relpath, str(error)))
        else:
            if not untouched:
                says = "was written again since it was linked; only reading it tells whether it is what it was"
                looked.problems.append(Problem(identifier, relpath, says))


def _is_untouched(store: Any, key: str, entry: Document) -> bool:
    stamp = entry.get("stamp")
    return stamp is None or is_untouched(store, key, entry["size"], stamp, hashed=bool(entry["sha256"]))
