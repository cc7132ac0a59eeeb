"""Tell who saves on top of an artifact that somebody deletes at the same time.

Who deletes writes the tombstone into the index and then looks for children; who saves writes the child and then looks
for tombstones. One of them sees the other: the delete is refused, or the save warns.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from elliptio.errors import IndexUnavailableError
from elliptio.lake.lake import Lake
from elliptio.system.warn import warn

log = logging.getLogger(__name__)


class DeletedParentWarning(UserWarning):
    """Warn that what was just saved is based on an artifact whose files are gone, because it was deleted."""


class _Told:
    """Knowledge of what was said of a lake: once is enough."""

    def __init__(self) -> None:
        self.of: set[str] = set()


def warn_of_deleted(lake: Lake, artifact_id: str, based_on: Sequence[str]) -> None:
    """Warn if what an artifact is based on is deleted, once for each; to be called after the artifact was recorded."""
    told = lake.own(_Told).of
    try:
        deleted = lake.deletions(based_on)
    except IndexUnavailableError as error:
        log.info("Whether what %s is based on was deleted could not be looked up: %s", artifact_id, error)
        return
    for parent, (who, when) in sorted(deleted.items()):
        if parent not in told:
            told.add(parent)
            warn(
                f"{artifact_id} is saved, and based on {parent}, which {who} deleted at {when}: its place in the "
                "lineage stays, its files do not.",
                DeletedParentWarning,
            )
