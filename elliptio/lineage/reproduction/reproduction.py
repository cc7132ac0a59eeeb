"""Make an artifact again, as users hold the attempt: planned, then prepared, then run."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import ReproductionError
from elliptio.finding.loading import artifact_of, metadata_of
from elliptio.lake import run_records, spool
from elliptio.lake.lake import Lake
from elliptio.lake.view import REPRODUCES
from elliptio.lineage.reproduction import showing
from elliptio.lineage.reproduction.commands import relocated
from elliptio.lineage.reproduction.execution import environ_for, execute, working_directory
from elliptio.lineage.reproduction.gathering import gather
from elliptio.lineage.reproduction.installers import choose, python_in
from elliptio.lineage.reproduction.obstacles import Obstacle
from elliptio.lineage.reproduction.outcome import Result, result_of
from elliptio.lineage.reproduction.plan import Step, command_line, plan
from elliptio.lineage.reproduction.repository_code import CodeFinder
from elliptio.lineage.reproduction.workshop import Workshop
from elliptio.masking import hide_password
from elliptio.runs import scopes

log = logging.getLogger(__name__)


class RunLike(Protocol):
    """A run that goes on, as far as a reproduction needs it."""

    @property
    def run_id(self) -> str:
        """Its identifier."""

    def environment(self) -> dict[str, str]:
        """Return the variables that make a child process part of it."""


class HandlerLike(Protocol):
    """A handler, as far as a reproduction needs it, which knows nothing of the door."""

    lake: Lake
    progress: bool

    def run(self, name: str, params: Mapping[str, Any]) -> AbstractContextManager[RunLike]:
        """Record a piece of work."""


class Reproduction(ShownAsText):
    """An attempt to make an artifact again.

    Attributes
    ----------
    artifact_id
        The artifact.
    folder
        Where its code and its environment are restored, and the output of its command is kept.
    results
        What became of it, one `Result` an artifact, the oldest first; None until it was run.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["a.txt"]) as artifact:
    ...     artifact.file.upload_string("1")
    >>> reproduction = h.reproduce(artifact, dry_run=True)
    >>> print(reproduction.obstacles[0])
    code: it was made outside of a git repository, so no code was recorded.
    >>> reproduction.results is None  # it was not run yet
    True

    """

    def __init__(
        self,
        handler: HandlerLike,
        artifact_id: str,
        into: str | os.PathLike[str] | None,
        *,
        ancestors: bool,
        index_url: str | None,
    ) -> None:
        self._handler = handler
        self._lake = handler.lake
        self._ancestors = ancestors
        self._index_url = index_url
        spool.flush_if_any(self._lake)
        made = gather(self._lake, artifact_id, ancestors=ancestors, progress=handler.progress)
        self.artifact_id = made[-1].wanted[-1]
        self.results: list[Result] | None = None
        self._installer = choose()
        self._workshop = Workshop(Path(f"reproduction_{self.artifact_id}" if into is None else into), self._installer)
        self._workshop.check()
        self._finder = CodeFinder(Path.cwd())
        self._steps = plan(made, self._finder, self._installer)
        self._prepared = False
        if self._variables() is None:
            message = "the index of this handler was given as an object, which another process cannot open."
            self._target.obstacles.append(Obstacle(self.artifact_id, "command", message, prevents=True))

    @property
    def folder(self) -> Path:
        """The folder in which it is made again."""
        return self._workshop.folder

    @property
    def _target(self) -> Step:
        return self._steps[-1]

    @property
    def obstacles(self) -> list[Obstacle]:
        """Obstacles to restoring it as it was; those that prevent running the command have ``.prevents``."""
        return [obstacle for step in self._steps for obstacle in step.obstacles]

    @property
    def can_run(self) -> bool:
        """True if nothing prevents running the command that made the artifact."""
        return self._target.can_run

    @property
    def command(self) -> str:
        """The command that made the artifact, as it was recorded; of a notebook, what runs its cells."""
        return self._target.shown()

    @property
    def same(self) -> bool | None:
        """True if every file is byte for byte the same; None until it was run."""
        return None if self.results is None else all(result.same for result in self.results)

    def prepare(self, show: Callable[[str], object] = log.info) -> None:
        """Restore code and packages. Runs nothing of the recorded code.

        Parameters
        ----------
        show
            Called with a line for each stage.

        Raises
        ------
        ReproductionError
            If the folder is not empty, or something cannot be restored that was not known to be an obstacle.

        """
        if self._prepared:
            return
        self._workshop.check()
        self._workshop.open()
        steps = [step for step in self._steps if step.can_run or step is self._target]
        self._workshop.restore_code(steps, show)
        self._workshop.make_environments(steps, show)
        self._prepared = True

    def check(self) -> None:
        """Refuse to go on if the command that made the artifact cannot be run.

        Raises
        ------
        ReproductionError
            If something prevents it; the message says what.

        """
        if not self.can_run:
            reasons = " ".join(str(obstacle) for obstacle in self._target.obstacles if obstacle.prevents)
            raise ReproductionError(f"The command that made {self.artifact_id} cannot be run. {reasons}")

    def run(self, show: Callable[[str], object] = log.info, *, say: Callable[[str], object] | None = None) -> None:
        """Run the command on the same lake, after those of the ancestors if they were asked for, and compare.

        Parameters
        ----------
        show
            Called with each line of the output.
        say
            Called with a line for each stage; by default `show`.

        Raises
        ------
        ReproductionError
            If something prevents it, or cannot be restored; the message says what. Of what was known to prevent it
            this says so before anything is restored.

        """
        say = show if say is None else say
        self.check()
        self.prepare(say)
        self.results = []
        params = {"artifact_id": self.artifact_id, "ancestors": self._ancestors}
        try:
            with self._handler.run("reproduce", params) as run:
                for number, step in enumerate(self._steps, 1):
                    if step.can_run:
                        if len(self._steps) > 1:
                            say(f"Running step {number:,} of {len(self._steps):,} …")
                        self.results += self._run_step(step, number, run, show, say)
                failed = [result for result in self.results if result.status]
                if failed:
                    raise _CommandFailedError(f"{failed[-1].artifact_id}: its command ended with {failed[-1].status}")
        except _CommandFailedError as error:
            log.info("%s", error)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        steps = [
            {"artifact_ids": step.made.wanted, "command": step.shown(), "can_run": step.can_run} for step in self._steps
        ]
        return {
            "artifact_id": self.artifact_id,
            "folder": str(self.folder),
            "command": self.command,
            "steps": steps,
            "obstacles": [dataclasses.asdict(obstacle) for obstacle in self.obstacles],
            "can_run": self.can_run,
            "same": self.same,
            "results": None if self.results is None else [result.to_dict() for result in self.results],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        how = f"same={self.same}" if self.results is not None else f"not run, {len(self.obstacles):,} obstacles"
        return f"<Reproduction of {self.artifact_id}: {how}>"

    def _lines(self) -> list[str]:
        lines = showing.plan_lines(self.artifact_id, str(self.folder), self._steps)
        return lines if self.results is None else [*lines, *showing.result_lines(self.results)]

    # --- step by step ---

    def _run_step(
        self, step: Step, number: int, run: RunLike, show: Callable[[str], object], say: Callable[[str], object]
    ) -> list[Result]:
        workshop = self._workshop
        failed = workshop.build(step, say)
        step.obstacles += [Obstacle(step.artifact.artifact_id, "packages", message) for message in failed]
        checkout, environment = workshop.checkout(step), workshop.environment(step)
        command = step.command
        if command.kind == "notebook":
            command = dataclasses.replace(command, arguments=(workshop.cells(step, number),))
        python = Path(python_in(environment))
        root = step.metadata.repository_root
        words = command.fitted(
            str(python), lambda name: str(python.parent / name), lambda text: relocated(text, root, str(checkout))
        )
        began = run_records.now()
        extra = {**run.environment(), **(self._variables() or {})}
        # What was loaded around the reproduction is no input of the command.
        extra |= {scopes.BASED_ON: "", REPRODUCES: ",".join(step.made.given)}
        folder = working_directory(checkout, step.metadata.working_directory)
        show(f"$ {command_line(words)}")
        ended = execute(words, folder, environ_for(environment, extra), workshop.log(number), show)
        news = self._made_again(step, run.run_id, began)
        olds = step.made.asked
        prints = self._fingerprints([*olds, *news.values()])
        return [result_of(one, news.get(one.artifact_id), ended, prints) for one in olds]

    def _made_again(self, step: Step, run_id: str, began: datetime) -> dict[str, Artifact]:
        """Find what a command has made, by what that reproduces."""
        spool.flush_if_any(self._lake)
        root = str(run_records.get(self._lake, run_id)["root"])
        run_ids = [run_id, *(document["_id"] for document in run_records.siblings(self._lake, root))]
        wanted = {"reproduces": {"$in": step.made.wanted}, "run_id": {"$in": run_ids}}
        found = self._lake.find({**wanted, "creation_time": {"$gte": began}}, sort=[("creation_time", -1)], limit=0)
        return {
            document["reproduces"]: artifact_of(self._lake, metadata_of(self._lake, document), track=False)
            for document in found
        }

    def _fingerprints(self, artifacts: list[Artifact]) -> dict[str, str]:
        parents = {parent for one in artifacts for parent in one.metadata.based_on}
        found = self._lake.find({"_id": {"$in": sorted(parents)}}, sort=(), limit=0, deleted=True)
        return {document["_id"]: str(document.get("fingerprint")) for document in found}

    def _variables(self) -> Mapping[str, str] | None:
        """Return the variables by which another process finds the same lake; None if its index cannot be named."""
        index, url = self._lake.index.address, self._index_url
        if url is not None and hide_password(url) == index:
            index = url
        elif not index.startswith("sqlite:///"):
            return None
        return {"ELLIPTIO_ROOT": self._lake.store.root, "ELLIPTIO_INDEX": index}


class _CommandFailedError(Exception):
    """An error that makes the run one that failed."""
