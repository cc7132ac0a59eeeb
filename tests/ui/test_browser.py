"""In a real browser: keys, no JavaScript, widths, schemes, accessibility, weight; skipped where there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

import elliptio as eio
from tests.ui.conftest import saved, story
from tests.ui.looking import faults

pytestmark = pytest.mark.slow


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


def paths(made: dict[str, eio.Artifact]) -> list[str]:
    raw, model, report = (made[name].artifact_id for name in ("raw", "model", "page"))
    return ["", "artifacts", "artifacts?q=project:penguins", "artifacts?q=prject:x", f"artifacts/{raw}",
                     f"artifacts/{model}?part=packages", f"artifacts/{model}?part=document", f"artifacts/{raw}/files/0",
                     f"artifacts/{report}/files/0", f"lineage/{raw}", f"lineage/{raw}?to={model}",
                     f"lineage/{raw}?as=table",
                     f"lineage/{raw}?as=tree", "tags", "tags/prod", "nothing"]  # fmt: skip


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


def test_pages_are_turned_by_keys(
    page: Any, served: Any, made: dict[str, eio.Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elliptio.ui.pages.artifacts.PAGE", 2)
    page.goto(f"{served.place}artifacts")
    assert not page.is_visible("text=raw.csv")
    page.keyboard.press("n")
    page.wait_for_url("**after=**")
    assert page.is_visible("text=raw.csv")


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


def test_the_pages_please_everybody(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    assert faults(chromium, served, paths(made)) == []


FAULTY = """<!doctype html><html lang=en><title>x</title><style>
@media(prefers-color-scheme:dark){p{color:#888;background:#999}} @media(max-width:500px){main{width:600px}}</style>
<main><h1>x</h1><p>read me</p></main><script>for (let i = 0; i < 9; i++) fetch("more?" + i)</script>"""


def test_what_a_page_must_not_be_is_found(chromium: Any) -> None:
    """Too wide for one width, hard to read in one scheme, with too many requests."""

    class Faulty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(FAULTY.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}/"
    found = faults(chromium, SimpleNamespace(url=place, place=place), ["page"])
    server.shutdown()
    server.server_close()
    assert [one[1] for one in found if one[1] != "heavy"] == [390, "color-contrast"]
    assert len(found) == 2 + 10


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


def test_bars_of_many_lead_somewhere(
    served: Any, chromium: Any, made: dict[str, eio.Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in a frame, and what is chosen there is shown by the page around it."""
    monkeypatch.setattr("elliptio.ui.pages.artifacts.PAGE", 2)
    monkeypatch.setattr("elliptio.ui.facets.SAMPLE", 2)
    assert faults(chromium, served, ["artifacts", "times"]) == []
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.url)
    page.click("nav.main >> text=Artifacts")
    frame = page.frame_locator("iframe.times")
    assert "3" in frame.locator(".histogram a").get_attribute("aria-label")
    page.locator("summary:has-text('Columns')").focus()
    page.keyboard.press("Tab")
    assert frame.locator(".histogram a").evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/artifacts?q=since:**until:**")
    assert page.locator("iframe.times").count() == 1
    context.close()


def test_another_site_gets_nothing(served: Any, chromium: Any, made: dict[str, eio.Artifact]) -> None:
    """A page of another origin, in the same browser that has the cookie, reads and changes nothing."""

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title><p>x")

        def log_message(self, *_: Any) -> None:
            pass

    evil = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
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
