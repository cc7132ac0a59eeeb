"""``/compare?id=…&id=…``: what differs between two to twelve artifacts or runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.display import human_size
from elliptio.documents import jsonable
from elliptio.errors import DocumentNotFoundError
from elliptio.lineage.comparison import sides
from elliptio.lineage.comparison.several import Row, compare_several
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, WrongError, segment, written
from elliptio.ui.pages import rows as rows_of
from elliptio.ui.pages.insides import code_between, inside_of
from elliptio.ui.pages.run_rows import number
from elliptio.ui.view import View

LEAST, MOST = 2, 12
MOST_ROWS = 200
"""Rows of a section that are shown, of those that differ and of those that are the same."""

MOST_LETTERS = 160
MOST_TELLING = 3
"""Parameters that are named above a column."""

TITLES = {"labels": "Labels", "params": "Parameters", "metrics": "Metrics", "git": "Code", "packages": "Packages",
          "python": "Python", "machine": "Machine", "files": "Files", "who_when": "Who and when"}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One of those that are compared: its facts, and the artifact, if it is one."""

    side: sides.Side
    artifact: Artifact | None

    @property
    def id(self) -> str:
        """Its whole identifier."""
        return self.side.name


def show(view: View, asked: Asked) -> Answer:
    """Show what differs first, and what is the same folded."""
    given = ids_of(asked)
    if len(given) < LEAST:
        return _asking(view, asked, given)
    seen = seen_of(view, given)
    found = compare_several([one.side for one in seen])
    shown = [_section(name, rows, len(seen)) for name, rows in found.items()]
    return view.page(
        "compare.html",
        asked,
        sides=told_apart([_head(view, asked, one, seen) for one in seen], found.get("params", [])),
        sections=[one for one in shown if one["rows"]],
        alike=[one for one in shown if one["alike"]],
        alike_count=sum(one["alike_count"] for one in shown),
        differing=_differing(found),
        inside=inside_of(view, asked, [one.side for one in seen], found.get("files", [])),
        code=code_between([one.side for one in seen]),
        json=written("compare.json", [("id", one) for one in given]),
        most=MOST,
    )


def as_json(view: View, asked: Asked) -> Answer:
    """Answer with the same as JSON: rows that differ with the value of each, and how many are the same."""
    given = ids_of(asked)
    if len(given) < LEAST:
        raise WrongError("Name at least two artifacts or runs: ?id=…&id=…")
    seen = seen_of(view, given)
    found = compare_several([one.side for one in seen])
    inside = inside_of(view, asked, [one.side for one in seen], found.get("files", []))
    answer = {
        "same": not _differing(found),
        "ids": [one.id for one in seen],
        "differing": {name: [_plain_row(name, row) for row in rows if not row.same] for name, rows in found.items()},
        "same_counts": {name: sum(row.same for row in rows) for name, rows in found.items()},
        "inside": None if inside is None else inside["plain"],
    }
    body = json.dumps(jsonable(answer), ensure_ascii=False, indent=1)
    return Answer(body.encode("utf-8", "replace"), media="application/json; charset=utf-8")


def ids_of(asked: Asked) -> list[str]:
    """List what shall be compared, each once.

    Raises
    ------
    WrongError
        If it is too many.

    """
    found = list(dict.fromkeys(value.strip() for key, value in asked.query if key == "id" and value.strip()))
    if len(found) > MOST:
        raise WrongError(f"At most {MOST} are compared at once, not {len(found):,}: take some out.")
    return found


def seen_of(view: View, given: Sequence[str]) -> list[Seen]:
    """Look at what is compared, each once, however it was named.

    Raises
    ------
    DocumentNotFoundError
        If there is no such artifact or run, or it is not published yet.

    """
    found = [_seen(view, one) for one in given]
    unlike = list({one.id: one for one in found}.values())
    if len(unlike) < LEAST:
        raise WrongError(f"All of these are {unlike[0].id}: there is nothing to compare.")
    return unlike


def _seen(view: View, identifier: str) -> Seen:
    if identifier.startswith("run_"):
        return Seen(sides.of_run(view.h.lake, identifier), None)
    artifact = view.h.show(identifier)
    if not artifact.metadata.fingerprint:
        raise DocumentNotFoundError(f"{artifact.artifact_id} is not published yet.")
    return Seen(sides.of_artifact(artifact), artifact)


def _asking(view: View, asked: Asked, given: Sequence[str]) -> Answer:
    """Ask for what shall be compared."""
    status = 400 if given else 200
    return view.page("comparing.html", asked, status=status, given=[wording.plain(one) for one in given], most=MOST)


def _differing(found: Mapping[str, Sequence[Row]]) -> int:
    """Count what differs, but for who and when, and what was measured."""
    return sum(not row.same for name, rows in found.items() if name not in ("who_when", "metrics") for row in rows)


def _head(view: View, asked: Asked, one: Seen, seen: Sequence[Seen]) -> dict[str, Any]:
    """Say what stands above the column of one of them."""
    who_when = one.side.facts["who_when"]
    rest = [("id", other.id) for other in seen if other is not one]
    head: dict[str, Any] = {
        "id": one.id,
        "who": wording.person(who_when.get("username")),
        "when": wording.when(who_when.get("creation_time"), view.clock()),
        "exact": wording.exact(who_when.get("creation_time")),
        "without": written("", rest) if len(seen) > LEAST else None,
        "state": None,
        "tags": [],
    }
    if one.artifact is None:
        name, state = wording.plain(who_when.get("name"), 60), wording.plain(who_when.get("status"), 20)
        return head | {"title": name, "link": rows_of.run_link(one.id), "badge": "RUN", "colour": "g", "state": state}
    fields = vars(one.artifact.metadata)
    short, colour = wording.badge(wording.suffix_of_artifact(fields))
    tags = [wording.plain(tag, 40) for tag in one.artifact.metadata.tags[:3]]
    title, link = wording.files_of(fields, 2), f"artifacts/{segment(one.id)}"
    return head | {"title": title, "link": link, "badge": short, "colour": colour, "tags": tags}


def told_apart(heads: Sequence[dict[str, Any]], params: Sequence[Row]) -> list[dict[str, Any]]:
    """Say of those of one name what tells them apart: parameters that differ, else ends of their identifiers."""
    named = Counter(head["title"] for head in heads)
    unlike = [row for row in params if not row.same][:MOST_TELLING]
    said = [", ".join(f"{wording.plain(row.name, 40)}={number(row.values[place])}" for row in unlike
                      if row.values[place] is not None) for place in range(len(heads))]  # fmt: skip
    times = Counter((head["title"], text) for head, text in zip(heads, said, strict=True))
    told = []
    for head, text in zip(heads, said, strict=True):
        end = f"…{head['id'][-6:]}"
        alone = times[head["title"], text] == 1 and text
        apart = text if alone else " ".join(filter(None, [text, end]))
        told.append(head | {"apart": apart if named[head["title"]] > 1 else ""})
    return told


def _section(name: str, rows: Sequence[Row], count: int) -> dict[str, Any]:
    """Take a section apart into what differs and what is the same, no more of either than is shown."""
    unlike, alike = [row for row in rows if not row.same], [row for row in rows if row.same]
    return {
        "title": TITLES[name],
        "code": name not in ("labels", "params", "metrics"),
        "rows": [_shown(name, row, count) for row in unlike[:MOST_ROWS]],
        "more": max(len(unlike) - MOST_ROWS, 0),
        "alike": [{"name": wording.plain(row.name, MOST_LETTERS), "value": _text(name, _held(row))}
                  for row in alike[:MOST_ROWS]],
        "alike_more": max(len(alike) - MOST_ROWS, 0),
        "alike_count": len(alike),
    }  # fmt: skip


def _held(row: Row) -> Any:
    """Value of a row in which all are the same: those who have no such section say nothing."""
    return next((value for value in row.values if value is not None), None)


def _shown(name: str, row: Row, count: int) -> dict[str, Any]:
    """Say the values of a row, and mark those that are unlike most others."""
    texts = [_text(name, value) for value in row.values]
    if name == "metrics" and len(set(rounded := list(map(_measured, row.values)))) == len(set(texts)):
        texts = rounded  # unless that hides a difference
    most, times = _most(texts) if count > LEAST and name != "who_when" else ("", 0)
    cells = [
        {"text": text, "odd": times > 1 and text != most, "none": value is None}
        for text, value in zip(texts, row.values, strict=True)
    ]
    return {"name": wording.plain(row.name, MOST_LETTERS), "cells": cells, "change": _change(name, row)}


def _most(texts: Sequence[str]) -> tuple[str, int]:
    """Return the text that more have than any other, and how many; none where no text is ahead."""
    (first, *others) = Counter(texts).most_common(2)
    return ("", 0) if others and others[0][1] == first[1] else first


def _change(name: str, row: Row) -> tuple[str, str]:
    """Say what became of the first of two, and the class of its colour; empty for more than two."""
    if len(row.values) != LEAST:
        return "", ""
    a, b = row.values
    if a is None or b is None:
        return ("added", "ok") if a is None else ("removed", "err")
    numbers = [value for value in (a, b) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == LEAST and name in ("params", "metrics", "labels"):
        return f"{numbers[1] - numbers[0]:+.4g}", "mid"
    return "changed", "mid"


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "files":
        size, digest = value
        return f"{human_size(size)} · {wording.plain(digest, 200)[:12]}" if digest else human_size(size)
    if isinstance(value, datetime):
        return wording.exact(value)
    if name == "git":
        return wording.plain(value, MOST_LETTERS)[:12]
    return wording.plain(value, MOST_LETTERS)


def _measured(value: Any) -> str:
    return "-" if value is None else number(value)


def _plain_row(name: str, row: Row) -> dict[str, Any]:
    values = list(row.values)
    if name == "files":
        values = [None if value is None else {"size": value[0], "sha256": value[1]} for value in row.values]
    return {"name": row.name, "values": values}
