"""``/models``: classes of data models, their newest objects and fields; no class of a user is imported for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.display import printable
from elliptio.errors import ElliptioError, QueryError
from elliptio.lake import records
from elliptio.models.content import FILE, parsed
from elliptio.models.schemas import KIND
from elliptio.naming import shorten
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError, segment
from elliptio.ui.pages import fields, paging, previewing
from elliptio.ui.pages.artifact import loaded, short_row
from elliptio.ui.pages.beginnings import not_yet
from elliptio.ui.pages.rows import FIELDS
from elliptio.ui.shortcuts import bar_of
from elliptio.ui.shortcuts.bar import joined
from elliptio.ui.shortcuts.keys import clause_of
from elliptio.ui.shortcuts.tokens import words
from elliptio.ui.view import View

MOST_SCHEMAS, MOST_CLASSES, MOST_COUNTED = 2000, 100, 1000
PAGE, MOST_COLUMNS, MOST_TEXT = 100, 12, 2000
MOST_HEADS, MOST_IMAGES, HEAD_ROWS, THUMBNAIL = 4, 12, 5, 4 << 20
"""Tables and images of a model of which something is shown, rows of a head, bytes of an image that is shown small."""

MOST_LINES = 120


def show(view: View, asked: Asked) -> Answer:
    """List the classes of models, those that were defined last first."""
    known = _schemas(view, {})
    if not known:
        return not_yet(view, asked, "models")
    return view.page(
        "models.html",
        asked,
        rows=[_class(view, asked, name, found) for name, found in list(known.items())[:MOST_CLASSES]],
        left_out=max(len(known) - MOST_CLASSES, 0),
    )


def of_class(view: View, asked: Asked) -> Answer:
    """List the newest models of a class with their fields, and find some by those.

    Raises
    ------
    NotThereError
        If no model of this name was saved.

    """
    name = asked.parts["name"]
    schemas = _schemas(view, {"about.name": name}).get(name)
    if schemas is None:
        raise NotThereError(f"No model of a class {name[:80]!r} was saved in this lake.")
    known = {field: kind for one in reversed(schemas) for field, kind in one["fields"].items()}
    text = asked.get("q")[:MOST_TEXT]
    query, wrong = {"model.name": name}, ""
    try:
        query |= _asked_for(view, text, known)
    except QueryError as error:
        wrong = str(error)
    found, total = _listed(view, query, "" if wrong else asked.get("after"))
    shown = found[:PAGE]
    columns = list(known)[:MOST_COLUMNS]
    now = view.clock()
    return view.page(
        "model_class.html",
        asked,
        name=wording.plain(name, 120),
        schemas=schemas,
        text=text,
        wrong=wording.plain(wrong, 500),
        example=_example(known),
        columns=[(wording.plain(one, 60), fields.type_of(known[one])) for one in columns],
        more_columns=max(len(known) - MOST_COLUMNS, 0),
        rows=[_model_row(row, columns, _fields_of(row, schemas, known), now) for row in shown],
        total=total,
        older=asked.link(after=paging.key(shown[-1]["creation_time"], shown[-1]["artifact_id"]))
        if len(found) > PAGE
        else None,
        newest=asked.link(after=None) if asked.get("after") else None,
        all=bar_of(query),
    )


def _listed(view: View, query: Mapping[str, Any], after: str) -> tuple[list[dict[str, Any]], str]:
    """Find models of a page and one more, and say how many there are of all."""
    wanted = paging.after(query, after, "creation_time", -1)
    found = view.h.search(wanted, max_docs=PAGE + 1, sort="-creation_time", columns=[*FIELDS], counted=False)
    total = view.h.lake.count(query, limit=MOST_COUNTED + 1)
    return found.rows(), f"{total:,}" if total <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"


def model(view: View, asked: Asked) -> Answer:
    """Show a model: its fields, heads of tables, small images, and the node that it belongs to.

    Raises
    ------
    NotThereError
        If the artifact is no model of this class.

    """
    artifact = loaded(view, asked.parts["id"])
    stored = artifact.metadata.model or {}
    if stored.get("name") != asked.parts["name"]:
        raise NotThereError(f"{artifact.artifact_id} is no {asked.parts['name'][:80]!r}.")
    content, trouble = _content(view, artifact)
    rows, heads, images = _fields(view, artifact, content, stored)
    return view.page(
        "model.html",
        asked,
        id=artifact.artifact_id,
        name=wording.plain(stored["name"], 120),
        label=wording.plain(stored.get("label") or "", 120),
        version=stored.get("version"),
        path=wording.plain(stored.get("class") or "", 160),
        metadata=artifact.metadata,
        rows=rows,
        heads=heads,
        images=images,
        trouble=trouble,
        tree=_tree(view, artifact),
    )


# --- classes ---


def _schemas(view: View, query: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """List the schemas of each class, the newest first: name, version, path, fields with their descriptions."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records.find(view.h.lake, KIND, query, limit=MOST_SCHEMAS):
        about, content = record["about"], record["content"]
        try:
            described = json.loads(content["classes"])[content["root"]]["fields"]
        except (LookupError, TypeError, ValueError):
            described = {}
        shown = [(wording.plain(name, 60), fields.type_of(kind)) for name, kind in described.items()]
        one = {
            "version": about["version"],
            "path": wording.plain(about["class"], 160),
            "fields": described,
            "shown": shown[: fields.MOST_FIELDS],
        }
        found.setdefault(str(about["name"]), []).append(one)
    return found


def _class(view: View, asked: Asked, name: str, schemas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    query = {"model.name": name}
    found = view.h.search(query, max_docs=1, sort="-creation_time", columns=[*FIELDS], counted=False).rows()
    count = view.h.lake.count(query, limit=MOST_COUNTED)
    newest = found[0] if found else {}
    names = [field for field, _ in schemas[0]["shown"]]
    return {
        "name": wording.plain(name, 120),
        "link": f"{asked.up}models/{segment(name)}",
        "versions": ", ".join(str(one) for one in sorted({schema["version"] for schema in schemas}))[:60],
        "path": schemas[0]["path"],
        "fields": ", ".join([*names[:8], *(["…"] if len(names) > 8 else [])]),
        "count": f"{count:,}{'+' if count == MOST_COUNTED else ''}",
        "newest": None if not found else short_row(newest, view.clock()),
        "label": wording.plain((newest.get("model") or {}).get("label") or "", 60),
        "who": wording.person(newest.get("username") or ""),
        "exact": wording.exact(newest.get("creation_time")),
    }


def _example(known: Mapping[str, Any]) -> str:
    """Write a question on a field, of a number if there is one."""
    numbers = [f"{field}:>0.5" for field, kind in known.items() if kind in ("float", "int")]
    return (numbers or [f"{field}:…" for field in known] or ["label:…"])[0]


def _fields_of(row: Mapping[str, Any], schemas: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> Any:
    """Return the fields of the version that a model has; of all versions where its own is not recorded."""
    version = (row.get("model") or {}).get("version")
    return next((one["fields"] for one in schemas if one["version"] == version), known)


def _model_row(row: Mapping[str, Any], columns: Sequence[str], known: Mapping[str, Any], now: Any) -> dict[str, Any]:
    stored = row.get("model") or {}
    return {
        **short_row(row, now),
        "who": wording.person(row.get("username")),
        "exact": wording.exact(row.get("creation_time")),
        "label": wording.plain(stored.get("label") or "", 80),
        "version": stored.get("version"),
        "tags": [wording.plain(tag, 80) for tag in row.get("tags") or ()],
        "cells": [_cell(stored, one, known.get(one)) for one in columns],
    }


def _asked_for(view: View, text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Read words such as ``rate:<0.5``: names of fields are those of the class, all else is as in the query bar."""
    clauses = []
    for word in words(text):
        if word.key.partition(".")[0] in known:
            word = dataclasses.replace(word, key=f"model.fields.{word.key}")
        elif word.key in ("label", "version"):
            word = dataclasses.replace(word, key=f"model.{word.key}")
        clauses.append(clause_of(word, view.clock()))
    return joined(clauses)


def _cell(stored: Mapping[str, Any], name: str, kind: Any) -> tuple[str, str]:
    """Write a cell and its class: numbers stand at the right, what is in a file is named by its type."""
    values = stored.get("fields") or {}
    if name not in values:
        return (fields.type_of(kind), "dim") if fields.is_big(kind) else ("", "dim")
    value = values[name]
    if isinstance(value, float):
        return f"{value:.6g}", "n"
    return fields.said(value, 60), "n" if isinstance(value, int) and not isinstance(value, bool) else ""


# --- one model ---


def _content(view: View, artifact: Artifact) -> tuple[dict[str, Any], str]:
    """Read ``model.json``, verified; and say what is wrong with it."""
    if FILE not in artifact.metadata.file_relpaths:
        return {}, f"It has no {FILE}."
    file = artifact.files[FILE]
    check = view.checks.look(artifact.artifact_id, file)
    if not check.ok:
        return {}, check.says
    if (file.size or 0) > previewing.BUDGET:
        return {}, f"{FILE} is too large to be shown."
    try:
        with file.open("rb") as source:
            return parsed(source.read()), ""
    except ElliptioError as error:
        return {}, str(error)


def _fields(
    view: View, artifact: Artifact, content: Mapping[str, Any], stored: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """List fields with types and values, heads of the first tables, and the first small images."""
    own = (content.get("classes") or {}).get(content.get("root")) or {}
    kinds = own.get("fields") or {}
    values = content.get("fields") or stored.get("fields") or {}
    rows: list[dict[str, Any]] = [
        {"name": wording.plain(name, 80), "type": fields.type_of(kinds.get(name)), "value": fields.said(value),
         "size": "", "place": None}
        for name, value in list(values.items())[: fields.MOST_FIELDS]
        if not (isinstance(value, Mapping) and "$file" in value)
    ]  # fmt: skip
    heads: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    names = artifact.metadata.file_relpaths
    for path, record in list((content.get("files") or {}).items())[: fields.MOST_FIELDS]:
        place = names.index(record["relpath"]) if record.get("relpath") in names else None
        size = None if place is None else artifact.metadata.files[place].size
        about = (record.get("stored") or record).get("summary") or {}
        name = wording.plain(path.replace("/", "."), 80)
        rows.append(
            {"name": name, "type": wording.plain(str(record.get("type", "")).rpartition(".")[2], 80),
             "value": _shape(about), "size": wording.size(size), "place": place}
        )  # fmt: skip
        if place is None:
            continue
        if wording.suffix_of(names[place]) in previewing.RASTER:
            if len(images) < MOST_IMAGES and (size or 0) <= THUMBNAIL:
                images.append({"n": place, "name": name})
        elif about.get("columns") and len(heads) < MOST_HEADS:
            heads.append({"field": name, **previewing.of_file(view, artifact, place, rows=HEAD_ROWS)})
    return rows, heads, images


def _shape(about: Mapping[str, Any]) -> str:
    shape = " by ".join(f"{length:,}" for length in about.get("shape") or () if isinstance(length, int))
    columns = [str(one) for one in about.get("columns") or ()]
    named = f"{', '.join(columns[:8])}{', …' if len(columns) > 8 else ''}"
    return wording.plain(": ".join(filter(None, [shape, named])))


def _tree(view: View, artifact: Artifact) -> list[str]:
    """Show the node that a model belongs to among those around it, as far as it belongs to one."""
    query = {"_id": artifact.metadata.run_id, "node_record": {"$exists": True}}
    run = next(iter(view.h.lake.find_runs(query, limit=1)), None)
    if run is None:
        return []
    lines = str(view.h.runs.tree(str(run["root"]))).split("\n")
    more = ["…"] if len(lines) > MOST_LINES else []
    return [shorten(printable(line), 200) for line in lines[:MOST_LINES]] + more
