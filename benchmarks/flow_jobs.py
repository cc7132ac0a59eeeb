"""Jobs about flows: values through three steps, in one process and through Redis."""

from __future__ import annotations

from benchmarks.model import Bar, Job, Scale, Side

FASTSTREAM = "values may be lost, doubled or reordered; not signed; no end of a stream"
TASKIQ = "a task for each value; lost with its worker; not signed; no order"
CELERY = "a chain of three tasks for each value; not signed; no order"


def flows(scale: Scale) -> list[Job]:
    queue = Side("asyncio.Queue", "flows", "queues", "floor", "no end, no failure, no second reader, nothing kept")
    return [
        Job(
            "flow-start",
            "start a flow of three steps, and get the first value of the second",
            (Side("elliptio", "flows", "first_value", "ours"),),
            (Bar("1 ms", plus=0.001),),
            rounds=scale.rounds * 3, times=5,
        ),
        Job(
            "flow-local",
            f"{scale.values:,} values through three steps in one process",
            (Side("elliptio", "flows", "pass_on", "ours"), queue),
            (Bar("1 × asyncio.Queue", 1, ("asyncio.Queue",)),),
            count=scale.values, rounds=scale.rounds,
        ),
        Job(
            "flow-local-many",
            f"{scale.values:,} values through three steps in one process, 1,000 at once",
            (Side("elliptio", "flows", "pass_many_on", "ours"), queue),
            (Bar(f"1 s a million values, {scale.values / 1e6:g} s", plus=scale.values / 1e6),),
            count=scale.values, rounds=scale.rounds,
        ),
        Job(
            "flow-redis",
            f"{scale.messages:,} values through three steps and Redis",
            (
                Side("elliptio", "flows", "through_redis", "ours"),
                Side("FastStream", "faststream", "through_redis", "peer", FASTSTREAM),
                Side("taskiq", "taskiq", "through_redis", "peer", TASKIQ),
                Side("Celery", "celery", "through_redis", "peer", CELERY),
            ),
            (Bar("1/30 of FastStream", 1 / 30, ("FastStream",)), Bar("1/30 of taskiq", 1 / 30, ("taskiq",))),
            count=scale.messages, rounds=min(3, scale.rounds), needs="redis",
        ),
    ]  # fmt: skip
