"""Show a reproduction. Values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from elliptio.artifacts.display import human_size, printable
from elliptio.lineage.reproduction.outcome import FileResult, Result
from elliptio.lineage.reproduction.plan import Step
from elliptio.naming import shorten

_MOST_COMMAND = 200


def plan_lines(artifact_id: str, folder: str, steps: Sequence[Step]) -> list[str]:
    """Show what is to be done, and what stands in the way."""
    target = steps[-1]
    lines = [f"Reproduction of {artifact_id}", f"  {'folder':<9} {folder}", f"  {'command':<9} {_command(target)}"]
    if target.run:
        lines.append(f"  {'run':<9} {target.run}")
    if len(steps) > 1:
        lines.append(f"  {'steps':<9} {len(steps):,}")
        for number, step in enumerate(steps, 1):
            kept = "" if step.can_run or step is target else "  (not made again: used as it is)"
            lines.append(f"    {number}  {', '.join(_names(step))}  {_command(step)}{kept}")
    found = [(step, obstacle) for step in steps for obstacle in step.obstacles]
    lines.append(f"  {'obstacles':<9} {len(found) or 'none'}")
    for step, obstacle in found:
        mark = "✗" if obstacle.prevents else "!"
        where = f"{obstacle.artifact_id}: " if len(steps) > 1 and step is not target else ""
        lines.append(f"    {mark} {where}{obstacle}")
    return [printable(line) for line in lines]


def result_lines(results: Iterable[Result]) -> list[str]:
    """Show the outcome, file by file."""
    lines = []
    for result in results:
        lines.append(f"{result.artifact_id}: {_headline(result)}")
        if result.made:
            lines.append(f"  made again as {result.made}")
        if result.status and result.output:
            lines.append("  the end of its output:")
            lines += [f"    {line}" for line in result.output]
        for file in result.files:
            lines.append(f"  {file.state:<9}  {file.relpath}  {_sizes(file)}")
            lines += [f"    {line}" for line in result.difference(file).splitlines()]
        lines += [f"  {line}" for line in result.inputs]
    return [printable(line.rstrip()) for line in lines]


def _headline(result: Result) -> str:
    state = "identical" if result.same else "not identical" if result.made else "not made"
    if not result.status:
        return state
    ending = f"was killed by signal {-result.status}" if result.status < 0 else f"ended with {result.status}"
    return f"{state}, {'but' if result.same else 'and'} the command {ending}"


def _sizes(file: FileResult) -> str:
    then, now = (None if size is None else human_size(size) for size in (file.size_then, file.size_now))
    if then is None or now is None:
        return then or now or ""
    return then if then == now else f"{then} → {now}"


def _names(step: Step) -> list[str]:
    names = [name for one in step.made.asked for name in one.metadata.file_relpaths]
    return [*names[:3], *([f"and {len(names) - 3:,} more"] if len(names) > 3 else [])]


def _command(step: Step) -> str:
    return shorten(" ".join(step.shown().split()), _MOST_COMMAND)
