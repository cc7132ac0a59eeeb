"""Runs as they lie in a lake. The files are the truth, the index follows them.

``.elliptio/runs/<run_id>/begin.json`` says what began, ``end.json`` how it ended, ``killed.json`` that somebody found
it dead, and each ``log-<number>.json`` what was measured, loaded, added and remarked in a while. ``diff.json`` has what
was not committed when it began, ``output.json`` what it printed, or ``printed.json`` what it had when it was killed.
All are written once and never changed. A step of a build that is over in a moment says so in its ``begin.json``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elliptio import naming
from elliptio.documents import extended_json
from elliptio.errors import DocumentNotFoundError, ElliptioError, FormatError, IndexUnavailableError, MissingKeyError
from elliptio.labels import MAX_LABELS_BYTES
from elliptio.lake import run_checks, run_nodes
from elliptio.lake.checks import check_storable
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import RUNS as RUNS_COLLECTION
from elliptio.lake.lake import Lake, by_identifier
from elliptio.metadata import VERSION
from elliptio.protocols import Document, Staging
from elliptio.system.os_errors import damage_named
from elliptio.system.parallel import each

log = logging.getLogger(__name__)

RUNS = f"{naming.LAKE_FOLDER}/runs"

BEGIN, END, KILLED, LOCK = "begin.json", "end.json", "killed.json", "lock"

RUNNING, FINISHED, FAILED, DEAD = "running", "finished", "failed", "killed"

LOGS = {naming.DIFF_LOG: "diff.json", naming.OUTPUT_LOG: "output.json"}
"""Files with the text of the logs of a run."""

PRINTED = "printed.json"
"""File with what it had printed when somebody found it dead; its own word on that comes first."""

_KEY = re.compile(rf"{re.escape(RUNS)}/(run_[0-9a-f-]{{36}})/([a-z]+(?:-[0-9]{{8}})?\.json)")
_LOG = re.compile(r"log-([0-9]{8})\.json")

_LONGEST = 64 << 20
"""Bytes of one of its files; what is longer is none."""

_ADVICE = "Restore it from a backup; what other runs say does not depend on it."

_OF_BOTH = (
    "root", "username", "hostname", "argv", "process", "git", "working_directory", "repository_root", "notebook",
    "environment_id", "redactions", "version",
)  # fmt: skip
"""Fields that are mostly the same of a run and of a step of it."""

COLLECTION = RUNS_COLLECTION
"""Collection of an index that holds runs."""

Files = dict[str, set[str]]
"""Names of the files of each run."""


def key(run_id: str, name: str) -> str:
    """Return the key of a file of a run."""
    return f"{RUNS}/{run_id}/{name}"


def log_name(number: int) -> str:
    """Name of a file of what was measured and loaded."""
    return f"log-{number:08d}.json"


def lock_path(lake: Lake, run_id: str) -> str | None:
    """Return the path of the file that is locked while a run lives, if the lake lies in a folder."""
    return None if lake.store.folder is None else str(Path(lake.store.folder, key(run_id, LOCK)))


def now() -> datetime:
    """Return this moment, as every index keeps it: in UTC, with milliseconds."""
    moment = datetime.now(tz=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def write(lake: Lake, run_id: str, name: str, content: Mapping[str, Any], beside: Staging | None = None) -> bool:
    """Write a file of a run, unless it is there; tell whether it was. `beside` is what is published next."""
    file = key(run_id, name), extended_json({**content, "version": VERSION}).encode() + b"\n"
    return (beside is not None and beside.create(*file)) or lake.store.create(*file)


def note(lake: Lake, run_id: str, remark: Mapping[str, Any]) -> None:
    """Add a remark to a run, from whatever process, and tell the index.

    Raises
    ------
    StoreError
        If the store cannot be written.
    IndexUnavailableError
        If the index fails; the remark is there then, and `reindex` tells the index.

    """
    add_log(lake, run_id, {"time": now(), "rows": [], "used": [], "notes": [remark]})
    record(lake, run_id)


def add_log(lake: Lake, run_id: str, content: Mapping[str, Any], number: int | None = None) -> int:
    """Write a file of what was measured and so on, under the next number that is free; return that.

    Where `number` is not known it is looked up. Other processes of the run may write too.

    Raises
    ------
    StoreError
        If the store cannot be written.

    """
    if number is None:
        number = max(log_numbers(files(lake, run_id).get(run_id, ())), default=0) + 1
    while not write(lake, run_id, log_name(number), content):
        number += 1
    return number


def as_step(document: Mapping[str, Any], around: Mapping[str, Any] | None) -> dict[str, Any]:
    """Shape the document of a step for a file of the run around it: what is the same there is left out."""
    same = {name: value for name, value in (around or {}).items() if name in _OF_BOTH}
    return {
        name: value
        for name, value in document.items()
        if name not in ("_id", "lake_id", "environment") and not (name in same and same[name] == value)
    }


def of_steps(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Shape the file of a run that has what there is to say of such steps."""
    return {"time": now(), "rows": [], "used": [], "steps": list(steps)}


# --- reading ---


def files(lake: Lake, run_id: str = "") -> Files:
    """List the files of one run, or of all."""
    found: Files = {}
    for stored in lake.store.list(f"{RUNS}/{run_id}" if run_id else RUNS):
        parsed = _KEY.fullmatch(stored.key)
        if parsed:
            found.setdefault(parsed[1], set()).add(parsed[2])
    return found


def log_numbers(names: Iterable[str]) -> list[int]:
    """Numbers of those files that say what was measured and loaded, in order."""
    return sorted(int(found[1]) for found in map(_LOG.fullmatch, names) if found)


def logs(lake: Lake, run_id: str, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Read files of what was measured and loaded, several at once; what is damaged is left out, and said."""
    found: dict[int, dict[str, Any]] = {}

    def look(number: int) -> None:
        try:
            found[number] = read_file(lake, run_id, log_name(number))
        except FormatError as error:
            log.warning("%s", error)

    if numbers:
        each(look, numbers, workers=min(lake.store.concurrency, len(numbers)), name="elliptio-runs")
    return [found[number] for number in numbers if number in found]


def rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Collect what was measured, in the order in which it was written: each with ``time``, ``step`` and ``values``.

    Not by time: a clock that is set back would make an older value the last one.
    """
    return [row for one in found for row in one["rows"]]


def last_values(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Those that fit into the document of a run; its files have all."""
    kept, room = {}, MAX_LABELS_BYTES
    for name, value in metrics.items():
        room -= 16 + len(name.encode())
        if room < 0:
            break
        kept[name] = value
    return kept


def read(lake: Lake, run_id: str, names: Iterable[str] | None = None) -> Document:
    """Put the document of a run together from its files.

    Raises
    ------
    MissingKeyError
        If there is none.
    FormatError
        If one of them is damaged, or a newer elliptio wrote it.

    """
    names = files(lake, run_id).get(run_id, set()) if names is None else names
    try:
        begin = read_file(lake, run_id, BEGIN)
    except MissingKeyError:
        return _read_step(lake, run_id, names)
    over = begin.pop("over", None)
    logged = logs(lake, run_id, log_numbers(names))
    measured = rows(logged)
    for one in logged:
        begin["params"] |= one.get("params", {})
    document = {
        **begun(lake, begin),
        "metrics": last_values({name: value for row in measured for name, value in row["values"].items()}),
        "used": list(dict.fromkeys(identifier for one in (begin, *logged) for identifier in one.get("used", ()))),
        "notes": [remark for one in logged for remark in one.get("notes", ())],
        "heartbeat": max([begin["creation_time"], *(one["time"] for one in logged)]),
    }
    # What a run says of itself comes first: who found it dead may only have lost sight of it.
    if (end := read_file(lake, run_id, END) if END in names else over) is not None:
        document |= {name: end[name] for name in ("status", "end_time", "error")}
    elif KILLED in names:
        document |= {"status": DEAD, "end_time": document["heartbeat"]}
    return run_nodes.changed(document, logged)


def begun(lake: Lake, begin: Mapping[str, Any]) -> Document:
    """Shape the document of a run of which nothing is known but how it began."""
    return {
        **begin,
        "_id": begin["run_id"],
        "version": VERSION,
        "status": begin.get("status", RUNNING),
        "end_time": None,
        "error": None,
        "metrics": {},
        "used": [],
        "notes": [],
        "heartbeat": begin["creation_time"],
        "lake_id": lake.lake_id,
    }


def steps(lake: Lake, run_id: str, names: Iterable[str]) -> list[Document]:
    """Read what the files of a run say of steps of it that have none of their own."""
    found: list[Document] = []
    numbers = log_numbers(names)
    for number, logged in zip(numbers, logs(lake, run_id, numbers), strict=False):
        if logged.get("steps"):
            begin = read_file(lake, run_id, BEGIN)
            same = {name: begin[name] for name in _OF_BOTH if name in begin}
            here = {"lake_id": lake.lake_id, "recorded_in": f"{run_id}/{log_name(number)}"}
            found += [{**same, **one, **here, "_id": one["run_id"]} for one in logged["steps"]]
    return found


def tell_steps(lake: Lake, run_id: str, names: Iterable[str]) -> int:
    """Tell the index of steps of a run that have no files of their own; return how many it did not know."""
    found = steps(lake, run_id, names)
    return lake.index.insert(COLLECTION, *found) if found else 0


def _read_step(lake: Lake, run_id: str, names: Iterable[str]) -> Document:
    """Put the document of a step together that has no begin of its own, with what was remarked since."""
    for known in lake.find_runs({"_id": run_id}, limit=1):
        around, _, name = str(known.get("recorded_in", "")).partition("/")
        for one in steps(lake, around, [name]) if name else ():
            if one["_id"] == run_id:
                later = logs(lake, run_id, log_numbers(names))
                remarks = [remark for more in later for remark in more.get("notes", ())]
                return run_nodes.changed({**one, "notes": [*one["notes"], *remarks]}, later)
    raise MissingKeyError(f"{lake.store.root}/{key(run_id, BEGIN)} does not exist.")


def read_file(lake: Lake, run_id: str, name: str) -> dict[str, Any]:
    """Read one file of a run.

    Raises
    ------
    MissingKeyError
        If there is none.
    FormatError
        If it is damaged, or a newer elliptio wrote it.

    """
    where = f"{lake.store.root}/{key(run_id, name)}"
    found = dict(read_json(lake.store, key(run_id, name), advice=_ADVICE, longest=_LONGEST))
    with damage_named(where, _ADVICE):
        _check(found, name)
        if name in (BEGIN, END) or not {"params", "notes", "steps", "node"}.isdisjoint(found):
            check_storable(found, where)
        if name == BEGIN and found["run_id"] != run_id:
            raise ValueError(f"it is of {found['run_id']}")
    return found


def _check(found: Mapping[str, Any], name: str) -> None:
    if name == BEGIN:
        run_checks.check_begin(found)
    elif name == END:
        run_checks.check_end(found, (FINISHED, FAILED))
    elif name.startswith("log-"):
        run_checks.check_log(found)
    elif name in (*LOGS.values(), PRINTED):
        run_checks.check_text(found)


# --- the index ---


def reindex(lake: Lake) -> tuple[int, dict[str, ElliptioError]]:
    """Put the runs that lie in the store into the index; how many were missing, and which cannot be read and why.

    Raises
    ------
    IndexUnavailableError
        If the index fails.

    """
    added, damaged = 0, {}
    known = {document["_id"]: document.get("status") for document in lake.find_runs({})}
    for run_id, names in sorted(files(lake).items()):
        ended = RUNNING if not names & {END, KILLED} else None
        if run_nodes.DELETED in names:
            lake.index.delete(COLLECTION, [run_id])
            continue
        if run_id in known and known[run_id] in (ended, FINISHED, FAILED, run_nodes.RECORDED):
            continue
        try:
            document = read(lake, run_id, names)
        except IndexUnavailableError:
            raise
        except ElliptioError as error:
            damaged[run_id] = error
            continue
        if document["status"] == RUNNING:
            # It may live where nobody can look: then it will say so itself before long.
            document["heartbeat"] = now()
        added += tell_steps(lake, run_id, names)
        _record(lake, document)
        added += run_id not in known and "recorded_in" not in document
    run_nodes.set_roots(lake)
    return added, damaged


def record(lake: Lake, run_id: str) -> None:
    """Let the index say of one run what its files say; nothing where there are none."""
    names = files(lake, run_id).get(run_id, set())
    if run_nodes.DELETED in names:
        lake.index.delete(COLLECTION, [run_id])
        return
    try:
        document = run_nodes.rooted(lake, read(lake, run_id, names))
    except MissingKeyError:
        return
    if BEGIN in names:
        tell_steps(lake, run_id, names)
    _record(lake, document)


def _record(lake: Lake, document: Document) -> None:
    lake.record_run(document)
    # Who ends a run writes the file first and tells the index then, so whoever tells it last has seen the file.
    if document["status"] == RUNNING and lake.store.stat(key(document["_id"], END)) is not None:
        lake.record_run(read(lake, document["_id"]))


def get(lake: Lake, run_id: str) -> Document:
    """Find the document of a run by its identifier or a unique beginning of it.

    Raises
    ------
    DocumentNotFoundError
        If there is none, or more than one.

    """
    if not isinstance(run_id, str) or not run_id.startswith("run_") or not run_id.isprintable():
        raise DocumentNotFoundError(f"A run_id is a text such as 'run_0195…', not {run_id!r:.100}.")
    found = by_identifier(lake.find_runs, run_id, "run_id")
    if found is not None:
        return found
    raise DocumentNotFoundError(
        f"There is no run {run_id!r} in {lake.index.address}. h.runs() or `elliptio runs` lists those that were made "
        "with h.run(…)."
    )


def history(lake: Lake, run_id: str) -> list[dict[str, Any]]:
    """All that was measured in a run, as written one after the other: each with ``time``, ``step`` and ``values``."""
    names = files(lake, run_id).get(run_id, set())
    return rows(logs(lake, run_id, log_numbers(names)))


def siblings(lake: Lake, root: str) -> Iterator[Document]:
    """All runs of the tree that grew from one, the oldest first."""
    return lake.find_runs({"root": root}, sort=[("creation_time", 1)])
