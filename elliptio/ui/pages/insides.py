"""Look inside of two files of one name, and between two commits: never at bytes that are not what was saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elliptio.artifacts.contents import MAX_TEXT, is_table, text_of
from elliptio.artifacts.file import RemoteFile
from elliptio.artifacts.hashing import CHUNK
from elliptio.errors import ElliptioError
from elliptio.lineage.comparison.differences import text_diff
from elliptio.lineage.comparison.git_comparison import compare_git
from elliptio.lineage.comparison.several import Row
from elliptio.lineage.comparison.sides import Side
from elliptio.ui import wording
from elliptio.ui.asked import Asked
from elliptio.ui.checks import AT_ONCE
from elliptio.ui.pages.previewing import kind_of_line
from elliptio.ui.previews.comparing import compare_apart
from elliptio.ui.previews.reading import UnfitError
from elliptio.ui.view import View

LISTED = 50
"""Files that are offered to be looked into."""

LINES = 500


def inside_of(view: View, asked: Asked, sides: Sequence[Side], rows: Sequence[Row]) -> dict[str, Any] | None:
    """Look into one of the files that two have and that differ: tables by their values, texts by their lines."""
    if len(sides) != 2:
        return None
    names = [row.name for row in rows if not row.same and None not in row.values and _may_be_compared(sides, row.name)]
    if not names:
        return None
    chosen = asked.number("file", 0, len(names) - 1)
    found = _looked(view, sides, names[chosen])
    files = [
        {"name": wording.plain(name, 120), "on": n == chosen, "link": asked.link(file=str(n) if n else None)}
        for n, name in enumerate(names[:LISTED])
    ]
    plain = {"relpath": names[chosen], **{key: found[key] for key in ("table", "diff", "unfit")}}
    more = max(len(names) - LISTED, 0)
    return {"files": files, "more": more, "name": wording.plain(names[chosen], 200), **found, "plain": plain}


def _may_be_compared(sides: Sequence[Side], name: str) -> bool:
    """Tell whether a file of both is a table or small enough for a text."""
    sizes = [side.files[name].size or 0 for side in sides]
    return max(sizes) <= (AT_ONCE if is_table(name) else MAX_TEXT)


def _looked(view: View, sides: Sequence[Side], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"table": None, "diff": "", "lines": [], "unfit": ""}
    files = [side.files[name] for side in sides]
    for side, file in zip(sides, files, strict=True):
        check = view.checks.look(side.name, file)
        if not check.ok:
            return found | {"unfit": check.says}
    try:
        if is_table(name):
            return found | {"table": compare_apart(name, *[_content(file) for file in files])}
        a, b = (text_of(file) for file in files)
    except (UnfitError, ElliptioError) as error:
        return found | {"unfit": wording.plain(error)}
    diff = text_diff(a, b, (f"a/{name}", f"b/{name}"), LINES)
    return found | {"diff": diff, "lines": _coloured(diff)}


def _content(file: RemoteFile) -> bytes:
    with file.open("rb") as source:
        return b"".join(iter(lambda: source.read(CHUNK), b""))


def _coloured(diff: str) -> list[tuple[str, str]]:
    return [(kind_of_line(line), line) for line in diff.removesuffix("\n").split("\n")] if diff else []


def code_between(sides: Sequence[Side]) -> dict[str, Any] | None:
    """Say what lies between the commits of two, where the repository around the working directory has both."""
    if len(sides) != 2:
        return None
    git = compare_git(sides[0].git, sides[1].git)
    if git.commits_between in (None, 0):
        return None
    lines = (git.diff() or "").split("\n")
    more = f"the first {LINES:,} of {len(lines):,} lines" if len(lines) > LINES else None
    return {
        "says": f"{git.only_a:,} commits lead only to a, {git.only_b:,} only to b",
        "lines": [(kind_of_line(line), line) for line in lines[:LINES]] if git.diff() else [],
        "more": more,
    }
