"""Decide what becomes of a window: the file at an entry's path, which other tools read and write.

A project remembers what it last put or took there. What lies there and is neither that nor the current version,
somebody wrote.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from elliptio.pipelines.catalog.memory import Remembered
from elliptio.pipelines.catalog.versions import History, Version


class Deed(Enum):
    """Name what is to be done about a window."""

    NOTHING = "it is as it should be"
    REMEMBER = "it holds the current version: remember that"
    PUT = "it is missing or stale: put the current version there"
    TAKE_IN = "somebody wrote it: take it in as the current version"
    TAKE_UP = "somebody wrote what an earlier version held: make that the current one"
    KEEP_ASIDE = "somebody wrote over what a craft makes: keep it as a version, and put the current one there"
    PUT_RIGHT = "what somebody wrote over it was kept already: put the current one there, and say so"
    REMOVE = "somebody removed a partition: there is no current version of it any more"


class Decision(NamedTuple):
    """Pair what is to be done with the version that it concerns, if there is one."""

    deed: Deed
    version: Version | None = None


def at_a_glance(
    stamp: str | None, known: Remembered | None, history: History, *, made: bool, keyed: bool
) -> Decision | None:
    """Decide by the stamp of what lies there; None where its content has to be looked at.

    Parameters
    ----------
    stamp
        That of what lies there; None where nothing does.
    known
        What the project remembers.
    history
        The versions of these keys.
    made
        Whether a craft makes the entry.
    keyed
        Whether the entry has keys: the file is one partition of several then.

    """
    current = history.current()
    if stamp is None:
        if current is None:
            return Decision(Deed.NOTHING)
        if known is not None and keyed and not made:
            return Decision(Deed.REMOVE)
        return Decision(Deed.PUT, current)
    if known is not None and stamp and stamp == known.stamp:
        if current is None:
            # What was removed elsewhere is still in this checkout.
            return Decision(Deed.NOTHING)
        if current.artifact_id == known.artifact_id or current.sha256 == known.sha256:
            return Decision(Deed.NOTHING, current)
        return Decision(Deed.PUT, current)
    return None


def by_content(sha256: str, known: Remembered | None, history: History, *, made: bool) -> Decision:
    """Decide by the content of what lies there; parameters as of `at_a_glance`."""
    current = history.current()
    if current is not None and current.sha256 == sha256:
        return Decision(Deed.REMEMBER, current)
    if known is not None and known.sha256 == sha256:
        # Only touched; or, on a place that has no stamps, what was put there.
        return Decision(Deed.PUT, current) if current is not None else Decision(Deed.NOTHING)
    earlier = history.with_content(sha256)
    if earlier is not None:
        if known is None and current is not None:
            return Decision(Deed.PUT, current)
        if made and current is not None:
            # A plan has kept it and left the path as it is: the build says so too.
            return Decision(Deed.PUT_RIGHT if earlier.aside else Deed.PUT, current)
        return Decision(Deed.TAKE_UP, earlier)
    if made and current is not None:
        return Decision(Deed.KEEP_ASIDE, current)
    return Decision(Deed.TAKE_IN)
