"""The runs of a lineage: between what an artifact was made from and the artifact stands the run that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from elliptio.artifacts.display import duration, error_of, printable
from elliptio.lake import run_records
from elliptio.lineage.drawing.nodes import DeadEnd, Node, cut
from elliptio.protocols import Document
from elliptio.runs.differing import differing

Name = TypeVar("Name")


@dataclass(frozen=True)
class Step:
    """A run on its way from some artifacts to others; one that went on after an artifact has several."""

    run_id: str
    number: int


def with_steps(
    boxes: Sequence[Name], edges: Sequence[tuple[Name, Name]], nodes: Mapping[Name, Node]
) -> tuple[list[Name | Step], list[tuple[Name | Step, Name | Step]]]:
    """Put steps of runs between parents and children.

    Artifacts of one run that are based on the same ones share a step: others of that run may be based on more, and no
    picture should say that these were too.

    Parameters
    ----------
    boxes
        Whatever is drawn.
    edges
        (parent, child)
    nodes
        The artifacts among them.

    """
    parents: dict[Name, list[Name]] = {box: [] for box in boxes}
    for parent, child in edges:
        parents[child].append(parent)
    steps: dict[tuple[str, frozenset[Name]], Step] = {}
    numbers: dict[str, int] = {}
    drawn: list[Name | Step] = []
    found: list[tuple[Name | Step, Name | Step]] = []
    for box in boxes:
        node = nodes.get(box)
        if node is None or node.run is None:
            drawn.append(box)
            found += [(parent, box) for parent in parents[box]]
            continue
        run_id, above = str(node.run["_id"]), frozenset(parents[box])
        if isinstance(node, DeadEnd):
            drawn.append(Step(run_id, 0))
            found += [(parent, Step(run_id, 0)) for parent in parents[box]]
            continue
        step = steps.get((run_id, above))
        if step is None:
            numbers[run_id] = numbers.get(run_id, 0) + 1
            step = steps[run_id, above] = Step(run_id, numbers[run_id])
            drawn.append(step)
            found += [(parent, step) for parent in parents[box]]
        drawn.append(box)
        found.append((step, box))
    return drawn, found


@dataclass(frozen=True)
class Shown:
    """A run in a picture.

    Attributes
    ----------
    run
        Its document.
    params
        Those parameters by which it differs from others of its name in the picture.

    """

    run: Document
    params: str

    @property
    def lost(self) -> bool:
        """True if it failed or was killed."""
        return self.run.get("status") in (run_records.FAILED, run_records.DEAD)

    def lines(self, width: int, below: int) -> tuple[str, str]:
        """Say what it was, how it went and what it was given, in two lines of so many letters."""
        name, how = str(self.run.get("name") or self.run["_id"]), _how(self.run)
        if not self.params:
            return cut(name, width), "  ".join(["run", *how])
        ending = "".join(f"  {part}" for part in how)
        return cut(name, max(width - len(ending), width // 3)) + ending, cut(self.params, below)

    def in_a_line(self, width: int) -> str:
        """Say the same in one: ``run train (failed, 2.5 s, ValueError) rate=0.1``."""
        how = ", ".join([*_how(self.run), *error_of(self.run)])
        return f"run {cut(str(self.run.get('name') or self.run['_id']), width)} ({how})" + (
            f" {cut(self.params, 2 * width)}" if self.params else ""
        )


def runs_of(nodes: Sequence[Node]) -> dict[str, Shown]:
    """Return the runs by identifier."""
    found = {str(node.run["_id"]): node.run for node in nodes if node.run is not None}
    params = differing(found.values())
    return {run_id: Shown(run, params[run_id]) for run_id, run in found.items()}


def _how(run: Document) -> list[str]:
    return [part for part in (printable(str(run.get("status") or "")), duration(run)) if part]


def details(run: Document) -> list[str]:
    """List all that there is to say of a run, a line each."""
    facts = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value!s:.60}"
        for field in ("params", "metrics")
        if isinstance(run.get(field), dict)
        for name, value in run[field].items()
    ]
    error = run.get("error")
    failed = [f"{error.get('type')}: {error.get('message')}"] if isinstance(error, dict) else []
    return [
        printable(line)[:200]
        for line in (str(run["_id"]), str(run.get("name")), "  ".join(["run", *_how(run)]), *facts, *failed)
    ]
