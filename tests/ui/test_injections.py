"""What others wrote is text on every page: in each recorded field, in files, in names; also in a real browser."""

from __future__ import annotations

import html.parser
import json
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from tests.ui.conftest import client_of, saved
from tests.ui.payloads import MARK, NAMES, PAYLOADS

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


def single(h: eio.Handler, payload: str, place: int, monkeypatch: pytest.MonkeyPatch) -> eio.Artifact:
    """An artifact with this text in each field of one value: name, argv, person, run, labels, tag, note, a cell."""
    monkeypatch.setattr("sys.argv", ["train.py", payload])
    labels = {"project": payload, "ticket": payload, "own": payload, "infos": {"x": payload}}
    plain = "".join(one for one in payload if one.isprintable() and one not in "/\\")[:60] or "x"
    with eio.mock_username(plain), h.run(plain, {"x": payload}, labels=labels) as run:
        run.log(loss=0.5)
        made = saved(run, f"{place} {NAMES[place]}.csv".replace("\\", "_"), f'{payload},b\n"{payload}",2\n', labels)
    h.note(made.artifact_id, payload)
    h.tag(made, f"{place} " + "".join(one for one in payload if one not in "/:" and one.isprintable()).strip()[:60])
    return made


def as_line(payload: str) -> str:
    """The same on one line of a file that is a text."""
    return "".join(letter for letter in " ".join(payload.splitlines()) if letter >= " ")


def bundle(h: eio.Handler, parents: list[eio.Artifact]) -> eio.Artifact:
    """An artifact whose files hold all of them: cells, lines, keys, and pages and pictures that want to run."""
    cells = [{"cell_type": ("code", "markdown", "raw")[place % 3], "source": [payload], "metadata": {}, "outputs": [
        {"output_type": "stream", "name": "stdout", "text": [payload]},
        {"output_type": "display_data", "data": {"text/html": [payload], "text/plain": [payload], "image/svg+xml": [payload]}},  # noqa: E501
    ]} for place, payload in enumerate(PAYLOADS)]  # fmt: skip
    flat = [as_line(payload) for payload in PAYLOADS]
    files = {
        "all.txt": "\n".join(flat[:70]), "more.txt": "\n".join(flat[70:]), "all.md": "\n\n".join(flat), "all.html": "\n".join(flat),  # noqa: E501
        "all.svg": "<svg xmlns='http://www.w3.org/2000/svg'>" + "\n".join(flat), "all.json": json.dumps(dict.fromkeys(PAYLOADS, PAYLOADS[0])),  # noqa: E501
        "all.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        "all.diff": "".join(f"diff --git a/{one} b/x\n+{one}\n" for one in flat),
        "all.jsonl": "".join(json.dumps({"a": one}) + "\n" for one in PAYLOADS),
        **{f"{place}.html": f"{one}<p>x" for place, one in enumerate(PAYLOADS[:20])},
    }  # fmt: skip
    with h.new(sorted(files), based_on=[one.artifact_id for one in parents]) as new:
        for name, text in files.items():
            new.files[name].local_path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return h.show(new.artifact_id)


LISTS = ["/", "/artifacts", "/artifacts?cols=files,labels.own,run.params.x,argv,username,labels.infos.x", "/artifacts?sort=when",  # noqa: E501
         "/tags", "/problems"]  # fmt: skip


def test_there_are_enough_of_them() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) >= 120


@pytest.mark.slow
def test_what_others_wrote_is_text(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [single(local, payload, place, monkeypatch) for place, payload in enumerate(PAYLOADS)]
    every = bundle(local, made)
    client = client_of(local)
    urls = [*LISTS, f"/lineage/{every.artifact_id}?as=tree", f"/lineage/{every.artifact_id}?as=table", f"/lineage/{every.artifact_id}"]  # fmt: skip  # noqa: E501
    for one in made:
        urls += [
            f"/artifacts/{one.artifact_id}",
            f"/artifacts/{one.artifact_id}?part=document",
            f"/artifacts/{one.artifact_id}/files/0",
        ]
    urls += [f"/artifacts/{every.artifact_id}/files/{n}" for n in range(len(every.files))]
    urls += [f"/tags/{quoted(move.tag)}" for move in local.tags.moves()]
    for url in urls:
        answer = client.get(url)
        # The client of these tests decodes a path twice.
        assert answer.status_code == 200 or "%25" in url, (url, answer.text)
        check(answer.text, url)
    names = every.metadata.file_relpaths
    files = [f"/artifacts/{every.artifact_id}/files/{names.index(name)}" for name in ("all.txt", "more.txt")]
    shown = unescape("".join(client.get(url).text for url in files))
    assert [payload for payload in PAYLOADS if as_line(payload) not in shown and payload.isprintable()] == []


@pytest.mark.slow
@pytest.mark.parametrize(("payload", "name"), list(zip(PAYLOADS, NAMES, strict=True))[:6])
def test_of_all_kinds_of_files(local: eio.Handler, payload: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hostile(local, payload, name, monkeypatch)
    client = client_of(local)
    for url in pages_of(made):
        answer = client.get(url)
        assert answer.status_code == 200, (url, answer.text)
        check(answer.text, url)


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


@pytest.mark.slow
def test_what_is_asked_for_is_text(ask: TestClient) -> None:
    for place, payload in enumerate(PAYLOADS):
        for url in ("/artifacts?q={}", "/{}", "/tags/{}") if place % 4 else ("/artifacts?q={}", "/artifacts?sort={}", "/artifacts?cols={}", "/artifacts?after={}", "/{}", "/artifacts/{}",  # noqa: E501
                    "/tags/{}", "/lineage/{}", "/t/{}", "/a/{}", "/artifacts?q=who:andy&x={}", "/artifacts?q=%7B{}", "/problems?look={}"):  # fmt: skip  # noqa: E501
            answer = ask.get(url.format(quoted(payload)))
            assert answer.status_code < 500, (url, answer.text)
            check(answer.text, url)


@pytest.mark.slow
def test_a_browser_runs_nothing_of_it(
    served: Any, chromium: Any, local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [single(local, payload, place, monkeypatch) for place, payload in enumerate(PAYLOADS)]
    every = bundle(local, made[:60])
    context = chromium.new_context()
    page = context.new_page()
    seen: list[str] = []
    blocked: list[str] = []

    def said(message: Any) -> None:
        # That a frame may run nothing, and ask for nothing, is what chromium says there; anywhere else it may not.
        framed = "/frame" in message.location["url"] or "/frame" in message.text
        (blocked if framed else seen).append(f"console {message.text} {message.location['url']}")

    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: said(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    answered: list[str] = []
    page.on("response", lambda answer: answered.append(answer.url))
    page.expose_function(MARK, lambda *_: seen.append("run"))
    page.goto(served.url)
    place = f"/artifacts/{every.artifact_id}"
    urls = [*LISTS, f"/lineage/{every.artifact_id}", f"/lineage/{every.artifact_id}?as=table", f"{place}?part=document"]
    urls += [f"{place}/files/{n}" for n in range(len(every.files))]
    urls += [f"/artifacts/{one.artifact_id}" for one in made[::12]]
    for url in urls:
        page.goto(served.place + url[1:], wait_until="load")
    context.close()
    assert [one for one in answered if not one.startswith((served.place, "data:"))] == []
    assert blocked
    assert seen == []
