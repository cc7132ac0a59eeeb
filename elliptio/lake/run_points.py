"""Show at once what a run that goes on measures, before it is written to a file that stays.

In a folder, ``.elliptio/runs/<run_id>/points.part`` has it, a line for each call of ``run.log``, half a second later.
It is emptied whenever a ``log-<number>.json`` says the same; of a run that was killed it is what was measured last.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elliptio.documents import extended_json, read_extended_json
from elliptio.lake import growing, run_records
from elliptio.lake.lake import Lake

log = logging.getLogger(__name__)

PART = "points.part"

MOST = 2000
"""Rows that are written at once: of a run that measures faster the newest, until all are in a file that stays."""

_LONGEST = 16 << 20
"""Bytes that are read, from its end."""


class Waiting:
    """The file of one run, as the process writes it that the run goes on in.

    Parameters
    ----------
    lake, run_id
        Where; a lake that has no folder has no such file.

    """

    def __init__(self, lake: Lake, run_id: str) -> None:
        self._path = growing.path_of(lake, run_id, PART)
        self._fd: int | None = None
        self.seen = 0

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows to its end."""
        if self._path is None or not rows:
            return
        lines = "".join(extended_json(row).replace("\n", " ") + "\n" for row in rows[-MOST:])
        try:
            if self._fd is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._fd = os.open(self._path, flags, 0o644)
            os.write(self._fd, lines.encode())
        except OSError as error:  # it is a glance; the files that stay say all
            log.info("What is measured is not shown at once in %s: %s", self._path, error)
            self._path = None

    def clear(self) -> None:
        """Empty it: a file that stays says the same."""
        self.seen = 0
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)

    def remove(self) -> None:
        """Remove it: the run has ended."""
        fd, self._fd = self._fd, None
        if fd is not None and self._path is not None:
            os.close(fd)
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def show(lake: Lake, run_id: str, rows: Sequence[Mapping[str, Any]], glance: Waiting | None) -> Waiting | None:
    """Write those of the rows that wait which were not written yet; return what they were written with."""
    seen = glance.seen if glance is not None else 0
    new = rows[seen:]
    if new:
        glance = glance or Waiting(lake, run_id)
        glance.add(new)
        glance.seen = seen + len(new)
    return glance


def clear(glance: Waiting | None) -> None:
    """Empty the file, if there is one."""
    if glance is not None:
        glance.clear()


def remove(glance: Waiting | None) -> None:
    """Remove the file, if there is one."""
    if glance is not None:
        glance.remove()


def read(lake: Lake, run_id: str) -> list[dict[str, Any]]:
    """Read the rows that wait, in plain JSON; none where there are none, or nobody may read them."""
    path = growing.path_of(lake, run_id, PART)
    if path is None:
        return []
    try:
        lines = growing.read_end(path, _LONGEST).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):  # the last one may be torn
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("values"), dict):
                found.append(row)
    return found


def state(lake: Lake, run_id: str) -> tuple[int, int]:
    """Return what changes when the file does, without reading it."""
    path = growing.path_of(lake, run_id, PART)
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        found = None
    return (found.st_size, found.st_mtime_ns) if found is not None else (0, 0)


def unwritten(waiting: Sequence[dict[str, Any]], written: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Leave out of rows that wait those that are in a file that stays, which may be there a moment before."""
    if not waiting:
        return []
    known = {as_key(row) for row in written}
    return [row for row in waiting if as_key(row) not in known]


def as_key(row: Mapping[str, Any]) -> str:
    """Write a row so that the same one is the same text."""
    return json.dumps(row, sort_keys=True, default=str)


def keep(lake: Lake, run_id: str) -> None:
    """Write what a run that is dead had measured last to a file that stays."""
    waiting, path = read(lake, run_id), growing.path_of(lake, run_id, PART)
    if path is None or not waiting:
        return
    numbers = run_records.log_numbers(run_records.files(lake, run_id).get(run_id, set()))
    last = run_records.rows(run_records.logs(lake, run_id, numbers[-1:]))
    known = {as_key(json.loads(extended_json(row))) for row in last}
    rows = [row for row in waiting if as_key(row) not in known]
    if rows:
        content = {"time": run_records.now(), "rows": [read_extended_json(json.dumps(row).encode()) for row in rows]}
        run_records.add_log(lake, run_id, {**content, "used": []})
    with contextlib.suppress(OSError):
        os.unlink(path)
