"""Find the recorded code: where its commit can be had, and a clean checkout of it with what was not committed.

Nobody's clone is written to, and no hook is run. Commits and remotes come from documents, which others may have
written: nothing but a whole hash reaches git, and no transport that runs a program.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import weakref
from collections.abc import Sequence
from pathlib import Path

from elliptio.errors import ReproductionError
from elliptio.lineage.reproduction.obstacles import FoundCode
from elliptio.naming import normalize_package
from elliptio.provenance.git.command import MISLEADING_VARIABLES
from elliptio.provenance.git.directory import find_toplevel
from elliptio.provenance.redaction import redact_url

log = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
            "-c", "protocol.version=2", "-c", "advice.detachedHead=false")  # fmt: skip
_VARIABLES = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
}


class CodeFinder:
    """Finds repositories that have a commit: the one around a directory, that where it was, else the remote, fetched.

    Parameters
    ----------
    directory
        Where to look for a clone.

    """

    def __init__(self, directory: Path) -> None:
        self._clone = find_toplevel(directory)
        self._found: dict[tuple[str, str | None, str | None], tuple[Path | None, FoundCode]] = {}
        self._fetched = Path(tempfile.mkdtemp(prefix="elliptio-"))
        self.close = weakref.finalize(self, shutil.rmtree, str(self._fetched), True)

    def find(self, commit: str | None, remote: str | None, was: str | None = None) -> tuple[Path | None, FoundCode]:
        """Return the repository that has a commit, and what is in that; None where nobody has it.

        `was` is where the repository lay then, on whatever machine. Of no commit at all there is nothing to find: it is
        the state before the first one.
        """
        if commit is None:
            return None, FoundCode()
        if (commit, remote, was) not in self._found:
            self._found[commit, remote, was] = self._find(commit, remote, was)
        return self._found[commit, remote, was]

    def _find(self, commit: str, remote: str | None, was: str | None) -> tuple[Path | None, FoundCode]:
        if not isinstance(commit, str) or not _HASH.fullmatch(commit):
            return None, FoundCode(problem=f"{commit!r} is no commit.")
        if not _is_installed():
            return None, FoundCode(problem=f"commit {commit[:12]} cannot be had: git is not installed.")
        for clone in (self._clone, find_toplevel(was) if was else None):
            if clone is not None and _has(clone, commit):
                return clone, _look(clone, commit)
        here = f"the clone {self._clone} does not have it" if self._clone else "there is no clone around this folder"
        if not remote:
            return None, FoundCode(
                problem=f"commit {commit[:12]} cannot be had: {here}, and no remote was recorded. "
                "Run this in a clone that has it."
            )
        why = self._fetch(commit, remote)
        if why is None:
            return self._fetched, _look(self._fetched, commit)
        return None, FoundCode(
            problem=f"commit {commit[:12]} cannot be had: {here}, and {redact_url(remote)} did not give it "
            f"({why}). Run this in a clone that has it."
        )

    def _fetch(self, commit: str, remote: str) -> str | None:
        """Fetch a commit, or all there is; say what git said if that fails."""
        if not (self._fetched / "HEAD").exists():
            _git(self._fetched, "init", "--quiet", "--bare", "--template=")
        done = _git(self._fetched, "fetch", "--quiet", "--no-tags", "--", remote, commit)
        if done.returncode:  # a server may give only what has a name
            names = ("+refs/heads/*:refs/remotes/x/*", "+refs/tags/*:refs/tags/*")
            done = _git(self._fetched, "fetch", "--quiet", "--no-tags", "--", remote, *names)
        if done.returncode:
            return _said(done)
        return None if _has(self._fetched, commit) else "it is not there"


def check_out(repository: Path | None, commit: str | None, remote: str | None, diff: str | None, folder: Path) -> None:
    """Make a clean checkout of a commit, with uncommitted changes applied.

    Raises
    ------
    ReproductionError
        If git refuses; the message has what it says.

    """
    folder.mkdir(parents=True)
    _checked(folder, "init", "--quiet", "--template=")
    if remote:
        _checked(folder, "config", "remote.origin.url", remote)
    if repository is not None and commit is not None:
        _checked(folder, "fetch", "--quiet", "--no-tags", "--", str(repository), commit)
        _checked(folder, "checkout", "--quiet", "--detach", commit)
    if diff and "diff --git " in diff:
        _checked(folder, "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-", content=diff.encode())


def _is_installed() -> bool:
    return shutil.which("git") is not None


def _has(repository: Path, commit: str) -> bool:
    return _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def _look(repository: Path, commit: str) -> FoundCode:
    listed = _git(repository, "ls-tree", "-r", "-z", "--name-only", commit)
    files = frozenset(os.fsdecode(name) for name in listed.stdout.split(b"\0") if name)
    attributes = _content(repository, commit, ".gitattributes") if ".gitattributes" in files else ""
    needs_lfs = "filter=lfs" in attributes and shutil.which("git-lfs") is None
    project = None
    if "pyproject.toml" in files:
        with contextlib.suppress(tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
            project = normalize_package(
                tomllib.loads(_content(repository, commit, "pyproject.toml"))["project"]["name"]
            )
    return FoundCode(files=files, project=project, needs_lfs=needs_lfs)


def _content(repository: Path, commit: str, path: str) -> str:
    return _git(repository, "cat-file", "blob", f"{commit}:{path}").stdout.decode("utf-8", "replace")


def _checked(folder: Path, *arguments: str, content: bytes | None = None) -> None:
    done = _git(folder, *arguments, content=content)
    if done.returncode:
        verb = next(argument for argument in arguments if not argument.startswith("-") and "=" not in argument)
        raise ReproductionError(f"The code could not be restored: git {verb} failed in {folder}: {_said(done)}")


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").split("\n")
    return "; ".join(line.strip() for line in lines if line.strip())[:500] or f"exit status {done.returncode}"


def _git(folder: Path, *arguments: str, content: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command: Sequence[str] = ("git", *_OPTIONS, *arguments)
    environ = {name: value for name, value in os.environ.items() if name not in MISLEADING_VARIABLES}
    # Nobody can be asked for the password of a key.
    environ.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    try:
        return subprocess.run(
            command, cwd=folder, env={**environ, **_VARIABLES}, input=content or b"", capture_output=True, check=False
        )
    except (OSError, ValueError) as error:  # a NUL is part of no command
        said = str(error) if _is_installed() else "git is not installed"
        return subprocess.CompletedProcess(command, 127, b"", said.encode())
