"""Tell what cannot be restored as it was, by what is recorded and what was found here. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elliptio.lineage.reproduction.commands import Command
from elliptio.metadata import Metadata
from elliptio.naming import CELLS_LOG, DIFF_LOG
from elliptio.provenance.redaction import MASK

_MARK = "# elliptio: "
_LEFT_OUT = f"{_MARK}left out "
_FETCHED = re.compile(r"(?:git\+(?:https?|ssh)://[^\s#]+@[0-9a-f]{40,64}|https?://[^\s#]+)(?:#[A-Za-z0-9=/._-]+)?")


@dataclass(frozen=True)
class Obstacle:
    """Something that cannot be restored as it was.

    Attributes
    ----------
    artifact_id
        Of which artifact.
    about
        ``"code"``, ``"command"``, ``"python"``, ``"packages"``, ``"inputs"`` or ``"machine"``.
    message
        What, and why.
    prevents
        True: so the command cannot be run. False: it can, but the result may differ.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["a.txt"]) as artifact:
    ...     artifact.file.upload_string("1")
    >>> obstacle = h.reproduce(artifact, dry_run=True).obstacles[0]
    >>> obstacle.about, obstacle.prevents
    ('code', False)

    """

    artifact_id: str
    about: str
    message: str
    prevents: bool = False

    def __str__(self) -> str:
        return f"{self.about}: {self.message}"


@dataclass(frozen=True)
class FoundCode:
    """The recorded commit, as far as it was found.

    Parameters
    ----------
    problem
        Why it was not found; empty if it was.
    files
        Paths in the commit.
    project
        Name of the package that the commit is the source of, if any.
    needs_lfs
        Whether files are kept by Git LFS, which is not installed here.

    """

    problem: str = ""
    files: frozenset[str] = frozenset()
    project: str | None = None
    needs_lfs: bool = False


@dataclass(frozen=True)
class FoundPackages:
    """Interpreter and packages, as far as they were found.

    Parameters
    ----------
    python
        Version of the interpreter that was found; empty where none was.
    fetched
        Whether the recorded version is not here, but can be asked for.
    missing
        Packages, by name, that cannot be had as recorded.
    problem
        Why nobody could be asked; empty if somebody was.

    """

    python: str = ""
    fetched: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def of_code(metadata: Metadata, diff: str | None, found: FoundCode) -> Iterator[tuple[str, bool]]:
    """Tell what of the code cannot be restored, and whether that prevents running it."""
    git = metadata.git
    if git is None:
        yield "it was made outside of a git repository, so no code was recorded.", False
        return
    if found.problem:
        yield found.problem, True
        return
    if git.get("dirty") is None:
        yield "whether there were uncommitted changes was not recorded: git took too long to tell.", False
    elif git.get("dirty") and diff is None:
        yield "there were uncommitted changes, which were not recorded (the setting git_diff).", False
    if git.get("commit") is None and diff is None:
        yield "there was no commit yet, and nothing of the code was recorded.", True
    if ".gitmodules" in found.files:
        yield "the repository has submodules, which are left empty.", False
    if found.needs_lfs:
        yield "files of the repository are kept by Git LFS, which is not installed here.", False
    yield from _of_diff(diff or "", metadata)


def _of_diff(diff: str, metadata: Metadata) -> Iterator[tuple[str, bool]]:
    lines = diff.splitlines()
    for line in lines:
        if not line.startswith(_MARK):
            break
        if "__pycache__/" in line:  # made again by whoever imports it
            continue
        if line.startswith(_LEFT_OUT):
            yield f"not recorded of the uncommitted changes: {line.removeprefix(_LEFT_OUT)}.", False
        elif "not UTF-8" in line:
            yield "bytes of the uncommitted changes that are not UTF-8 were replaced.", False
    masked = sorted(_masked_lines(metadata.redactions))
    if masked:
        yield f"secrets are masked in lines {_listed(masked)} of the uncommitted changes.", False
    # What is added can be written with the mask in it; what must be there already would not be found.
    lost = [number for number in masked if number <= len(lines) and not lines[number - 1].startswith("+")]
    if lost:
        yield f"the uncommitted changes cannot be applied: lines {_listed(lost)} of them are masked.", True


def _masked_lines(redactions: Sequence[Mapping[str, str]]) -> set[int]:
    found = (re.fullmatch(rf"{re.escape(DIFF_LOG)}, line (\d+)", str(entry.get("where"))) for entry in redactions)
    return {int(match[1]) for match in found if match}


def _listed(numbers: Sequence[int], most: int = 10) -> str:
    more = f" and {len(numbers) - most:,} more" if len(numbers) > most else ""
    return ", ".join(map(str, numbers[:most])) + more


_NOT_RUN = {
    "interactive": "it was made in an interactive session, of which no commands are recorded.",
    "worker": "it was made in a process that another one started; the command of that one is not recorded.",
    "upload": "its files were uploaded from elsewhere (`elliptio upload`), so nothing recorded makes them.",
}


def of_command(
    metadata: Metadata, command: Command, files: frozenset[str], packages: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    """Tell why the recorded command cannot be run, if so."""
    if any(str(entry.get("where", "")).startswith("argv,") for entry in metadata.redactions) or (
        MASK in metadata.argv and not metadata.redactions
    ):
        yield "secrets are masked in its arguments: run it by hand with the right ones.", True
    if command.kind in _NOT_RUN:
        yield _NOT_RUN[command.kind], True
    elif command.kind == "unknown":
        yield f"it is no command of Python: {metadata.argv[:200]!r}.", True
    elif command.kind == "notebook":
        yield from _of_notebook(metadata, packages)
    elif path_in_code(metadata, ".") is None:
        yield f"its working directory {metadata.working_directory!r} lies outside of the repository.", True
    elif command.kind == "script" and script_path(metadata, command) not in files:
        yield f"its program {command.program!r} is not in the recorded code.", True


def _of_notebook(metadata: Metadata, packages: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    named = f" {metadata.notebook!r}" if metadata.notebook else ""
    if CELLS_LOG not in metadata.log_relpaths:
        yield f"it was made in a notebook{named}, whose executed cells were not recorded.", True
    elif "ipython" not in packages:
        yield f"it was made in a notebook{named}, and ipython, which runs its cells, was not recorded.", True


def script_path(metadata: Metadata, command: Command) -> str | None:
    """Locate a script within the recorded code; None if it lies outside."""
    return path_in_code(metadata, command.program)


def path_in_code(metadata: Metadata, named: str) -> str | None:
    """Locate within the recorded code what a command names; None if that is outside."""
    root = metadata.repository_root
    parts: list[str] = []
    if named.startswith("/"):
        if root is None or not named.startswith(f"{root}/"):
            return None
        named = named[len(root) + 1 :]
    else:
        named = f"{metadata.working_directory or '.'}/{named}"
    for part in named.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def new_files(diff: str) -> set[str]:
    """List the paths of the files that a diff creates, as far as they have usual names."""
    return set(re.findall(r"^diff --git a/\S.* b/(\S.*)\nnew file mode", diff, flags=re.MULTILINE))


def of_python(metadata: Metadata, found: FoundPackages) -> Iterator[tuple[str, bool]]:
    """Tell whether another interpreter has to do."""
    recorded = metadata.environment.get("python") or {}
    version = recorded.get("version") if isinstance(recorded, Mapping) else None
    if not version:
        yield "the version of Python was not recorded.", True
    elif not found.python and not found.fetched:
        yield f"Python {version} is not here, and none like it.", True
    elif found.fetched:
        instead = f"; if it has none, {found.python} has to do" if found.python else ""
        yield f"Python {version} is not here; uv is asked for it{instead}.", False
    elif found.python != version:
        yield f"Python {version} is not here; {found.python} has to do.", False
    implementation = recorded.get("implementation") if isinstance(recorded, Mapping) else None
    if implementation not in (None, "CPython"):
        yield f"it was {implementation}, and CPython has to do.", False


def origins(metadata: Metadata) -> dict[str, str]:
    """Return by name where packages came from that came from no index: of that name anybody may have one there."""
    found = metadata.environment.get("package_origins")
    return {str(name): str(origin) for name, origin in found.items()} if isinstance(found, Mapping) else {}


def buildable(name: str, origin: str) -> str | None:
    """Return the requirement that installs a package from its origin; None where that is of one machine, or masked."""
    known = re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", name) and _FETCHED.fullmatch(origin) and MASK not in origin
    return f"{name} @ {origin}" if known else None


def _of_origins(metadata: Metadata, left_out: frozenset[str | None]) -> Iterator[tuple[str, bool]]:
    for name, origin in origins(metadata).items():
        if name in left_out:
            continue
        came = f"{name} {metadata.python_packages.get(name, '')} was installed from {origin[:300]}"
        if buildable(name, origin):
            yield f"{came}, and is again when the command is run.", False
        else:
            yield f"{came}, which cannot be had here: no package of that name is taken instead.", False


def of_packages(
    metadata: Metadata, found: FoundPackages, *, project: str | None, own: str
) -> Iterator[tuple[str, bool]]:
    """Tell which packages cannot be had as recorded; `own` is the version of elliptio that runs now."""
    packages = metadata.python_packages
    if not packages:
        yield "no packages were recorded.", True
        return
    if found.problem:
        yield f"nobody could be asked for packages: {found.problem}", True
    for name, why in found.missing.items():
        yield f"{name} {packages[name]} {why}", False
    yield from _of_origins(metadata, frozenset(("elliptio", project)))
    if project in packages:
        yield f"{project} is installed from the recorded code, when the command is run.", False
    recorded = packages.get("elliptio")
    if recorded != own:
        what = f"elliptio {recorded} was" if recorded else "no version of elliptio was"
        yield f"{what} recorded; this one, {own}, saves the result.", False


def of_machine(metadata: Metadata, here: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Tell where this machine is another kind than the recorded one."""
    then = metadata.environment
    gpus, gpus_here = (sorted(_gpu_names(facts)) for facts in (then, here))
    if gpus and gpus != gpus_here:
        yield f"it had {', '.join(gpus)}; here {'is ' + ', '.join(gpus_here) if gpus_here else 'is no GPU'}.", False
    for name, what in (("system", "the operating system"), ("machine", "the kind of processor")):
        old, new = (_fact(facts, "platform", name) for facts in (then, here))
        if old and new and old != new:
            yield f"{what} was {old}, and is {new} here.", False


def _gpu_names(facts: Mapping[str, Any]) -> list[str]:
    gpus = facts.get("gpus")
    return [str(gpu.get("name")) for gpu in gpus if isinstance(gpu, Mapping)] if isinstance(gpus, list) else []


def _fact(facts: Mapping[str, Any], group: str, name: str) -> Any:
    found = facts.get(group)
    return found.get(name) if isinstance(found, Mapping) else None
