"""Do for the command what no verb of a handler is for: look at what lies around a lake on this machine, move the lake.

Like any user the command goes through the door; what it needs beyond the verbs stands here, so that nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.artifacts.cache import Cache
from elliptio.config import Setting, size_in_bytes, user_cache_folder
from elliptio.finding import search
from elliptio.handler import Handler

if TYPE_CHECKING:
    from elliptio.lake.upkeep.relocation import RelocateReport


def is_missing(opened: Handler) -> bool:
    """Tell whether somebody said where a lake is, and there is none."""
    return search.is_missing(opened.lake)


def cache_of(settings: Mapping[str, Setting]) -> Cache:
    """Find the cache, also one that is switched off: what it holds from before can be looked at, and removed."""
    return Cache(user_cache_folder(settings), size_in_bytes(settings["cache_size"].value))


def git_problem() -> tuple[str, str] | None:
    """Name the repository of the working directory and what git does not tell of it; None if all is well."""
    from elliptio.provenance.git.state import git_state

    state = git_state(Path())
    return (str(state.toplevel), state.problem) if state is not None and state.problem else None


def relocate(old: Handler, new: Handler, settings: Mapping[str, Setting]) -> tuple[RelocateReport, list[Setting]]:
    """Make a lake that was moved work at its new place; report it, and the settings that still name the old one.

    Raises
    ------
    ConfigError, FormatError, StoreError
        If the new place is none of this lake, or cannot be read.

    """
    from elliptio.lake.upkeep import relocation

    report = relocation.relocate(old.lake, new.lake)
    return report, relocation.settings_at(settings, old.store.root, new.store.root)
