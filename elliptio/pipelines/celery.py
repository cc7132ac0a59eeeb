"""Make steps in the workers of an app of Celery that includes this module.

::

    app = Celery("shop", broker="redis://…", backend="redis://…", include=["elliptio.pipelines.celery"])
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.builds.runners.celery import BEAT_SECONDS, TASK

try:
    from celery import shared_task
except ImportError as error:
    raise MissingExtraError("A runner of Celery needs Celery. Run: pip install 'elliptio[celery]'") from error

log = logging.getLogger(__name__)


@shared_task(name=TASK, serializer="json", bind=True)  # type: ignore[untyped-decorator]
def step(self: Any, data: dict[str, Any], run: dict[str, str | None]) -> dict[str, Any]:
    """Make a step; see `elliptio.pipelines.builds.runners.elsewhere.answered`. Meanwhile, tell that it goes on."""
    from elliptio.pipelines.builds.runners.elsewhere import answered

    with _beating(self):
        return answered(data, run)


@contextlib.contextmanager
def _beating(task: Any) -> Iterator[None]:
    """Tell every few seconds that a task is being made: nobody else tells when a worker is killed."""
    if task.request.is_eager:
        yield
        return
    done = threading.Event()

    def beat() -> None:
        number = 0
        while True:
            try:
                task.update_state(task_id=task_id, state="STARTED", meta={**facts, "beat": number})
            except Exception:  # the result may still be told
                log.debug("cannot tell that %s goes on", task_id, exc_info=True)
            if done.wait(BEAT_SECONDS):
                return
            number += 1

    # Here: the thread that beats has no request.
    task_id, facts = task.request.id, {"hostname": task.request.hostname, "pid": os.getpid()}
    beating = threading.Thread(target=beat, name="elliptio-beat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        # What is told last is the result.
        done.set()
        beating.join()
