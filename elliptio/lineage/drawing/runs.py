"""The runs of a lineage: between what an artifact was made from and the artifact stands the run that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from elliptio.artifacts.display import duration, printable
from elliptio.lineage.drawing.nodes import Node, cut
from elliptio.protocols import Document

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
        step = steps.get((run_id, above))
        if step is None:
            numbers[run_id] = numbers.get(run_id, 0) + 1
            step = steps[run_id, above] = Step(run_id, numbers[run_id])
            drawn.append(step)
            found += [(parent, step) for parent in parents[box]]
        drawn.append(box)
        found.append((step, box))
    return drawn, found


def runs_of(nodes: Sequence[Node]) -> dict[str, Document]:
    """Return the documents of the runs by identifier."""
    return {str(node.run["_id"]): node.run for node in nodes if node.run is not None}


def title(run: Document, width: int) -> str:
    """Name the kind of work that a run was."""
    return cut(str(run.get("name") or run["_id"]), width)


def subtitle(run: Document) -> str:
    """Say how a run went."""
    return "  ".join(part for part in ("run", printable(str(run.get("status") or "")), duration(run)) if part)


def in_a_line(run: Document, width: int) -> str:
    """Say what a run was and how it went: ``run train (finished, 2.5 s)``."""
    how = ", ".join(part for part in (printable(str(run.get("status") or "")), duration(run)) if part)
    return f"run {title(run, width)} ({how})"


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
    return [printable(line)[:200] for line in (str(run["_id"]), str(run.get("name")), subtitle(run), *facts, *failed)]
