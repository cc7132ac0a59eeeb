"""Show the steps of a plan or a build as a table of a notebook, readable where styles are taken away."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from elliptio.pipelines.builds.steps import Steps

MOST = 200
"""Rows that are shown."""


def page(head: str, steps: Steps, *, built: bool, notes: Sequence[str]) -> str:
    """Write a table of steps in HTML."""
    titles = ["craft", "keys", "status", "why", *(["seconds"] if built else [])]
    rows = []
    for step in steps[:MOST]:
        cells = [step.craft, str(step.keys), step.status, step.why]
        if built:
            cells.append("" if step.seconds is None else f"{step.seconds:.3f}")
        mark = "<b>{}</b>" if step.status in ("make", "made", "failed") else "{}"
        rows.append("<tr>" + "".join(f"<td align='left'>{mark.format(escape(cell))}</td>" for cell in cells) + "</tr>")
    more = f"<p>… {len(steps) - MOST} more steps: .steps has all.</p>" if len(steps) > MOST else ""
    header = "".join(f"<th align='left'>{title}</th>" for title in titles)
    told = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f"<p>{escape(head)}</p><table><thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"{more}{f'<ul>{told}</ul>' if told else ''}"
    )
