"""What must be seen at a glance: names, tags and labels are not cut, and stand where they belong at each width."""

from __future__ import annotations

from typing import Any

import pytest

import elliptio as eio
from tests.ui.conftest import saved

pytestmark = pytest.mark.slow


@pytest.fixture
def made(local: eio.Handler) -> dict[str, str]:
    labels = {"project": "riverflow", "ticket": "RT-7", "datatype": "dataset"}
    found = [saved(local, "a_rather_long_name_of_the_first_step.csv", "mass,species\n1,x\n", labels)]
    for number in range(1, 6):
        name = f"step_{number}_with_a_name_that_takes_all_of_the_room.csv"
        step = saved(local, name, f"mass,species\n{number},x\n", labels, based_on=[found[-1]])
        found.append(step)
    local.tag(found[0], "published")
    with local.run("train", {"depth": 4, "learning_rate": 0.0001, "batch_size": 128}) as run:
        for step_of in range(5):
            run.log({"loss": 1 / (step_of + 1), "accuracy": 0.9, "validation_loss": 0.25}, step=step_of)
    return {"first": found[0].artifact_id, "last": found[-1].artifact_id, "run": run.run_id}


@pytest.fixture
def page(served: Any, chromium: Any, made: dict[str, str]) -> Any:
    context = chromium.new_context(reduced_motion="reduce")
    opened = context.new_page()
    opened.goto(served.url)
    yield opened
    context.close()


CUT = "one => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().width < 20"


def test_a_tag_is_seen_beside_a_long_name(page: Any, served: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{served.place}artifacts")
    tag, cell = (page.locator(f"tr:has(a.tag) {one}").bounding_box() for one in ("a.tag", "td.grow"))
    assert tag["width"] > 40
    assert tag["x"] + tag["width"] <= cell["x"] + cell["width"]
    assert not page.eval_on_selector("a.tag", CUT)


def test_a_project_is_not_cut_for_the_files_in_it(page: Any, served: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(served.place)
    assert not page.eval_on_selector("section[aria-labelledby=projects] b.cut", CUT)


def test_the_name_of_a_column_stands_above_its_values(page: Any, served: Any, made: dict[str, str]) -> None:
    page.goto(f"{served.place}artifacts/{made['last']}/files/0")
    right = "one => one.getBoundingClientRect().right - parseFloat(getComputedStyle(one).paddingRight)"
    ends = [page.eval_on_selector(f".grid {one}", right) for one in ("thead th:nth-child(2)", "tbody td:nth-child(2)")]
    assert ends[0] == pytest.approx(ends[1], abs=1)
    assert page.eval_on_selector(".grid thead th:nth-child(2)", "one => getComputedStyle(one).textAlign") == "right"


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_letters_of_a_chart_are_no_headlines(page: Any, served: Any, made: dict[str, str], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{served.place}runs/{made['run']}")
    heights = page.eval_on_selector_all(
        ".chart .axt", "all => all.map((one) => 12 * one.ownerSVGElement.clientWidth / 400)"
    )
    assert heights
    assert min(heights) > 9
    assert max(heights) < 18


def test_all_of_a_run_is_seen_in_the_list(page: Any, served: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{served.place}runs?q=name:train")
    assert not page.eval_on_selector(".scroll:has(table.runs)", "one => one.scrollWidth > one.clientWidth")
    named = page.eval_on_selector_all("table.runs .kv .dim", "all => all.map((one) => one.textContent)")
    assert {"loss", "accuracy", "validation_loss"} <= set(named)


def test_what_was_asked_for_is_in_the_window(page: Any, served: Any, made: dict[str, str]) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{served.place}lineage/{made['last']}")
    box = page.locator("svg.lineage a.node.asked").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_bars_of_the_histogram_are_walked_by_arrows(
    page: Any, served: Any, local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(local, "late.csv", "x")
    page.goto(f"{served.place}artifacts")
    count = page.locator(".histogram a").count()
    page.locator("summary:has-text('Columns')").focus()
    page.keyboard.press("Tab")
    told = "document.activeElement.getAttribute('aria-label')"
    last = page.evaluate(told)
    assert last == page.locator(".histogram a").last.get_attribute("aria-label")
    assert page.eval_on_selector(".histogram a:focus .hit", "one => getComputedStyle(one).strokeWidth") == "2px"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(told) == last
    if count > 1:
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(told) == page.locator(".histogram a").nth(count - 2).get_attribute("aria-label")
    page.keyboard.press("Enter")
    page.wait_for_url("**since**")
