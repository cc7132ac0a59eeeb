"""The notebook on flows runs, and keeps what it shows."""

from __future__ import annotations

import pytest

from elliptio.flows.testing import redis_program
from tests.docs.stories import check_that_outputs_are_what_it_shows_now, check_that_outputs_name_no_machine, executed
from tests.docs.test_notebooks import NOTEBOOKS, Executed

STORY = NOTEBOOKS / "flow_story.ipynb"

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    if redis_program() is None:
        pytest.skip("there is no Redis server here")
    return executed(STORY, tmp_path_factory.mktemp("flows"))


def test_it_keeps_outputs_that_name_no_machine() -> None:
    check_that_outputs_name_no_machine(STORY)


def test_the_outputs_are_what_it_shows_now(story: Executed) -> None:
    check_that_outputs_are_what_it_shows_now(STORY, story)


def test_nothing_is_lost_with_a_worker(story: Executed) -> None:
    assert "('feature', 'done', 200)" in story.output("holder = ")
    assert story.output("table.describe") == "        mean  spread\ncount  200.0   200.0\nmean   128.1    73.8"
    assert story.output("later = ") == "True"


def test_topology_and_lineage_are_drawn(story: Executed) -> None:
    assert "<svg" in story.output("flow.topology", "text/html")
    assert "<svg" in story.output("h.lineage(", "text/html")
