"""The notebook on pipelines runs, and keeps what it shows."""

from __future__ import annotations

import re

import pytest

from tests.docs.stories import check_that_outputs_are_what_it_shows_now, check_that_outputs_name_no_machine, executed
from tests.docs.test_notebooks import NOTEBOOKS, Executed

STORY = NOTEBOOKS / "pipeline_story.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return executed(STORY, tmp_path_factory.mktemp("pipelines"))


def test_it_keeps_outputs_that_name_no_machine() -> None:
    check_that_outputs_name_no_machine(STORY)


def test_the_outputs_are_what_it_shows_now(story: Executed) -> None:
    check_that_outputs_are_what_it_shows_now(STORY, story)


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
