"""Projects of the jobs about pipelines: the same files, and steps that say so when they run, whoever runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

from benchmarks.place import Action, Place, remove

ROWS = 20
"""Rows of the file of a day."""

SAY = 'def say(what):\n    with open("ran", "a") as file:\n        file.write(what + "\\n")\n'
"""Source of what each step calls: what ran is counted, by the same code for all."""

BURN = "def burn():\n    found = 0\n    for number in range(12_000_000):\n        found ^= number\n    return found\n"
"""Source of work that keeps a core busy for about half a second."""

Write = Callable[[Path, int], None]
"""Writes a project of so many steps into a folder."""

Change = Callable[[Path], None]
"""Changes something in the folder of a project."""


def write(folder: Path, name: str, text: str) -> None:
    """Write a file of a project."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def write_days(folder: Path, days: int) -> None:
    """Write a table a day."""
    for number in range(days):
        rows = "".join(f"{store},{(number * 7 + store * 3) % 50}\n" for store in range(ROWS))
        write(folder, f"raw/{date(2025, 1, 1) + timedelta(number)}.csv", f"store,amount\n{rows}")


def months_of(days: int) -> int:
    """Count the months that some days from the first of January on lie in."""
    return len({str(date(2025, 1, 1) + timedelta(number))[:7] for number in range(days)})


def run(folder: Path, command: list[str]) -> None:
    """Run a command in a project."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing was said"]
        raise RuntimeError(said[-1][-300:])  # the lines before it name files of this machine


def expect(folder: Path, ran: int) -> None:
    """Raise where another number of steps ran than expected; forget them."""
    log = folder / "ran"
    found = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    if found != ran:
        raise RuntimeError(f"{found} steps ran, not {ran}")


def first(place: Place, write_project: Write, command: list[str], ran: int) -> Iterator[Action]:
    """Run a new project each time: all is made."""
    for number in count():
        folder = place.folder / f"project-{number}"
        folder.mkdir()
        write_project(folder, place.count)
        yield lambda folder=folder: run(folder, command)
        expect(folder, ran)
        remove(folder)


def again(
    place: Place,
    write_project: Write,
    command: list[str],
    ran: int,
    then: int,
    change: Callable[[Path], None] | None = None,
) -> Iterator[Action]:
    """Run a project once more and once more, after a change if there is one: then so many steps run."""
    folder = place.folder / "project"
    folder.mkdir()
    write_project(folder, place.count)
    run(folder, command)
    expect(folder, ran)
    while True:
        if change is not None:
            change(folder)
        yield lambda: run(folder, command)
        expect(folder, then)


def change_a_day(folder: Path) -> None:
    """Add a row to the table of the tenth day."""
    path = folder / "raw" / "2025-01-10.csv"
    path.write_text(f"{path.read_text()}{len(path.read_bytes())},1\n")


def python(*arguments: str) -> list[str]:
    """Command that runs a program with this interpreter."""
    return [sys.executable, *arguments]


def beside(name: str) -> str:
    """Path of a command that is installed beside this interpreter."""
    return os.path.join(os.path.dirname(sys.executable), name)
