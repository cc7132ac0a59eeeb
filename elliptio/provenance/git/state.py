"""Read the state of the git repository around a directory: commit, branch, remote, and whether anything is uncommitted.

Outside a repository no process is started and nothing is imported. Inside one, a single ``git status`` answers.
No program that a user configured (hooks, external diffs, file system monitors, pagers) is run, and nothing is written.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import time
from pathlib import Path
from typing import Any

from elliptio.provenance.git import command as git_command
from elliptio.provenance.git.command import GitTimeoutError
from elliptio.provenance.git.directory import find_toplevel, settings
from elliptio.provenance.secrets.redaction import redact_url

_log = logging.getLogger(__name__)

PAUSE_AFTER_TIMEOUT = 300.0
"""Seconds until a repository in which git took too long is asked again."""

# By kind of line: of a changed file, and of one that is unmerged.
_FIELDS_BEFORE_PATH = {b"1": 8, b"u": 10}
_REMOTE_URL = re.compile(r"remote\.(?P<name>.*)\.url", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class GitState:
    """The state of a repository and its working tree.

    Parameters
    ----------
    commit
        The commit that is checked out, None before the first one.
    branch
        The branch that is checked out, None if the head is detached.
    remote
        Where the branch is fetched from, without credentials; None if there is no remote.
    dirty
        Whether anything differs from the commit: changed files, and new ones that are not ignored. None if git took
        too long to tell.
    toplevel
        The root of the working tree.
    working_directory
        The directory that was asked about, relative to `toplevel`; ``"."`` for the root itself.
    changed, untracked, dirty_submodules
        Paths relative to `toplevel`, as git's bytes.
    ignored
        Such paths of what is ignored, a slash behind those of folders; None if git took too long.
    """

    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None
    toplevel: Path
    working_directory: str
    changed: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    untracked: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    dirty_submodules: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    ignored: tuple[bytes, ...] | None = dataclasses.field(default=None, repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """Commit, branch, remote and dirty: what is stored with an artifact."""
        return {"commit": self.commit, "branch": self.branch, "remote": self.remote, "dirty": self.dirty}


_slow: dict[Path, float] = {}


def git_state(directory: Path) -> GitState | None:
    """Return the state of the repository around a directory.

    Parameters
    ----------
    directory
        Any directory.

    Returns
    -------
    GitState | None
        None outside a repository, in a bare one, without git, and where git refuses (such as a repository of
        somebody else that is not a ``safe.directory``).
    """
    toplevel = find_toplevel(directory)
    if toplevel is None:
        return None
    try:
        relative = os.path.relpath(os.path.realpath(directory), toplevel).replace(os.sep, "/")
        relative = relative.encode("utf-8", "replace").decode("utf-8")
        if time.monotonic() - _slow.get(toplevel, -PAUSE_AFTER_TIMEOUT) < PAUSE_AFTER_TIMEOUT:
            return _head_only(toplevel, relative)
        try:
            return _status(toplevel, relative)
        except GitTimeoutError:
            _log.debug("git status took more than %s s in %s", git_command.TIMEOUT, toplevel)
            _slow[toplevel] = time.monotonic()
            return _head_only(toplevel, relative)
    except Exception:
        _log.debug("no git state of %s", toplevel, exc_info=True)
        return None


def _status(toplevel: Path, relative: str) -> GitState | None:
    """Ask git for the whole state; return None where it refuses."""
    output = git_command.run(
        toplevel,
        (
            *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=none"),
            *("--no-renames", "--no-ahead-behind", "--ignored=matching"),
        ),
    )
    if output is None:
        return None
    told = _parsed(output)
    commit, branch = told.headers.get(b"branch.oid"), told.headers.get(b"branch.head")
    branch = None if branch == "(detached)" else branch
    return GitState(
        commit=None if commit == "(initial)" else commit,
        branch=branch,
        remote=_remote(toplevel, branch),
        dirty=bool(told.changed or told.untracked),
        toplevel=toplevel,
        working_directory=relative,
        changed=tuple(told.changed),
        untracked=tuple(told.untracked),
        dirty_submodules=tuple(told.submodules),
        ignored=tuple(told.ignored),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """Headers and paths that ``git status --porcelain=v2`` told."""

    headers: dict[bytes, str] = dataclasses.field(default_factory=dict)
    changed: list[bytes] = dataclasses.field(default_factory=list)
    untracked: list[bytes] = dataclasses.field(default_factory=list)
    ignored: list[bytes] = dataclasses.field(default_factory=list)
    submodules: list[bytes] = dataclasses.field(default_factory=list)


def _parsed(output: bytes) -> _Told:
    """Take the lines of ``git status --porcelain=v2 -z`` apart."""
    told = _Told()
    for line in output.split(b"\0"):
        kind, _, rest = line.partition(b" ")
        if kind == b"#":
            name, _, value = rest.partition(b" ")
            told.headers[name] = value.decode("utf-8", "replace")
        elif kind == b"?":
            told.untracked.append(rest)
        elif kind == b"!":
            told.ignored.append(rest)
        elif kind in _FIELDS_BEFORE_PATH:
            *fields, path = line.split(b" ", _FIELDS_BEFORE_PATH[kind])
            told.changed.append(path)
            if fields[2].startswith(b"S") and fields[2][2:] != b"..":
                told.submodules.append(path)
    return told


def _head_only(toplevel: Path, relative: str) -> GitState | None:
    """Return what can be told without looking at the working tree."""
    output = git_command.run(toplevel, ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"))
    if output is None:
        return None
    commit, branch = output.decode("utf-8", "replace").split()[:2]
    name = None if branch == "HEAD" else branch
    return GitState(commit, name, _remote(toplevel, name), None, toplevel, relative)


def _remote(toplevel: Path, branch: str | None) -> str | None:
    """Return the URL that the branch is fetched from, else that of ``origin``, else that of the first remote."""
    known = settings(toplevel)
    remote = known.get(f"branch.{branch}.remote", "origin")
    urls = (value for key, value in known.items() if _REMOTE_URL.fullmatch(key))
    url = known.get(f"remote.{remote}.url") or known.get("remote.origin.url") or next(urls, None)
    return None if url is None else redact_url(url)
