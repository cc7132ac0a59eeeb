"""Renew leases from a thread, so that a step which holds up its event loop keeps its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from elliptio.flows.brokers.defining import CONTROL, Broker
from elliptio.flows.errors import BrokerUnavailableError, LeaseLostError

log = logging.getLogger(__name__)

Step = tuple[str, str, int]
"""An execution, the name of a step of it, and the epoch of its lease."""


class Keeper:
    """Renews the leases of steps that run in this process, where their event loop has no time to.

    Steps renew by themselves; the thread looks after those that are late. It is there while steps run, and stands still
    with its process: who was stopped is lost as before, and refused when it comes back. In memory nobody takes over
    what the one event loop is busy with, and there is no thread.
    """

    def __init__(self, broker: Broker, lease: float) -> None:
        self._broker, self._lease = broker, lease
        self._renewed: dict[Step, float] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, flow_id: str, step: str, epoch: int) -> Iterator[Callable[[], None]]:
        """Keep a lease in this block; gives a function to call when it was renewed."""
        one = flow_id, step, int(epoch)

        def renewed() -> None:
            self._renewed[one] = time.monotonic()

        if not self._broker.shared:
            yield lambda: None
            return
        with self._lock:
            renewed()
            if self._thread is None or not self._thread.is_alive():  # as after a fork
                self._wake.clear()
                self._thread = threading.Thread(target=self._work, name="elliptio-leases", daemon=True)
                self._thread.start()
        try:
            yield renewed
        finally:
            with self._lock:
                self._renewed.pop(one, None)

    def stop(self) -> None:
        """Let the thread end at once, if no step runs."""
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait(self._lease / 6)
            self._wake.clear()
            with self._lock:
                if not self._renewed:
                    self._thread = None
                    return
                now = time.monotonic()
                late = [one for one, since in self._renewed.items() if now - since > self._lease / 2]
            if late:
                try:
                    anyio.run(self._renew, late)
                except Exception:
                    log.exception("Leases could not be renewed.")

    async def _renew(self, late: list[Step]) -> None:
        """Renew leases, from an event loop that is made for it and has connections of its own."""
        try:
            for one in late:
                flow_id, step, epoch = one
                since = time.monotonic()
                try:
                    await self._broker.flow(flow_id).append(CONTROL + step, [], 0, step, epoch)
                except BrokerUnavailableError as error:
                    log.warning("The lease of the step %r of %s could not be renewed. %s", step, flow_id, error)
                    return
                except LeaseLostError:
                    since = float("inf")  # the step comes to know of it by itself
                with self._lock:
                    if one in self._renewed:
                        self._renewed[one] = since
        finally:
            await self._broker.aclose()
