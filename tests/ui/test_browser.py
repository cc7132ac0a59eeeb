"""In a real browser: keys, no JavaScript, widths, schemes, accessibility, weight; skipped where there is none."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

import elliptio as eio
from tests.ui.conftest import saved, story

pytestmark = pytest.mark.slow

WIDTHS = (390, 768, 1280, 1920)


@pytest.fixture
def made(local: eio.Handler) -> dict[str, eio.Artifact]:
    found = story(local)
    found["page"] = saved(local, "report.html", "<h1>hello</h1>", {"project": "penguins"}, based_on=found["model"])
    return found


@pytest.fixture
def page(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> Iterator[Any]:
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(served.url)
    yield opened
    context.close()


def urls(served: Any, made: dict[str, eio.Artifact]) -> list[str]:
    raw, model, report = (made[name].artifact_id for name in ("raw", "model", "page"))
    return [
        served.place + path
        for path in ("", "artifacts", "artifacts?q=project:penguins", "artifacts?q=prject:x", f"artifacts/{raw}",
                     f"artifacts/{model}?part=packages", f"artifacts/{model}?part=document", f"artifacts/{raw}/files/0",
                     f"artifacts/{report}/files/0", f"lineage/{raw}", f"lineage/{raw}?to={model}",
                     f"lineage/{raw}?as=table",
                     f"lineage/{raw}?as=tree", "tags", "tags/prod", "nothing")
    ]  # fmt: skip


def test_the_token_is_not_in_the_address(page: Any, served: Any) -> None:
    assert page.url == served.place


def test_the_story_by_mouse(page: Any, served: Any, made: dict[str, eio.Artifact]) -> None:
    page.click("nav.main >> text=Artifacts")
    page.fill("input[name=q]", "who:andy file:*.csv")
    page.press("input[name=q]", "Enter")
    page.click("text=raw.csv")
    assert page.url == f"{served.place}artifacts/{made['raw'].artifact_id}"
    assert page.is_visible("text=Adelie")
    page.click("a.btn:has-text('Lineage')")
    page.click("svg.lineage a.node:has-text('model.json')")
    assert page.url.endswith(made["model"].artifact_id)
    assert page.is_visible("text=Can it be made again?")
    with page.expect_download() as download:
        page.click("text=Download, verified")
    assert download.value.path().read_text() == '{"depth": 4}'


def test_every_key(page: Any, served: Any, made: dict[str, eio.Artifact]) -> None:
    press = page.keyboard.press
    press("g")
    press("a")
    page.wait_for_url("**/artifacts")
    press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    press("Escape")
    press("j")
    press("j")
    press("k")
    assert page.evaluate("document.querySelector('tr.at').dataset.id") == made["page"].artifact_id
    press("j")
    press("y")
    page.wait_for_selector("#said:has-text('copied h.get')")
    press("Enter")
    page.wait_for_url(f"**/artifacts/{made['model'].artifact_id}")
    press("l")
    page.wait_for_url("**/lineage/**")
    press("ArrowLeft")
    press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.id") == made["raw"].artifact_id
    press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.id") == made["model"].artifact_id
    press("ArrowLeft")
    press("w")
    page.wait_for_url("**to=**")
    press("ArrowRight")
    press("ArrowLeft")
    press(".")
    page.wait_for_url(f"**/lineage/{made['raw'].artifact_id}")
    press("g")
    press("t")
    page.wait_for_url("**/tags")
    press("j")
    press("Enter")
    page.wait_for_url("**/tags/prod")
    press("?")
    press("g")
    press("o")
    page.wait_for_url(served.place)


def test_a_tag_is_moved_and_taken_away(
    page: Any, served: Any, made: dict[str, eio.Artifact], local: eio.Handler
) -> None:
    page.goto(f"{served.place}tags/prod")
    page.fill("input[name=to]", made["page"].artifact_id)
    page.click("text=Move the tag")
    page.wait_for_selector("text=report.html")
    assert local.show("tag:prod").artifact_id == made["page"].artifact_id
    page.click("text=Take it away")
    page.wait_for_selector("text=names nothing now")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_of_accessibility(served: Any, chromium: Any, made: dict[str, eio.Artifact], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(served.url)
    found = []
    for url in urls(served, made):
        page.goto(url)
        wanted = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
        for one in axe.run(page, options=wanted).response["violations"]:
            found += [(url, one["id"], node["html"][:160]) for node in one["nodes"]]
    context.close()
    assert found == []


def test_every_page_fits_every_width(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    for width in WIDTHS:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        page = context.new_page()
        page.goto(served.url)
        for url in urls(served, made):
            page.goto(url)
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, (url, width, beyond)
        context.close()


def test_letters_are_large_enough(page: Any, served: Any, made: dict[str, eio.Artifact]) -> None:
    page.goto(f"{served.place}lineage/{made['raw'].artifact_id}")
    sizes = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"  # noqa: E501
    )
    assert sizes
    assert min(sizes) >= 11


def test_all_can_be_done_without_javascript(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.url)
    page.click("nav.main >> text=Artifacts")
    page.fill("input[name=q]", "tag:prod")
    page.press("input[name=q]", "Enter")
    page.click("text=model.json")
    page.click("text=Packages")
    assert page.is_visible("text=pandas")
    page.click("a.btn:has-text('Lineage')")
    page.click("a:text-is('table')")
    page.click("a.way-to >> nth=0")
    assert page.is_visible("text=way to")
    page.goto(f"{served.place}tags/prod")
    page.fill("input[name=to]", made["raw"].artifact_id)
    page.click("text=Move the tag")
    assert page.is_visible("text=raw.csv")
    context.close()


def test_a_page_is_light(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    for url in urls(served, made):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(served.url)
        asked: list[tuple[str, int]] = []
        page.on("response", lambda answer, asked=asked: asked.append((answer.url, len(gzip.compress(answer.body())))))
        page.goto(url, wait_until="networkidle")
        assert len(asked) <= 8, asked
        assert sum(size for _, size in asked) <= 100_000, asked
        assert all(where.startswith(served.place) for where, _ in asked), asked
        context.close()


def test_another_site_gets_nothing(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    """A page of another origin, in the same browser that has the cookie, reads and changes nothing."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title><p>x")

        def log_message(self, *_: Any) -> None:
            pass

    evil = HTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    page.goto(f"http://localhost:{evil.server_port}/")
    read = "async (url) => { try { const a = await fetch(url, {credentials: 'include'}); return await a.text(); } catch { return 'refused'; } }"  # noqa: E501
    assert page.evaluate(read, f"{served.place}artifacts.json") == "refused"
    page.evaluate(
        "(url) => { const f = document.createElement('iframe'); f.src = url; document.body.append(f); }", served.place
    )
    page.evaluate(
        "(url) => new Promise(r => { const i = new Image(); i.onerror = i.onload = r; i.src = url; })",
        f"{served.place}artifacts/{made['raw'].artifact_id}/files/0/raw",
    )
    page.evaluate(
        """(url) => { const f = document.createElement('form'); f.method = 'post'; f.action = url;
        f.innerHTML = '<input name=what value=remove><input name=seen value="">'; document.body.append(f);
        f.submit(); }""",
        f"{served.place}tags/prod",
    )
    page.wait_for_load_state()
    assert made["model"].artifact_id == served.view.h.show("tag:prod").artifact_id
    context.close()
    evil.shutdown()
    evil.server_close()


def test_forced_colours_show_all(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    context = chromium.new_context(forced_colors="active")
    page = context.new_page()
    page.goto(served.url)
    page.goto(f"{served.place}lineage/{made['raw'].artifact_id}")
    assert page.evaluate("getComputedStyle(document.querySelector('.box rect')).stroke") != "none"
    context.close()
