"""Publish many versions that others wrote: flushed once, and the index told in one go."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elliptio.lake.lake import Lake
    from elliptio.metadata import Metadata
    from elliptio.pipelines.catalog.saving import Staged
    from elliptio.saving.publication import Batch, Publication

AT_ONCE = 100
"""Versions that are published together; each holds a lock until then."""


class Together:
    """Versions on their way into the lake: each is there whole or not at all, and what others wrote lies where it lay.

    Parameters
    ----------
    lake
        The lake.

    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._batch: Batch = []
        self._waiting: list[tuple[Staged, Metadata, Callable[[Metadata], None]]] = []

    @property
    def first(self) -> Publication | None:
        """The first one of those that wait: what it asks git need not be asked again."""
        return self._waiting[0][0].publication if self._waiting else None

    def add(self, staged: Staged, then: Callable[[Metadata], None]) -> None:
        """Add one; `then` is called when it is there."""
        before = len(self._batch)
        metadata = staged.publish(self._batch)
        if len(self._batch) == before:  # its store publishes them one by one
            then(metadata)
            return
        self._waiting.append((staged, metadata, then))
        if len(self._waiting) >= AT_ONCE:
            self.publish()

    def publish(self) -> None:
        """Make those that wait visible.

        Raises
        ------
        StoreError
            If the store fails; none of them is there then.

        """
        if not self._waiting:
            return
        from elliptio.saving.together import publish_all

        publish_all(self._lake, self._batch)
        waiting = self._waiting
        self._batch, self._waiting = [], []
        for _, metadata, then in waiting:
            then(metadata)

    def discard(self) -> None:
        """Leave nothing behind of those that wait."""
        for staged, _, _ in self._waiting:
            staged.discard()


@contextlib.contextmanager
def together(lake: Lake) -> Iterator[Together]:
    """Publish what the block adds at its end, or, where it fails, nothing that waits."""
    batch = Together(lake)
    try:
        yield batch
        batch.publish()
    except BaseException:
        batch.discard()
        raise
