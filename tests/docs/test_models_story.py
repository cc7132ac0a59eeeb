"""The notebook on data models runs, and keeps what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import elliptio as eio
from tests.docs.test_notebooks import NOTEBOOKS, Executed, kinds, tags
from tests.kernels import execute, own_environment

STORY = NOTEBOOKS / "models_story.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    import nbformat

    folder: Path = tmp_path_factory.mktemp("models")
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
        assert kinds(cell["outputs"]) == kinds(now.outputs)  # type: ignore[arg-type]
        for output, shown in zip(cell["outputs"], now.outputs, strict=True):  # type: ignore[call-overload]
            if "text/html" in output.get("data", {}):
                assert tags("".join(output["data"]["text/html"])) == tags(shown["data"]["text/html"])


def test_what_andy_saved_comes_back(story: Executed) -> None:
    assert story.output("again == training") == "(True, <enum 'Species'>)"
    card = story.output("again = saved.load()", "text/html")
    assert '<div class="elliptio"' in card
    assert re.search(r"DataFrame 272 x 8, [\d.]+ kB, not loaded: species, island", card)


def test_what_brenda_saved_is_read_as_the_class_is_now(story: Executed) -> None:
    assert story.output("class Centers(DataModel, version=2)").startswith("Centers(features=['bill_length_mm'")
    assert "cannot take version 1" in story.output("class Centers(DataModel, version=3)")
    found = story.output("find_models(Centers", "text/html")
    assert len(re.findall(r"<th[^>]*>artifact_0", found)) == 2


def test_the_lake_of_the_story_is_whole(story: Executed) -> None:
    h = eio.Handler(story.lake)
    assert h.verify().ok
    found = h.find(sort="creation_time")
    assert list(found["username"]) == ["andy", "andy", "brenda", "brenda"]
    training = found.index[0]
    assert list(found["based_on"]) == [[], [], [training], [training]]
    assert list(h.runs()["status"]) == ["finished", "finished"]
