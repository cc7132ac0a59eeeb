"""What others wrote is text on every page: in each recorded field, in files, in names; also in a real browser."""

from __future__ import annotations

import html.parser
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from tests.ui.conftest import client_of, saved

MARK = "pwned"
PAYLOADS = [
    f"<script>{MARK}()</script>", f"\"><script>{MARK}()</script>", f"'><img src=x onerror={MARK}()>",
    f"<svg onload={MARK}()>", f"</textarea><script>{MARK}()</script>", f"</title><script>{MARK}()</script>",
    f"<a href=javascript:{MARK}()>x</a>", f"javascript:{MARK}()", f"\" onmouseover={MARK}() x=\"", f"' autofocus onfocus={MARK}() x='",  # noqa: E501
    "{{ 7 * 7 }}", "{% include 'base.html' %}", "${7*7}", "<!--", "]]>", "</script>", "<iframe srcdoc='x'>", "<base href=//evil.example>",  # noqa: E501
    "<meta http-equiv=refresh content=0;url=//evil.example>", "<form action=//evil.example><input name=form_token>",
    "<style>*{background:url(//evil.example)}</style>", "<link rel=stylesheet href=//evil.example>", "<math><mtext></p><script>x()</script>",  # noqa: E501
    "\u202egnp.exe", "\u2066<b>\u2069", "<b", "&lt;script&gt;", "&#x3c;script&#x3e;", "\\u003cscript\\u003e", "%3Cscript%3E",  # noqa: E501
]  # fmt: skip
NAMES = [one.replace("/", "|") for one in PAYLOADS]
"""The same as names of files."""

ALLOWED = {
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "svg", "ellipse", "circle", "path", "rect", "text", "g",  # noqa: E501
    "div", "span", "nav", "kbd", "main", "footer", "h1", "h2", "p", "code", "form", "input", "button", "details", "summary", "pre",  # noqa: E501
    "section", "aside", "table", "thead", "tbody", "tr", "th", "td", "b", "dl", "dt", "dd", "ul", "li", "ol", "label", "small", "mark",  # noqa: E501
    "i", "iframe", "img", "figure", "figcaption",
}  # fmt: skip


class Reader(html.parser.HTMLParser):
    """Reads a page and complains of whatever is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in ALLOWED:
            self.wrong.append(f"<{tag}>")
        for name, value in found.items():
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.wrong.append(f"{tag} {name}={value}")
            text = value or ""
            elsewhere = ":" in text.partition("?")[0] or text.startswith("//")
            if name in ("href", "src", "action") and elsewhere and not text.startswith("data:image/"):
                self.wrong.append(f"{tag} {name}={value}")
        if tag == "script" and not (found.get("src") or "").startswith(("./static/keys.js", "../")):
            self.wrong.append(f"script {found}")
        if tag == "meta" and found.get("http-equiv"):
            self.wrong.append(f"meta {found}")
        if tag == "link" and "static/" not in (found.get("href") or ""):
            self.wrong.append(f"link {found}")


def check(text: str, where: str) -> None:
    reader = Reader()
    reader.feed(text)
    assert not reader.wrong, (where, reader.wrong)


def hostile(h: eio.Handler, payload: str, name: str, monkeypatch: pytest.MonkeyPatch) -> list[eio.Artifact]:
    """Artifacts with this text in every field that a user can fill."""
    monkeypatch.setattr("sys.argv", ["train.py", payload])
    labels = {"project": payload, "ticket": payload, "own": payload, "infos": {"x": payload}}
    made = []
    plain = "".join(one for one in payload if one.isprintable() and one not in "/\\")[:60]
    with eio.mock_username(plain), h.run(plain, {"x": payload}, labels=labels) as run:
        run.log(loss=0.5)
        made.append(saved(run, f"{name}.csv", f'{payload},b\n"{payload}",2\n', labels))
        parent = made[0].artifact_id
        made.append(saved(run, f"{name}.txt", payload, labels, based_on=[parent]))
        made.append(saved(run, f"{name}.html", payload, labels, based_on=[parent]))
        made.append(saved(run, f"{name}.svg", payload, labels, based_on=[parent]))
        cells = [{"cell_type": kind, "source": [payload], "metadata": {}, "outputs": [
            {"output_type": "stream", "name": "stdout", "text": [payload]},
            {"output_type": "display_data", "data": {"text/html": [payload], "text/plain": [payload], "image/svg+xml": [payload]}},  # noqa: E501
        ]} for kind in ("code", "markdown", "raw")]  # fmt: skip
        book = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        made.append(saved(run, f"{name}.ipynb", book, labels, based_on=[parent]))
        made.append(saved(run, f"{name}.diff", f"diff --git a/{payload} b/x\n+{payload}\n", labels, based_on=[parent]))
        made.append(saved(run, f"{name}.json", json.dumps({payload: payload}), labels, based_on=[parent]))
    h.note(made[0].artifact_id, payload)
    tag = "".join(one for one in payload if one not in "/:" and one.isprintable()).strip()[:70]
    h.tag(made[0], tag)
    return made


def pages_of(made: list[eio.Artifact]) -> list[str]:
    first = made[0].artifact_id
    found = ["/", "/artifacts", "/artifacts?cols=files,labels.own,run.params.x,argv,username", "/tags",
             f"/lineage/{first}", f"/lineage/{first}?as=tree", f"/lineage/{first}?as=table&to={made[1].artifact_id}"]  # fmt: skip  # noqa: E501
    found += [f"/artifacts/{first}?part={part}" for part in ("files", "code", "packages", "logs", "cells", "document")]
    return found + [f"/artifacts/{one.artifact_id}/files/0" for one in made]


@pytest.mark.slow
@pytest.mark.parametrize(("payload", "name"), list(zip(PAYLOADS, NAMES, strict=True)))
def test_what_others_wrote_is_text(
    local: eio.Handler, payload: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hostile(local, payload, name, monkeypatch)
    client = client_of(local)
    for url in pages_of(made):
        answer = client.get(url)
        assert answer.status_code == 200, (url, answer.text)
        check(answer.text, url)
    for move in local.tags.moves():
        answer = client.get(f"/tags/{quoted(move.tag)}")
        assert answer.status_code in (200, 404)
        check(answer.text, "tag")


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_asked_for_is_text(ask: TestClient, payload: str) -> None:
    for url in ("/artifacts?q={}", "/artifacts?sort={}", "/artifacts?cols={}", "/artifacts?after={}", "/{}", "/artifacts/{}",  # noqa: E501
                "/tags/{}", "/lineage/{}", "/t/{}", "/a/{}", "/artifacts?q=who:andy&x={}", "/artifacts?q=%7B{}"):  # fmt: skip  # noqa: E501
        answer = ask.get(url.format(quoted(payload)))
        assert answer.status_code < 500, (url, answer.text)
        check(answer.text, url)


@pytest.mark.slow
def test_a_browser_runs_nothing_of_it(
    served: Any, chromium: Any, local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        one
        for payload, name in zip(PAYLOADS[:10], NAMES[:10], strict=True)
        for one in hostile(local, payload, name, monkeypatch)
    ]
    context = chromium.new_context()
    page = context.new_page()
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: seen.append(f"console {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on(
        "request",
        lambda request: seen.append(request.url) if not request.url.startswith((served.place, "data:")) else None,
    )
    page.expose_function(MARK, lambda *_: seen.append("run"))
    page.goto(served.url)
    framed = [f"/artifacts/{one.artifact_id}/files/0" for one in made if one.file.relpath.endswith((".html", ".svg"))]
    for url in [*pages_of(made[:7]), *framed]:
        page.goto(served.place + url[1:], wait_until="load")
    context.close()
    # That a frame may run nothing is what chromium says there.
    assert [one for one in seen if "sandboxed" not in one and "Content Security Policy" not in one] == []
    assert "run" not in seen
