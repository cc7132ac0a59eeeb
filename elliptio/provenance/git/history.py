"""Tell what lies between two commits, as far as a repository has both.

Commits come from documents, which others may have written: nothing but a whole hash reaches git.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import IO

from elliptio.provenance.git import command as git_command
from elliptio.provenance.git.patch import DIFF, TOTAL_LIMIT

_log = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def commits_between(toplevel: Path, a: str, b: str) -> tuple[int, int] | None:
    """Return how many commits lead to `a` but not to `b`, and to `b` but not to `a`; None if one of them is unknown."""
    if not _are_hashes(a, b):
        return None
    try:
        output = git_command.run(toplevel, ("rev-list", "--left-right", "--count", f"{a}...{b}", "--"))
        if output is None:
            return None
        left, right = output.split()
        return int(left), int(right)
    except Exception:
        _log.debug("cannot count the commits between %s and %s", a, b, exc_info=True)
        return None


def diff_between(toplevel: Path, a: str, b: str) -> str | None:
    """Return the diff between two commits, of at most `TOTAL_LIMIT` bytes; None if one of them is unknown."""
    if not _are_hashes(a, b):
        return None
    taken: list[bytes] = []

    def consume(stream: IO[bytes]) -> None:
        taken.append(stream.read(TOTAL_LIMIT + 1))
        while stream.read(1 << 20):
            pass

    try:
        if git_command.run(toplevel, (*DIFF, a, b, "--"), consume) is None:
            return None
    except Exception:
        _log.debug("no diff between %s and %s", a, b, exc_info=True)
        return None
    text = b"".join(taken)
    shown = text[:TOTAL_LIMIT].decode("utf-8", "replace")
    return shown if len(text) <= TOTAL_LIMIT else f"{shown}\n… and more: it is cut after {TOTAL_LIMIT:,} bytes\n"


def _are_hashes(*commits: str) -> bool:
    return all(isinstance(commit, str) and _HASH.fullmatch(commit) for commit in commits)
