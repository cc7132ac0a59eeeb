"""doit: tasks that name their files by hand; it keeps an md5 of each that is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import projects
from benchmarks.place import Action, Place
from benchmarks.projects import BURN, SAY, write

HEAD = 'import csv, glob, json, os\n\nDOIT_CONFIG = {"verbosity": 0}\n\n\n'
RUN = [projects.beside("doit")]


def _chain(folder: Path, steps: int) -> None:
    write(folder, "e0.json", "0")
    write(
        folder,
        "dodo.py",
        HEAD
        + SAY
        + f"""

def plus(source, target):
    say("s")
    with open(source) as old, open(target, "w") as new:
        json.dump(json.load(old) + 1, new)


def task_chain():
    for number in range({steps}):
        source, target = f"e{{number}}.json", f"e{{number + 1}}.json"
        yield {{"name": str(number), "actions": [(plus, [source, target])], "file_dep": [source], "targets": [target]}}
""",
    )


def _days(folder: Path, days: int) -> None:
    projects.write_days(folder, days)
    (folder / "total").mkdir()
    (folder / "monthly").mkdir()
    write(
        folder,
        "dodo.py",
        HEAD
        + SAY
        + """

DAYS = sorted(os.path.basename(path)[:-4] for path in glob.glob("raw/*.csv"))


def of_day(day):
    say("day")
    with open(f"raw/{day}.csv") as source, open(f"total/{day}.json", "w") as target:
        json.dump(sum(int(row["amount"]) for row in csv.DictReader(source)), target)


def of_month(days, target):
    say("month")
    with open(target, "w") as file:
        json.dump(sum(json.load(open(path)) for path in days), file)


def task_day():
    for day in DAYS:
        yield {"name": day, "actions": [(of_day, [day])], "file_dep": [f"raw/{day}.csv"],
               "targets": [f"total/{day}.json"]}


def task_month():
    for month in sorted({day[:7] for day in DAYS}):
        days, target = [f"total/{day}.json" for day in DAYS if day.startswith(month)], f"monthly/{month}.json"
        yield {"name": month, "actions": [(of_month, [days, target])], "file_dep": days, "targets": [target]}
""",
    )


def _busy(folder: Path, steps: int) -> None:
    write(
        folder,
        "dodo.py",
        HEAD
        + SAY
        + BURN
        + f"""

def work(target):
    say("s")
    with open(target, "w") as file:
        json.dump(burn(), file)


def task_busy():
    for number in range({steps}):
        yield {{"name": str(number), "actions": [(work, [f"e{{number}}.json"])], "targets": [f"e{{number}}.json"]}}
""",
    )


def make_chain(place: Place) -> Iterator[Action]:
    return projects.first(place, _chain, RUN, place.count)


def skip_chain(place: Place) -> Iterator[Action]:
    return projects.again(place, _chain, RUN, place.count, 0)


def make_days(place: Place) -> Iterator[Action]:
    return projects.first(place, _days, RUN, place.count + projects.months_of(place.count))


def skip_days(place: Place) -> Iterator[Action]:
    return projects.again(place, _days, RUN, place.count + projects.months_of(place.count), 0)


def change_a_day(place: Place) -> Iterator[Action]:
    every = place.count + projects.months_of(place.count)
    return projects.again(place, _days, RUN, every, 2, projects.change_a_day)


def two_processes(place: Place) -> Iterator[Action]:
    return projects.first(place, _busy, [*RUN, "-n", "2"], place.count)
