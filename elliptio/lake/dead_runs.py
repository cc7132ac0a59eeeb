"""Find out which runs died: those of which the index says that they go on, though nobody lives who could end them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from elliptio.errors import ElliptioError
from elliptio.lake.lake import Lake
from elliptio.lake.run_nodes import rooted
from elliptio.lake.run_output import keep_output
from elliptio.lake.run_points import keep as keep_points
from elliptio.lake.run_records import DEAD, END, KILLED, RUNNING, files, lock_path, now, read, tell_steps, write
from elliptio.protocols import Document
from elliptio.system import liveness

log = logging.getLogger(__name__)


def bury(lake: Lake, running: Iterable[Document] | None = None) -> None:
    """Find runs of which the index says that they are running, though they are dead, and record it.

    Who cannot write, or cannot read what lies there, leaves them to others. Who has just asked the index which are
    `running` need not ask again.

    Raises
    ------
    IndexUnavailableError
        If the index cannot be read.

    """
    for document in list(lake.find_runs({"status": RUNNING}) if running is None else running):
        run_id = document["_id"]
        if _lives(lake, document):
            continue
        try:
            names = files(lake, run_id).get(run_id, set())
            if not names & {END, KILLED}:
                keep_output(lake, run_id)
                keep_points(lake, run_id)
                write(lake, run_id, KILLED, {"time": now()})
                names = files(lake, run_id).get(run_id, set())
            found = rooted(lake, read(lake, run_id, names))
            tell_steps(lake, run_id, names)
            heard = document.get("heartbeat")
            if found["status"] == DEAD and isinstance(heard, datetime):
                found["end_time"] = max(found["end_time"], heard)
            lake.record_run(found)
        except ElliptioError as error:
            log.info("%s is dead, which could not be recorded: %s", run_id, error)


def _lives(lake: Lake, document: Document) -> bool:
    process, heard = document.get("process"), document.get("heartbeat")
    return liveness.is_alive(
        process if isinstance(process, Mapping) else {},
        lock=lock_path(lake, document["_id"]),
        heard=heard if isinstance(heard, datetime) else None,
    )
