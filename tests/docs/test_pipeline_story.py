"""The notebook on pipelines runs, and keeps what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.test_notebooks import NOTEBOOKS, Executed, kinds, tags
from tests.kernels import execute, own_environment

STORY = NOTEBOOKS / "pipeline_story.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    import nbformat

    folder: Path = tmp_path_factory.mktemp("pipelines")
    notebook = nbformat.read(STORY, as_version=4)
    execute(notebook, folder, own_environment(folder))
    return Executed(notebook, folder / "lake")


def kept() -> list[dict[str, object]]:
    return [cell for cell in json.loads(STORY.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_it_keeps_outputs_that_name_no_machine() -> None:
    assert [cell["execution_count"] for cell in kept()] == list(range(1, len(kept()) + 1))
    text = STORY.read_text(encoding="utf-8")
    assert not re.search(r"/(?:root|work|home|Users|usr|opt)/|site-packages|\.venv|\broot\b", text)


def test_the_outputs_are_what_it_shows_now(story: Executed) -> None:
    """Times and identifiers apart: run `python docs/make_notebooks.py`."""
    for cell, now in zip(kept(), story.cells, strict=True):
        assert kinds(cell["outputs"]) == kinds(now.outputs)
        for output, shown in zip(cell["outputs"], now.outputs, strict=True):
            if "text/html" in output.get("data", {}):
                assert tags("".join(output["data"]["text/html"])) == tags(shown["data"]["text/html"])


def test_only_what_changed_ran(story: Executed) -> None:
    def first_line(part: str) -> str:
        return re.sub(r" \(run_.*", "", story.output(part).splitlines()[0])

    assert first_line("first = ") == "pipeline: 3 made"
    assert first_line("again = ") == "pipeline: 3 skipped"
    assert "helper `slenderness` in lib/measures.py:2 changed" in story.output("importlib.reload")
    assert first_line("edited = ") == "pipeline: 3 made"
    assert first_line("heavier = ") == "pipeline: 1 made, 2 skipped"
    assert "'Adelie': 2.12" in story.output("first.snapshot.load")
    assert "'Adelie': 20.45" in story.output("first.snapshot.load")


def test_pipeline_and_lineage_are_drawn(story: Executed) -> None:
    assert "<svg" in story.output("weekly = ", "text/html")
    assert "<svg" in story.output("handler.lineage(", "text/html")
