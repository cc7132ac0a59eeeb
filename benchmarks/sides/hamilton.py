"""Hamilton: a function per value; with its cache, values are pickled and found by the code of each function alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks import projects
from benchmarks.place import Action, Place
from benchmarks.projects import BURN, SAY, write

os.environ.update(HAMILTON_TELEMETRY_ENABLED="false", DO_NOT_TRACK="1")

HIDDEN = SAY.replace("def say", "def _say")
RUN = projects.python("run.py")


def _program(folder: Path, more: str, asked: str, *, imports: str = "") -> None:
    write(
        folder,
        "run.py",
        f"""\
        import logging

        logging.disable(50)
        from hamilton import driver
        {imports}
        import steps

        if __name__ == "__main__":
            driver.Builder().with_modules(steps){more}.build().execute(["{asked}"])
        """,
    )


def _steps(folder: Path, steps: int) -> None:
    functions = "".join(
        f"\n\ndef s{number}({f's{number - 1}: int' if number else ''}) -> int:\n"
        f"    _say('s')\n    return {f's{number - 1} + 1' if number else '0'}\n"
        for number in range(steps)
    )
    write(folder, "steps.py", HIDDEN + functions)


def _chain(folder: Path, steps: int) -> None:
    _steps(folder, steps)
    _program(folder, ".with_cache()", f"s{steps - 1}")


def _passing(folder: Path, steps: int) -> None:
    _steps(folder, steps)
    _program(folder, "", f"s{steps - 1}")


def _days(folder: Path, days: int) -> None:
    projects.write_days(folder, days)
    write(
        folder,
        "steps.py",
        "import csv, glob, hashlib\n\n"
        "from hamilton.function_modifiers import cache\nfrom hamilton.htypes import Collect, Parallelizable\n\n\n"
        + HIDDEN
        + """

@cache(behavior="recompute")
def names() -> list:
    return [(path, hashlib.sha256(open(path, "rb").read()).hexdigest()) for path in sorted(glob.glob("raw/*.csv"))]


def file(names: list) -> Parallelizable[tuple]:
    yield from names


def day(file: tuple) -> tuple:
    _say("day")
    return file[0][4:14], sum(int(row["amount"]) for row in csv.DictReader(open(file[0])))


def monthly(day: Collect[tuple]) -> dict:
    _say("month")
    found = {}
    for name, total in day:
        found[name[:7]] = found.get(name[:7], 0) + total
    return found
""",
    )
    here = "executors.SynchronousLocalTaskExecutor()"
    _program(
        folder,
        ".enable_dynamic_execution(allow_experimental_mode=True)"
        f".with_local_executor({here}).with_remote_executor({here}).with_cache()",
        "monthly",
        imports="from hamilton.execution import executors",
    )


def _busy(folder: Path, steps: int) -> None:
    write(
        folder,
        "steps.py",
        "from hamilton.htypes import Collect, Parallelizable\n\n\n"
        + HIDDEN
        + BURN.replace("def burn", "def _burn")
        + f"""

def number() -> Parallelizable[int]:
    yield from range({steps})


def busy(number: int) -> int:
    _say("s")
    return _burn()


def every(busy: Collect[int]) -> int:
    return sum(busy)
""",
    )
    _program(
        folder,
        ".enable_dynamic_execution(allow_experimental_mode=True)"
        ".with_local_executor(executors.SynchronousLocalTaskExecutor())"
        ".with_remote_executor(executors.MultiProcessingExecutor(max_tasks=2))",
        "every",
        imports="from hamilton.execution import executors",
    )


def make_chain(place: Place) -> Iterator[Action]:
    return projects.first(place, _chain, RUN, place.count)


def skip_chain(place: Place) -> Iterator[Action]:
    return projects.again(place, _chain, RUN, place.count, 0)


def pass_on(place: Place) -> Iterator[Action]:
    return projects.first(place, _passing, RUN, place.count)


def make_days(place: Place) -> Iterator[Action]:
    return projects.first(place, _days, RUN, place.count + 1)


def skip_days(place: Place) -> Iterator[Action]:
    return projects.again(place, _days, RUN, place.count + 1, 0)


def change_a_day(place: Place) -> Iterator[Action]:
    return projects.again(place, _days, RUN, place.count + 1, 2, projects.change_a_day)


def two_processes(place: Place) -> Iterator[Action]:
    return projects.first(place, _busy, RUN, place.count)
