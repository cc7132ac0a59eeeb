"""Run steps as tasks of Celery, which dispatches them; their data goes through the broker of flows."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import anyio
from anyio.from_thread import BlockingPortal

from elliptio.errors import ConfigError
from elliptio.flows import settings
from elliptio.flows.executors.defining import Executor
from elliptio.flows.executors.workers import Worker, queue_of
from elliptio.flows.registry import implemented
from elliptio.formats.libraries import need

if TYPE_CHECKING:
    from elliptio.flows.supervisor import Supervisor

log = logging.getLogger(__name__)

TASK = "elliptio.flows.step"
"""Name of the task."""

_STOP_SECONDS = 10.0
"""Time that steps get to stop, when the worker does."""

_EXECUTORS: WeakKeyDictionary[Any, CeleryExecutor] = WeakKeyDictionary()


class CeleryExecutor(Executor):
    """Let steps be run by the workers of an app of Celery: ``celery -A MODULE worker -P threads``.

    The module makes the app and this, and imports the functions that implement processors. It needs no result backend.
    If it attaches no supervisor, its workers make one, of what ``ELLIPTIO_FLOWS_REDIS`` says, else of the app's Redis.

    Each step also lies in the broker's queue, from which a worker takes what no message of Celery brought within the
    time of a lease, as when a message or a worker was lost, or when it came to one that does not implement the step. A
    message that comes twice finds that somebody runs the step.

    Parameters
    ----------
    app
        The app.

    Raises
    ------
    ConfigError
        If it is none.

    Examples
    --------
    ::

        app = Celery("shop", broker="redis://localhost")
        Supervisor.attach(executor=CeleryExecutor(app), redis_config={"url": "redis://localhost"})

    """

    def __init__(self, app: Any) -> None:
        need("celery", "elliptio[celery]", "CeleryExecutor")
        from celery import Celery, signals

        if not isinstance(app, Celery):
            raise ConfigError(f"CeleryExecutor takes an app of Celery, as Celery('shop', broker=…), not {app!r}.")
        self.app = app
        self._process: _Process | None = None
        self._lock = threading.Lock()
        if app not in _EXECUTORS:
            options = {"name": TASK, "acks_late": True, "ignore_result": True, "typing": False}
            app.task(shared=False, **options)(_task_of(app))  # other apps of this process have their own
        _EXECUTORS[app] = self
        # One that was replaced hears them too, and has nothing to do.
        signals.worker_ready.connect(self._is_ready, weak=False)
        signals.worker_shutting_down.connect(self._stops, weak=False)

    def __repr__(self) -> str:
        return f"CeleryExecutor({self.app.main!r})"

    async def start(self, flow_id: str, step: str) -> None:
        """Send a step to Celery, and put it where it is found if that does not bring it."""
        supervisor = self.supervisor
        if self.app.conf.task_always_eager:
            supervisor.background.start(flow_id, supervisor.run_step, flow_id, step)
            return
        queue = queue_of(supervisor)
        await queue.put(flow_id, step)
        await queue.keep(flow_id, step, supervisor.settings.lease)
        send = partial(self.app.send_task, TASK, args=(flow_id, step), ignore_result=True)
        try:
            await anyio.to_thread.run_sync(send)
        except Exception as error:
            log.warning(
                "The step %r of %s could not be sent to Celery: it starts when a worker finds it, after %g s. %s: %s",
                step, flow_id, supervisor.settings.lease, type(error).__name__, error,
            )  # fmt: skip

    def run(self, flow_id: str, step: str) -> None:
        """Run a step in a worker of Celery, and wait for its end."""
        if step not in implemented():
            log.info("The step %r of %s is left to a worker that implements it.", step, flow_id)
            return
        process = self._here()
        process.portal.call(process.worker.carry, flow_id, step)

    def _here(self, concurrency: int | None = None) -> _Process:
        """Give the event loop of this process, in which all its steps run; made when it is needed, after a fork."""
        with self._lock:
            if self._process is None or self._process.pid != os.getpid():
                self._process = _Process(self._supervisor or _own_supervisor(self), concurrency)
            return self._process

    def _is_ready(self, sender: Any = None, **_: Any) -> None:
        """Begin to look for steps that no message brought, in a worker of Celery."""
        if _EXECUTORS.get(self.app) is not self or sender is None or sender.app is not self.app:
            return
        concurrency = getattr(sender.controller, "concurrency", None) or 1
        process = self._here(concurrency)
        if implemented():
            process.portal.start_task_soon(process.worker.run)
        else:
            log.warning("No processor is implemented here: let the module of the app import those that are.")

    def _stops(self, **_: Any) -> None:
        """Stop the steps that run here, and leave them to other workers."""
        process = self._process
        if process is not None and process.pid == os.getpid():
            # Not from here: a signal is handled.
            threading.Thread(target=process.stop, name="elliptio-celery-stop", daemon=True).start()


class _Process:
    """The event loop of a process, in a thread that its end does not wait for."""

    def __init__(self, supervisor: Supervisor, concurrency: int | None) -> None:
        self.pid = os.getpid()
        self._supervisor = supervisor
        self._concurrency = concurrency or os.cpu_count() or 1
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="elliptio-celery", daemon=True)
        self._thread.start()
        ready.result()

    def _serve(self, ready: Future[None]) -> None:
        try:
            anyio.run(self._main, ready)
        except BaseException as error:
            if ready.done():
                log.exception("Steps cannot be run in this process any more.")
            else:
                ready.set_exception(error)

    async def _main(self, ready: Future[None]) -> None:
        async with BlockingPortal() as self.portal:
            self.worker = Worker(self._supervisor, self._concurrency)
            ready.set_result(None)
            try:
                await self.portal.sleep_until_stopped()
            finally:
                with anyio.move_on_after(_STOP_SECONDS, shield=True):
                    await self._supervisor.broker.aclose()

    def stop(self) -> None:
        """Leave the steps that run to others, and end the loop."""
        self.portal.call(self.worker.stop)
        self.portal.call(partial(self.portal.stop, cancel_remaining=True))
        self._thread.join(_STOP_SECONDS)


def _task_of(app: Any) -> Callable[[str, str], None]:
    def step(flow_id: str, step: str) -> None:
        _EXECUTORS[app].run(flow_id, step)

    return step


def _own_supervisor(executor: CeleryExecutor) -> Supervisor:
    """Make a supervisor for a worker that has attached none."""
    url = os.environ.get(settings.REDIS, "").strip() or str(executor.app.conf.broker_url or "")
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError(
            f"This worker of {executor!r} does not know the Redis of the flows: set {settings.REDIS}, or let its "
            "module attach a supervisor."
        )
    supervisor: Supervisor = import_module("elliptio.flows").Supervisor(executor=executor, redis_config={"url": url})
    return supervisor
