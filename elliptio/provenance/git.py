"""The state of the git repository around a directory: commit, branch, remote, and whether anything is uncommitted.

Outside a repository no process is started and nothing is imported. Inside one, a single ``git status`` answers.
No program that a user configured (hooks, external diffs, file system monitors, pagers) is run, and nothing is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from elliptio.provenance.redaction import redact_url

_log = logging.getLogger(__name__)

# Seconds until git is stopped, and until a repository that took longer is asked again.
TIMEOUT = 5.0
PAUSE_AFTER_TIMEOUT = 300.0

_SAFE_OPTIONS = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=true",
    "-c",
    "core.safecrlf=false",
    "-c",
    "protocol.allow=never",
)
_SAFE_VARIABLES = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
}
# Set by hooks (and by people) to point git at one repository; here the directory decides.
_MISLEADING_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_CONFIG",
)
_REMOTE_URL = re.compile(r"remote\.(?P<name>.*)\.url", re.DOTALL)

_Stamps = tuple[tuple[int, int] | None, ...]


class GitTimeoutError(Exception):
    """Git took too long."""


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

    @property
    def facts(self) -> dict[str, Any]:
        """Commit, branch, remote and dirty: what is stored with an artifact."""
        return {"commit": self.commit, "branch": self.branch, "remote": self.remote, "dirty": self.dirty}


_slow: dict[Path, float] = {}
_remotes: dict[Path, tuple[_Stamps, dict[str, str]]] = {}


def find_toplevel(directory: Path) -> Path | None:
    """Return the root of the working tree around a directory, by looking for ``.git`` only; None if there is none."""
    try:
        path = os.path.realpath(directory)
        while True:
            if _git_directory(path) is not None:
                return Path(path)
            parent = os.path.dirname(path)
            if parent == path:
                return None
            path = parent
    except (OSError, ValueError):
        _log.debug("cannot look for a repository around %s", directory, exc_info=True)
        return None


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
            _log.debug("git status took more than %s s in %s", TIMEOUT, toplevel)
            _slow[toplevel] = time.monotonic()
            return _head_only(toplevel, relative)
    except Exception:
        _log.debug("no git state of %s", toplevel, exc_info=True)
        return None


def run(toplevel: Path, arguments: Sequence[str], consume: Callable[[IO[bytes]], None] | None = None) -> bytes | None:
    """Run git in a directory and return its output, None if it failed.

    Parameters
    ----------
    toplevel
        Where to run it.
    arguments
        What to run, without ``git``.
    consume
        Called with the output as it comes, instead of returning it. It must read all of it.

    Raises
    ------
    GitTimeoutError
        If it took longer than `TIMEOUT`.
    """
    errors: list[bytes] = []
    output = b""
    with _process(toplevel, arguments) as process, _watched(process, errors) as timed_out:
        if consume is None:
            output = process.stdout.read()
        else:
            consume(process.stdout)
        process.wait()
    if timed_out.is_set():
        raise GitTimeoutError(arguments[0])
    if process.returncode != 0:
        _log.debug("git %s failed in %s: %s", arguments[0], toplevel, b"".join(errors).decode("utf-8", "replace"))
        return None
    return output


@contextlib.contextmanager
def _watched(process: Any, errors: list[bytes]) -> Iterator[threading.Event]:
    """Stop a process when its time is over, or the block ends; collect its errors so that they cannot block it."""
    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        _kill(process)

    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    watchdog = threading.Timer(TIMEOUT, stop)
    watchdog.daemon = True
    reader.start()
    watchdog.start()
    try:
        yield timed_out
    finally:
        watchdog.cancel()
        _kill(process)
        process.wait()
        reader.join(1.0)


@contextlib.contextmanager
def _process(toplevel: Path, arguments: Sequence[str]) -> Iterator[Any]:
    import git

    command = [str(git.Git.GIT_PYTHON_GIT_EXECUTABLE), *_SAFE_OPTIONS, *arguments]
    misleading = [name for name in _MISLEADING_VARIABLES if name in os.environ]
    if misleading:
        # GitPython can add variables but not take them away.
        command = ["env", *(part for name in misleading for part in ("-u", name)), *command]
    started: Any = git.Git(str(toplevel)).execute(command, as_process=True, env=_SAFE_VARIABLES, start_new_session=True)
    process = started.proc
    try:
        yield process
    finally:
        process.stdout.close()
        process.stderr.close()


def _kill(process: Any) -> None:
    """Stop git and whatever it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, 9)
        except (OSError, AttributeError):
            process.kill()


def _git_directory(path: str) -> str | None:
    """Return the git directory of a working tree's root, None if `path` is not one."""
    candidate = os.path.join(path, ".git")
    if not os.path.lexists(candidate):
        return None
    try:
        with open(candidate, "rb") as file:
            content = file.read(4096)
    except IsADirectoryError:
        return candidate if os.path.lexists(os.path.join(candidate, "HEAD")) else None
    except PermissionError:
        return candidate if os.path.isdir(candidate) else None
    except OSError:
        return None
    if not content.startswith(b"gitdir:"):
        return None
    return os.path.join(path, os.fsdecode(content[len(b"gitdir:") :].strip()))


def _status(toplevel: Path, relative: str) -> GitState | None:
    output = run(
        toplevel,
        (
            *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=none"),
            *("--no-renames", "--no-ahead-behind", "--ignored=no"),
        ),
    )
    if output is None:
        return None
    headers: dict[bytes, str] = {}
    changed: list[bytes] = []
    untracked: list[bytes] = []
    submodules: list[bytes] = []
    # Fields before the path, by kind of line.
    fields = {b"1": 8, b"u": 10}
    for line in output.split(b"\0"):
        kind, _, rest = line.partition(b" ")
        if kind == b"#":
            name, _, value = rest.partition(b" ")
            headers[name] = value.decode("utf-8", "replace")
        elif kind == b"?":
            untracked.append(rest)
        elif kind in fields:
            parts = line.split(b" ", fields[kind])
            changed.append(parts[-1])
            if parts[2].startswith(b"S") and parts[2][2:] != b"..":
                submodules.append(parts[-1])
    commit, branch = headers.get(b"branch.oid"), headers.get(b"branch.head")
    branch = None if branch == "(detached)" else branch
    return GitState(
        commit=None if commit == "(initial)" else commit,
        branch=branch,
        remote=_remote(toplevel, branch),
        dirty=bool(changed or untracked),
        toplevel=toplevel,
        working_directory=relative,
        changed=tuple(changed),
        untracked=tuple(untracked),
        dirty_submodules=tuple(submodules),
    )


def _head_only(toplevel: Path, relative: str) -> GitState | None:
    """Return what can be told without looking at the working tree."""
    output = run(toplevel, ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"))
    if output is None:
        return None
    commit, branch = output.decode("utf-8", "replace").split()[:2]
    name = None if branch == "HEAD" else branch
    return GitState(commit, name, _remote(toplevel, name), None, toplevel, relative)


def _remote(toplevel: Path, branch: str | None) -> str | None:
    """Return the URL that the branch is fetched from, else that of ``origin``, else that of the first remote."""
    stamps = _config_stamps(toplevel)
    known = _remotes.get(toplevel)
    if known is None or known[0] != stamps or _is_racy(stamps):
        settings: dict[str, str] = {}
        output = run(toplevel, ("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$"))
        for entry in (output or b"").decode("utf-8", "replace").split("\0"):
            key, newline, value = entry.partition("\n")
            if newline:
                settings.setdefault(key, value)
        known = stamps, settings
        _remotes[toplevel] = known
    settings = known[1]
    remote = settings.get(f"branch.{branch}.remote", "origin")
    urls = (value for key, value in settings.items() if _REMOTE_URL.fullmatch(key))
    url = settings.get(f"remote.{remote}.url") or settings.get("remote.origin.url") or next(urls, None)
    return None if url is None else redact_url(url)


def _config_stamps(toplevel: Path) -> _Stamps:
    git_directory = _git_directory(str(toplevel)) or ""
    common = git_directory
    try:
        with open(os.path.join(git_directory, "commondir"), "rb") as file:
            common = os.path.join(git_directory, os.fsdecode(file.read().strip()))
    except OSError:
        pass
    files = (
        os.path.join(common, "config"),
        os.path.join(git_directory, "config.worktree"),
        os.environ.get("GIT_CONFIG_GLOBAL") or os.path.expanduser("~/.gitconfig"),
    )
    return tuple(_stamp(file) for file in files)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _is_racy(stamps: _Stamps) -> bool:
    """Return whether a file is so young that another change to it might not show in its modification time."""
    now = time.time_ns()
    return any(stamp is not None and now - stamp[0] < 2_000_000_000 for stamp in stamps)
