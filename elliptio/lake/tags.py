"""Tags: names that move from artifact to artifact. The files of the lake are the truth, the index follows them.

Each move is a small file ``.elliptio/tags/<name>/<number>.json`` that is written once and never changed: of several who
write the same number at once, the store lets one win. The highest number says which artifact a tag names now.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from elliptio import naming
from elliptio.errors import DocumentNotFoundError, FormatError, MetadataError, TagTakenError
from elliptio.lake.checks import MOST_MISSING, check_artifact_id, credible, lies_at
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import Lake
from elliptio.masking import Later
from elliptio.metadata import VERSION
from elliptio.protocols import Document, Query
from elliptio.system.os_errors import damage_named
from elliptio.system.parallel import each

log = logging.getLogger(__name__)

TAGS = f"{naming.LAKE_FOLDER}/tags"

MOST_BYTES = 80
"""Of a name in UTF-8: encoded it takes up to three times as many, and is the name of a folder."""

AT_ONCE = 1000
"""Documents asked for in one query."""

_LONGEST = 4096
"""Bytes of a move; what is longer is none."""

_KEY = Later(rf"{re.escape(TAGS)}/([^/]+)/([0-9]{{8}})\.json")


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a tag: to which artifact (None: it was removed), when (UTC), by whom."""

    tag: str
    number: int
    artifact_id: str | None
    time: datetime
    username: str

    def __str__(self) -> str:
        return f"by {self.username} at {self.time.isoformat(timespec='milliseconds')}"


Heads = Mapping[str, int]
"""The number of the last move of each tag."""


class _Known:
    """Knowledge of this process of the tags of a lake.

    Attributes
    ----------
    keys
        Tag and number by key, None where a key is none of a move.
    moves
        Moves that were read: one never changes.
    told
        The last moves that the index was made to follow, and how often the lake had been closed by then.

    """

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, int] | None] = {}
        self.moves: dict[tuple[str, int], Move] = {}
        self.told: tuple[Heads, int] | None = None


def check_name(name: str) -> str:
    """Return what can be the name of a tag.

    Raises
    ------
    MetadataError
        If it cannot; the message says why.

    """
    if not isinstance(name, str):
        raise MetadataError(f"The name of a tag is a text, not a {type(name).__name__}.")
    problem = problem_of(name)
    if problem:
        raise MetadataError(f"{name!r} cannot be the name of a tag: it {problem}. Choose one such as 'prod'.")
    return name


def problem_of(name: str) -> str | None:
    """Say why something cannot be such a name; None where it can."""
    if not name:
        return "is empty"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if "/" in name or ":" in name:
        return "holds '/' or ':'"
    if name != name.strip():
        return "begins or ends with a space"
    if len(name.encode()) > MOST_BYTES:
        return f"is longer than {MOST_BYTES} bytes"
    return None


@functools.lru_cache(maxsize=4096)
def encode(name: str) -> str:
    """Name of the folder of a tag, in ASCII and small letters: file systems take others for the same."""
    return "".join(_escape(letter) for letter in name)


def _escape(letter: str) -> str:
    if letter.isascii() and (letter.isupper() or letter == "."):
        return f"%{ord(letter):02X}"
    return quote(letter, safe="")


@functools.lru_cache(maxsize=4096)
def decode(folder: str) -> str | None:
    """Name of the tag whose folder this is; None if it is that of none."""
    name = unquote(folder, errors="replace")
    return name if not problem_of(name) and encode(name) == folder else None


def _key(name: str, number: int) -> str:
    return f"{TAGS}/{encode(name)}/{number:08d}.json"


# --- reading ---


def parse_key(key: str) -> tuple[str, int] | None:
    """Tag and number of the move that lies under a key; None where none does."""
    found = _KEY.fullmatch(key)
    name = decode(found[1]) if found else None
    return (name, int(found[2])) if found and name is not None else None


def read(lake: Lake, name: str, number: int) -> Move:
    """Read one move.

    Raises
    ------
    FormatError
        If it is damaged, or a newer elliptio wrote it.

    """
    key = _key(name, number)
    where, advice = f"{lake.store.root}/{key}", "To set the tag anew: overwrite=True."
    found = read_json(lake.store, key, advice=advice, longest=_LONGEST)
    with damage_named(where, advice):
        move = Move(name, number, found["artifact_id"], datetime.fromisoformat(found["time"]), found["username"])
        if not isinstance(move.username, str) or move.time.tzinfo is None:
            raise ValueError("it does not say who moved the tag when")
    if move.artifact_id is not None:
        check_artifact_id(move.artifact_id, where)
    return move


def heads(lake: Lake) -> dict[str, int]:
    """List all tags, with the number of the last move of each; those that were removed too."""
    keys, found, listed = lake.own(_Known).keys, dict[str, int](), dict[str, list[int]]()
    for stored in lake.store.list(TAGS):
        if stored.key not in keys:
            keys[stored.key] = parse_key(stored.key)
        if parsed := keys[stored.key]:
            listed.setdefault(parsed[0], []).append(parsed[1])
    for name, numbers in listed.items():
        last = max(numbers)
        if last := last if last <= len(numbers) + MOST_MISSING else max(credible(numbers), default=0):
            found[name] = last
    return found


def moves_at(lake: Lake, at: Heads) -> tuple[dict[str, Move], dict[str, FormatError]]:
    """Read the moves with these numbers, several at once, and tell which cannot be read and why."""
    known = lake.own(_Known).moves
    damaged: dict[str, FormatError] = {}

    def look(item: tuple[str, int]) -> None:
        try:
            known[item] = read(lake, *item)
        except FormatError as error:
            damaged[item[0]] = error

    unread = [item for item in at.items() if item not in known]
    if unread:
        each(look, unread, workers=min(lake.store.concurrency, len(unread)), name="elliptio-tags")
    moves = {item[0]: known[item] for item in at.items() if item[0] not in damaged}
    return moves, damaged


def current(lake: Lake) -> dict[str, Move]:
    """Tell what each tag names, in the order of their names."""
    found, damaged = moves_at(lake, heads(lake))
    for error in damaged.values():
        log.warning("%s", error)
    return {name: found[name] for name in sorted(found) if found[name].artifact_id is not None}


def history(lake: Lake, name: str) -> list[Move]:
    """All moves of a tag, the last one first.

    Raises
    ------
    DocumentNotFoundError
        If there never was such a tag.

    """
    numbers = sorted(_numbers(lake, check_name(name)), reverse=True)
    if not numbers:
        raise unknown(lake, name)
    return [read(lake, name, number) for number in numbers]


def last(lake: Lake, name: str) -> Move | None:
    """Last move of a tag, if it ever was set.

    Raises
    ------
    FormatError
        If it is damaged.

    """
    number = max(_numbers(lake, name), default=0)
    return read(lake, name, number) if number else None


def _numbers(lake: Lake, name: str) -> list[int]:
    numbers = []
    for stored in lake.store.list(f"{TAGS}/{encode(name)}"):
        if parsed := parse_key(stored.key):
            numbers.append(parsed[1])
    return numbers if max(numbers, default=0) <= len(numbers) + MOST_MISSING else credible(numbers)


def unknown(lake: Lake, name: str) -> DocumentNotFoundError:
    """Say that there is no such tag: that it was removed, or which are like it."""
    from difflib import get_close_matches

    move = last(lake, name)
    if move is not None:
        message = f"The tag {name!r} was removed {move}; h.tags(history={name!r}) shows what it named."
        return DocumentNotFoundError(message)
    close = get_close_matches(name, list(current(lake)))
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "h.tags() or `elliptio tags` lists them."
    return DocumentNotFoundError(f"There is no tag {name!r} in {lake.store.root}; {hint}")


# --- moving ---


def point(lake: Lake, name: str, artifact_id: str, *, overwrite: bool, username: str, seen: str | None = None) -> None:
    """Let a tag name an artifact. Of several at once who do not overwrite, exactly one succeeds.

    Raises
    ------
    TagTakenError
        If it names another, unless `overwrite`, or another than was `seen`.
    FormatError
        If what it names cannot be read, unless `overwrite`.

    """
    while True:
        number = max(_numbers(lake, name), default=0)
        try:
            move = read(lake, name, number) if number else None
        except FormatError:
            if not overwrite:
                raise
            move = None
        if seen is not None and seen != ((move and move.artifact_id) or ""):
            raise TagTakenError(f"The tag {name!r} was moved meanwhile: look again, then decide.")
        if move and move.artifact_id == artifact_id:
            return
        if move and move.artifact_id is not None and not overwrite:
            raise taken(move, artifact_id)
        if _write(lake, name, number + 1, artifact_id, username):
            return


def taken(move: Move, artifact_id: str) -> TagTakenError:
    """Say that a tag names another artifact."""
    return TagTakenError(
        f"The tag {move.tag!r} names {move.artifact_id}, set {move}, so it was not moved to {artifact_id}. "
        "overwrite=True (`--overwrite`) moves it."
    )


def remove(lake: Lake, name: str, *, username: str, only: str | None = None) -> bool:
    """Let a tag name nothing; with `only`, just if it names that artifact. Tell whether it named one.

    Raises
    ------
    FormatError
        If what it names cannot be read.

    """
    while True:
        move = last(lake, name)
        if move is None or move.artifact_id is None or only not in (None, move.artifact_id):
            return False
        if _write(lake, name, move.number + 1, None, username):
            return True


def _write(lake: Lake, name: str, number: int, artifact_id: str | None, username: str) -> bool:
    moment = datetime.now(tz=UTC)
    time = moment.isoformat(timespec="milliseconds")
    move = {"artifact_id": artifact_id, "time": time, "username": username, "version": VERSION}
    written = lake.store.create(_key(name, number), json.dumps(move, indent=1).encode() + b"\n")
    if written:
        read_back = Move(name, number, artifact_id, datetime.fromisoformat(time), username)
        lake.own(_Known).moves[name, number] = read_back
    return written


def names_of(lake: Lake, artifact_id: str) -> list[str]:
    """Tags that name an artifact."""
    return [name for name, move in current(lake).items() if move.artifact_id == artifact_id]


def release(lake: Lake, artifact_id: str, *, username: str) -> None:
    """Take its tags from an artifact."""
    for name in names_of(lake, artifact_id):
        remove(lake, name, username=username, only=artifact_id)


# --- the index ---


def sync(lake: Lake, *, changes: bool = False) -> dict[str, FormatError]:
    """Make the index say of every artifact which tags it has, and tell which tags cannot be read and why.

    Safe beside others who do so or move tags: whoever writes last looks once more, and writes again if others were
    quicker.

    Parameters
    ----------
    lake
        The lake.
    changes
        True: look only at tags that moved since this process last did so. What else the index may say is left alone.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    known = lake.own(_Known)
    told = None
    if changes and known.told is not None and known.told[1] == lake.closed:
        told = known.told[0]
    while True:
        at = heads(lake)
        found, damaged = moves_at(lake, at)
        moved = set(at) if told is None else {name for name, number in at.items() if told.get(name) != number}
        if not _write_index(lake, found, damaged, moved, everything=told is None) or heads(lake) == at:
            known.told = None if damaged else (at, lake.closed)
            return damaged
        told = at if changes else None


def _write_index(
    lake: Lake, moves: Mapping[str, Move], damaged: Iterable[str], moved: Set[str], *, everything: bool
) -> bool:
    """Give documents the tags that they should have, and tell whether any had others; damaged tags stay."""
    wanted: dict[str, list[str]] = {}
    for name in sorted(moves):
        wanted.setdefault(moves[name].artifact_id or "", []).append(name)
    ids = {moves[name].artifact_id or "" for name in moved if name in moves}
    stale = {}
    for document in _concerned(lake, sorted(ids - {""}), None if everything else sorted(moved)):
        had = document.get("tags") or []
        names = sorted({*wanted.get(document["_id"], ()), *(name for name in damaged if name in had)})
        if had != names:
            stale[document["_id"]] = {**document, "tags": names}
    for document in stale.values():
        lake.replace(document)
    return bool(stale)


def _concerned(lake: Lake, ids: Sequence[str], names: Sequence[str] | None) -> Iterator[Document]:
    """Find documents that have one of these tags in the index, any if None, and those of these artifacts."""
    asked: list[Query] = [{"tags": {"$gte": ""} if names is None else {"$in": list(names)}}]
    asked += [{"_id": {"$in": list(ids[start : start + AT_ONCE])}} for start in range(0, len(ids), AT_ONCE)]
    for query in asked:
        for document in lake.find(query, sort=(), limit=0):
            if lies_at(document["_id"], document.get("remote_root")):
                yield document
