"""A request names an artifact and the number of a file, never a path: 200 hostile ones lead nowhere."""

from __future__ import annotations

import itertools
import re
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.pipelines import Catalog, Entry
from elliptio.ui.asked import segment, text_of
from tests.ui.conftest import HOST, client_of, saved

TARGETS = ["etc/passwd", "secret.txt", ".elliptio/lake.json", "metadata.json"]
STEPS = [
    "..",
    "../..",
    "../../../../../../..",
    "....//",
    "..;",
    ".%00/..",
    "..\\..",
    "/",
    "//",
    "C:\\",
    "\\\\host\\share",
]


def encodings(text: str) -> list[str]:
    whole = "".join(f"%{byte:02x}" for byte in text.encode())
    return [
        text,
        quote(text, safe=""),
        quote(quote(text, safe=""), safe=""),
        whole,
        text.replace("/", "%2f").replace(".", "%2e"),
        text.replace("/", "%c0%af"),
        text.replace(".", "%ef%bc%8e"),
    ]


PATHS = sorted({
    encoded
    for step, target in itertools.product(STEPS, TARGETS)
    for encoded in encodings(f"{step}/{target}")
})  # fmt: skip


def test_there_are_enough_of_them() -> None:
    assert len(PATHS) >= 200


@pytest.mark.slow
def test_no_path_leads_out(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret of this test")
    artifact = saved(local, "a.txt", "x")
    client = client_of(local)
    place = f"/artifacts/{artifact.artifact_id}/files"
    for path, shape in itertools.product(
        PATHS, (f"{place}/{{}}", f"{place}/0/{{}}", "/static/{}", "/a/{}", "/lineage/{}")
    ):
        # As bytes on the wire: a client would make some of them plain.
        raw = shape.format(path)
        answer = ask_raw(client, raw)
        assert answer[0] in (400, 404), (raw, answer[0])
        assert b"the secret" not in answer[1]
        assert b"root:" not in answer[1]


def ask_raw(client: TestClient, path: str) -> tuple[int, bytes]:
    """Ask the application as a server does that was sent exactly this path."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from urllib.parse import unquote_to_bytes

    said: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        said.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = [(b"host", HOST.encode()), (b"cookie", cookie.encode())]
    bare, _, query = path.partition("?")
    scope = {
        "type": "http", "method": "GET", "path": unquote_to_bytes(bare).decode("utf-8", "replace"), "raw_path": bare.encode(),  # noqa: E501
        "query_string": query.encode(), "headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "",
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(client.app(scope, receive, send))).result()
    body = b"".join(bytes(message.get("body", b"")) for message in said[1:])  # type: ignore[arg-type, call-overload]
    return int(said[0]["status"]), body  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "n", ["-1", "1", "00", "+0", "0x0", "0.0", "\u0660", "1e0", " 0", "0 ", "9" * 30, "None", "a.txt"]
)
def test_a_file_has_a_number_that_there_is(local: eio.Handler, n: str) -> None:
    artifact = saved(local, "a.txt", "x")
    client = client_of(local)
    place = f"/artifacts/{artifact.artifact_id}/files"
    assert client.get(f"{place}/0").status_code == 200
    for end in ("", "/raw", "/frame", "/image"):
        assert client.get(f"{place}/{quote(n)}{end}").status_code == 404


def test_a_place_in_the_document_leads_nowhere_else(local: eio.Handler) -> None:
    client = client_of(local)
    for identifier in ("artifact_", "tag:prod", "a.txt:latest", "run_01", "artifact_0" * 100, "%00", "artifact_\ud800"):
        assert client.get(f"/artifacts/{quote(identifier, errors='replace')}").status_code == 404


@pytest.mark.parametrize("name", [".", "..", "a/b", "~2F", "~", "...", "%2e", "~7E2E", "../..", "שלום", "a#b?c"])
def test_a_name_is_one_part_of_a_path(name: str) -> None:
    part = segment(name)
    assert text_of(unquote(part)) == name
    assert "/" not in part
    assert urljoin("http://host/catalog/x", part) == f"http://host/catalog/{part}"
    assert unquote(unquote(part)) == unquote(part) or "%" in name  # a proxy that decodes it too changes nothing


def test_tags_and_entries_are_reached_whatever_their_names(local: eio.Handler) -> None:
    names = (".", "..", "~2E", "a b", "a#b")
    artifact = saved(local, "a.csv", "x")
    for name in names:
        local.tag(artifact, name)
    entries = (*names, "a/b")
    for name in entries:
        Catalog([Entry.read({"name": name, "type": "json"})], handler=local).save(name, 1)
    client = client_of(local)
    for page, count in (("tags", len(names)), ("catalog", len(entries))):
        text = client.get(f"/{page}").text
        links = {unescape(link) for link in re.findall(rf'href="(\./{page}/[^"]*)"', text)}
        assert len(links) == count
        for link in links:
            assert client.get(urljoin(f"http://{HOST}/{page}", link)).status_code == 200, link
