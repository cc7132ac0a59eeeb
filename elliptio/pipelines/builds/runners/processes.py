"""Make steps in processes of this machine, each a new interpreter: nothing of this one is forked."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners import worker
from elliptio.pipelines.builds.runners.answers import Answer, asked_in, gone, outcome_of
from elliptio.pipelines.builds.runners.elsewhere import variables
from elliptio.pipelines.builds.runners.here import Inline
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.errors import PipelineDefinitionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession
    from elliptio.runs.scopes import Scope

log = logging.getLogger(__name__)

END_SECONDS = 5.0
"""Time that a process may take to end by itself, once there is nothing left to do."""

AT_ONCE = 2
"""So many processes are started before the first step is there; the others when a step finds none idle."""


class Processes:
    """Makes steps in processes of this machine; those that no other process can make, here.

    Each process makes one step after the other. If it dies, the step that it was making fails; the next one gets a new
    process.

    Parameters
    ----------
    session
        Where.
    workers
        How many processes; None: as many as there are cores.

    Raises
    ------
    PipelineDefinitionError
        If this is a process that makes steps, and looks for a craft in the script that asks for processes.

    """

    one_by_one = False

    def __init__(self, session: BaseSession, workers: int | None) -> None:
        if worker.is_importing_main:
            raise PipelineDefinitionError(
                "A process that makes steps imports this script to find its crafts, and comes to where it runs the "
                'pipeline: put that below `if __name__ == "__main__":`, or the crafts into a module.'
            )
        self._session = session
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._every: list[Worker] = []
        self._lock = threading.Lock()
        workers = workers or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="elliptio-process")
        self._beginning = _beginning(session)
        # While it is found out what has to be made, the first ones import what they need.
        for _ in range(min(workers, AT_ONCE) if self._beginning is not None else 0):
            self._idle.put(self._started())

    def submit(self, step: Task) -> Future[Outcome]:
        """Make a step in a process, if another one can make it."""
        data = None if self._beginning is None else step.data()
        if data is None:
            return Inline().submit(step)
        return self._threads.submit(self._make, data, variables(self._session), asked_in(self._session))

    def _make(self, data: Mapping[str, Any], run: Mapping[str, str | None], around: Scope) -> Outcome:
        try:
            one = self._idle.get_nowait()
        except queue.Empty:
            one = self._started()
        answer = one.ask(data, run)
        if answer is None:
            raise gone(f"The process {one.pid} that made {data['craft'].partition(':')[2]} {one.ended()}")
        self._idle.put(one)
        return outcome_of(answer, self._session, around)

    def _started(self) -> Worker:
        assert self._beginning is not None
        one = Worker(self._beginning)
        with self._lock:
            self._every.append(one)
        return one

    def close(self) -> None:
        """Leave out what has not begun, wait for the rest, and end the processes."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            ending, self._every = self._every, []
        for one in ending:
            one.hang_up()
        for one in ending:
            one.end()


def _beginning(session: BaseSession) -> bytes | None:
    """Write what processes are told first; None, and a line in the log, where that cannot be sent."""
    try:
        return worker.beginning(session, variables(session))
    except Exception as error:  # a store or an index may be an object of any class
        log.info("All steps are made in this process: %s", error)
        return None


class Worker:
    """A process that makes one step after the other.

    Parameters
    ----------
    beginning
        What it is told first.

    """

    def __init__(self, beginning: bytes) -> None:
        here, there = Pipe()
        self._connection: Connection = here
        # Not its standard input: that is what a craft may read.
        command = [sys.executable, *_flags(), "-c", worker.command(there.fileno())]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(there.fileno(),))
        finally:
            there.close()
        self.pid = self._process.pid
        self._asked = False
        with contextlib.suppress(OSError):
            here.send_bytes(beginning)

    def ask(self, data: Mapping[str, Any], run: Mapping[str, str | None]) -> Answer | None:
        """Have a step made; None if the process is gone."""
        self._asked = True
        try:
            self._connection.send_bytes(pickle.dumps((dict(data), dict(run))))
            answer: Answer = pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            return None
        return answer

    def ended(self) -> str:
        """Say how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        code = self._process.returncode
        self.end()
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"was killed by the signal {signal.Signals(-code).name}"
            return f"was killed by the signal {-code}"
        return f"is gone: it ended with the code {code}"

    def hang_up(self) -> None:
        """Tell it that there is nothing more to do; one that did nothing has nothing to bring to an end."""
        self._connection.close()
        if not self._asked:
            self._process.kill()

    def end(self) -> None:
        """Wait until it ended, not for ever. Idempotent."""
        self._connection.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            # A thread of a craft, most likely.
            self._process.kill()
            self._process.wait()


def _flags() -> list[str]:
    """Options of the interpreter that matter to what code does."""
    return [f"-W{option}" for option in sys.warnoptions] + [
        f"-X{name}" if value is True else f"-X{name}={value}"
        for name, value in sys._xoptions.items()
        if name in ("dev", "utf8")
    ]
