"""Artifacts that are saved but not yet in the index, because it could not be reached.

An artifact lies complete in the store before it is recorded, so all that must be kept is where it lies: a small file
``.elliptio/spool/<artifact_id>`` in the store. Whoever opens the lake next can deliver it, from any machine.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from types import FrameType

from elliptio import naming
from elliptio.errors import IndexUnavailableError, MissingKeyError
from elliptio.lake import Lake
from elliptio.metadata import read_manifest

log = logging.getLogger(__name__)

SPOOL = f"{naming.LAKE_FOLDER}/spool"


LOOK_SECONDS = 60.0
"""How often a remote store is asked for what other processes left there."""


class SpooledWarning(UserWarning):
    """An artifact is saved, but cannot be found yet: the index could not be reached."""


def keep(lake: Lake, artifact_id: str, root_key: str, error: IndexUnavailableError) -> None:
    """Note that an artifact waits for the index, and say so once."""
    lake.store.create(f"{SPOOL}/{artifact_id}", root_key.encode())
    if not lake.spooled:
        lake.spooled = True
        warnings.warn(
            f"The files are saved, but cannot be found yet: {error} They are recorded at the next call that reaches "
            "the index, or by `elliptio flush`.",
            SpooledWarning,
            stacklevel=_levels_inside(),
        )


def _levels_inside() -> int:
    """How many frames up the first one outside elliptio is: the user's line is what a warning should point at."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] in ("elliptio", "contextlib"):
        frame = frame.f_back
        level += 1
    return level


def flush(lake: Lake) -> list[str]:
    """Record the artifacts that wait, each exactly once, and return their identifiers.

    Raises
    ------
    IndexUnavailableError
        If the index still cannot be reached; what waits goes on waiting.

    """
    delivered = []
    for stored in sorted(lake.store.list(SPOOL), key=lambda stored: stored.key):
        try:
            with lake.store.open(stored.key) as file:
                root_key = file.read().decode()
            with lake.store.open(f"{root_key}/{naming.MANIFEST}") as file:
                document, environment = read_manifest(file.read(), f"{lake.store.root}/{root_key}/{naming.MANIFEST}")
        except MissingKeyError:
            # Another process was quicker, or the artifact was removed since.
            lake.store.remove(stored.key)
            continue
        lake.add_manifest({**document, "remote_root": root_key, "lake_id": lake.lake_id}, environment)
        lake.store.remove(stored.key)
        delivered.append(document["artifact_id"])
    lake.spooled = False
    return delivered


def flush_if_any(lake: Lake) -> None:
    """Deliver what waits. In a remote store it is looked for once a minute, or when something is known to wait.

    Raises
    ------
    IndexUnavailableError
        If something waits and the index cannot be reached.

    """
    now = time.monotonic()
    if not lake.spooled and lake.store.scheme != "file" and now - lake.spool_checked < LOOK_SECONDS:
        return
    lake.spool_checked = now
    delivered = flush(lake)
    if delivered:
        log.info("Recorded %d artifacts that had waited for the index.", len(delivered))
