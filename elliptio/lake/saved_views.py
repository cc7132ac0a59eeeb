"""Saved views of a lake in the browser: a name for a link, shared by all who use the lake, in files as those of tags.

Each change is a small file ``.elliptio/views/<name>/<number>.json`` that is written once and never changed: of several
who write the same number at once, the store lets one win. The highest number says what a name stands for now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote

from elliptio import naming
from elliptio.errors import ElliptioError, MetadataError
from elliptio.lake.checks import credible
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import Lake
from elliptio.lake.tags import decode, encode, problem_of
from elliptio.metadata import VERSION
from elliptio.system.os_errors import damage_named
from elliptio.system.parallel import each

VIEWS = f"{naming.LAKE_FOLDER}/views"

LONGEST_URL = 2000

_LONGEST = 16 << 10
"""Bytes of a change; what is longer is none."""

_KEY = re.compile(rf"{re.escape(VIEWS)}/([^/]+)/([0-9]{{8}})\.json")
_URL = re.compile(r"[a-z]+(?:/[A-Za-z0-9._~%@!$'()*+,;=-]+)*(?:\?[!-~]*)?")
_UNSAFE = re.compile(r"[\"<>\\^`{|}#]")


@dataclass(frozen=True, slots=True)
class SavedView:
    """A name and what it stands for.

    Attributes
    ----------
    name, number
        Its name, and how many changes it has seen.
    url
        Link relative to the place of the view; None: it was taken away.
    time, username
        When it was saved (UTC), and by whom.

    """

    name: str
    number: int
    url: str | None
    time: datetime
    username: str


class _Known:
    """Changes that this process has read: one never changes."""

    def __init__(self) -> None:
        self.read: dict[tuple[str, int], SavedView] = {}


def check_name(name: str) -> str:
    """Return what can be the name of a saved view.

    Raises
    ------
    MetadataError
        If it cannot; the message says why.

    """
    if problem := problem_of(name):
        raise MetadataError(f"{name[:100]!r} cannot be the name of a view: it {problem}. Choose one such as 'failed'.")
    return name


def check_url(url: str) -> str:
    """Return what can be the link of a saved view: to a page of the same view, and to nowhere else.

    Raises
    ------
    MetadataError
        If it cannot; the message says why.

    """
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        raise MetadataError(f"The link of a view is a text of up to {LONGEST_URL:,} characters.")
    path, _, query = url.partition("?")
    steps = {unquote(part) for part in path.split("/")} & {".", ".."}
    if not _URL.fullmatch(url) or _UNSAFE.search(url) or steps:
        raise MetadataError(f"{url[:100]!r} is no link to a page: write one such as 'artifacts?q=who:andy'.")
    if any(key == "token" for key, _ in parse_qsl(query, keep_blank_values=True)):
        raise MetadataError("A view is shared, so its link holds no token.")
    return url


def parse_key(key: str) -> tuple[str, int] | None:
    """Name and number of the change that lies under a key; None where none does."""
    found = _KEY.fullmatch(key)
    name = decode(found[1]) if found else None
    return (name, int(found[2])) if found and name is not None and int(found[2]) else None


def _key(name: str, number: int) -> str:
    return f"{VIEWS}/{encode(name)}/{number:08d}.json"


def read(lake: Lake, name: str, number: int) -> SavedView:
    """Read one change.

    Raises
    ------
    FormatError
        If it is damaged, or a newer elliptio wrote it.

    """
    key = _key(name, number)
    where, advice = f"{lake.store.root}/{key}", "Save the view anew, or remove the file."
    found = read_json(lake.store, key, advice=advice, longest=_LONGEST)
    with damage_named(where, advice):
        url = found["url"]
        view = SavedView(name, number, url, datetime.fromisoformat(found["time"]), found["username"])
        if not isinstance(view.username, str) or view.time.tzinfo is None:
            raise ValueError("it does not say who saved it when")
        if url is not None:
            check_url(url)
    return view


def current(lake: Lake) -> tuple[list[SavedView], list[str]]:
    """List what each name stands for, in their order; and say which files are none of a view.

    Raises
    ------
    StoreError
        If the store cannot be read.

    """
    numbers: dict[str, list[int]] = {}
    problems: list[str] = []
    for stored in lake.store.list(VIEWS):
        if parsed := parse_key(stored.key):
            numbers.setdefault(parsed[0], []).append(parsed[1])
        else:
            problems.append(f"{lake.store.root}/{stored.key} is no saved view: it does not belong here.")
    known = lake.own(_Known).read
    last = {name: max(credible(listed), default=0) for name, listed in numbers.items()}
    problems += [f"{lake.store.root}/{_key(name, max(numbers[name]))} is no change of a view: too many are missing "
                 "before it." for name, number in last.items() if number != max(numbers[name])]  # fmt: skip
    items = [item for item in last.items() if item[1]]

    def look(item: tuple[str, int]) -> None:
        try:
            known[item] = read(lake, *item)
        except ElliptioError as error:
            problems.append(str(error))

    unread: Sequence[tuple[str, int]] = [item for item in items if item not in known]
    if unread:
        each(look, unread, workers=min(lake.store.concurrency, len(unread)), name="elliptio-views")
    found = [known[item] for item in sorted(items) if item in known]
    return [view for view in found if view.url is not None], sorted(problems)


def save(lake: Lake, name: str, url: str | None, *, username: str, seen: int) -> bool:
    """Let a name stand for a link, or for nothing, if it is still as it was seen; tell whether it was.

    Parameters
    ----------
    lake, name, username
        Where, what, who.
    url
        The link; None takes the name away.
    seen
        Number of the change that it was seen to have; 0: it was seen to stand for nothing.

    Raises
    ------
    MetadataError
        If the name or the link cannot be one.
    StoreError
        If the store cannot be written.

    """
    check_name(name)
    if url is not None:
        check_url(url)
    stored = [parse_key(one.key) for one in lake.store.list(f"{VIEWS}/{encode(name)}")]
    last = max(credible([one[1] for one in stored if one is not None]), default=0)
    if seen != last and (seen or _stands(lake, name, last)):
        return False
    moment = datetime.now(tz=UTC).isoformat(timespec="milliseconds")
    change = {"url": url, "time": moment, "username": username, "version": VERSION}
    return lake.store.create(_key(name, last + 1), json.dumps(change, indent=1).encode() + b"\n")


def _stands(lake: Lake, name: str, number: int) -> bool:
    """Tell whether a name stands for a link; one that is damaged stands for nothing that anybody could have seen."""
    try:
        return bool(number) and read(lake, name, number).url is not None
    except ElliptioError:
        return False
