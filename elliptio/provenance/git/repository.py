"""Tell the state of the repository around a directory; git is asked for it only when something in it changed.

Git looks at every file, which takes tens of milliseconds. So the folders of a repository that was asked about twice
are watched: while they are quiet, the answer stays. Where they cannot be watched (other systems than Linux, network
drives, submodules, too many folders), git is asked each time.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import os
from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.provenance.git import state as git
from elliptio.provenance.git.directory import Stamps, are_current, config_stamps, folders_of_head
from elliptio.provenance.git.state import GitState
from elliptio.system.file_systems import read_mountinfo, tells_changes
from elliptio.system.forking import Lock

if TYPE_CHECKING:
    from elliptio.provenance.git.watching import Watch

_log = logging.getLogger(__name__)

MOST_FOLDERS = 5000
"""Limit of watched folders of a repository: a system allows each user some ten thousand."""

MOST_PATIENCE = 64
"""Calls until a repository is watched again that was never quiet."""


@dataclasses.dataclass
class _Asked:
    """The last answer of git about a directory, who tells when it is out of date, and whether that was worth while."""

    directory: str
    state: GitState
    stamps: Stamps
    watch: Watch | None = None
    quiet: int = 0
    calls: int = 0
    patience: int = 1


_lock = Lock()
_asked: _Asked | None = None


def repository_state(directory: Path) -> GitState | None:
    """Return what `git_state` does; the same object while nothing changed.

    A change that was over before the call is never missed.
    """
    global _asked
    with _lock:
        known = unchanged_state(directory)
        if known is not None:
            return known
        place = os.path.realpath(directory)
        if _asked is None or _asked.directory != place:
            state = git.git_state(directory)
            _asked = None if state is None else _Asked(place, state, config_stamps(state.toplevel))
        else:
            state = _ask_again(_asked, directory)
        return state


def unchanged_state(directory: Path) -> GitState | None:
    """Return what git said last, if that is certainly still so; None if not. It takes microseconds."""
    with _lock:
        last = _asked
        if last is None or last.watch is None or last.directory != os.path.realpath(directory):
            return None
        if not last.watch.is_quiet or not are_current(last.stamps, last.state.toplevel):
            return None
        last.quiet += 1
        return last.state


def _ask_again(last: _Asked, directory: Path) -> GitState | None:
    """Ask git, and watch from before that; but not each time where something changes all the time."""
    global _asked
    if last.watch is not None:
        last.patience = 1 if last.quiet else min(2 * last.patience, MOST_PATIENCE)
        last.calls = last.quiet = 0
        last.watch.close()
        last.watch = None
    last.calls += 1
    stamps = config_stamps(last.state.toplevel)
    watch = _watch(last.state) if last.calls >= last.patience else None
    state = git.git_state(directory)
    if state is None:
        _asked = None
    else:
        # What is ignored no longer is not watched yet.
        valid = watch if state.toplevel == last.state.toplevel and state.ignored == last.state.ignored else None
        _asked = dataclasses.replace(last, state=state, stamps=stamps, watch=valid)
    return state


def _watch(state: GitState) -> Watch | None:
    """Watch all folders that a state depends on; None if they cannot be watched."""
    if state.ignored is None or not tells_changes(str(state.toplevel), read_mountinfo()):
        return None
    from elliptio.provenance.git.watching import Watch

    toplevel = os.fsencode(state.toplevel)
    ignored = {os.path.join(toplevel, path.rstrip(b"/")) for path in state.ignored if path.endswith(b"/")}
    files = {os.path.join(toplevel, path) for path in state.ignored if not path.endswith(b"/")}
    try:
        folders = [*_working_tree(toplevel, ignored), *map(os.fsencode, folders_of_head(state.toplevel, state.branch))]
        return Watch(folders, files) if len(folders) <= MOST_FOLDERS else None
    except OSError:
        _log.debug("cannot watch %s", state.toplevel, exc_info=True)
        return None


def _working_tree(toplevel: bytes, ignored: Set[bytes]) -> list[bytes]:
    """List all folders that are not ignored; fail where there is another repository among them."""
    found = [toplevel]
    for folder in found:
        if len(found) > MOST_FOLDERS:
            break
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == b".git":
                    if folder != toplevel:
                        raise OSError(errno.EXDEV, "there is a repository in the repository", folder)
                elif entry.is_dir(follow_symlinks=False) and entry.path not in ignored:
                    found.append(entry.path)
    return found
