"""Make identifiers, the place of an artifact, the relative paths of its files. Values in, values out."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote

from elliptio.errors import SourceError, StoreError
from elliptio.system.forking import Lock

FILES = "files"
LOGS = "logs"
MANIFEST = "metadata.json"
HASHES = "hashes.json"
"""File beside the manifest of a link whose files were hashed later."""

SAVING = "saving"
COLLECTED = f"{SAVING}/collected"
"""Folder of signs that an artifact is being saved still, and the sign that what there is of it is being removed."""

CELLS_LOG = "cells.ipynb"
DIFF_LOG = "git.diff"
OUTPUT_LOG = "output.log"
"""Logs of an artifact: the cells that were executed, what was not committed, what its block printed."""

STREAM = ".stream.json"
"""Ending of the name of the first file of a sealed stream, which says what the others hold; it begins as theirs do."""

LAKE_FOLDER = ".elliptio"
LAKE_IDENTITY = f"{LAKE_FOLDER}/lake.json"

MAX_NAME_BYTES = 255
"""Longest file name that common file systems take (ext4, APFS, NTFS)."""

_UUID7 = re.compile(r"[a-z]_([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")

_last_millisecond = 0
_counter = 0
_lock = Lock()
_random = b""


def uuid7(milliseconds: int, counter: int, random: bytes) -> str:
    """Lay out a UUID version 7: sortable by time, then by `counter` (RFC 9562, section 5.7).

    Parameters
    ----------
    milliseconds
        Unix time, 48 bits.
    counter
        12 bits (the field `rand_a`), to order identifiers made within one millisecond.
    random
        8 bytes; the top two bits are replaced by the variant.

    """
    high = (milliseconds << 16) | 0x7000 | (counter & 0x0FFF)
    low = (int.from_bytes(random[:8]) & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    digits = f"{(high << 64) | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_id(kind: str) -> tuple[str, datetime]:
    """Make an identifier such as ``artifact_0195…`` and the moment (UTC, milliseconds) that it carries.

    Identifiers made by one process increase strictly, also when the clock stands still or steps back.
    """
    global _last_millisecond, _counter, _random
    with _lock:
        if not _random:  # the system is asked for much at once: where it is far away it takes a third of a millisecond
            _random = os.urandom(8 * 64)
        random, _random = _random[:8], _random[8:]
        now = time.time_ns() // 1_000_000
        if now > _last_millisecond:
            _last_millisecond, _counter = now, 0
        else:
            _counter += 1
            if _counter > 0x0FFF:
                _last_millisecond, _counter = _last_millisecond + 1, 0
        millisecond, counter = _last_millisecond, _counter
    seconds, rest = divmod(millisecond, 1000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest * 1000)
    return f"{kind}_{uuid7(millisecond, counter, random)}", moment


def _forget_random() -> None:
    global _random
    _random = b""  # else a child of a fork would take what its parent takes


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_random)


def moment_of(name: str) -> datetime | None:
    """Read the moment that an identifier carries, or a name that ends with one; None where there is none."""
    found = _UUID7.search(name)
    if found is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1] + found[2], 16))


def remote_root(artifact_id: str, creation_time: datetime, username: str) -> str:
    """Place an artifact, relative to the root of its lake: ``YYYY/MM/DD/<username>/<HHMMSS>_<artifact_id>``."""
    user = quote(username, safe="@+=,~ ").strip(" ") or "unknown"
    if set(user) == {"."}:
        user = user.replace(".", "%2E")
    if len(user) > MAX_NAME_BYTES:
        # Letters of other scripts take up to 12 characters each. Who shares a beginning is still told apart.
        import hashlib

        digest = hashlib.sha256(username.encode()).hexdigest()[:16]
        user = f"{user[: MAX_NAME_BYTES - 40].rpartition('%')[0] or user[: MAX_NAME_BYTES - 40]}~{digest}"
    one = creation_time  # written by hand: the system's way to format a time takes as long as the rest of this
    day, time = f"{one.year:04}/{one.month:02}/{one.day:02}", f"{one.hour:02}{one.minute:02}{one.second:02}"
    return f"{day}/{user}/{time}_{artifact_id}"


def normalize_package(name: str) -> str:
    """Give a package the name that PyPA compares names by: ``zope.interface`` and ``Zope_Interface`` are the same.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def common_parent(folders: Iterable[str]) -> str:
    """Find the deepest folder that holds these absolute ones, by whole names: ``/x/ab`` and ``/x/ac`` share ``/x``."""
    return os.path.commonpath(list(folders))


def check_relpath(relpath: str) -> str:
    """Return `relpath` if every store can keep a file under it faithfully.

    Raises
    ------
    SourceError
        If it is empty, absolute, climbs with ``..``, has empty or ``.`` parts, control characters, bytes that are not
        UTF-8, or a name of more than 255 bytes.

    """
    problem = _relpath_problem(relpath)
    if problem:
        raise SourceError(f"The file name {relpath!r} {problem}.")
    return relpath


def _relpath_problem(relpath: str) -> str | None:
    if not relpath:
        return "is empty: name a file such as 'model.pt'"
    if relpath.startswith("/"):
        return "is absolute: give it relative to the artifact, such as 'model.pt'"
    try:
        encoded = relpath.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8, so an index cannot hold it: rename the file"
    if not relpath.isprintable() and any(ord(character) < 32 or ord(character) == 127 for character in relpath):
        return "holds a control character (such as a newline), which not every store can keep: rename the file"
    names = encoded.split(b"/")
    if any(name in (b"", b".", b"..") for name in names):
        return "has an empty, '.' or '..' part: give a plain relative path"
    if any(len(name) > MAX_NAME_BYTES for name in names):
        return f"has a name longer than {MAX_NAME_BYTES} bytes: shorten it"
    return None


def check_key(key: str, root: str) -> str:
    """Return a key of a store, or say why it is none: keys are '/'-separated, relative, and name just one place.

    Raises
    ------
    StoreError
        If it is empty, absolute, or has empty, '.' or '..' parts or a NUL.

    """
    parts = key.split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in key:
        raise StoreError(
            f"{key!r} is not a key of {root}: a key is a relative path without empty, '.' or '..' parts and without NUL"
        )
    return key


def is_key(key: str) -> bool:
    """Tell whether a key names just one place: a bucket may hold others, which other tools wrote."""
    try:
        check_key(key, "")
    except StoreError:
        return False
    return True


def check_declared(relpaths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Check the file names that were declared to ``h.new``: valid, each once, none inside another."""
    names = [check_relpath(os.fspath(relpath)) for relpath in relpaths]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SourceError(f"The file name {name!r} is declared twice: declare each file once.")
        seen.add(name)
    for name in names:
        for parent in PurePosixPath(name).parents:
            if str(parent) in seen:
                raise SourceError(f"{str(parent)!r} is declared as a file, but {name!r} needs it to be a folder.")
    return names


def fingerprint(files: Sequence[tuple[str, str]]) -> str:
    """Hash the sorted (relpath, sha256) pairs with sha256: equal when names and contents are equal, in any order.

    Each pair is hashed as ``<length of relpath in bytes>:<relpath><sha256>``, so no two lists of pairs look alike.
    """
    # Here, because naming is used where not even hashlib is needed.
    import hashlib

    digest = hashlib.sha256()
    for relpath, sha256 in sorted(files):
        name = relpath.encode()
        digest.update(b"%d:%b%b" % (len(name), name, sha256.encode()))
    return digest.hexdigest()


def shorten(text: str, most: int) -> str:
    """Shorten a text to so many characters; a sign at its end says so."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def is_utf8(text: str) -> bool:
    """Tell whether UTF-8 can hold a text: one may have lone surrogates, such as the name of a file."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def iso(moment: datetime) -> str:
    """Write a datetime as text, in UTC, which a naive one is taken for: ``2026-11-01T09:30:00.125Z``."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def several(number: int, what: str) -> str:
    """Write a number of things: ``1 value``, ``2,000 values``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Name the first of some files, and say how many more there are."""
    shown = ", ".join(repr(name) for name in names[:most])
    return (shown or "none") + (f" and {len(names) - most:,} more" if len(names) > most else "")


_AGES = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
"""The last moment that there is."""


def named_moment(text: str, now: datetime, of_day: timedelta) -> datetime:
    """Read the moment that a text names: an age before now, `of_day` of a day, or an ISO datetime; UTC if it is silent.

    Raises
    ------
    ValueError
        If it names none; the message says what would.

    """
    try:
        if age := re.fullmatch(r"([0-9]+)([mhdw])", text):
            return now - timedelta(**{_AGES[age[2]]: int(age[1])})
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = date.fromisoformat(text)
            begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return _LAST if begin > _LAST - of_day else begin + of_day
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: give an age such as 7d, 24h, 2w or 30m, a day such as 2026-11-01 or an ISO datetime"
        ) from None


def glob_pattern(glob: str) -> str:
    """Translate a file name pattern into a regular expression that Python and MongoDB's PCRE read alike."""
    parts = []
    at = 0
    while at < len(glob):
        closing = glob.find("]", at + 2 + (glob[at + 1 : at + 2] == "!")) if glob[at] == "[" else -1
        if closing > 0:
            parts.append(_character_class(glob[at + 1 : closing]))
            at = closing
        else:
            parts.append({"*": ".*", "?": "."}.get(glob[at]) or literal_pattern(glob[at]))
        at += 1
    return f"^{''.join(parts)}$"


def _character_class(content: str) -> str:
    negated = content.startswith("!")
    body = content[negated:]
    last = len(body) - 1
    inside = "".join(
        letter if letter == "-" and 0 < place < last else literal_pattern(letter) for place, letter in enumerate(body)
    )
    return f"[{'^' * negated}{inside}]"


def literal_pattern(text: str) -> str:
    """Write a regular expression that finds this text, which Python and MongoDB's PCRE read alike."""
    return re.sub(r"[^\w/ ]", lambda found: f"\\{found[0]}" if found[0].isascii() else found[0], text)
