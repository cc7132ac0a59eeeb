"""Pipelines of elliptio, as a user runs them: each time a whole process, imports and all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from benchmarks import projects
from benchmarks.place import Action, Place
from benchmarks.projects import BURN, SAY, write

SETTINGS = """\
[tool.elliptio]
root = "lake"
[tool.elliptio.pipelines]
project_slug = "bench"
catalog = "catalog"
"""
HEAD = "from elliptio.pipelines import Artifact, Craft, Pipeline, Volatile\n\n\n"
CLUSTER = """\
from distributed import Client, LocalCluster

        if __name__ == "__main__":
            with (
                LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
                Client(cluster) as client,
            ):"""
KEEP = """\
    with open(f"{number}.part", "w") as file:
        json.dump(value + number, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(file.name, f"{number}.json")
    folder = os.open(".", os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
"""
RUN = projects.python("run.py")


def _project(folder: Path, entries: str, steps: str, options: str = "volatiles=False") -> None:
    write(folder, "pyproject.toml", SETTINGS)
    write(folder, "catalog/catalog.yaml", entries)
    write(folder, "lib/steps.py", HEAD + SAY + steps)
    write(
        folder,
        "run.py",
        f"""\
        from elliptio.pipelines import Session

        if __name__ == "__main__":
            session = Session()
            import steps

            with session:
                steps.pipeline.run({options})
        """,
    )


def _chain(folder: Path, steps: int, *, apart: bool = False) -> None:
    entries = "- {name: e0, type: json, extra: {path: e0.json}}\n"
    entries += "".join(f"- {{name: e{number + 1}, type: json}}\n" for number in range(steps))
    crafts = "".join(
        f"\n\n@Craft()\ndef s{number}({taken}: Artifact) -> Artifact('e{number + 1}'):\n"
        f"    say('s')\n    return {taken} + 1\n"
        for number, taken in enumerate("e0" if apart else f"e{number}" for number in range(steps))
    )
    _project(folder, entries, f"{crafts}\n\n{_joined('s', steps)}")
    write(folder, "e0.json", "0")


def _passing(folder: Path, steps: int) -> None:
    crafts = "".join(
        f"\n\n@Craft()\ndef s{number}({f'v{number - 1}: Volatile' if number else ''}) -> Volatile('v{number}'):\n"
        f"    say('s')\n    return {f'v{number - 1} + 1' if number else '0'}\n"
        for number in range(steps)
    )
    _project(folder, "[]\n", f"{crafts}\n\n{_joined('s', steps)}", "")


def _joined(prefix: str, steps: int) -> str:
    return f"pipeline = Pipeline()\nfor number in range({steps}):\n    pipeline += globals()[f'{prefix}{{number}}']\n"


def _days(folder: Path, days: int) -> None:
    entries = """\
        - {name: raw, type: csv, extra: {path: "raw/!{year}-!{month}-!{day}.csv"}}
        - {name: total, type: json, extra: {path: "total/!{year}-!{month}-!{day}.json"}}
        - {name: monthly, type: json, extra: {path: "monthly/!{year}-!{month}.json"}}
    """
    steps = """

@Craft(per=("year", "month", "day"))
def of_day(raw: Artifact) -> Artifact("total"):
    say("day")
    return int(raw["amount"].sum())


@Craft(per=("year", "month"))
def of_month(total: Artifact) -> Artifact("monthly"):
    say("month")
    return sum(total.values())


pipeline = of_day + of_month
"""
    _project(folder, entries, steps)
    projects.write_days(folder, days)


def _tables(folder: Path, days: int) -> None:
    """Write a program that reads the tables of days as DataFrames and keeps what comes of them, and does no more."""
    write(
        folder,
        "run.py",
        f"""\
        import json, os, sys
        from pathlib import Path

        import pandas

        {textwrap.indent(SAY, " " * 8).lstrip()}
        def keep(what, name, value):
            say(what)
            Path(what).mkdir(exist_ok=True)
            with open(f"{{what}}/{{name}}.json", "w") as file:
                json.dump(value, file)
                file.flush()
                os.fsync(file.fileno())

        days = sys.argv[1:] or sorted(path.stem for path in Path("raw").iterdir())
        for day in days:
            keep("total", day, int(pandas.read_csv(f"raw/{{day}}.csv")["amount"].sum()))
        for month in sorted({{day[:7] for day in days}}):
            totals = sorted(Path("total").glob(f"{{month}}-*.json"))
            keep("monthly", month, sum(json.loads(path.read_text()) for path in totals))
        """,
    )
    projects.write_days(folder, days)


def _busy(folder: Path, steps: int) -> None:
    entries = "".join(f"- {{name: e{number}, type: json}}\n" for number in range(steps))
    crafts = "".join(
        f"\n\n@Craft()\ndef s{number}() -> Artifact('e{number}'):\n    say('s')\n    return burn()\n"
        for number in range(steps)
    )
    steps_text = f"\n\n{BURN}{crafts}\n\n{_joined('s', steps)}"
    _project(folder, entries, steps_text, "runner='processes', workers=2")


def _on_dask(folder: Path, steps: int) -> None:
    _chain(folder, steps, apart=True)
    write(
        folder,
        "run.py",
        f"""\
        {CLUSTER}
                from elliptio.pipelines import Session

                session = Session()
                import steps

                with session:
                    steps.pipeline.run(volatiles=False, runner=client)
        """,
    )


def _bare_dask(folder: Path, steps: int, body: str = "") -> None:
    write(
        folder,
        "steps.py",
        f"import json, os\n{SAY}\n\ndef tiny(value, number):\n    say('s')\n{body}    return value + number\n",
    )
    write(
        folder,
        "run.py",
        f"""\
        {CLUSTER}
                import steps

                client.gather([client.submit(steps.tiny, 0, number, pure=False) for number in range({steps})])
        """,
    )


def _kept_dask(folder: Path, steps: int) -> None:
    _bare_dask(folder, steps, KEEP)


def make_chain(place: Place) -> Iterator[Action]:
    return projects.first(place, _chain, RUN, place.count)


def skip_chain(place: Place) -> Iterator[Action]:
    return projects.again(place, _chain, RUN, place.count, 0)


def pass_on(place: Place) -> Iterator[Action]:
    return projects.first(place, _passing, RUN, place.count)


def make_days(place: Place) -> Iterator[Action]:
    return projects.first(place, _days, RUN, place.count + projects.months_of(place.count))


def skip_days(place: Place) -> Iterator[Action]:
    return projects.again(place, _days, RUN, place.count + projects.months_of(place.count), 0)


def change_a_day(place: Place) -> Iterator[Action]:
    every = place.count + projects.months_of(place.count)
    return projects.again(place, _days, RUN, every, 2, projects.change_a_day)


def read_days(place: Place) -> Iterator[Action]:
    return projects.first(place, _tables, RUN, place.count + projects.months_of(place.count))


def read_a_day(place: Place) -> Iterator[Action]:
    day = projects.python("run.py", "2025-01-10")
    return projects.first(place, _tables, day, 2)


def two_processes(place: Place) -> Iterator[Action]:
    return projects.first(place, _busy, RUN, place.count)


def on_dask(place: Place) -> Iterator[Action]:
    return projects.first(place, _on_dask, RUN, place.count)


def bare_dask(place: Place) -> Iterator[Action]:
    """Give as many functions to a cluster of the same kind, and wait for what they return."""
    return projects.first(place, _bare_dask, RUN, place.count)


def kept_dask(place: Place) -> Iterator[Action]:
    """Do the same, and have each function write what it returns to a file that is flushed before it has its name."""
    return projects.first(place, _kept_dask, RUN, place.count)


def read_catalog(place: Place) -> Iterator[Action]:
    """Read a catalog, until it can be asked for an entry."""
    entries = "".join(
        f"- {{name: entry_{number}, type: csv, extra: {{path: 'data/area_{number % 20}/entry_{number}.csv'}},"
        " load_options: {sep: ','}}\n"
        for number in range(place.count)
    )
    write(place.folder, "catalog/catalog.yaml", entries)
    code = (
        "from elliptio.pipelines import Catalog\n"
        f"catalog = Catalog('catalog')\nassert len(catalog) == {place.count} and catalog['entry_1'].type == 'csv'"
    )
    while True:
        yield lambda: projects.run(place.folder, projects.python("-c", code))
