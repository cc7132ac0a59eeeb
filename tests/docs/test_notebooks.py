"""The notebook tells the story of the users and runs; the training job is a script that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.cli.demo import model
from elliptio.cli.demo.story import load_penguins, split
from tests.kernels import execute, own_environment

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STORY = NOTEBOOKS / "user_story.ipynb"
JOB = NOTEBOOKS / "training_job.py"


class Executed:
    """A notebook after it ran."""

    def __init__(self, notebook: Any, lake: Path) -> None:
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.lake = lake

    def output(self, part: str, kind: str = "text/plain") -> str:
        """What the one cell whose source has `part` shows."""
        (cell,) = [cell for cell in self.cells if part in cell.source]
        shown = [
            output.text if output.output_type == "stream" else output.data.get(kind, "") for output in cell.outputs
        ]
        return "".join(shown)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    import nbformat

    folder = tmp_path_factory.mktemp("story")
    lake = folder / "lake"
    notebook = nbformat.read(STORY, as_version=4)
    execute(notebook, folder, own_environment(folder, ELLIPTIO_LOCAL_ROOT=str(lake)))
    return Executed(notebook, lake)


def kinds(outputs: list[Any]) -> list[tuple[str, list[str]]]:
    return [(output["output_type"], sorted(output.get("data", {}))) for output in outputs]


def test_the_notebook_keeps_outputs_that_name_no_machine() -> None:
    text = STORY.read_text(encoding="utf-8")
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert json.loads(text)["metadata"]["language_info"] == {"name": "python"}
    assert "execution" not in {name for cell in cells for name in cell["metadata"]}
    assert "where     /tmp/elliptio-demo/lake/" in text
    assert "andy on laptop" in text
    assert not re.search(r"/(?:root|work|home|Users|usr|opt)/|site-packages|\.venv", text)


@pytest.mark.slow
def test_the_outputs_are_what_it_shows_now(story: Executed) -> None:
    """Times and identifiers apart: run `python docs/make_notebooks.py`."""
    kept = [cell for cell in json.loads(STORY.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [kinds(cell["outputs"]) for cell in kept] == [kinds(cell.outputs) for cell in story.cells]
    for cell, now in zip(kept, story.cells, strict=True):
        for output, shown in zip(cell["outputs"], now.outputs, strict=True):
            if output["output_type"] == "stream":
                assert "".join(output["text"]) == shown["text"]
            elif "text/html" in output["data"]:
                assert tags("".join(output["data"]["text/html"])) == tags(shown["data"]["text/html"])


def tags(html: str) -> list[str]:
    """Tags of html with their styles, which hold no time and no name."""
    return re.findall(r"<[a-z]+(?: style=\"[^\"]*\")?", html)


@pytest.mark.slow
def test_the_lineage_is_drawn(story: Executed) -> None:
    shown = story.output("h.lineage(")
    assert re.sub(r"artifact_[0-9a-f-]{36}|  \d{4}-\d\d-\d\d \d\d:\d\d", "", shown).splitlines() == [
        "▶   train.csv, test.csv  andy",
        "├─   model.json  brenda",
        "│  └─   metrics.json  (again)",
        "└─   metrics.json  charlie",
    ]
    assert "<svg" in story.output("h.lineage(", "text/html")


@pytest.mark.slow
def test_artifacts_show_themselves(story: Executed) -> None:
    saved = story.output("train.to_csv", "text/html")
    assert '<div class="elliptio"' in saved
    for part in ("andy on ", "ticket=AB-123", "2 files, 16.8 kB", "test.csv"):
        assert part in saved


@pytest.mark.slow
def test_the_lineage_is_followed(story: Executed) -> None:
    assert story.output("ancestry(").splitlines() == [
        "metrics.json by charlie",
        "    model.json by brenda",
        "        train.csv, test.csv by andy",
        "    train.csv, test.csv by andy",
    ]


def test_brenda_finds_what_andy_saved(story: Executed) -> None:
    shown = story.output("df = h.find", "text/html")
    assert "[train.csv, test.csv]" in shown
    assert len(re.findall(r"<th[^>]*>artifact_0", shown)) == 1
    assert "python_packages" not in shown
    assert pd.__version__ in story.output('python_packages["pandas"]')


def test_charlie_measures_a_good_model(story: Executed) -> None:
    assert float(story.output("accuracy = float")) > 0.95


def test_andy_finds_what_was_built_on_his_data(story: Executed) -> None:
    shown = story.output("children = h.find", "text/html")
    assert "[model.json]" in shown
    assert "[metrics.json]" in shown
    last = story.cells[-1].outputs[0].data["text/html"]
    children = eio.Handler(story.lake).find(sort="creation_time").index[1:]
    assert len(children) == 2
    for child in children:
        assert f">{child}</code>" in last.partition("used by")[2]


def test_the_lake_of_the_story_is_whole(story: Executed) -> None:
    h = eio.Handler(story.lake)
    assert h.verify().ok
    found = h.find(sort="creation_time")
    assert list(found["username"]) == ["andy", "brenda", "charlie"]
    dataset, trained, metrics = found.index
    assert list(found["based_on"]) == [[], [dataset], [trained, dataset]]
    assert h.get(metrics).metadata.labels["accuracy"] > 0.95  # type: ignore[index]


def test_each_artifact_has_the_cells_up_to_its_own(story: Executed) -> None:
    h = eio.Handler(story.lake)
    counts = []
    for artifact_id in h.find(sort="creation_time").index:
        recorded = json.loads(h.get(artifact_id).logs["cells.ipynb"].download_string())["cells"]
        assert ["".join(cell["source"]) for cell in recorded] == [
            cell.source.rstrip("\n") for cell in story.cells[: len(recorded)]
        ]
        counts.append(len(recorded))
    assert 0 < counts[0] < counts[1] < counts[2] < len(story.cells)


# --- the training job ---


@pytest.fixture
def dataset(local: eio.Handler, tmp_path: Path) -> eio.Artifact:
    for table, name in zip(split(load_penguins()), ("train.csv", "test.csv"), strict=True):
        table.to_csv(tmp_path / name, index=False)
    labels = eio.Labels(project="penguins", datatype="dataset")
    return local.upload([tmp_path / "train.csv", tmp_path / "test.csv"], labels)


def run_job(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(JOB), *arguments],
        env={**os.environ, "PYTHONPATH": str(NOTEBOOKS.parent), **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )


@pytest.mark.slow
def test_the_job_trains_on_what_a_query_finds(local: eio.Handler, dataset: eio.Artifact) -> None:
    query = json.dumps({"labels.datatype": "dataset"})
    done = run_job("--root", local.store.root, "--data", query, "--epochs", "200", "--ticket", "AB-7")
    assert done.returncode == 0, done.stderr
    assert "epoch 200: loss 0." in done.stdout
    made = local.get(done.stdout.split()[-1])
    assert made.metadata.based_on == [dataset.artifact_id]
    assert made.metadata.labels == eio.Labels(
        ticket="AB-7", project="penguins", datatype="model", infos={"epochs": 200}
    )
    assert "training_job.py" in made.metadata.argv
    assert len(made.files["history.csv"].download_string().splitlines()) == 201
    table = pd.read_csv(dataset.files["test.csv"])
    predicted = model.Model.from_json(made.files["model.json"].download_string()).predict(table)
    assert (table["species"] == predicted).mean() > 0.95


@pytest.mark.slow
def test_the_job_takes_an_artifact_and_the_lake_from_its_settings(local: eio.Handler, dataset: eio.Artifact) -> None:
    done = run_job("--artifact", dataset.artifact_id, "--epochs", "1", ELLIPTIO_ROOT=local.store.root)
    assert done.returncode == 0, done.stderr
    assert local.get(done.stdout.split()[-1]).metadata.based_on == [dataset.artifact_id]


@pytest.mark.slow
def test_the_job_says_that_nothing_matches(local: eio.Handler, dataset: eio.Artifact) -> None:
    done = run_job("--root", local.store.root, "--data", '{"labels.datatype": "nothing"}')
    assert done.returncode == 1
    assert done.stderr == 'Nothing in the lake matches {"labels.datatype": "nothing"}.\n'


@pytest.mark.slow
def test_the_job_explains_itself() -> None:
    done = run_job("--help")
    assert done.returncode == 0
    assert "--data QUERY" in done.stdout
