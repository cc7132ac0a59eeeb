"""Runs as they lie in a lake. The files are the truth, the index follows them.

``.elliptio/runs/<run_id>/begin.json`` says what began, ``end.json`` how it ended, ``killed.json`` that somebody found
it dead, and each ``log-<number>.json`` what was measured, loaded, added and remarked in a while. ``diff.json`` has what
was not committed when it began, ``output.json`` what it printed, or ``printed.json`` what it had when it was killed.
All are written once and never changed.
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
from elliptio.lake.checks import check_storable
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import Lake, by_identifier
from elliptio.metadata import VERSION
from elliptio.protocols import Document
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

_TEXTS = ("run_id", "name", "root", "username", "hostname", "argv")

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


def write(lake: Lake, run_id: str, name: str, content: Mapping[str, Any]) -> bool:
    """Write a file of a run, unless it is there; tell whether it was written."""
    return lake.store.create(key(run_id, name), extended_json({**content, "version": VERSION}).encode() + b"\n")


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
    begin = read_file(lake, run_id, BEGIN)
    logged = logs(lake, run_id, log_numbers(names))
    measured = rows(logged)
    for one in logged:
        begin["params"] |= one.get("params", {})
    document = {
        **begin,
        "status": RUNNING,
        "end_time": None,
        "error": None,
        "metrics": last_values({name: value for row in measured for name, value in row["values"].items()}),
        "used": list(dict.fromkeys(identifier for one in logged for identifier in one["used"])),
        "notes": [remark for one in logged for remark in one.get("notes", ())],
        "heartbeat": max([begin["creation_time"], *(one["time"] for one in logged)]),
    }
    # What a run says of itself comes first: who found it dead may only have lost sight of it.
    if END in names:
        end = read_file(lake, run_id, END)
        document |= {name: end[name] for name in ("status", "end_time", "error")}
    elif KILLED in names:
        document |= {"status": DEAD, "end_time": document["heartbeat"]}
    return {**document, "_id": run_id, "lake_id": lake.lake_id}


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
        if name in (BEGIN, END) or "params" in found or "notes" in found:
            check_storable(found, where)
        if name == BEGIN and found["run_id"] != run_id:
            raise ValueError(f"it is of {found['run_id']}")
    return found


def _check(found: Any, name: str) -> None:
    """Raise whatever shows that something is not what this file should hold."""
    if name == BEGIN:
        if not all(isinstance(found[field], str) for field in _TEXTS):
            raise TypeError(f"{', '.join(_TEXTS)} should be texts")
        if not all(isinstance(found[field], dict) for field in ("params", "labels", "process")):
            raise TypeError("params, labels and process should be objects")
        if not isinstance(found["parent"], str | None):
            raise TypeError("parent should be a text or null")
        environment = found.get("environment", {"_id": ""})
        if not isinstance(environment, dict) or not isinstance(environment.get("_id"), str):
            raise TypeError("environment should be an object with an _id")
        _check_time(found["creation_time"])
    elif name == END:
        _check_time(found["end_time"])
        if found["status"] not in (FINISHED, FAILED):
            raise ValueError(f"{found['status']!r} is no status of what ended")
        if not isinstance(found["error"], dict | None):
            raise TypeError("error should be an object or null")
    elif name.startswith("log-"):
        _check_time(found["time"])
        if not all(isinstance(identifier, str) for identifier in found["used"]):
            raise TypeError("used should be texts")
        if not isinstance(found.get("params", {}), dict):
            raise TypeError("params should be an object")
        for remark in found.get("notes", ()):
            check_note(remark)
        for row in found["rows"]:
            _check_time(row["time"])
            "".join(row["values"]).encode()
            if not all(isinstance(value, float) or _is_whole(value) for value in row["values"].values()):
                raise TypeError("values should be numbers")
            if row["step"] is not None and not _is_whole(row["step"]):
                raise TypeError("step should be a whole number or null")

    elif name in (*LOGS.values(), PRINTED) and not isinstance(found["text"], str):
        raise TypeError("text should be a text")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def check_note(remark: Mapping[str, Any]) -> None:
    """Raise whatever shows that something is no remark."""
    _check_time(remark["time"])
    if not isinstance(remark["text"], str) or not isinstance(remark["username"], str):
        raise TypeError("text and username of a note should be texts")


def _check_time(value: Any) -> None:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no time")


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
        if run_id in known and known[run_id] in (ended, FINISHED, FAILED):
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
        _record(lake, document)
        added += run_id not in known
    return added, damaged


def record(lake: Lake, run_id: str) -> None:
    """Let the index say of one run what its files say; nothing where there are none."""
    try:
        document = read(lake, run_id)
    except MissingKeyError:
        return
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
