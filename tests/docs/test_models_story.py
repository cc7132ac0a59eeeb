"""The notebook on data models runs, and keeps what it shows."""

from __future__ import annotations

import re

import pytest

import elliptio as eio
from tests.docs.stories import check_that_outputs_are_what_it_shows_now, check_that_outputs_name_no_machine, executed
from tests.docs.test_notebooks import NOTEBOOKS, Executed

STORY = NOTEBOOKS / "models_story.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return executed(STORY, tmp_path_factory.mktemp("models"))


def test_it_keeps_outputs_that_name_no_machine() -> None:
    check_that_outputs_name_no_machine(STORY)


def test_the_outputs_are_what_it_shows_now(story: Executed) -> None:
    check_that_outputs_are_what_it_shows_now(STORY, story)


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
