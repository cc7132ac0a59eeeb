"""Keep what `verify` found last, so that whoever looks at a lake need not read all of it again.

Each verdict is a small file below ``.elliptio/verified/``, written once: on the whole lake in ``lake/``, on an artifact
in a folder of its identifier. A newer one takes the place of an older one. Who may not write keeps none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from elliptio import naming
from elliptio.documents import extended_json
from elliptio.errors import ElliptioError
from elliptio.lake.identity import FORMAT_VERSION
from elliptio.lake.json_files import read_json
from elliptio.lake.lake import Lake
from elliptio.lake.upkeep.verification import Problem, VerifyReport
from elliptio.system.os_errors import damage_named

log = logging.getLogger(__name__)

FOLDER = f"{naming.LAKE_FOLDER}/verified"
WHOLE = "lake"

MOST_PROBLEMS = 1000
"""Problems that are kept of a verdict; how many there were is kept whatever that is."""

MOST_READ = 200
"""Artifacts of which verdicts of their own are read, the last."""


@dataclass(frozen=True)
class Verdict:
    """Verdict on a lake, or on one artifact.

    Attributes
    ----------
    artifact_id
        None of a whole lake.
    time, username
        When it was found, and by whom.
    artifacts, files, bytes
        How much was read.
    count
        How many problems there were; `problems` has the first of them.

    """

    artifact_id: str | None
    time: datetime
    username: str
    artifacts: int
    files: int
    bytes: int
    count: int
    problems: list[Problem] = field(default_factory=list)


def keep(lake: Lake, artifact_id: str | None, report: VerifyReport, *, username: str) -> None:
    """Keep what was found; that an artifact is well only where something else was known of it."""
    try:
        if lake.known_id() is None:
            return
        earlier = list(last(lake)) if artifact_id is not None and report.ok else []
        if artifact_id is not None and report.ok and not _are_about(earlier, artifact_id):
            return
        found = {
            "version": FORMAT_VERSION,
            "artifact_id": artifact_id,
            "time": datetime.now(tz=UTC),
            "username": username,
            "artifacts": report.artifacts,
            "files": report.files,
            "bytes": report.bytes,
            "count": len(report.problems),
            "problems": [asdict(problem) for problem in report.problems[:MOST_PROBLEMS]],
        }
        place = FOLDER if artifact_id is None else f"{FOLDER}/{artifact_id}"
        before = [stored.key for stored in lake.store.list(place)]
        name = naming.new_id("verdict")[0]
        lake.store.create(f"{FOLDER}/{artifact_id or WHOLE}/{name}.json", extended_json(found).encode() + b"\n")
        for key in before:
            lake.store.remove(key)
    except (ElliptioError, OSError) as error:
        log.info("What was verified could not be kept: %s", error)


def _are_about(verdicts: list[Verdict], artifact_id: str) -> bool:
    return any(problem.artifact_id == artifact_id for verdict in verdicts for problem in verdict.problems)


def last(lake: Lake) -> Iterator[Verdict]:
    """Yield the last verdict on the whole lake, then those on single artifacts, the last first.

    What is damaged is passed over.

    Raises
    ------
    StoreError
        If the store cannot be listed.

    """
    keys: dict[str, str] = {}
    for stored in lake.store.list(FOLDER):
        what, _, name = stored.key.removeprefix(f"{FOLDER}/").partition("/")
        if name.endswith(".json"):  # names begin with the time
            keys[what] = max(keys.get(what, ""), name)
    single = sorted((name, what) for what, name in keys.items() if what != WHOLE)[::-1]
    for what in [*([WHOLE] if WHOLE in keys else []), *(what for _, what in single[:MOST_READ])]:
        try:
            yield _read(lake, f"{FOLDER}/{what}/{keys[what]}")
        except ElliptioError as error:
            log.info("A verdict was passed over: %s", error)


def _read(lake: Lake, key: str) -> Verdict:
    found = read_json(lake.store, key)
    with damage_named(f"{lake.store.root}/{key}", "Remove it."):
        names = ("artifact_id", "time", "username", "artifacts", "files", "bytes", "count")
        problems = [Problem(**problem) for problem in found["problems"]]
        verdict = Verdict(**{name: found[name] for name in names}, problems=problems)
        if not isinstance(verdict.time, datetime) or not isinstance(verdict.count, int):
            raise TypeError("it has no time, or no count")
        if not all(isinstance(text, str) for one in problems for text in (one.artifact_id, one.message)):
            raise TypeError("a problem has no text")
    return verdict
