"""Plan what is to be done to make artifacts again, step by step, and tell what stands in the way."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elliptio.artifacts.artifact import Artifact
from elliptio.lineage.reproduction import obstacles
from elliptio.lineage.reproduction.commands import RUNNER, Command, parse
from elliptio.lineage.reproduction.gathering import Made
from elliptio.lineage.reproduction.installers import Installer, look
from elliptio.lineage.reproduction.obstacles import FoundCode, FoundPackages, Obstacle
from elliptio.lineage.reproduction.own_wheel import own_version
from elliptio.lineage.reproduction.repository_code import CodeFinder
from elliptio.metadata import Metadata
from elliptio.naming import CELLS_LOG, DIFF_LOG
from elliptio.provenance import collecting
from elliptio.rules import is_pin


@dataclass
class Step:
    """One command that is run again.

    Parameters
    ----------
    made
        What it made, and what of that was asked for.
    command, diff
        What was run, and what was not committed.
    repository
        Where the commit can be had; None if nowhere, or if there is none.
    python, packages
        The interpreter for it, and the packages that can be had.
    project
        Name of the package that is installed from the recorded code.
    built
        Requirements that are tried to be built from source, or fetched from where they came from, by name.
    obstacles
        What cannot be restored as it was.

    """

    made: Made
    command: Command
    diff: str | None
    repository: Path | None
    python: str | None
    packages: dict[str, str]
    project: str | None
    built: dict[str, str]
    obstacles: list[Obstacle] = field(default_factory=list)

    @property
    def run(self) -> str:
        """Identifier, name and parameters of the run that made it; empty outside of ``h.run``."""
        found = self.artifact.run
        if found is None:
            return ""
        params = found.get("params")
        given = params.items() if isinstance(params, Mapping) else ()
        return "  ".join(
            [str(found["_id"]), str(found.get("name")), *(f"{name}={value!r:.60}" for name, value in given)]
        )

    @property
    def artifact(self) -> Artifact:
        """The artifact that says how the command was run."""
        return self.made.artifact

    @property
    def metadata(self) -> Metadata:
        """Metadata of that artifact."""
        return self.artifact.metadata

    @property
    def version(self) -> str:
        """Recorded version of Python."""
        return recorded_python(self.metadata)

    @property
    def can_run(self) -> bool:
        """True if nothing prevents running it."""
        return not any(obstacle.prevents for obstacle in self.obstacles)

    @property
    def code_key(self) -> object:
        """The key that two steps have in common that share a checkout."""
        return (self.metadata.git or {}).get("commit"), self.diff, self.metadata.git is None

    @property
    def environment_key(self) -> object:
        """The key that two steps have in common that share an environment."""
        code = self.code_key if self.project else None
        packages = tuple(sorted({**self.packages, **self.built}.items()))
        return self.version, self.python, packages, code

    def shown(self) -> str:
        """Show the command as it was to people."""
        return f"python -m {RUNNER} {CELLS_LOG}" if self.command.kind == "notebook" else self.metadata.argv


def plan(steps: list[Made], finder: CodeFinder, installer: Installer) -> list[Step]:
    """Look for code, interpreter and packages, and tell what cannot be restored."""
    known: dict[object, tuple[str | None, FoundPackages]] = {}
    here = collecting.environment_facts()
    return [_step(made, finder, installer, known, here) for made in steps]


def _step(
    made: Made,
    finder: CodeFinder,
    installer: Installer,
    known: dict[object, tuple[str | None, FoundPackages]],
    here: dict[str, object],
) -> Step:
    metadata = made.artifact.metadata
    diff = made.artifact.logs[DIFF_LOG].download_string() if DIFF_LOG in metadata.log_relpaths else None
    git = metadata.git or {}
    repository, code = finder.find(git.get("commit"), git.get("remote"), metadata.repository_root)
    files = code.files | obstacles.new_files(diff or "")
    project = code.project if code.project in metadata.python_packages else None
    origins = obstacles.origins(metadata)
    own = ("elliptio", project, *origins)
    wanted = {name: version for name, version in metadata.python_packages.items() if name not in own}
    key = (recorded_python(metadata), tuple(sorted(wanted.items())))
    if key not in known:
        known[key] = look(installer, key[0], wanted)
    python, found = known[key]
    command = _command(metadata, lambda named: obstacles.path_in_code(metadata, named) in files)
    step = Step(
        made=made,
        command=command,
        diff=diff,
        repository=repository,
        python=python,
        packages={name: version for name, version in wanted.items() if name not in found.missing},
        project=project,
        built=_built(wanted, found, {name: origin for name, origin in origins.items() if name not in own[:2]}),
    )
    told = _told(metadata, command, diff, code, found, frozenset(files), here, project)
    step.obstacles = [Obstacle(metadata.artifact_id, about, *what) for about, what in told]
    missing = [f"it is based on what is not there: {why}" for why in made.lost.values()]
    step.obstacles += [
        Obstacle(metadata.artifact_id, "inputs", why, prevents=True) for why in (*missing, *made.damaged)
    ]
    return step


def _built(wanted: Mapping[str, str], found: FoundPackages, origins: Mapping[str, str]) -> dict[str, str]:
    versions = {name: version for name, version in wanted.items() if name in found.missing and is_pin(name, version)}
    fetched = {name: obstacles.buildable(name, origin) for name, origin in origins.items()}
    return {
        **{name: f"{name}=={version}" for name, version in versions.items()},
        **{name: requirement for name, requirement in fetched.items() if requirement is not None},
    }


def _told(
    metadata: Metadata,
    command: Command,
    diff: str | None,
    code: FoundCode,
    found: FoundPackages,
    files: frozenset[str],
    here: dict[str, object],
    project: str | None,
) -> Iterator[tuple[str, tuple[str, bool]]]:
    own = own_version()
    packages = metadata.python_packages
    for about, each in (
        ("code", obstacles.of_code(metadata, diff, code)),
        # Without the code it cannot be told what is in it.
        ("command", () if code.problem else obstacles.of_command(metadata, command, files, packages)),
        ("python", obstacles.of_python(metadata, found)),
        ("packages", obstacles.of_packages(metadata, found, project=project, own=own)),
        ("machine", obstacles.of_machine(metadata, here)),
    ):
        yield from ((about, what) for what in each)


def _command(metadata: Metadata, is_file: Callable[[str], bool]) -> Command:
    if metadata.notebook or CELLS_LOG in metadata.log_relpaths:
        return Command("notebook", program=RUNNER, arguments=(CELLS_LOG,))
    return parse(metadata.argv, is_file)


def recorded_python(metadata: Metadata) -> str:
    """Return the version of Python that was recorded; empty if none was."""
    python = metadata.environment.get("python")
    return str(python.get("version") or "") if isinstance(python, dict) else ""


def command_line(words: list[str]) -> str:
    """Join words to a line for a shell."""
    return shlex.join(words)
