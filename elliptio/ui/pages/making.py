"""Say whether an artifact can be made again."""

from __future__ import annotations

from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ElliptioError
from elliptio.lineage.reproduction.outlook import Outlook, outlook
from elliptio.ui import wording
from elliptio.ui.checks import VERIFIED
from elliptio.ui.view import View

MOST_INPUTS = 6
_MARKS = {True: ("✕", "err"), False: ("!", "warn")}
_ANSWERS = {"yes": ("yes, by all that is recorded", "good"), "maybe": ("perhaps not byte for byte", "some"),
            "no": ("not as it is", "bad")}  # fmt: skip


def outlook_of(view: View, artifact: Artifact) -> dict[str, Any]:
    """Say whether it can be made again, by what, and what stands in the way."""
    command = f"elliptio reproduce {artifact.artifact_id} --run"
    try:
        found = outlook(view.h.lake, artifact.artifact_id, artifact)
    except ElliptioError as error:
        lines = [{"mark": "✕", "class": "err", "text": wording.plain(error), "inputs": []}]
        return {"answer": "that cannot be told", "class": "some", "lines": lines, "command": command}
    says, colour = _ANSWERS[found.answer]
    lines = [_line("✓", "ok", text) for text in _known(found, artifact)]
    lines += _inputs(view, found)
    if found.unasked:
        lines.append(_line("?", "mid", "its commit is in no clone here; the recorded remote was not asked"))
    for obstacle in found.obstacles:
        mark, kind = _MARKS[obstacle.prevents]
        lines.append(_line(mark, kind, f"{obstacle.about}: {obstacle.message}"))
    return {"answer": says, "class": colour, "lines": lines, "command": command}


def _line(mark: str, kind: str, text: str) -> dict[str, Any]:
    return {"mark": mark, "class": kind, "text": wording.plain(text, 400), "inputs": []}


def _known(found: Outlook, artifact: Artifact) -> list[str]:
    lines = []
    git = artifact.metadata.git or {}
    if found.commit and not found.unasked and not any(one.about == "code" and one.prevents for one in found.obstacles):
        changed = f", with {found.changed:,} uncommitted lines" if found.changed else ""
        branch = f" on {git.get('branch')}" if git.get("branch") else ""
        lines.append(f"commit {found.commit[:9]}{branch}{changed}")
    if found.packages:
        lines.append(
            f"{found.packages:,} packages with exact versions; whether all can be had is asked by elliptio reproduce"
        )
    if found.command and not any(one.about == "command" and one.prevents for one in found.obstacles):
        lines.append(f"command {found.command}")
    return lines


def _inputs(view: View, found: Outlook) -> list[dict[str, Any]]:
    """Name what the command was given, and what of that was compared with its hashes by now."""
    if not found.inputs:
        return []
    shown = []
    for identifier in found.inputs[:MOST_INPUTS]:
        if identifier in found.lost:
            continue
        artifact = view.h.show(identifier)
        states = [view.checks.known(file) for _, file in list(artifact.files.items())[:50]]
        verified = bool(states) and all(one.state == VERIFIED for one in states)
        wrong = any(not one.ok for one in states)
        shown.append(
            {
                "id": identifier,
                "name": wording.files_of(vars(artifact.metadata)),
                "says": "damaged" if wrong else "verified" if verified else "not read yet",
            }
        )
    if not shown:
        return []
    here = len(found.inputs) - len(found.lost)
    among = f" of the first {found.first:,} artifacts that the command made" if found.first else ""
    text = f"{here:,} {'input' if here == 1 else 'inputs'}{among} in this lake:"
    bad = any(one["says"] == "damaged" for one in shown)
    return [{"mark": "✕" if bad else "✓", "class": "err" if bad else "ok", "text": text, "inputs": shown}]
