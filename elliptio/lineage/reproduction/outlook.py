"""Tell what making an artifact again would take, by what is recorded and what is on this machine: nobody is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ReproductionError
from elliptio.lake.lake import Lake
from elliptio.lineage.reproduction.gathering import gather
from elliptio.lineage.reproduction.installers import Pip, version_of
from elliptio.lineage.reproduction.obstacles import Obstacle
from elliptio.lineage.reproduction.plan import Step, plan
from elliptio.lineage.reproduction.repository_code import CodeFinder

MOST_READ = 200
"""So many of the artifacts of a command are read to tell what it was given: some make many thousands."""

_UNASKED = "its remote is not asked by looking"


class _Offline(Pip):
    """Looks for an interpreter here, and takes packages for what can be had."""

    def find_python(self, version: str) -> tuple[str | None, str]:
        """Take the interpreter that runs this where it is the one; no other need be started then."""
        if version_of(sys.executable) == version:
            return sys.executable, version
        return super().find_python(version)

    def ask(self, python: str, requirements: Path) -> subprocess.CompletedProcess[str]:
        """Ask nobody."""
        return subprocess.CompletedProcess([python], 0, "", "")


class _LocalCode(CodeFinder):
    """Finds commits in clones of this machine."""

    def _fetch(self, commit: str, remote: str) -> str | None:
        return _UNASKED


@dataclass(frozen=True)
class Outlook:
    """Prospect of making an artifact again.

    Attributes
    ----------
    answer
        ``"yes"``, ``"maybe"`` or ``"no"``.
    command
        The command that made it, as recorded.
    obstacles
        What cannot be restored as it was.
    unasked
        Whether its code may be had from the recorded remote, which was not asked.
    inputs
        Identifiers of what the command was given.
    first
        0 where all that the command made says so; else the first so many.
    lost
        Those that are not there any more, and why.
    packages, commit, changed
        How many versions of packages were recorded; which commit; how many lines of it were not committed.

    """

    answer: str
    command: str
    obstacles: Sequence[Obstacle]
    unasked: bool
    inputs: Sequence[str]
    first: int
    lost: Mapping[str, str]
    packages: int
    commit: str
    changed: int


def outlook(lake: Lake, artifact_id: str, loaded: Artifact | None = None) -> Outlook:
    """Plan as `Handler.reproduce` does, without asking registries and remotes, and without reading the inputs."""
    steps = gather(lake, artifact_id, ancestors=False, verifying=False, most=MOST_READ, loaded=loaded)
    first = MOST_READ if steps[-1].is_cut else 0
    finder = _LocalCode(Path.cwd())
    try:
        step = plan(steps, finder, _Offline())[-1]
    except ReproductionError as error:
        obstacle = Obstacle(artifact_id, "command", str(error), prevents=True)
        return Outlook("no", "", [obstacle], False, steps[-1].inputs, first, steps[-1].lost, 0, "", 0)
    finally:
        finder.close()
    unasked = any(_UNASKED in obstacle.message for obstacle in step.obstacles)
    prevented = [one for one in step.obstacles if one.prevents and _UNASKED not in one.message]
    doubts = [one for one in step.obstacles if _is_doubt(one)]
    answer = "no" if prevented else "maybe" if unasked or doubts else "yes"
    git = step.metadata.git or {}
    return Outlook(
        answer=answer,
        command=step.shown(),
        obstacles=[one for one in step.obstacles if _UNASKED not in one.message],
        unasked=unasked,
        inputs=step.made.inputs,
        first=first,
        lost=step.made.lost,
        packages=len(step.metadata.python_packages),
        commit=str(git.get("commit") or ""),
        changed=_changed(step),
    )


def _is_doubt(obstacle: Obstacle) -> bool:
    """Tell whether something may change the result: packages that are installed as recorded do not."""
    return not (obstacle.about == "packages" and ("when the command is run" in obstacle.message))


def _changed(step: Step) -> int:
    lines = (step.diff or "").splitlines()
    return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in lines if line)
