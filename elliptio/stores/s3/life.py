"""Show that a save still runs, to whoever looks for what was given up: a bucket has no locks."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING

from elliptio.errors import StoreError

if TYPE_CHECKING:
    from elliptio.stores.s3.store import S3Store

EVERY = 600
"""Seconds between two signs. What is removed as given up showed none for an hour."""

ENDING = 10
"""Seconds that the end of a save waits for a sign that is on its way."""


class SignsOfLife:
    """Write a small object now and then, from now until the end, each under a new key: none is ever overwritten.

    Its time is that of the server. Most saves end before the first one is due.

    Parameters
    ----------
    store
        The store.
    prefix
        Folder of the objects.
    """

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._ended = threading.Event()
        # Who is forgotten shows no life; so the thread must not hold what it shows it for.
        weakref.finalize(self, self._ended.set)
        self._thread = threading.Thread(
            target=_show, args=(store, prefix, self._ended), name="elliptio-alive", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter ends, and starts no threads: a save is short then
            self._ended.set()

    def end(self) -> None:
        """Show no more, and remove what was written. Idempotent."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join(ENDING)


def _show(store: S3Store, prefix: str, ended: threading.Event) -> None:
    shown: list[str] = []
    while not ended.wait(EVERY):
        # That the store cannot be reached is for those to say who save.
        with contextlib.suppress(StoreError):
            key = f"{prefix}/{len(shown):08d}"
            store.create(key, b"")
            shown.append(key)
            store.delete(shown[-2:-1])
    with contextlib.suppress(StoreError):
        store.delete(shown[-1:])
