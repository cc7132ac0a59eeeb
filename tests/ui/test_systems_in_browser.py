"""Pages of pipelines, catalogs, snapshots, models and flows in a real browser: light, accessible, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.models import DataModel, identity
from elliptio.pipelines import Catalog, Entry
from elliptio.ui.serving import Server
from tests.pipelines.projects import Project
from tests.ui.looking import faults, out_of_reach
from tests.ui.test_catalog import READ
from tests.ui.test_flows import FLOW, run_id
from tests.ui.test_pipelines import CATALOG, CRAFTS, NAMES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, list[str]]]:
    """A lake with something of each, served, and the addresses of all pages of it, the newest things in them."""
    project = Project(tmp_path_factory.mktemp("systems") / "shop")
    h = project.handler
    project.write("lib/steps.py", CRAFTS)
    project.write("catalog/all.yaml", CATALOG)
    project.write("raw.json", '{"a": 1}')
    first = project.run(NAMES)
    project.edit("lib/steps.py", "number * 2", "number * 3")
    second = project.run(NAMES, {"by": 4})
    project.edit("lib/steps.py", "return clean / 2", "raise ValueError('no good')")
    project.run(NAMES, {"by": 5}, on_error="return")
    catalog = Catalog([Entry.read(one) for one in READ], handler=h)
    for day in ("2026-01-01", "2026-01-02", "2026-01-06"):
        catalog.save("daily", 1, day=day)
    for month, shop in ((1, "north"), (2, "north"), (2, "south")):
        catalog.save("visits", pd.DataFrame({"a": [1]}), month=month, shop=shop)
    known = dict(identity._defined)

    class Net(DataModel, version=1):
        rate: float
        frame: pd.DataFrame

    model = h.save(Net(0.5, pd.DataFrame({"a": [1, 2]})), "first")
    identity._defined.clear()
    identity._defined.update(known)
    FLOW.run({"upto": 5}, record=h)
    one, other = first.snapshot.id, second.snapshot.id
    pages = [
        "pipelines", "pipelines/test", f"pipelines/test?build={second.run_id}", "catalog", "catalog/daily",
        "catalog/visits", "catalog/clean", "snapshots", f"snapshots/{one}", f"snapshots/{one}?with={other}", "models",
        "models/Net", "models/Net?q=rate:x", f"models/Net/{model.artifact_id}", f"artifacts/{model.artifact_id}",
        "flows", f"flows/{run_id(h)}",
    ]  # fmt: skip
    server = Server(h)
    server.start()
    yield server, pages
    server.stop()
    h.close()


def test_they_fit_and_are_accessible_and_light(shown: tuple[Server, list[str]], chromium: Any) -> None:
    server, pages = shown
    assert faults(chromium, server, pages) == []


def test_all_is_reached_without_javascript(shown: tuple[Server, list[str]], chromium: Any) -> None:
    server, _ = shown
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url)
    page.click("nav.main >> text=Pipelines")
    page.click("a.open >> text=test")
    assert page.is_visible("td.why >> text=no good")
    page.click("table a.open >> nth=1")
    assert page.is_visible("td.why >> text=helper `worth` in lib/steps.py:3 changed; parameter by: 1 → 4")
    page.click("svg.lineage a.node:has-text('report') >> nth=-1")
    assert "catalog/report?project=" in page.url
    page.click("nav.main >> text=Snapshots")
    page.click("a.open >> nth=0")
    page.click("section[aria-labelledby=others] a >> nth=0")
    assert page.is_visible("h2 >> text=What differs")
    page.click("nav.main >> text=Models")
    page.click("a.open >> text=Net")
    page.fill("input[name=q]", "rate:>0.1")
    page.click("text=Find")
    page.click("a.open >> text=first")
    assert page.is_visible("td >> text=float")
    page.click("nav.main >> text=Flows")
    page.click("a.open >> nth=0")
    assert page.is_visible("td >> text=counting")
    context.close()


def test_a_graph_is_walked_by_keys(shown: tuple[Server, list[str]], chromium: Any) -> None:
    server, pages = shown
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.goto(server.place + pages[2])
    press = page.keyboard.press
    press("ArrowRight")
    press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("step clean")
    press("Enter")
    page.wait_for_url("**#s0")
    press("g")
    press("c")
    page.wait_for_url("**/catalog")
    press("j")
    press("Enter")
    page.wait_for_url("**/catalog/*")
    sizes = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => parseFloat(getComputedStyle(t).fontSize))"
    )
    assert min(sizes, default=11) >= 11
    context.close()


def test_all_is_reached_by_the_keyboard_alone(shown: tuple[Server, list[str]], chromium: Any) -> None:
    server, pages = shown
    one, other = list(server.view.h.find(max_docs=2).index)
    page = chromium.new_context().new_page()
    page.goto(server.url)
    found = []
    for path in [*pages, "environments", "problems", "compare", f"compare?id={one}&id={other}", "identify", "runs"]:
        page.goto(server.place + path)
        found += [(path, missed) for missed in out_of_reach(page)]
    assert found == []
    for path in ("pipelines", "catalog", "snapshots", "models", "models/Net", "flows", "environments", "runs"):
        page.goto(server.place + path)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{server.place}{path.partition('/')[0]}/**" if path != "models/Net" else "**/models/Net/*")
        assert page.locator("h1").count() == 1, path
    page.context.close()


def test_looking_leaves_no_trace(shown: tuple[Server, list[str]]) -> None:
    from tests.ui.conftest import client_of

    h: eio.Handler = shown[0].view.h
    before = list(h.lake.find_runs({})), sorted(h.find(max_docs=0).index)
    client = client_of(h)
    for url in shown[1]:
        assert client.get(f"/{url}").status_code == 200
    assert (list(h.lake.find_runs({})), sorted(h.find(max_docs=0).index)) == before
    with h.new(["after.txt"]) as new:
        new.file.upload_string("x")
    assert h.show(new.artifact_id).metadata.based_on == []
