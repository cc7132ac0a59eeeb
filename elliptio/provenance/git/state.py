"""Read the state of the git repository around a directory: commit, branch, remote, and whether anything is uncommitted.

Outside a repository no process is started and nothing is imported. Inside one, a single ``git status`` answers.
No program that the repository configures (filters but those of Git LFS, hooks, external diffs, file system monitors,
pagers) is run, and nothing is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elliptio.provenance.git import command as git_command
from elliptio.provenance.git.command import GitRefusedError, GitTimeoutError
from elliptio.provenance.git.data_files import lies_in_lake
from elliptio.provenance.git.directory import find_toplevel, settings, submodules_are_plain, without_filters
from elliptio.provenance.redaction import redact_url

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
        Whether anything differs from the commit: changed files, and new ones that are not ignored. None if git does
        not tell.
    toplevel
        The root of the working tree.
    changed, untracked, dirty_submodules
        Paths relative to `toplevel`, as git's bytes.
    ignored
        Such paths of what is ignored, a slash behind those of folders; None if git does not tell.
    problem
        Why git does not tell; empty if it does.
    """

    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None
    toplevel: Path
    changed: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    untracked: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    dirty_submodules: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    ignored: tuple[bytes, ...] | None = dataclasses.field(default=None, repr=False)
    problem: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """Commit, branch, remote and dirty: what is stored with an artifact."""
        return {"commit": self.commit, "branch": self.branch, "remote": self.remote, "dirty": self.dirty}


_slow: dict[Path, float] = {}
_warned: set[Path] = set()


def git_state(directory: Path) -> GitState | None:
    """Return the state of the repository around a directory.

    Parameters
    ----------
    directory
        Any directory.

    Returns
    -------
    GitState | None
        None outside a repository, in a bare one, and without git. Where git refuses (a repository of somebody else
        that is no ``safe.directory``), fails or takes too long, what the files of the repository tell without it, and
        one warning says why.
    """
    toplevel = find_toplevel(directory)
    if toplevel is None:
        return None
    try:
        try:
            return _status(toplevel)
        except (GitTimeoutError, GitRefusedError) as error:
            return _head_only(toplevel, _problem(toplevel, error))
    except Exception:
        _log.debug("no git state of %s", toplevel, exc_info=True)
        return None


def _problem(toplevel: Path, error: Exception) -> str:
    if isinstance(error, GitTimeoutError):
        return f"git takes more than {git_command.TIMEOUT:g} s in it"
    lines = str(error).splitlines() or ["git gives no reason"]
    if any("dubious ownership" in line for line in lines):
        advice = f"git config --global --add safe.directory {shlex.quote(str(toplevel))}"
        return f"it belongs to somebody else, so git refuses to look at it until you trust it: {advice}"
    return next((line for line in reversed(lines) if line.startswith(("fatal: ", "error: "))), lines[-1])[:300]


def _status(toplevel: Path) -> GitState:
    """Ask git for the whole state."""
    if time.monotonic() - _slow.get(toplevel, -PAUSE_AFTER_TIMEOUT) < PAUSE_AFTER_TIMEOUT:
        raise GitTimeoutError
    options = without_filters(toplevel)
    if options is None:
        raise GitRefusedError("it has filters with names that git cannot be kept from running")
    submodules = "none" if submodules_are_plain(toplevel) else "dirty"
    arguments = (
        *(*options, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"),
        *(f"--ignore-submodules={submodules}", "--no-renames", "--no-ahead-behind", "--ignored=matching"),
    )
    try:
        told = _parsed(git_command.output_of(toplevel, arguments))
    except GitTimeoutError:
        _slow[toplevel] = time.monotonic()
        raise
    commit, branch = told.headers.get(b"branch.oid"), told.headers.get(b"branch.head")
    branch = None if branch == "(detached)" else branch
    return GitState(
        commit=None if commit == "(initial)" else commit,
        branch=branch,
        remote=_remote(branch, settings(toplevel)),
        dirty=bool(told.changed or told.untracked),
        toplevel=toplevel,
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
            # Else each artifact of a lake that lies here would have those before it among its uncommitted changes.
            if not lies_in_lake(rest):
                told.untracked.append(rest)
        elif kind == b"!":
            told.ignored.append(rest)
        elif kind in _FIELDS_BEFORE_PATH:
            *fields, path = line.split(b" ", _FIELDS_BEFORE_PATH[kind])
            told.changed.append(path)
            if fields[2].startswith(b"S") and fields[2][2:] != b"..":
                told.submodules.append(path)
    return told


def _head_only(toplevel: Path, problem: str) -> GitState | None:
    """Read what the files of a repository tell without git, and warn once that this is all; None of a bare one."""
    import git

    with git.Repo(toplevel) as repository:
        if repository.bare:
            return None
        _warn_once(toplevel, problem)
        head = repository.head
        branch = None if head.is_detached else head.reference.name
        commit = None
        with contextlib.suppress(ValueError):  # before the first commit
            commit = head.dereference_recursive(repository, "HEAD")
        with repository.config_reader("repository") as reader:
            known = {
                ".".join((*section.rstrip('"').split(' "'), name)): str(value)
                for section in reader.sections()
                if section.startswith(("remote ", "branch "))
                for name, value in reader.items(section)
            }
    return GitState(commit, branch, _remote(branch, known), None, toplevel, problem=problem)


def _warn_once(toplevel: Path, problem: str) -> None:
    if toplevel not in _warned:
        _warned.add(toplevel)
        _log.warning("Whether anything is uncommitted in %s is not recorded, only its commit: %s", toplevel, problem)


def _remote(branch: str | None, known: Mapping[str, str]) -> str | None:
    """Return the URL that the branch is fetched from, else that of ``origin``, else that of the first remote."""
    remote = known.get(f"branch.{branch}.remote", "origin")
    urls = (value for key, value in known.items() if _REMOTE_URL.fullmatch(key))
    url = known.get(f"remote.{remote}.url") or known.get("remote.origin.url") or next(urls, None)
    return None if url is None else redact_url(url.encode("utf-8", "replace").decode("utf-8"))
