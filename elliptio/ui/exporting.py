"""Write pages of some artifacts, of what they were made from and what was made of them, and of the runs that did it.

So are those of the entries of a catalog, builds of pipelines, snapshots, models and flows that these artifacts are a
part of, without what else these have: other versions, other builds. They are files to be handed on: the pages of the
view, found by following their links, which lead from file to file then; what is not written is no link. Nothing of
them needs a server or JavaScript.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from elliptio.errors import ConfigError
from elliptio.system.os_errors import explained
from elliptio.ui.app import guarded
from elliptio.ui.asked import Answer, Asked, segment, text_of
from elliptio.ui.assets import ASSETS
from elliptio.ui.guard import Policy
from elliptio.ui.pages import ROUTES, exported
from elliptio.ui.pages.artifact import PARTS
from elliptio.ui.pages.files import IMAGES
from elliptio.ui.related import Related
from elliptio.ui.view import View
from elliptio.ui.wording import suffix_of

if TYPE_CHECKING:
    from elliptio.handler import Handler

MOST_ARTIFACTS = 200
"""Artifacts that are written, the nearest of the lineage; and so many files of each."""

MOST_FILES = 50

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LINK = re.compile(r' (href|src)="([^"]*)"')
_FRAME = re.compile(r"<iframe [^>]*></iframe>")
_ARTIFACT = re.compile(r"/artifacts/([^/]+)(?:/files/(\d{1,9})(/raw|/image)?)?")
_RUNS_AS = frozenset({"html", "htm", "xhtml", "xht", "svg", "xml", "mhtml", "mht", "shtml", "js", "mjs", "hta"})
"""Suffixes of files that a browser would run: they are written as texts."""

_PAGES = {path: page for method, path, page, _ in ROUTES if method == "GET"}


@dataclass(frozen=True)
class Exported:
    """Report of what was written.

    Attributes
    ----------
    folder, index
        Where it lies, and the page to begin with.
    artifacts, pages, files
        How many were written.
    left_out
        Artifacts of the lineage that are farther away than the nearest that were written.
    damaged
        Files that are not what was saved, and so were not written.

    """

    folder: str
    index: str
    artifacts: int
    pages: int
    files: int
    left_out: int
    damaged: int


def export(handler: Handler, folder: Path, wanted: Sequence[str], *, with_files: bool = False) -> Exported:
    """Write pages of artifacts into a new or empty folder; it is there when all of it is written.

    Parameters
    ----------
    handler
        The lake.
    folder
        Where to write.
    wanted
        Artifacts, as for `Handler.get`.
    with_files
        True: write their files too, verified.

    Raises
    ------
    ConfigError
        If the folder is not empty.
    DocumentNotFoundError
        If there is no such artifact.
    StoreError
        If it cannot be written.

    """
    check_empty(folder)
    named = [handler.show(one).artifact_id for one in wanted]
    lines = [handler.lineage(one) for one in named]
    near = [one for lineage in lines for one in (*lineage.ancestors, *lineage.descendants)]
    # They become names of files.
    every = [one for one in dict.fromkeys([*named, *near]) if _ID.fullmatch(one)]
    kept = every[: max(MOST_ARTIFACTS, len(set(named)))]
    with explained("write", str(folder)):
        folder = folder.absolute()
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            writer = _Writer(handler, made, named, kept, len(every) - len(kept), with_files=with_files)
            writer.write()
            made.chmod(0o777 & ~_umask())
            check_empty(folder)
            os.replace(made, folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return Exported(
        str(folder), str(folder / "index.html"), len(kept), writer.pages, writer.files, len(every) - len(kept),
        len(writer.view.checks.troubles),
    )  # fmt: skip


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something.

    Raises
    ------
    ConfigError
        If so, or if it is no folder.

    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not an empty folder, and nothing is replaced: name a new one.")


def _umask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found


class _Writer:
    """Writes page after page, each that a page before it leads to."""

    def __init__(
        self, h: Handler, folder: Path, named: Sequence[str], kept: Sequence[str], left_out: int, *, with_files: bool
    ) -> None:
        # What is read later was not "just now": moments are written as dates.
        later = datetime.now(tz=UTC) + timedelta(days=400)
        self.view = View(h, Policy("", 0), clock=lambda: later, exported=frozenset(kept))
        self.pages = self.files = 0
        self._folder = folder
        self._named, self._kept, self._left_out = list(named), dict.fromkeys(kept), left_out
        self._with_files = with_files
        self._related = Related(self.view, kept)
        self._names: dict[str, str | None] = {}
        self._begun = {"index.html"}
        self._waiting: list[tuple[str, str]] = []

    def write(self) -> None:
        """Write all."""
        for name in ("style.css", "logo.svg"):
            self._put(f"static/{name}", ASSETS[name].content)
        asked = Asked("/")
        self._page(asked, "index.html", exported.index(self.view, asked, self._named, list(self._kept), self._left_out))
        for identifier in self._kept:
            self._name_of(f"/artifacts/{segment(identifier)}")
        while self._waiting:
            url, name = self._waiting.pop()
            self._follow(url, name)

    def _put(self, name: str, content: bytes) -> None:
        place = self._folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def _follow(self, url: str, name: str) -> None:
        asked, pattern = _asked(url)
        answer = guarded(self.view, _PAGES[pattern], asked)
        self._page(asked, name, answer)

    def _page(self, asked: Asked, name: str, answer: Answer) -> None:
        assert isinstance(answer.body, bytes)
        text = _FRAME.sub("", answer.body.decode())
        here = f"{asked.path}?{'&'.join('='.join(pair) for pair in asked.query)}"

        def linked(found: re.Match[str]) -> str:
            link = unescape(found[2])
            if link.startswith(("#", "data:")):
                return found[0]
            to = self._name_of(urljoin(here, link))
            return f' {found[1]}="{escape(os.path.relpath(to, os.path.dirname(name) or "."))}"' if to else ""

        self._put(name, _LINK.sub(linked, text).encode())
        self.pages += 1

    def _name_of(self, url: str) -> str | None:
        """Name the file of a page, which is written sooner or later; None where it is not."""
        url = url.partition("#")[0]
        if url not in self._names:
            self._names[url] = name = self._new_name(url)
            if name and name.endswith(".html") and name not in self._begun:
                self._begun.add(name)
                self._waiting.append((url, name))
        return self._names[url]

    def _new_name(self, url: str) -> str | None:
        parts = urlsplit(url)
        path, query = parts.path, dict(parse_qsl(parts.query))
        if path == "/":
            return "index.html"
        if path.startswith("/static/"):
            return path[1:] if path[len("/static/") :] in ("style.css", "logo.svg") else None
        found = _ARTIFACT.fullmatch(path)
        if found and unquote(found[1]) in self._kept:
            return self._of_artifact(unquote(found[1]), found[2] or query.get("file"), found[3], query.get("part"))
        kind, _, identifier = path[1:].partition("/")
        if kind == "lineage" and unquote(identifier) in self._kept and not set(query) - {"as"}:
            form = query.get("as", "")
            return f"lineage/{unquote(identifier)}{'.' + form if form else ''}.html"
        if kind == "runs" and identifier in self._related.runs and not query and _ID.fullmatch(identifier):
            return f"runs/{identifier}.html"
        return self._related.name_of(path, query)

    def _of_artifact(self, identifier: str, n: str | None, end: str | None, part: str | None) -> str | None:
        place = f"artifacts/{identifier}"
        if n is None:
            return f"{place}{'.' + part if part and part != 'files' else ''}.html" if part in (None, *PARTS) else None
        if not n.isdecimal() or int(n) >= MOST_FILES:
            return None
        if end is None:
            return f"{place}/files/{int(n)}.html"
        return self._file(identifier, int(n), end)

    def _file(self, identifier: str, n: int, end: str) -> str | None:
        """Write a picture or a file, all of it compared with its hash; None where it is not what was saved."""
        artifact = self.view.h.show(identifier)
        relpath = artifact.metadata.file_relpaths[n]
        suffix, place = suffix_of(relpath), f"artifacts/{identifier}/files/{n}"
        if end == "/image":
            asked, pattern = _asked(f"/artifacts/{segment(identifier)}/files/{n}/image")
            answer = guarded(self.view, _PAGES[pattern], asked)
            if answer.status != 200 or not isinstance(answer.body, bytes) or suffix not in IMAGES:
                return None
            self._put(f"{place}/shown.{suffix}", answer.body)
            return f"{place}/shown.{suffix}"
        if not self._with_files:
            return None
        file = artifact.files[relpath]
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", relpath.rpartition("/")[2])[-100:].lstrip(".") or "file"
        name = f"{place}/{plain}{'.txt' if suffix in _RUNS_AS else ''}"
        written = self._folder / name
        written.parent.mkdir(parents=True, exist_ok=True)
        with open(written, "wb") as sink:
            for piece in self.view.checks.read(identifier, file):
                sink.write(piece)
        if written.stat().st_size != (file.size or 0) or not self.view.checks.known(file).ok:
            written.unlink()
            return None
        self.files += 1
        return name


def _asked(url: str) -> tuple[Asked, str]:
    """Make of the address of a page what that is asked by, and the pattern that it fits."""
    parts = urlsplit(url)
    query = tuple(parse_qsl(parts.query))
    words = [unquote(word) for word in parts.path.split("/")]
    for pattern in _PAGES:
        names = pattern.split("/")
        if len(names) == len(words):
            pairs = list(zip(names, words, strict=True))
            if all(name == word or name[:1] == "{" for name, word in pairs):
                found = {name[1:-1]: text_of(word) for name, word in pairs if name[:1] == "{"}
                return Asked("/".join(words), found, query), pattern
    raise AssertionError(url)
