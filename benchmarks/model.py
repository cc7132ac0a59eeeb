"""What a job, a side and a bar are, and how large the jobs are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Side:
    """Somebody who does a job.

    Attributes
    ----------
    name
        As it is shown.
    module, function
        Where the job is, in `benchmarks.sides`.
    kind
        "ours", "floor", "peer", "partial" (a peer that does only a part of the job) or "part" (something else to
        compare with).
    leaves_out
        What it does not do, though elliptio does.
    """

    name: str
    module: str
    function: str
    kind: str = "peer"
    leaves_out: str = ""


@dataclass(frozen=True)
class Bar:
    """What elliptio is to reach: ``factor * choose(seconds of those it is compared with) + plus``, or just `plus`.

    `unit` "MB" compares the memory that it needs at most, "MB more" what it adds to the disk.
    """

    text: str
    factor: float = 0
    against: tuple[str, ...] = ()
    choose: Callable[[Sequence[float]], float] = min
    plus: float = 0
    unit: str = "s"
    who: str = "elliptio"


@dataclass(frozen=True)
class Limit:
    """Why elliptio cannot take less than one of the sides of a job, which is timed for that.

    Where the job is not done in a process of its own, it `is_profiled` too.
    """

    side: str
    because: str
    is_profiled: bool = True


@dataclass(frozen=True)
class Job:
    """One thing that users do.

    `times` is how often it is done in one round; the round counts as the median of them. `limit` is shown where a bar
    is not reached.
    """

    name: str
    title: str
    sides: tuple[Side, ...]
    bars: tuple[Bar, ...] = ()
    size: int = 0
    count: int = 0
    documents: int = 0
    rounds: int = 5
    times: int = 1
    needs: str = ""
    synced: bool = False
    remark: str = ""
    limit: Limit | None = None


@dataclass(frozen=True)
class Scale:
    """How large the jobs are."""

    rounds: int = 5
    files: int = 1000
    many_files: int = 10_000
    file: int = GB
    documents: tuple[int, ...] = (10_000, 100_000)
    chain: int = 500
    wide: int = 10_000
    repository: int = 10_000
    s3_file: tuple[int, ...] = (256 * MB,)
    s3_files: tuple[int, ...] = (200, 2000)
    steps: tuple[int, ...] = (100, 1000)
    days: int = 365
    entries: tuple[int, ...] = (1000,)
    busy: int = 16
    values: int = 200_000
    messages: int = 5_000
    large_values: int = 2_000
    pages: int = 1000
    drawn: int = 1000
    charted: int = 100
    points: int = 10_000


SCALES = {
    "tiny": Scale(1, 10, 20, MB, (50,), 10, 50, 20, (MB,), (8,), (3,), 40, (20,), 2, 500, 50, 20, 10, 30, 3, 50),
    "quick": Scale(
        3, 200, 1000, 64 * MB, (2000,), 50, 1000, 500, (32 * MB,), (100,), (100,), 60, (1000,), 4, 50_000, 2_000, 500,
        pages=100, drawn=300, charted=20, points=1000,
    ),
    "default": Scale(),
    "large": Scale(
        many_files=100_000,
        documents=(10_000, 100_000, 1_000_000),
        s3_file=(256 * MB, 2 * GB),
        steps=(100, 1000, 10_000),
        entries=(1000, 10_000),
    ),
}  # fmt: skip


def ours(function: str, name: str = "elliptio") -> Side:
    return Side(name, "ours", function, "ours")


def floor(name: str, function: str, leaves_out: str = "") -> Side:
    return Side(name, "floors", function, "floor", leaves_out)


def part(name: str, function: str) -> Side:
    return Side(name, "floors", function, "part")


def size(count: int) -> str:
    for unit, name in ((GB, "GiB"), (MB, "MiB"), (KB, "KiB")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return f"{count} bytes"
