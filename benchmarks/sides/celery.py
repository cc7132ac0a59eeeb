"""Values through tasks of Celery, whose queue is a list of Redis: a chain of three for each value."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

from benchmarks.place import Action, Place


def through_redis(place: Place) -> Iterator[Action]:
    from celery import Celery, chain
    from celery.contrib.testing.worker import start_worker

    name, count, found, done = uuid4().hex, place.count, [], threading.Event()
    app = Celery(name, broker=place.redis)
    app.conf.update(
        task_default_queue=name,
        task_ignore_result=True,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )

    @app.task
    def number(value: int) -> int:
        return value

    @app.task
    def square(value: int) -> int:
        return value * value

    @app.task
    def total(value: int) -> None:
        found.append(value)
        if len(found) == count:
            done.set()

    def run() -> None:
        found.clear()
        done.clear()
        for value in range(count):
            chain(number.s(value), square.s(), total.s()).apply_async()
        done.wait()
        assert sum(found) == sum(value * value for value in range(count))

    # Its start takes seconds, and is not timed.
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel="ERROR"):
        while True:
            yield run
