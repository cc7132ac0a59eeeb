"""``/artifacts/{id}``: what is it, can it be trusted, can it be made again."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, cast

from elliptio.artifacts.artifact import Artifact
from elliptio.documents import jsonable
from elliptio.errors import DocumentNotFoundError
from elliptio.naming import CELLS_LOG, DIFF_LOG, several
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError, WrongError, as_dict, see_other, segment
from elliptio.ui.checks import AT_ONCE, UNHASHED, UNREAD, VERIFIED
from elliptio.ui.pages import belonging, fields, picture, previewing, rows
from elliptio.ui.pages.run_rows import took
from elliptio.ui.view import View

PARTS = ("files", "code", "packages", "logs", "cells", "document")
FILES = 100
"""Files that are listed at once."""

MANY_FILES = 1000
"""Files from which on an artifact is kept: to load it, the list of all of them is read and checked."""

MOST_NAME = 200
MOST_USED = 8
MOST_TEXT = 1 << 20
"""Bytes of a log that are shown."""


def loaded(view: View, identifier: str) -> Artifact:
    """Load an artifact to look at it, by its whole identifier.

    Raises
    ------
    DocumentNotFoundError
        If there is none.

    """
    document = next(view.h.lake.find({"_id": identifier}, sort=(), limit=1), None)
    kept = view.large.get(identifier)
    if kept is not None and document == kept[0]:  # else it was tagged, noted or deleted since
        return cast("Artifact", kept[1])
    artifact = view.h.show(identifier) if identifier.startswith("artifact_") else None
    if artifact is None or artifact.artifact_id != identifier:
        raise DocumentNotFoundError(f"There is no artifact {identifier[:80]!r}.")
    if document is not None and artifact.metadata.file_count >= MANY_FILES:
        view.large = {identifier: (document, artifact)}
    return artifact


def shortly(view: View, asked: Asked) -> Answer:
    """Lead from the beginning of an identifier to its artifact."""
    given = asked.parts["prefix"]
    if ":" in given:
        raise NotThereError("The beginning of an identifier has no colon.")
    whole = given if given.startswith("artifact_") else f"artifact_{given}"
    return see_other(f"{asked.up}artifacts/{segment(view.h.show(whole).artifact_id)}")


def show(view: View, asked: Asked) -> Answer:
    """Show an artifact, with one of its parts."""
    identifier = asked.parts["id"]
    try:
        artifact = loaded(view, identifier)
    except DocumentNotFoundError:
        return _gone(view, asked, identifier)
    part = asked.get("part", "files")
    if part not in PARTS:
        raise WrongError(f"There is no part {part[:40]!r}: there are {', '.join(PARTS)}.")
    metadata = artifact.metadata
    run = artifact.run
    logs = list(metadata.log_relpaths)
    used, parents = _used(view, identifier), _parents(view, metadata.based_on)
    run_id = str((run or {}).get("_id") or "")
    return view.page(
        "artifact.html",
        asked,
        id=identifier,
        title=wording.files_of(vars(metadata)),
        tags=metadata.tags,
        metadata=metadata,
        project=str(artifact.labels.get("project") or ""),
        part=part,
        parts_there=_parts(metadata, logs),
        belongs=belonging.of_artifact(view, asked.up, metadata, artifact.labels, run),
        facts=_facts(metadata, run),
        labels=wording.labels_of({"labels": artifact.labels}, 40),
        notes=metadata.notes,
        model=fields.short(metadata.model),
        state=_state(view, artifact),
        used=used,
        parents=parents,
        parent_count=len(metadata.based_on),
        run_id=run_id,
        mini=picture.mini(asked.up, parents, len(metadata.based_on), _made_by(asked, run), used),
        like=None if view.exported else _earlier(view, artifact),
        again=_again(view, artifact) if part == "files" and not view.exported else None,
        **_part(view, asked, artifact, part),
    )


def _made_by(asked: Asked, run: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Name the run that made it, where it has a name, and where it is shown."""
    name, run_id = (str((run or {}).get(one) or "") for one in ("name", "_id"))
    return [(wording.plain(name, 40), f"{asked.up}runs/{segment(run_id)}" if run_id else "", "run")] if name else []


def _again(view: View, artifact: Artifact) -> dict[str, Any]:
    from elliptio.ui.pages.making import outlook_of

    return outlook_of(view, artifact)


def _earlier(view: View, artifact: Artifact) -> tuple[str, str] | None:
    from elliptio.ui.pages.earlier import earlier

    return earlier(view, artifact)


def _gone(view: View, asked: Asked, identifier: str) -> Answer:
    """Show what is left of an artifact that was deleted.

    Raises
    ------
    DocumentNotFoundError
        If there never was one.

    """
    columns = [*rows.FIELDS, "deleted"]
    found = view.h.search({"_id": identifier}, deleted=True, columns=columns, max_docs=1, counted=False).rows()
    if not found:
        raise DocumentNotFoundError(f"There is no artifact {identifier[:80]!r}.")
    deletion = as_dict(found[0].get("deleted"))
    who, when = deletion.get("username"), wording.exact(deletion.get("time"))
    says = f"{wording.files_of(found[0])} was deleted by {who}, {when}. Its place in the lineage is kept."
    return view.page("said.html", asked, status=410, title="It was deleted", says=says, lineage=identifier)


def _parts(metadata: Any, logs: Sequence[str]) -> list[tuple[str, str]]:
    """Name the parts that there are."""
    others = [name for name in logs if name not in (CELLS_LOG, DIFF_LOG)]
    found = [("files", "Files"), ("code", "Code & diff"), ("packages", f"Packages · {len(metadata.python_packages):,}")]
    if others:
        found.append(("logs", f"Logs · {len(others):,}"))
    if CELLS_LOG in logs:
        found.append(("cells", "Cells"))
    return [*found, ("document", "Document")]


def _part(view: View, asked: Asked, artifact: Artifact, part: str) -> dict[str, Any]:
    if part == "files":
        return {"body": "files", **_files(view, asked, artifact)}
    if part == "code":
        return {"body": "code", "diff": _log(view, artifact, DIFF_LOG), "git": artifact.metadata.git}
    if part == "packages":
        packages = sorted(artifact.metadata.python_packages.items())
        origins = as_dict(artifact.metadata.environment.get("package_origins"))
        return {"body": "packages", "packages": packages, "origins": origins}
    if part == "cells":
        preview = previewing.of_log(view, artifact, CELLS_LOG)
        return {"body": "cells", "preview": preview}
    if part == "logs":
        names = [name for name in artifact.metadata.log_relpaths if name not in (CELLS_LOG, DIFF_LOG)]
        every = list(artifact.metadata.log_relpaths)
        return {"body": "logs", "logs": [(name, every.index(name), _log(view, artifact, name)) for name in names[:20]]}
    return {"body": "document", "document": document_of(artifact)}


def document_of(artifact: Artifact) -> str:
    """Write the whole document as JSON."""
    import dataclasses

    metadata = artifact.metadata
    found = {field.name: getattr(metadata, field.name) for field in dataclasses.fields(metadata)}
    found["labels"] = dict(artifact.labels)
    found["files"] = [dataclasses.asdict(one) for one in metadata.files[:1000]]
    found["logs"] = [dataclasses.asdict(one) for one in metadata.logs]
    found["file_relpaths"] = metadata.file_relpaths[:1000]
    return json.dumps(jsonable(found), indent=2, ensure_ascii=False)


def _log(view: View, artifact: Artifact, name: str) -> dict[str, Any] | None:
    """Read a log, verified, as far as it is shown."""
    if name not in artifact.metadata.log_relpaths:
        return None
    file = artifact.logs[name]
    check = view.checks.look(artifact.artifact_id, file)
    if not check.ok:
        return {"lines": [], "more": None, "check": check}
    with file.open("rb") as source:
        text = source.read(MOST_TEXT).decode("utf-8", "replace")
    more = (
        None if (file.size or 0) <= MOST_TEXT else f"the first {wording.size(MOST_TEXT)} of {wording.size(file.size)}"
    )
    lines = [(previewing.kind_of_line(line), line) for line in text.split("\n")]
    return {"lines": lines, "more": more, "check": check}


def _files(view: View, asked: Asked, artifact: Artifact) -> dict[str, Any]:
    """List files, and look into one of them."""
    metadata = artifact.metadata
    names = metadata.file_relpaths
    wanted = asked.get("name")[:MOST_NAME]
    places = _named(names, wanted) if wanted else range(len(names))
    chosen = asked.number("file", places[0] if places else 0, max(len(names) - 1, 0))
    begin = asked.number("from", bisect_left(places, chosen) // FILES * FILES, len(places)) // FILES * FILES
    listed = []
    for place in places[begin : begin + FILES]:
        record = metadata.files[place]
        short, colour = wording.badge(wording.suffix_of(record.relpath))
        listed.append(
            {"n": place, "name": wording.plain(record.relpath, 200), "size": wording.size(record.size),
             "badge": short, "colour": colour, "on": place == chosen,
             "check": view.checks.known(artifact.files[record.relpath])}
        )  # fmt: skip

    def turned(to: int) -> str:
        return asked.link(**{"from": str(to), "file": str(places[to])})

    return {
        "files": listed,
        "chosen": chosen,
        "preview": previewing.of_file(view, artifact, chosen) if names else None,
        "sheet": previewing.sheet(artifact) if len(names) > 1 else [],
        "later": turned(begin + FILES) if begin + FILES < len(places) else None,
        "earlier": turned(max(begin - FILES, 0)) if begin and places else None,
        "wanted": wanted if len(names) > FILES else None,
        "named": len(places),
    }


def _named(names: Sequence[str], text: str) -> Sequence[int]:
    """Find the files whose names have a text in them, whatever its case."""
    text = text.lower()
    return [place for place, name in enumerate(names) if text in name.lower()]


def _state(view: View, artifact: Artifact) -> tuple[str, str]:
    """Say whether its bytes were compared; small ones are, before this is said."""
    files = artifact.files
    budget = AT_ONCE
    states = []
    for relpath in list(files)[:FILES]:
        file = files[relpath]
        check = view.checks.known(file)
        if check.state == UNREAD and (file.size or 0) <= budget:
            check = view.checks.look(artifact.artifact_id, file)
            budget -= file.size or 0
        states.append(check)
    wrong = [check for check in states if not check.ok]
    if wrong:
        return (
            "err",
            f"✕ {len(wrong):,} of {len(files):,} {'file is' if len(wrong) == 1 else 'files are'} not what was saved",
        )
    read = [check.time for check in states if check.state == VERIFIED and check.time]
    if any(check.state == UNHASHED for check in states):
        return "mid", "↗ linked, and not hashed yet"
    if len(read) < len(files):
        return (
            "mid",
            f"{len(read):,} of {len(files):,} files verified, the others not yet read" if read else "not yet verified",
        )
    if not files:
        return "mid", "no files"
    whole = "" if len(files) == 1 else "both files " if len(files) == 2 else f"all {len(files):,} files "
    return "ok", f"✓ {whole}verified {wording.when(min(read), view.clock())}"


def _parents(view: View, identifiers: Sequence[str]) -> list[dict[str, Any]]:
    """Say what it was made from: the first few."""
    wanted = list(identifiers[:MOST_USED])
    if not wanted:
        return []
    query, columns = {"_id": {"$in": wanted}}, [*rows.FIELDS, "deleted"]
    found = view.h.search(query, max_docs=0, columns=columns, deleted=True, counted=False, sort="-creation_time").rows()
    now = view.clock()
    known = {row["artifact_id"]: short_row(row, now) for row in found}
    unknown = {"files": "elsewhere", "badge": "?", "colour": "", "who": "", "when": ""}
    return [known.get(identifier, {"id": identifier, **unknown}) for identifier in wanted]


def _used(view: View, identifier: str) -> dict[str, Any]:
    found = view.h.search({"based_on": identifier}, max_docs=MOST_USED, sort="-creation_time", columns=[*rows.FIELDS])
    now = view.clock()
    total = f"{found.total:,}" if found.exact else f"more than {found.total:,}"
    return {"total": total, "rows": [short_row(row, now) for row in found.rows()], "more": found.total > len(found.ids)}


def short_row(row: Mapping[str, Any], now: Any) -> dict[str, Any]:
    """Say of an artifact what fits on a short line."""
    short, colour = wording.badge(wording.suffix_of_artifact(row))
    who = wording.plain(row.get("username"), 40)
    return {
        "id": row["artifact_id"],
        "files": wording.files_of(row, 1),
        "badge": short,
        "colour": colour,
        "who": who,
        "when": wording.when(row.get("creation_time"), now),
    }


def _facts(metadata: Any, run: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """List what is known in a line each: name, text, and whether it is code."""
    environment = metadata.environment
    python, machine = (as_dict(environment.get(name)) for name in ("python", "platform"))
    cpu = as_dict(environment.get("cpu"))
    git = as_dict(metadata.git)
    found: list[tuple[str, Any, str]] = []
    if run is not None:
        how = " ".join(filter(None, [str(run.get("status") or ""), f"in {took(run)}" if took(run) else ""]))
        found.append(("Made by", f"{run.get('name')} ({how})", ""))
        for name in ("params", "metrics"):
            values = as_dict(run.get(name))
            text = "  ".join(f"{key}={value}" for key, value in list(values.items())[:8])
            found.append((name.capitalize(), text, "code"))
    commit = str(git.get("commit") or "")[:9]
    found += [
        ("Command", metadata.argv, "code"),
        ("Notebook", metadata.notebook, "code"),
        ("Code", f"{commit} {git.get('branch') or ''}{', changed' if git.get('dirty') else ''}" if git else "", "code"),
        ("Python", python.get("version"), ""),
        ("Machine", " · ".join(filter(None, [metadata.hostname, str(machine.get("system") or ""), _cores(cpu)])), ""),
        ("Fingerprint", metadata.fingerprint, "code"),
        ("Link", metadata.link, "code"),
        ("Came from", metadata.local_root, "code"),
        ("Lies in", metadata.remote_root, "code"),
        ("Made again of", metadata.reproduces, "code"),
        ("Masked", several(len(metadata.redactions), "secret") if metadata.redactions else "", ""),
    ]
    return [(name, wording.plain(text), kind) for name, text, kind in found if text]


def _cores(cpu: Mapping[str, Any]) -> str:
    count = cpu.get("count") or cpu.get("cores")
    return f"{count} cores" if isinstance(count, int) else ""
