"""Collect who made an artifact, where, with which command, code and packages: facts in, values out.

Each fact is captured or honestly absent. No probe fails an upload: what goes wrong is logged at level debug.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from elliptio.naming import CELLS_LOG, DIFF_LOG, OUTPUT_LOG
from elliptio.provenance import packages, process
from elliptio.provenance.machine import environment_facts, environment_id
from elliptio.provenance.packages import Packages, installed_packages
from elliptio.provenance.process import argv, executed_cells, hostname, mock_username, notebook_path, username
from elliptio.provenance.redaction import Finding, redact
from elliptio.system.forking import IMPORTS, Lock

if TYPE_CHECKING:
    from elliptio.provenance.git.state import GitState

__all__ = [
    "Packages",
    "Provenance",
    "argv",
    "code_directory",
    "collect",
    "environment",
    "environment_facts",
    "environment_id",
    "executed_cells",
    "hostname",
    "installed_packages",
    "is_unchanged",
    "load",
    "mock_username",
    "notebook_of",
    "notebook_path",
    "redacted_output",
    "username",
]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_ASKS_GIT = tuple(f"elliptio.provenance.git.{name}" for name in ("patch", "repository", "watching"))


class Provenance(NamedTuple):
    """The known facts about the origin of an artifact.

    Parameters
    ----------
    username, hostname, argv
        Who ran which command where; secrets in the command are masked.
    working_directory
        Relative to the root of the git repository; None outside one.
    git
        ``commit``, ``branch``, ``remote`` and ``dirty``; None outside a repository.
    diff
        What was not committed, as text for ``git apply``, secrets masked; None if everything was.
    notebook
        The path of the notebook, None outside one.
    environment
        The document for the collection ``environments``, with its ``_id`` and ``python_packages``. The same object
        for as long as nothing changed, so it must not be modified.
    redactions
        ``kind`` and ``where`` of every secret that was masked.
    repository_root
        Absolute path of the root of the repository; None outside one.
    """

    username: str
    hostname: str
    argv: str
    working_directory: str | None
    git: dict[str, Any] | None
    diff: str | None
    notebook: str | None
    environment: dict[str, Any]
    redactions: list[dict[str, str]]
    repository_root: str | None = None


class _Redacted(NamedTuple):
    """A diff, masked, what was masked in it, and the state that it was asked of."""

    state: GitState
    scope: str
    diff: str
    clean: str
    findings: list[Finding]


_MOST_NAMED = 1000
"""Limit of secrets that are named one by one: a document has an end."""

_NO_PACKAGES = packages.Snapshot((), {}, {})
_NO_REPOSITORY: dict[str, Any] = {"working_directory": None, "git": None, "diff": None}

_lock = Lock()
_environment: tuple[packages.Snapshot, dict[str, Any]] | None = None
_redacted: _Redacted | None = None


def collect(
    directory: Path | None = None, git_diff: str = "all", *, ask_git: bool = True, user: str | None = None
) -> Provenance:
    """Collect everything that is recorded with an artifact.

    Parameters
    ----------
    directory
        Where to look for the git repository; if None where the program that runs lies, else the working directory.
    ask_git
        False where it is known that there is no repository.
    git_diff
        What of the uncommitted changes is recorded: ``"all"``, ``"tracked"`` (new files are only named) or ``"none"``.
    user
        Their name, where it was asked for already.

    Returns
    -------
    Provenance
        Complete as far as the facts could be found.

    Notes
    -----
    Any thread may call this, several at once. A thread does not inherit `mock_username`, so start it in a copy of the
    context: ``executor.submit(contextvars.copy_context().run, collect)``.
    """
    probes: dict[str, Callable[[], Any]] = {
        "argv": process.redacted_argv,
        "hostname": hostname,
        "notebook": notebook_path,
        "environment": environment,
    }
    if user is None:
        probes["username"] = username
    known: dict[str, Any] = {}
    for fact, probe in probes.items():
        try:
            known[fact] = probe()
        except Exception:
            _log.debug("the %s is missing", fact, exc_info=True)
    command, masked = known.get("argv", ("", []))
    of_repository, masked_in_diff = _of_repository(directory, git_diff) if ask_git else (_NO_REPOSITORY, [])
    return Provenance(
        username=user or known.get("username", "unknown"),
        hostname=known.get("hostname", "unknown"),
        argv=command,
        notebook=known.get("notebook"),
        environment=known.get("environment") or _empty_environment(),
        redactions=[
            *(_masked_in("argv", "argument", masked) if masked else ()),
            *(_masked_in(DIFF_LOG, "line", masked_in_diff) if masked_in_diff else ()),
        ],
        **of_repository,
    )


def _of_repository(directory: Path | None, git_diff: str) -> tuple[dict[str, Any], list[Finding]]:
    """Collect the facts of the repository around a directory, and what was masked in its diff."""
    state = _try(functools.partial(_git_state, directory), None)
    if state is None:
        return _NO_REPOSITORY, []
    nothing: tuple[str | None, list[Finding]] = None, []
    diff, findings = _try(functools.partial(_diff, state, git_diff), nothing)
    facts = {
        "working_directory": _try(functools.partial(process.working_directory, state.toplevel), None),
        "git": state.facts,
        "diff": diff,
        "repository_root": os.fsencode(state.toplevel).decode("utf-8", "replace"),
    }
    return facts, findings


def notebook_of(cells: list[str]) -> tuple[bytes | None, list[dict[str, str]]]:
    """Make a notebook of executed cells, None of none, and tell ``kind`` and ``where`` of what was masked in it."""
    if not cells:
        return None, []
    from elliptio.provenance.cells import to_notebook

    made = _try(lambda: to_notebook(cells), None)
    if made is None:
        return None, []
    masked = [
        {"kind": finding.kind, "where": f"{CELLS_LOG}, cell {number}, line {finding.position}"}
        for number, finding in made.findings
    ]
    return made.content, _bounded(masked, CELLS_LOG)


def redacted_output(text: str) -> tuple[bytes, list[dict[str, str]]]:
    """Mask the secrets in what a program printed, and tell ``kind`` and ``where`` of each."""
    shown, findings = redact(text)
    return shown.encode("utf-8", "backslashreplace"), _masked_in(OUTPUT_LOG, "line", findings)


def _masked_in(where: str, unit: str, findings: Sequence[Finding]) -> list[dict[str, str]]:
    masked = [{"kind": finding.kind, "where": f"{where}, {unit} {finding.position}"} for finding in findings]
    return _bounded(masked, where)


def _bounded(masked: list[dict[str, str]], where: str) -> list[dict[str, str]]:
    more = len(masked) - _MOST_NAMED
    return masked if more <= 0 else [*masked[:_MOST_NAMED], {"kind": f"{more:,} more", "where": where}]


def code_directory() -> Path | None:
    """Return a folder of the code's repository: the program's if that is in one, else the working directory, else None.

    One may stand in a repository of data: the program's own comes first.
    """
    from elliptio.provenance.git.directory import find_toplevel

    passed: set[str] = set()
    for folder in (process.program_directory(), ""):
        if folder is not None and find_toplevel(folder, passed) is not None:
            return Path(folder)
    return None


def load() -> None:
    """Import what `collect` asks git with, for a thread beside others: a fork waits until that is done."""
    with IMPORTS:
        for name in ("git", "ctypes", *_ASKS_GIT):
            _try(functools.partial(importlib.import_module, name), None)


def is_unchanged(directory: Path) -> bool:
    """Tell whether nothing changed in it since git was last asked, so that `collect` takes no time."""
    from elliptio.provenance.git.repository import unchanged_state

    return _try(lambda: unchanged_state(directory), None) is not None


def _empty_environment() -> dict[str, Any]:
    document: dict[str, Any] = {"python_packages": {}}
    return {"_id": environment_id(document), **document}


def environment() -> dict[str, Any]:
    """Return the document for the collection ``environments``; the same object while nothing changed, do not modify."""
    global _environment
    try:
        installed = packages.snapshot()
    except Exception:
        _log.debug("the packages are missing", exc_info=True)
        installed = _NO_PACKAGES
    known = _environment
    if known is not None and known[0].packages is installed.packages and known[0].origins is installed.origins:
        return known[1]
    document: dict[str, Any] = {**_try(environment_facts, {}), "python_packages": Packages(installed.packages)}
    if installed.origins:
        document["package_origins"] = dict(installed.origins)
    document = {"_id": environment_id(document), **document}
    with _lock:
        if _environment is not None and _environment[1] == document:
            document = _environment[1]
        _environment = installed, document
    return document


def _try(probe: Callable[[], _T], default: _T) -> _T:
    try:
        return probe()
    except Exception:
        _log.debug("a fact is missing", exc_info=True)
        return default


def _git_state(directory: Path | None) -> GitState | None:
    place = directory or code_directory()
    if place is None:
        return None
    from elliptio.provenance.git.repository import repository_state

    return repository_state(place)


def _diff(state: GitState, scope: str) -> tuple[str | None, list[Finding]]:
    """Return the diff of the working tree, masked, and what was masked in it."""
    global _redacted
    if not state.dirty or scope == "none":
        return None, []
    known = _redacted
    if known is None or known.state is not state or known.scope != scope:
        from elliptio.provenance.git.patch import git_diff

        diff = git_diff(state, untracked=scope == "all")
        if diff is None:
            return None, []
        masked = _masked(diff.text) if known is None or known.diff != diff.text else (known.clean, known.findings)
        known = _redacted = _Redacted(state, scope, diff.text, *masked)
    return known.clean, known.findings


def _masked(diff: str) -> tuple[str, list[Finding]]:
    from elliptio.provenance.redaction import redact

    clean, findings = redact(diff)
    if findings:
        clean = f"# elliptio: masked {len(findings)} secrets, so those lines cannot be restored\n{clean}"
        findings = [finding._replace(position=finding.position + 1) for finding in findings]
    return clean, findings
