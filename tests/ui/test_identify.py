"""Whose file is this: by its hash, which a browser computes of a file that is dropped; the file stays where it is."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.finding.identification import holders
from elliptio.ui.assets import ASSETS
from tests.ui.conftest import client_of, saved
from tests.ui.looking import faults
from tests.ui.test_injections import NAMES, PAYLOADS, check, quoted

CONTENT = "a,b\n1,2\n"
HASH = hashlib.sha256(CONTENT.encode()).hexdigest()


def test_by_its_hash(h: eio.Handler) -> None:
    with eio.mock_username("andy"):
        first = saved(h, "raw.csv", CONTENT, {"project": "penguins"})
    second = saved(h, "copy.csv", CONTENT)
    saved(h, "other.csv", "x")
    client = client_of(h)
    for text in (HASH, HASH.upper(), f"sha256:{HASH}", f"  {HASH}  raw.csv", f"{HASH} *raw.csv"):
        answer = client.get(f"/identify?hash={quoted(text)}&size=8").text
        assert "Held by 2 artifacts" in answer
        assert answer.index(second.artifact_id) < answer.index(first.artifact_id), "the newest first"
    assert "penguins" in answer
    assert "other.csv" not in answer
    assert "Held by none" in client.get(f"/identify?hash={'0' * 64}").text


def test_it_says_what_identify_says(local: eio.Handler, tmp_path: Path) -> None:
    deleted = saved(local, "gone.csv", CONTENT)
    kept = saved(local, "raw.csv", CONTENT)
    local.delete(deleted)
    path = tmp_path / "x.csv"
    path.write_text(CONTENT)
    for size in (None, len(CONTENT)):
        assert holders(local.lake, HASH, size) == local.owners(path)
    assert holders(local.lake, HASH, 1).ids == [kept.artifact_id]
    text = client_of(local).get(f"/identify?hash={HASH}").text
    assert '<span class="err">deleted</span>' in text
    assert holders(local.lake, HASH, most=1).ids == [kept.artifact_id]


@pytest.mark.parametrize(
    ("text", "says"),
    [("0" * 32, "an MD5"), ("0" * 40, "a SHA-1"), ("0" * 128, "a SHA-512"), ("hello", "is no SHA-256"),
     ("0" * 63 + "g", "is no SHA-256"), ("0" * 64 + "\0", "is no SHA-256")],
)  # fmt: skip
def test_a_hash_of_another_kind_is_said(ask: TestClient, text: str, says: str) -> None:
    answer = ask.get(f"/identify?hash={quoted(text)}")
    assert answer.status_code == 400
    assert says in answer.text


def test_what_was_not_looked_into_is_said(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("elliptio.documents", "elliptio.ui.pages.identify"):
        monkeypatch.setattr(f"{module}.MAX_INDEXED_FILES", 1)
    with local.new(["a.csv", "b.csv"]) as new:
        for file in new.files.values():
            file.upload_string(CONTENT)
    client = client_of(local)
    text = client.get(f"/identify?hash={HASH}&size=8").text
    assert "1 artifact has too many files for the index" in text
    assert "large=1" in text
    assert "a.csv, b.csv" in client.get(f"/identify?hash={HASH}&size=8&large=1").text
    assert "too many files" not in client.get(f"/identify?hash={HASH}&size=1000").text


def test_no_more_is_shown_than_fits(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.pages.identify.MOST", 2)
    for number in range(3):
        saved(local, f"{number}.csv", CONTENT)
    text = client_of(local).get(f"/identify?hash={HASH}").text
    assert "Held by more than 2" in text
    assert "2.csv" in text
    assert "0.csv" not in text


def test_without_javascript_there_is_a_form(ask: TestClient) -> None:
    text = ask.get("/identify").text
    assert '<div class="card drop" hidden>' in text
    assert 'action="./identify" method="get"' in text
    assert 'name="hash"' in text
    assert "./identify" in ask.get("/").text


def test_all_static_files_are_small() -> None:
    assert sum(len(gzip.compress(asset.content)) for asset in ASSETS.values()) < 60_000


def test_what_others_wrote_is_text(local: eio.Handler) -> None:
    client = client_of(local)
    for payload, name in zip(PAYLOADS, NAMES, strict=True):
        plain = "".join(one for one in payload if one.isprintable() and one not in "/\\")[:60]
        with eio.mock_username(plain):
            saved(local, f"{name}.csv", CONTENT, {"project": payload})
        answer = client.get(f"/identify?hash={quoted(payload)}&size={quoted(payload)}")
        assert answer.status_code in (200, 400)
        check(answer.text, payload)
    text = client.get(f"/identify?hash={HASH}").text
    assert "Held by more than 100 artifacts" in text
    check(text, "all")


@pytest.mark.slow
def test_a_file_is_hashed_in_the_browser(served: Any, chromium: Any, local: eio.Handler, tmp_path: Path) -> None:
    sizes = [0, 1, 55, 56, 63, 64, 119, 120, 128, (4 << 20) - 1, 4 << 20, (4 << 20) + 57, 9 << 20]
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    sent: list[Any] = []
    page.on("request", lambda request: sent.append((request.method, request.post_data)))
    for size in sizes:
        content = bytes((number * 7 + size) % 251 for number in range(min(size, 9973))) * (size // 9973 + 1)
        path = tmp_path / f"{size}.bin"
        path.write_bytes(content[:size])
        page.goto(f"{served.place}identify")
        page.set_input_files("input.choose", path)
        digest = hashlib.sha256(content[:size]).hexdigest()
        page.wait_for_url(f"**/identify?hash={digest}&size={size}")
    assert set(sent) == {("GET", None)}, "nothing is uploaded"
    context.close()


@pytest.mark.slow
def test_a_file_may_be_dropped_on_any_page(served: Any, chromium: Any, local: eio.Handler) -> None:
    artifact = saved(local, "raw.csv", CONTENT)
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    for path in ("", "tags", f"artifacts/{artifact.artifact_id}"):
        page.goto(served.place + path)
        drop = page.evaluate_handle(
            f"() => {{ const d = new DataTransfer(); d.items.add(new File([{CONTENT!r}], 'mine.csv')); return d; }}"
        )
        page.dispatch_event("main", "dragover", {"dataTransfer": drop})
        assert page.evaluate("document.body.className") == "dropping"
        page.dispatch_event("main", "drop", {"dataTransfer": drop})
        page.wait_for_url(f"**/identify?hash={HASH}&size=8")
        page.click("table.rows >> text=raw.csv")
        page.wait_for_url(f"**/artifacts/{artifact.artifact_id}")
    context.close()


@pytest.mark.slow
def test_the_pages_please_everybody(served: Any, chromium: Any, local: eio.Handler) -> None:
    saved(local, "raw.csv", CONTENT, {"project": "penguins"})
    paths = ["identify", f"identify?hash={HASH}", "identify?hash=x", f"identify?hash={'0' * 64}"]
    assert faults(chromium, served, paths) == []
