"""Gather from the lake what has to be made again: an artifact or all that it was made from, by their commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import DocumentNotFoundError
from elliptio.finding.loading import artifact_of, metadata_of
from elliptio.lake import run_records
from elliptio.lake.lake import Lake
from elliptio.lake.upkeep.verification import verify
from elliptio.lineage.lineage import lineage
from elliptio.runs.scopes import MOST_TOLD


@dataclass
class Made:
    """Artifacts that one command made.

    Parameters
    ----------
    given
        What each of them that is still there is based on, by identifier, in the order in which they were made.
    asked
        Those that were asked for, the target last.
    is_cut
        Whether there are others, which were not read.
    lost
        What they are based on and is not there any more, and why.
    damaged
        What is wrong with the files of what they are based on.

    """

    given: dict[str, Sequence[str]]
    asked: list[Artifact]
    is_cut: bool = False
    lost: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    @property
    def artifact(self) -> Artifact:
        """The last one that was asked for: what is recorded of it says how the command was run."""
        known = {one.artifact_id: one for one in self.asked}
        return known[next(each for each in reversed(self.given) if each in known)]

    @property
    def wanted(self) -> list[str]:
        """Identifiers of those that were asked for."""
        return [one.artifact_id for one in self.asked]

    @property
    def inputs(self) -> list[str]:
        """Identifiers of what the command was given, by others."""
        parents = (parent for based_on in self.given.values() for parent in based_on)
        return list(dict.fromkeys(parent for parent in parents if parent not in self.given))


def gather(
    lake: Lake,
    artifact_id: str,
    *,
    ancestors: bool,
    progress: bool = False,
    verifying: bool = True,
    most: int = MOST_TOLD,
    loaded: Artifact | None = None,
) -> list[Made]:
    """Gather what has to be made again, the oldest first; the last is what was asked for. The inputs are verified.

    Of what a command made besides, the first `most` say what it was given. Who has `loaded` the artifact gives it:
    that of one of 100,000 files takes a second.

    Raises
    ------
    DocumentNotFoundError
        If there is no such artifact.

    """
    target = loaded or artifact_of(lake, metadata_of(lake, lake.get(artifact_id)), track=False)
    wanted = [target]
    if ancestors:
        above = lineage(lake, target.artifact_id, direction="up").ancestors
        wanted = [*_those_left(lake, above), target]
    wanted.sort(key=lambda one: (one.artifact_id == target.artifact_id, one.metadata.creation_time))
    steps: list[Made] = []
    for one in wanted:
        if any(one.artifact_id in step.given for step in steps):
            continue
        given, is_cut = _given(lake, one, most)
        steps.append(Made(given, [each for each in wanted if each.artifact_id in given], is_cut))
    # A command that made an ancestor and the target too is run when all that it needs is there.
    steps.sort(key=lambda step: target.artifact_id in step.wanted)
    for step in steps:
        step.lost = _lost(lake, step.inputs)
    if verifying:
        _verify_inputs(lake, steps, progress=progress)
    return steps


def _those_left(lake: Lake, artifact_ids: Iterable[str]) -> list[Artifact]:
    found = []
    for artifact_id in artifact_ids:
        try:
            found.append(artifact_of(lake, metadata_of(lake, lake.get(artifact_id)), track=False))
        except DocumentNotFoundError:  # what was made from it says that it is lost
            continue
    return found


def _given(lake: Lake, artifact: Artifact, most: int) -> tuple[dict[str, Sequence[str]], bool]:
    """Say of what the command made that made an artifact what each is based on, and whether there is more of it.

    It is what has the same run, or runs, and the same command.
    """
    metadata = artifact.metadata
    try:
        root = str(run_records.get(lake, metadata.run_id)["root"])
        run_ids = [document["_id"] for document in run_records.siblings(lake, root)]
    except DocumentNotFoundError:
        run_ids = [metadata.run_id]
    same = {"run_id": {"$in": [*run_ids, metadata.run_id]}, "argv": metadata.argv, "hostname": metadata.hostname}
    found = list(lake.find(same, sort=[("creation_time", 1), ("_id", 1)], limit=most + 1))
    given: dict[str, Sequence[str]] = {document["_id"]: document["based_on"] for document in found[:most]}
    return given | {artifact.artifact_id: metadata.based_on}, len(found) > most


def _lost(lake: Lake, artifact_ids: Sequence[str]) -> dict[str, str]:
    if not artifact_ids or lake.count({"_id": {"$in": list(artifact_ids)}}) == len(artifact_ids):
        return {}
    lost = {}
    for artifact_id in artifact_ids:
        try:
            lake.get(artifact_id)
        except DocumentNotFoundError as error:
            lost[artifact_id] = str(error)
    return lost


def _verify_inputs(lake: Lake, steps: list[Made], *, progress: bool) -> None:
    """Read what the commands were given, and compare it with its hashes."""
    wanted = sorted({identifier for step in steps for identifier in step.inputs})
    documents = lake.find({"_id": {"$in": wanted}}, sort=(), limit=0)
    for problem in verify(lake, documents, progress=progress).problems:
        said = " ".join(filter(None, (problem.artifact_id, problem.relpath, problem.message)))
        for step in steps:
            if problem.artifact_id in step.inputs:
                step.damaged.append(said)
