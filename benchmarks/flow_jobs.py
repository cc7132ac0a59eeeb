"""Jobs about flows: values through three steps, in one process and through Redis."""

from __future__ import annotations

from benchmarks.model import Bar, Job, Scale, Side

FASTSTREAM = "values may be lost, doubled or reordered; not signed; no end of a stream"
TASKIQ = "a task for each value; lost with its worker; not signed; no order"
CELERY = "a chain of three tasks for each value; not signed; no order"
WHERE = {"": "in one process", "redis": "through Redis"}


def flows(scale: Scale) -> list[Job]:
    return [*in_one_process(scale), *through_redis(scale)]


def side(function: str, module: str = "streams") -> Side:
    return Side("elliptio", module, function, "ours")


def in_one_process(scale: Scale) -> list[Job]:
    queue = Side("asyncio.Queue", "flows", "queues", "floor", "no end, no failure, no second reader, nothing kept")
    return [
        first_value(scale, "flow-start", "", 1),
        first_of_second(scale, "flow-start-second", "", 1),
        failure(scale, "flow-failure", "", 5),
        Job(
            "flow-local",
            f"{scale.values:,} values through three steps in one process",
            (side("pass_on", "flows"), queue),
            (Bar("1 × asyncio.Queue", 1, ("asyncio.Queue",)),),
            count=scale.values, rounds=scale.rounds,
        ),
        Job(
            "flow-local-many",
            f"{scale.values:,} values through three steps in one process, 1,000 at once",
            (side("pass_many_on", "flows"), queue),
            (Bar(f"1 s a million values, {scale.values / 1e6:g} s", plus=scale.values / 1e6),),
            count=scale.values, rounds=scale.rounds,
        ),
    ]  # fmt: skip


def through_redis(scale: Scale) -> list[Job]:
    entries = Side("XADD and XREAD", "streams", "large_entries", "floor", "not signed, no end, no expiry, no lease")
    return [
        first_value(scale, "flow-redis-start", "redis", 5),
        first_of_second(scale, "flow-redis-start-second", "redis", 5),
        failure(scale, "flow-redis-failure", "redis", 50),
        Job(
            "flow-redis",
            f"{scale.messages:,} values through three steps and Redis",
            (
                side("through_redis"),
                Side("FastStream", "faststream", "through_redis", "peer", FASTSTREAM),
                Side("taskiq", "taskiq", "through_redis", "peer", TASKIQ),
                Side("Celery", "celery", "through_redis", "peer", CELERY),
            ),
            (Bar("1/30 of FastStream", 1 / 30, ("FastStream",)), Bar("1/30 of taskiq", 1 / 30, ("taskiq",))),
            count=scale.messages, rounds=min(3, scale.rounds), needs="redis",
        ),
        Job(
            "flow-redis-values",
            f"{scale.values:,} values from a step through Redis, while they are read",
            (side("values_through_redis"),),
            (Bar(f"1 s for 100,000 values, {scale.values / 1e5:g} s", plus=scale.values / 1e5),),
            count=scale.values, rounds=min(3, scale.rounds), needs="redis",
        ),
        Job(
            "flow-redis-many",
            f"{scale.values:,} values through three steps and Redis, 1,000 at once",
            (side("many_through_redis"),),
            (Bar(f"1 s for 100,000 values, {scale.values / 1e5:g} s", plus=scale.values / 1e5),),
            count=scale.values, rounds=scale.rounds, needs="redis",
        ),
        Job(
            "flow-redis-large",
            f"{scale.large_values:,} values of 100 KB through Redis, while they are read",
            (side("large_values"), entries),
            (Bar("2 × XADD and XREAD", 2, ("XADD and XREAD",)),),
            size=100_000, count=scale.large_values, rounds=scale.rounds, needs="redis",
        ),
        Job(
            "flow-redis-slow",
            f"{scale.values * 5:,} values through Redis to a step that is slower than who makes them",
            (side("slow_reader"),),
            (Bar("10 MB more memory", plus=10, unit="MB more"),),
            count=scale.values * 5, rounds=1, needs="redis",
        ),
    ]  # fmt: skip


def first_value(scale: Scale, name: str, needs: str, most: float) -> Job:
    """From the start of a flow to its first value, at most so many milliseconds."""
    title = f"start a flow of a step {WHERE[needs]}, and get its first value"
    return moment(scale, name, title, "first_value", needs, most)


def first_of_second(scale: Scale, name: str, needs: str, most: float) -> Job:
    """From the start of a flow to the first value that came through two steps, at most so many milliseconds."""
    title = f"start a flow of three steps {WHERE[needs]}, and get the first value of the second"
    return moment(scale, name, title, "first_value_of_second", needs, most)


def failure(scale: Scale, name: str, needs: str, most: float) -> Job:
    """From the failure of a step to that of who reads what it makes, at most so many milliseconds."""
    return moment(scale, name, f"know {WHERE[needs]} why the step that is read from has failed", "failure", needs, most)


def moment(scale: Scale, name: str, title: str, function: str, needs: str, most: float) -> Job:
    """Something that takes at most so many milliseconds, 50 times in a row: what ran before is faster."""
    bars = (Bar(f"{most:g} ms", plus=most / 1000),)
    return Job(name, title, (side(function),), bars, rounds=scale.rounds * 3, times=50, needs=needs)
