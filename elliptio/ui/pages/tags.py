"""``/tags``: what has which name, who moved it; moved here too where that is allowed."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from elliptio.finding.tags import Tags
from elliptio.lake.tags import Move
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, ForeignFormError, WrongError, see_other, segment
from elliptio.ui.pages import rows
from elliptio.ui.view import View

MOST = 500
"""Tags, and moves of one, that are shown."""

TAGS = "tags"


def show(view: View, asked: Asked) -> Answer:
    """List the tags."""
    moves = list(view.h.tags.moves())
    known = _artifacts(view, moves[:MOST])
    return view.page("tags.html", asked, moves=[_move(view, move, known) for move in moves[:MOST]], total=len(moves))


def history(view: View, asked: Asked) -> Answer:
    """Show all moves of a tag."""
    name = asked.parts["name"]
    moves = list(view.h.tags.moves(name))
    known = _artifacts(view, moves[: MOST + 1])
    return view.page(
        "tag.html",
        asked,
        name=name,
        moves=[
            {**_move(view, move, known), "before": _move(view, earlier, known) if earlier else None}
            for move, earlier in zip_longest(moves[:MOST], moves[1 : MOST + 1])
            if move
        ],
        total=len(moves),
        now=moves[0],
        may_write=TAGS in view.policy.write,
        form_token=view.policy.form_token,
        suggested=asked.get("to")[:80],
    )


def named(view: View, asked: Asked) -> Answer:
    """Lead from a tag to the artifact that it names."""
    artifact = view.h.show(f"tag:{asked.parts['tag']}")
    return see_other(f"{asked.up}artifacts/{segment(artifact.artifact_id)}")


def change(view: View, asked: Asked) -> Answer:
    """Move a tag or take it away, if it still names what the form was about.

    Raises
    ------
    ForeignFormError
        If it is no form of ours.
    WrongError
        If it says nothing that can be done.

    """
    if TAGS not in view.policy.write or not view.policy.is_form_token(asked.form.get("form_token", "")):
        raise ForeignFormError("This is not a form of this view. Open the page of the tag, and send it from there.")
    name, seen = asked.parts["name"], asked.form.get("seen", "")
    tags: Tags = view.h.tags
    what = asked.form.get("what")
    if what == "remove":
        tags.remove(name, seen=seen)
    elif what == "move":
        to = asked.form.get("to", "").strip()
        if not to:
            raise WrongError("Say which artifact the tag shall name.")
        tags.give(view.h.show(to), name, overwrite=True, seen=seen)
    else:
        raise WrongError("A tag is moved or removed.")
    return see_other(segment(name))


def _artifacts(view: View, moves: list[Move]) -> dict[str, dict[str, Any]]:
    identifiers = sorted({move.artifact_id for move in moves if move.artifact_id is not None})
    columns = [*rows.FIELDS, "deleted"]
    query = {"_id": {"$in": identifiers}}
    found = view.h.search(query, max_docs=0, columns=columns, deleted=True, counted=False, sort="-creation_time")
    return {row["artifact_id"]: row for row in found.rows()}


def _move(view: View, move: Move, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    row = known.get(move.artifact_id or "")
    short, colour = wording.badge(wording.suffix_of_artifact(row) if row else "")
    return {
        "tag": move.tag,
        "id": move.artifact_id,
        "files": wording.files_of(row) if row else "",
        "short": f"…{(move.artifact_id or '')[-8:]}",
        "badge": short,
        "colour": colour,
        "gone": bool(row and row.get("deleted")) or (move.artifact_id is not None and row is None),
        "who": wording.person(move.username),
        "when": wording.when(move.time, view.clock()),
        "exact": wording.exact(move.time),
        "labels": wording.labels_of(row or {}),
    }
