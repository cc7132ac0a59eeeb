"""``/runs/{id}``: params, charts among siblings, output, tree, what was loaded and made, and why it failed."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.ui.pages import run_context
from tests.ui.conftest import client_of, saved
from tests.ui.looking import faults
from tests.ui.test_injections import NAMES, PAYLOADS, check, hostile, quoted


def made(h: eio.Handler) -> dict[str, str]:
    """Three runs of one name in another one."""
    with eio.mock_username("andy"):
        raw = saved(h, "raw.csv", "a\n1\n")
    found = {"raw": raw.artifact_id}
    with eio.mock_username("brenda"), h.run("sweep") as outer:
        found["outer"] = outer.run_id
        for name, depth in (("worse", 2), ("best", 8), ("mine", 4)):
            with outer.run("train", {"depth": depth, "model": {"kind": "tree"}}, log_output=True) as run:
                found[name] = run.run_id
                run.get(raw.artifact_id).file.download_string()
                for step in range(20):
                    run.log(val_loss=1 / depth / (step + 1), accuracy=step / 20, step=step)
                print(f"depth is {depth}")
                run.note("kept as it is")
                found[f"model {name}"] = saved(run, "model.json", "{}").artifact_id
    return found


def test_a_run_among_its_siblings(h: eio.Handler) -> None:
    ids = made(h)
    text = client_of(h).get(f"/runs/{ids['mine']}").text
    assert text.count('class="card chart"') == 2
    assert text.count('class="ghosts"') == 4
    assert text.count('class="bests"') == 4  # in the legend, and a line of each picture
    assert f"../runs/{ids['best']}" in text
    assert "best: " in text
    assert "train depth=8" in text
    assert "1 differs from the best" in text
    assert re.search(r'title="the best has 8"><dt>depth', text)
    assert "model.kind" in text
    assert "<title>step 19: 0.0125</title>" in text
    assert "depth is 4" in text
    assert "kept as it is" in text
    assert f"../artifacts/{ids['raw']}" in text
    assert f"../artifacts/{ids['model mine']}" in text
    assert f"../runs/{ids['outer']}" in text
    assert f"../runs/{ids['worse']}" in text
    assert "Parameters against val_loss" in text
    assert "less is better" in text


def test_the_best_says_so(local: eio.Handler, ask: TestClient) -> None:
    ids = made(local)
    text = ask.get(f"/runs/{ids['best']}").text
    assert "the best of 3" in text
    assert "this run, the best" in text
    text = ask.get(f"/runs/{ids['best']}?by=accuracy").text
    assert "more is better" in text


def test_axes_stand_in_the_address(local: eio.Handler, ask: TestClient) -> None:
    ids = made(local)
    page = f"/runs/{ids['mine']}"
    plain, log, time = (ask.get(page + more).text for more in ("", "?y=log", "?x=time"))
    line = r'<path class="mine" d="([^"]+)"'
    assert len({re.findall(line, text)[0] for text in (plain, log, time)}) == 3
    assert 'href="?x=time"' in plain
    assert 'href="?y=log&amp;x=time"' in log
    for wrong in ("?x=place", "?y=square"):
        answer = ask.get(page + wrong)
        assert answer.status_code == 400
        assert "is one of" in answer.text


def test_a_failed_run_says_why(local: eio.Handler, ask: TestClient) -> None:
    with pytest.raises(ValueError, match="not a number"), local.run("train") as run:
        raise ValueError("not a number <b>")
    text = ask.get(f"/runs/{run.run_id}").text
    assert "It failed" in text
    assert "Traceback" in text
    assert "not a number &lt;b&gt;" in text


def test_files_of_a_run(local: eio.Handler, ask: TestClient) -> None:
    ids = made(local)
    answer = ask.get(f"/runs/{ids['mine']}/metrics.csv")
    lines = answer.text.splitlines()
    assert lines[0] == "time,step,val_loss,accuracy"
    assert len(lines) == 21
    assert lines[1].endswith(",0,0.25,0.0")
    answer = ask.get(f"/runs/{ids['mine']}/logs/output")
    assert answer.text == "depth is 4\n"
    assert answer.headers["content-disposition"].startswith("attachment")
    for wrong in ("nothing", "begin.json", "..%2fbegin"):
        assert ask.get(f"/runs/{ids['mine']}/logs/{wrong}").status_code == 404


@pytest.mark.parametrize("wrong", ["run_", "run_x", "x", "artifact_1", "run_01", "%00", "run_" + "0" * 36])
def test_there_is_no_such_run(local: eio.Handler, ask: TestClient, wrong: str) -> None:
    made(local)
    assert ask.get(f"/runs/{wrong}").status_code == 404
    assert ask.get(f"/runs/{wrong}/metrics.csv").status_code == 404


def test_a_run_without_anything(local: eio.Handler, ask: TestClient) -> None:
    with local.run("empty") as run:
        pass
    text = ask.get(f"/runs/{run.run_id}").text
    assert "Nothing was measured." in text
    assert "logs/output" not in text
    assert "http-equiv" not in text


def test_a_run_of_a_build_with_thousands_shows_the_near_ones(local: eio.Handler, ask: TestClient) -> None:
    with local.run("build") as outer:
        for number in range(30):
            with outer.run("step", {"number": number}) as run:
                if number == 15:
                    middle = run.run_id
    text = ask.get(f"/runs/{middle}").text
    assert text.count('class="tr d') == 10
    assert "21 more" in text
    assert "31 runs" in text


def test_looking_leaves_no_trace(local: eio.Handler, ask: TestClient) -> None:
    ids = made(local)
    ask.get(f"/runs/{ids['mine']}")
    assert saved(local, "next.csv", "x").metadata.based_on == []


def test_other_pages_lead_to_runs(local: eio.Handler, ask: TestClient) -> None:
    ids = made(local)
    with pytest.raises(ValueError, match="no"), local.run("broken") as broken:
        broken.get(ids["raw"]).file.download_string()
        raise ValueError("no")
    text = ask.get(f"/artifacts/{ids['model mine']}").text
    assert f'data-run href="../runs/{ids["mine"]}"' in text
    assert text.count(f"../runs/{ids['mine']}") == 2
    assert "runs?q=status:running" in ask.get("/").text
    picture, table = (ask.get(f"/lineage/{ids['raw']}{more}").text for more in ("", "?as=table"))
    assert f"../runs/{broken.run_id}" in picture
    assert f"../runs/{broken.run_id}" in table
    assert f"../runs/{ids['mine']}" in table


@pytest.mark.parametrize(
    ("names", "chosen"),
    [(["lr", "loss", "val_loss"], "val_loss"), (["lr", "accuracy"], "accuracy"), (["speed"], "speed"), ([], "")],
)
def test_the_metric_that_tells_the_best(names: list[str], chosen: str) -> None:
    assert run_context.chosen(names) == chosen


def test_a_value_that_is_none_is_not_the_best() -> None:
    runs: list[dict[str, Any]] = [
        {"_id": "a", "metrics": {"loss": float("nan")}}, {"_id": "b", "metrics": {"loss": 0.5}}, {"_id": "c"},
        {"_id": "d", "metrics": {"loss": "low"}},
    ]  # fmt: skip
    best = run_context.best_of(runs, "loss")
    assert best is not None
    assert best["_id"] == "b"
    assert run_context.best_of(runs, "other") is None


@pytest.mark.slow
def test_a_hundred_runs_of_many_points(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever must be read, a page has its own line at once, says what is still being read, and stays light."""
    monkeypatch.setattr("elliptio.ui.pages.run.SECONDS_TO_READ", 0.0)
    for number in range(100):
        with local.run("train", {"depth": number % 7, "rate": number / 100}) as run:
            for step in range(500):
                run.log(loss=1 / (step + 1), val_loss=2 / (step + 1), accuracy=step / 1e4, rate=0.1, step=step)
    client = client_of(local)
    first = client.get(f"/runs/{run.run_id}").text
    assert first.count('class="card chart"') == 4
    waits = re.search(r"(\d+) are still being read", first)
    assert waits is not None
    while "still being read" in (text := client.get(f"/runs/{run.run_id}").text):
        pass
    assert re.findall(r'<path class="ghosts" transform[^>]+d="([^"]+)"', text)[0].count("M") == 99
    assert len(gzip.compress(text.encode())) < 80_000


@pytest.mark.slow
@pytest.mark.parametrize(("payload", "name"), list(zip(PAYLOADS, NAMES, strict=True))[::3])
def test_what_others_wrote_is_text(
    local: eio.Handler, payload: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = hostile(local, payload, name, monkeypatch)
    plain = payload.replace(".", "").replace("$", "") or "x"
    with contextlib.suppress(ValueError), local.run("bad", {plain: payload, "x": [payload]}, log_output=True) as run:
        run.log({plain: 1.0})
        run.note(payload)
        print(payload)
        raise ValueError(payload)
    client = client_of(local)
    first = artifacts[0].run
    assert first is not None
    for url in ("/runs", f"/runs/{run.run_id}", f"/runs/{first['_id']}", f"/runs/{run.run_id}?by={quoted(payload)}"):
        answer = client.get(url)
        assert answer.status_code == 200, (url, answer.text)
        check(answer.text, url)


def test_a_payload_in_a_metric_is_text(local: eio.Handler, ask: TestClient) -> None:
    with local.run("<b>", {"<i>": "<u>"}) as run:
        run.log({"<script>": 1.0})
    text = ask.get(f"/runs/{run.run_id}").text
    for tag in ("<b>&", "<i>&", "<u>", "<script>:"):
        assert tag not in text
    assert "&lt;script&gt;" in text


# --- in a real browser ---


def paths(ids: dict[str, str]) -> list[str]:
    pages = ("mine", "outer", "failed", "live", "best")
    found = ("runs", "runs?q=status:failed", "runs?q=stats:x", "runs?as=list", *(f"runs/{ids[one]}" for one in pages))
    return [*found, f"{found[-1]}?y=log&x=time"]


@pytest.fixture
def shown(served: Any, local: eio.Handler) -> Iterator[dict[str, str]]:
    """Runs of each kind, of which one goes on."""
    ids = made(local)
    with contextlib.suppress(ValueError), local.run("broken", {"long": "x" * 500}) as run:
        ids["failed"] = run.run_id
        raise ValueError("wrong " * 200)
    with local.run("train", {"depth": 16, "model": {"kind": "a" * 300}}, log_output=True) as run:
        ids["live"] = run.run_id
        run.log({"val_loss": 0.5, "n" * 200: 1.0})
        print("y" * 300)
        yield ids


@pytest.mark.slow
def test_the_pages_please_everybody(served: Any, chromium: Any, shown: dict[str, str]) -> None:
    # With a value between them the form of the axes is open.
    opened = f"runs/{shown['mine']}?from.depth=1&to.depth=8"
    assert faults(chromium, served, [*paths(shown), opened]) == []
    context = chromium.new_context(viewport={"width": 768, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(served.url)
    for path in paths(shown):
        page.goto(served.place + path)
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, (path, beyond)
    context.close()


@pytest.mark.slow
def test_keys_lead_to_runs(served: Any, chromium: Any, shown: dict[str, str]) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    press = page.keyboard.press
    press("g")
    press("r")
    page.wait_for_url("**/runs")
    press("/")
    page.keyboard.type("name:sweep")
    press("Enter")
    page.wait_for_url("**q=name**")
    press("j")
    press("y")
    page.wait_for_selector("#said:has-text('copied h.runs.tree')")
    press("Enter")
    page.wait_for_url(f"**/runs/{shown['outer']}")
    page.goto(f"{served.place}artifacts/{shown['model mine']}")
    press("r")
    page.wait_for_url(f"**/runs/{shown['mine']}")
    context.close()


def test_axes_are_narrowed_by_the_address(local: eio.Handler) -> None:
    ids = made(local)
    client = client_of(local)
    url = f"/runs/{ids['mine']}"
    assert "3 runs named train" in client.get(url).text
    found = client.get(f"{url}?y=log&from.depth=3&to.depth=").text
    assert "2 of 3 runs named train" in found
    assert 'name="from.depth" value="3"' in found
    assert '<input type="hidden" name="y" value="log">' in found
    assert '<a class="l" href="?y=log">all of them</a>' in found
    assert "0 of 3 runs" in client.get(f"{url}?is.depth=none").text
    for wrong in ("from.depth=deep", "to.depth=nan", "to.seconds=1e999"):
        answer = client.get(f"{url}?{wrong}")
        assert (answer.status_code, "is a number, not" in answer.text) == (400, True)


def test_a_run_that_goes_on_is_followed_or_stays_as_it_is(local: eio.Handler) -> None:
    client = client_of(local)
    with local.run("train") as run:
        for url in (f"/runs/{run.run_id}", "/runs"):
            found = client.get(url).text
            assert "data-events" in found
            assert '<a href="?live=off">Pause</a>' in found
            paused = client.get(f"{url}?live=off").text
            assert "data-events" not in paused
            assert "http-equiv" not in paused
            assert '<a href="?live=off" aria-current="true">Pause</a>' in paused
            assert '<a href="?">Live</a>' in paused
            assert client.get(f"{url}?live=maybe").status_code == 400
    for url in (f"/runs/{run.run_id}", "/runs"):
        assert "Pause" not in client.get(url).text


@pytest.mark.slow
def test_runs_are_narrowed_down_by_drawing_along_an_axis(local: eio.Handler, served: Any, chromium: Any) -> None:
    ids = made(local)
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    asked: list[str] = []
    page.goto(served.url)
    page.goto(f"{served.place}runs/{ids['mine']}?y=log")
    page.on("request", lambda request: asked.append(request.url))
    chart = page.locator("section.chart svg").first.bounding_box()
    for part in range(1, 10):
        page.mouse.move(chart["x"] + chart["width"] * part / 10, chart["y"] + chart["height"] / 2)
    assert [one for one in asked if "/static/" not in one] == [], "pointing at a chart asks for nothing"
    axis = page.locator("g.along .hit").first
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] * 0.75)
    page.mouse.up()
    page.wait_for_url("**from.depth=*")
    assert "y=log" in page.url
    assert page.is_visible("text=2 of 3 runs named train")
    page.mouse.click(middle, box["y"] + 20)  # without drawing it is forgotten
    page.wait_for_url(lambda url: "from.depth" not in url)
    page.context.close()


def test_the_form_of_the_axes_needs_no_script(local: eio.Handler) -> None:
    ids = made(local)
    text = client_of(local).get(f"/runs/{ids['mine']}").text
    form = text[text.index('<form id="narrow"') :].partition("</form>")[0]
    assert re.findall(r'name="([^"]*)"', form) == [
        "from.depth", "to.depth", "from.seconds", "to.seconds", "from.val_loss", "to.val_loss"
    ]  # fmt: skip
    assert form.count("<button") == 1
