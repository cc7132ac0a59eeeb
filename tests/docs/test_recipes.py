"""Each recipe works as pasted, beside the library that it is about.

Those of torch, lightning, transformers and keras are run by `make recipes`: these are too large for every environment.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from platformdirs import user_data_path

from tests.docs.pages import ROOT, Reader, sections

PAGE = ROOT / "docs/recipes.md"
RECIPES = sections(PAGE)
LARGE = {"accelerate", "keras", "lightning", "torch", "transformers"}

SBATCH = """#!{python}
import os, shlex, subprocess, sys

options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if "=" in word)
assert "--wait" in sys.argv
first, last = map(int, options["array"].split("-"))
tasks = [
    subprocess.Popen(
        shlex.split(options["wrap"]),
        env={{
            **os.environ, "SLURM_JOB_ID": str(71 + number), "SLURM_ARRAY_JOB_ID": "70",
            "SLURM_ARRAY_TASK_ID": str(number), "SLURM_JOB_PARTITION": "short",
        }},
    )
    for number in range(first, last + 1)
]
sys.exit(max(task.wait() for task in tasks))
"""
"""Starts the tasks of an array as SLURM does, with its variables, on this machine and all at once."""


def needed(recipe: str) -> set[str]:
    """Libraries that a recipe says it needs, as the page names them."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {recipe}\n")[2].partition("\n## ")[0]
    found = re.search(r"<!-- needs: (.+) -->", text)
    return set(found[1].split(", ")) if found else set()


@pytest.fixture
def cluster(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs that recipes call: this Python's, and an `sbatch`."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(SBATCH.format(python=sys.executable))
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return home


def write_executed(path: Path) -> None:
    """Write a notebook that was executed: with an output, which a hook would take out."""
    import nbformat

    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


@pytest.mark.slow
@pytest.mark.usefixtures("in_a_wide_terminal")
@pytest.mark.filterwarnings("default")  # of other people's libraries
@pytest.mark.parametrize("recipe", [name for name in RECIPES if name])
def test_a_recipe_works_as_pasted(recipe: str, cluster: Path) -> None:
    missing = sorted(name for name in needed(recipe) if find_spec(name) is None)
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: `make recipes` runs it")
    write_executed(cluster / "project" / "executed.ipynb")
    data = user_data_path("elliptio", appauthor=False)
    reader = Reader(cluster, data, dict(os.environ), [], PAGE)
    for block in [*RECIPES[""], *RECIPES[recipe]]:
        if block.file or block.language in ("python", "console"):
            reader.run(block)
    if recipe == "SLURM arrays":
        h, sweep, data = (reader.names[name] for name in ("h", "sweep", "penguins"))
        (jobs,) = h.find({"scheduler.array_job_id": "70"}, columns=["scheduler.array_task_id"]).to_numpy().T
        assert sorted(jobs) == ["0", "1", "2", "3"]
        made = [artifact for task in h.runs.tree(sweep.run_id).children for artifact in task.artifacts]
        assert [artifact["based_on"] for artifact in made] == [[data.artifact_id]] * 4
    if recipe == "Notebooks and pre-commit":
        (cell,) = json.loads((cluster / "project" / "executed.ipynb").read_text())["cells"]
        assert cell["outputs"] == []


def test_only_large_libraries_may_be_missing() -> None:
    assert {name for recipe in RECIPES for name in needed(recipe)} <= LARGE
    assert not any(block.not_run for blocks in RECIPES.values() for block in blocks)
