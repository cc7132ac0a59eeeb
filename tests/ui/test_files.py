"""Files: what is shown was compared with its hash, and what is downloaded breaks off where it differs."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.lake.lake import Lake
from elliptio.ui import checks, wording
from elliptio.ui.pages import artifact as artifact_page
from elliptio.ui.ranges import range_of
from tests.ui.conftest import TOKEN, client_of, damage, saved


def place(artifact: eio.Artifact) -> str:
    return f"/artifacts/{artifact.artifact_id}"


def test_a_download_is_kept_by_its_name_and_runs_nothing(h: eio.Handler) -> None:
    artifact = saved(h, 'a/päge "x".html', "<script>alert(1)</script>")
    answer = client_of(h).get(f"{place(artifact)}/files/0/raw")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"p_ge__x_.html\"; filename*=UTF-8''p%C3%A4ge%20%22x%22.html"
    )
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=5-", 5, 9),
        ("bytes=-3", 7, 9),
        ("bytes=0-99", 0, 9),
        ("bytes=-99", 0, 9),
    ],
)
def test_a_range(h: eio.Handler, asked: str, first: int, last: int) -> None:
    artifact = saved(h, "a.bin", b"0123456789")
    answer = client_of(h).get(f"{place(artifact)}/files/0/raw", headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == b"0123456789"[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/10"


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,3-4",
        "lines=1-2",
        "bytes=a-b",
        "bytes=\u0660-\u0661",
        "bytes=" + "1" * 99 + "-",
    ],
)
def test_what_is_no_range_is_all(ask: TestClient, local: eio.Handler, asked: str) -> None:
    artifact = saved(local, "a.bin", b"0123456789")
    answer = ask.get(f"{place(artifact)}/files/0/raw", headers={"range": asked.encode()})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_ranges_and_tags(ask: TestClient, local: eio.Handler) -> None:
    artifact = saved(local, "a.bin", b"0123456789")
    url = f"{place(artifact)}/files/0/raw"
    beyond = ask.get(url, headers={"range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    tag = ask.get(url).headers["etag"]
    for kept in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        assert ask.get(url, headers={"if-none-match": kept}).status_code == 304
    assert ask.get(url, headers={"if-none-match": f'W/"other", {tag[:-2]}"'}).status_code == 200
    assert ask.get(url, headers={"range": "bytes=0-1", "if-range": tag}).status_code == 206
    assert ask.get(url, headers={"range": "bytes=0-1", "if-range": '"other"'}).status_code == 200
    head = ask.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", "10")
    assert range_of("bytes=0-0", 0) == range(0)


@pytest.mark.parametrize("size", [1, 10, checks.CHUNK, 2 * checks.CHUNK + 5])
@pytest.mark.slow
def test_a_damaged_download_breaks_before_its_last_byte(served: Any, local: eio.Handler, size: int) -> None:
    artifact = saved(local, "a.bin", b"x" * size)
    damage(artifact.file)
    url = f"{place(artifact)}/files/0/raw"
    with asked(served, url) as answer:
        assert int(answer.headers["content-length"]) == size
        with pytest.raises(http.client.IncompleteRead) as error:
            answer.read()
        assert len(error.value.partial) < size
    seen = client_get(served, "/")
    assert "Problems seen here" in seen
    assert artifact.artifact_id in seen
    assert "not what was saved" in client_get(served, place(artifact))
    assert "✕ damaged" in client_get(served, "/artifacts")


@contextlib.contextmanager
def asked(served: Any, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"cookie": f"{served.policy.cookie}={served.policy.token}"})
        with connection.getresponse() as answer:
            yield answer


def client_get(served: Any, path: str) -> str:
    with asked(served, path) as answer:
        return answer.read().decode()


def test_nothing_is_shown_of_a_damaged_file(ask: TestClient, local: eio.Handler) -> None:
    artifact = saved(local, "a.csv", "species,mass\nAdelie,3700\n")
    assert "Adelie" in ask.get(f"{place(artifact)}/files/0").text
    damage(artifact.file)
    for url in (place(artifact), f"{place(artifact)}/files/0"):
        text = ask.get(url).text
        assert "Adelie" not in text
        assert "not what was saved" in text
    answer = ask.get(f"{place(artifact)}/files/0/raw", headers={"range": "bytes=0-3"})
    assert len(answer.content) < 4


def test_a_missing_file_is_said(ask: TestClient, local: eio.Handler) -> None:
    from pathlib import Path

    artifact = saved(local, "a.csv", "species\n")
    Path(artifact.file.remote_url).unlink()
    assert "missing" in ask.get(f"{place(artifact)}/files/0").text


def test_what_is_too_large_to_be_hashed_says_so(
    ask: TestClient, local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = saved(local, "a.csv", "species,mass\nAdelie,3700\n")
    monkeypatch.setattr(checks.Checks.look, "__defaults__", (3,))
    text = ask.get(f"{place(artifact)}/files/0").text
    assert "Adelie" in text
    assert "not yet verified" in text


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("a.csv", "species,mass\nAdelie,3700\n", "<td>Adelie</td>"),
        ("a.tsv", "species\tmass\nAdelie\t3700\n", "<td>Adelie</td>"),
        ("a.jsonl", '{"species": "Adelie"}\n', "Adelie"),
        ("a.json", '{"species": "Adelie"}', "Adelie"),
        ("a.md", "# Adelie", "# Adelie"),
        ("a.html", "<b>Adelie</b>", "&lt;b&gt;Adelie&lt;/b&gt;"),
        ("a.bin", b"\x00\x01\x02\xff" * 9, "00 01 02 ff"),
        ("a.pkl", b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.", "pickle"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["1 + 1"], "outputs": []}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "1 + 1"),  # noqa: E501
        ("a.diff", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n", '<span class="add">'),
    ],
)  # fmt: skip
def test_looking_into_a_file(ask: TestClient, local: eio.Handler, name: str, content: str | bytes, shown: str) -> None:
    artifact = saved(local, name, content)
    answer = ask.get(f"{place(artifact)}/files/0")
    assert answer.status_code == 200
    assert shown in answer.text


def test_a_pdf_says_why_it_is_not_shown(local: eio.Handler, ask: TestClient) -> None:
    artifact = saved(local, "report.pdf", b"%PDF-1.7\n%%EOF\n")
    for url in (place(artifact), f"{place(artifact)}/files/0"):
        text = ask.get(url).text
        assert "A PDF is not shown here" in text
        assert "<iframe" not in text
    assert ask.get(f"{place(artifact)}/files/0/frame").status_code == 404


def test_pages_of_others_are_shown_apart(ask: TestClient, local: eio.Handler) -> None:
    artifact = saved(local, "a.html", "<script>alert(1)</script><b>hello</b>")
    text = ask.get(f"{place(artifact)}/files/0").text
    assert re.search(r'<iframe class="sandbox" sandbox="" src="0/frame"', text)
    answer = ask.get(f"{place(artifact)}/files/0/frame")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert ask.get(f"{place(saved(local, 'a.txt', 'x'))}/files/0/frame").status_code == 404


def test_pictures_are_shown_if_they_are_small(ask: TestClient, local: eio.Handler) -> None:
    pytest.importorskip("PIL")
    import io
    import struct

    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(made, "PNG")
    artifact = saved(local, "a.png", made.getvalue())
    assert "<figcaption>20 \u00d7 10 pixels</figcaption>" in ask.get(f"{place(artifact)}/files/0").text
    assert ask.get(f"{place(artifact)}/files/0/image").headers["content-type"] == "image/png"
    bomb = bytearray(made.getvalue())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    hostile = saved(local, "bomb.png", bytes(bomb))
    assert "<img" not in ask.get(f"{place(hostile)}/files/0").text
    assert ask.get(f"{place(hostile)}/files/0/image").status_code == 404


def test_many_files_are_listed_in_parts(ask: TestClient, local: eio.Handler) -> None:
    with local.new([f"{number:03}.txt" for number in range(450)]) as new:
        for file in new.files.values():
            file.upload_string(file.relpath)
    text = ask.get(f"/artifacts/{new.artifact_id}").text
    assert listed(text) == [f"{number:03}.txt" for number in range(100)]
    (later,) = re.findall(r'<a href="([^"]*)">later', text)
    assert listed(ask.get(f"/artifacts/{new.artifact_id}{unescape(later)}").text)[0] == "100.txt"
    assert listed(ask.get(f"/artifacts/{new.artifact_id}?file=449").text) == [f"{n:03}.txt" for n in range(400, 450)]


def listed(text: str) -> list[str]:
    """Names of the files beside a preview."""
    return re.findall(r'<span class="cut">(\w+\.txt)</span>', text)


def test_files_are_found_by_a_part_of_their_name(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_page, "FILES", 3)
    with h.new([f"{name}{number}.txt" for name in ("test", "Train") for number in range(5)]) as new:
        for file in new.files.values():
            file.upload_string(file.relpath)
    client, url = client_of(h), f"/artifacts/{new.artifact_id}"
    text = client.get(f"{url}?name=train").text
    assert listed(text) == ["Train0.txt", "Train1.txt", "Train2.txt"]
    assert '5 of 10 <a class="l" href="?">all</a>' in text
    (later,) = re.findall(r'<a href="([^"]*)">later', text)
    text = client.get(url + unescape(later)).text
    assert listed(text) == ["Train3.txt", "Train4.txt"]
    assert "Train3.txt</a>" in text  # the first of them is looked into
    assert re.search(r'<a href="[^"]*name=train[^"]*">← earlier', text)
    assert listed(client.get(f"{url}?name=nothing&from=9&file=99").text) == []


def test_an_artifact_of_very_many_files_is_read_once(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the list of its files is read and checked for that; whatever may change is seen at once."""
    monkeypatch.setattr(artifact_page, "MANY_FILES", 2)
    reads: list[str] = []
    real = Lake.get
    monkeypatch.setattr(Lake, "get", lambda lake, one: reads.append(one) or real(lake, one))
    few = saved(h, "few.txt", "x")
    with h.new(["a.txt", "b.txt"]) as new:
        for file in new.files.values():
            file.upload_string(file.relpath)
    client, url = client_of(h), f"/artifacts/{new.artifact_id}"
    del reads[:]
    for path in (url, f"{url}/files/1", f"{url}?part=document", f"{url}?name=b"):
        assert client.get(path).status_code == 200
    assert reads == [new.artifact_id]
    h.tag(new.artifact_id, "prod")
    del reads[:]
    assert "tags/prod" in client.get(url).text
    assert reads == [new.artifact_id]
    assert client.get(place(few)).status_code == 200
    h.delete(new.artifact_id, force=True)
    assert client.get(url).status_code == 410


def test_the_parts_of_an_artifact(local: eio.Handler, ask: TestClient) -> None:
    with local.new(["a.txt"], {"project": "p", "stage": "x"}, log_output=True) as new:
        print("said in the block")
        new.file.upload_string("1")
    url = f"/artifacts/{new.artifact_id}"
    assert "said in the block" in ask.get(f"{url}?part=logs").text
    assert "pandas" in ask.get(f"{url}?part=packages").text
    assert "&#34;stage&#34;: &#34;x&#34;" in ask.get(f"{url}?part=document").text
    assert "outside of a git repository" in ask.get(f"{url}?part=code").text
    assert ask.get(f"{url}?part=secrets").status_code == 400
    assert ask.get(f"{url}/logs/0/raw").text.strip() == "said in the block"
    assert ask.get(f"{url}/logs/1/raw").status_code == 404


def test_can_it_be_made_again(local: eio.Handler, ask: TestClient) -> None:
    from tests.ui.conftest import story

    made = story(local)
    text = ask.get(place(made["model"])).text
    assert "Can it be made again?" in text
    assert f"elliptio reproduce {made['model'].artifact_id} --run" in text
    assert "1 input in this lake:" in text
    assert "code: it was made outside of a git repository" in text
    assert TOKEN not in text


def test_an_artifact_is_loaded_once_for_its_page(
    local: eio.Handler, ask: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading one of 100,000 files reads and checks a list of all of them."""
    loaded: list[str] = []
    real = Lake.get
    artifact = saved(local, "a.txt", "x")

    def get(lake: Lake, artifact_id: str) -> Any:
        loaded.append(artifact_id)
        return real(lake, artifact_id)

    monkeypatch.setattr(Lake, "get", get)
    assert "Can it be made again?" in ask.get(place(artifact)).text
    assert loaded == [artifact.artifact_id]


def test_of_very_many_files_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.txt" for number in range(50_000)]
    written: list[str] = []
    real = wording.plain
    monkeypatch.setattr(wording, "plain", lambda value, *most: written.append(value) or real(value, *most))
    assert wording.files_of({"file_relpaths": names, "file_count": 100_000}) == "0.txt, 1.txt and 99,998 more"
    assert len(written) <= 3
