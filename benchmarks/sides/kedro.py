"""Kedro: nodes over a catalog of data sets; what exists is not made again, whatever became of its inputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks import projects
from benchmarks.place import Action, Place
from benchmarks.projects import BURN, SAY, write

# As installed it refuses a catalog of 1,000 entries.
os.environ.update(KEDRO_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1", OMEGACONF_MAX_YAML_EXPANDED_NODES="none")

HEAD = """\
import logging

logging.disable(50)
from kedro.io import DataCatalog, SharedMemoryDataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import ParallelRunner, SequentialRunner


"""
RUN = projects.python("run.py")
MISSING = [*RUN, "missing"]


def _program(folder: Path, steps: str, catalog: str, nodes: str, runner: str = "SequentialRunner()") -> None:
    kind = "SharedMemoryDataCatalog" if "Parallel" in runner else "DataCatalog"
    end = f"""
if __name__ == "__main__":
    import sys

    catalog = {kind}.from_config({catalog})
    {runner}.run(pipeline({nodes}), catalog, only_missing_outputs="missing" in sys.argv)
"""
    write(folder, "run.py", HEAD + SAY + steps + end)


def _json(name: str) -> str:
    return f'{{"type": "json.JSONDataset", "filepath": {name}}}'


def _chain(folder: Path, steps: int) -> None:
    write(folder, "e0.json", "0")
    name = 'f"e{number}.json"'
    _program(
        folder,
        "\n\ndef plus(value):\n    say('s')\n    return value + 1\n\n",
        f'{{f"e{{number}}": {_json(name)} for number in range({steps + 1})}}',
        f'[node(plus, f"e{{number}}", f"e{{number + 1}}", name=f"s{{number}}") for number in range({steps})]',
    )


def _passing(folder: Path, steps: int) -> None:
    write(folder, "e0.json", "0")
    name = '"e0.json"'
    _program(
        folder,
        "\n\ndef plus(value):\n    say('s')\n    return value + 1\n\n",
        f'{{"e0": {_json(name)}}}',
        f'[node(plus, f"e{{number}}", f"e{{number + 1}}", name=f"s{{number}}") for number in range({steps})]',
    )


def _days(folder: Path, days: int) -> None:
    projects.write_days(folder, days)
    steps = """

def of_days(raw):
    def of(load):
        def total():
            say("day")
            return int(load()["amount"].sum())
        return total
    return {day: of(load) for day, load in raw.items()}


def of_months(total):
    found = {}
    for day, load in total.items():
        found[day[:7]] = found.get(day[:7], 0) + load()
    say("month")
    return found

"""
    partitioned = '"type": "partitions.PartitionedDataset"'
    catalog = (
        f'{{"raw": {{{partitioned}, "path": "raw", "dataset": "pandas.CSVDataset", "filename_suffix": ".csv"}}, '
        f'"total": {{{partitioned}, "path": "total", "dataset": "json.JSONDataset", "filename_suffix": ".json"}}, '
        '"monthly": {"type": "json.JSONDataset", "filepath": "monthly.json"}}'
    )
    _program(folder, steps, catalog, '[node(of_days, "raw", "total"), node(of_months, "total", "monthly")]')


def _busy(folder: Path, steps: int) -> None:
    write(folder, "e0.json", "0")
    first, name = '"e0.json"', 'f"o{number}.json"'
    _program(
        folder,
        f"\n\n{BURN}\n\ndef work(value):\n    say('s')\n    return burn()\n\n",
        f'{{"e0": {_json(first)}, **{{f"o{{number}}": {_json(name)} for number in range({steps})}}}}',
        f'[node(work, "e0", f"o{{number}}", name=f"s{{number}}") for number in range({steps})]',
        "ParallelRunner(max_workers=2)",
    )


def make_chain(place: Place) -> Iterator[Action]:
    return projects.first(place, _chain, RUN, place.count)


def skip_chain(place: Place) -> Iterator[Action]:
    return projects.again(place, _chain, MISSING, place.count, 0)


def pass_on(place: Place) -> Iterator[Action]:
    return projects.first(place, _passing, RUN, place.count)


def make_days(place: Place) -> Iterator[Action]:
    return projects.first(place, _days, RUN, place.count + 1)


def change_a_day(place: Place) -> Iterator[Action]:
    every = place.count + 1
    return projects.again(place, _days, RUN, every, every, projects.change_a_day)


def two_processes(place: Place) -> Iterator[Action]:
    return projects.first(place, _busy, RUN, place.count)


def read_catalog(place: Place) -> Iterator[Action]:
    """Read a catalog, until it can be asked for an entry."""
    entries = "".join(
        f"entry_{number}:\n  type: pandas.CSVDataset\n  filepath: data/area_{number % 20}/entry_{number}.csv\n"
        "  load_args: {sep: ','}\n"
        for number in range(place.count)
    )
    write(place.folder, "conf/base/catalog.yml", entries)
    (place.folder / "conf/local").mkdir()
    code = (
        "from kedro.config import OmegaConfigLoader\nfrom kedro.io import DataCatalog\n"
        "read = OmegaConfigLoader(conf_source='conf', base_env='base', default_run_env='local')['catalog']\n"
        "catalog = DataCatalog.from_config(read)\nassert 'entry_1' in catalog"
    )
    while True:
        yield lambda: projects.run(place.folder, projects.python("-c", code))
