"""Is anything wrong: damage, links, what waits, what was left, the doctor; each with the command that mends it."""

from __future__ import annotations

import os
import re
import shlex
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio import naming
from elliptio.cli import main
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.lake.upkeep import verdicts
from elliptio.ui import findings
from tests.ui.conftest import client_of, damage, saved, story
from tests.ui.looking import faults


def commands(text: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'data-copy="(elliptio [^"]*)"', text)]


def section(text: str, name: str) -> str:
    return text[text.index(f'id="{name}"') :].partition("</section>")[0]


def shown(h: eio.Handler, **more: Any) -> str:
    answer = client_of(h, **more).get("/problems")
    assert answer.status_code == 200, answer.text
    return answer.text


def badge(client: TestClient, path: str = "/artifacts") -> str:
    found = re.search(r'data-key="x"[^>]*>Problems(?:<span class="b">([^<]*)</span>)?', client.get(path).text)
    assert found
    return found[1] or ""


def tree(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file())


def test_a_lake_that_is_well(h: eio.Handler) -> None:
    story(h)
    text = shown(h)
    assert "Nothing is known to be wrong" in text
    assert "was never verified" in text
    assert any(one.startswith("elliptio verify --root ") for one in commands(text))
    assert "can be reached" in section(text, "doctor")
    h.verify()
    assert "verified the whole lake just now: 2 artifacts" in shown(h)


def test_looking_writes_nothing(local: eio.Handler, tmp_path: Path) -> None:
    story(local)
    before = tree(tmp_path / "lake")
    shown(local)
    assert [one for one in tree(tmp_path / "lake") if "index.sqlite-" not in one[0]] == [
        one for one in before if "index.sqlite-" not in one[0]
    ]


def test_what_verify_found(local: eio.Handler) -> None:
    made = story(local)
    damage(made["raw"].file)
    Path(made["model"].file.remote_url).unlink()
    local.verify()
    client = client_of(local)
    text = client.get("/problems").text
    part = section(text, "damaged")
    assert "2 things are wrong" in text
    for one in made.values():
        assert one.artifact_id in part
        assert any(f"elliptio verify {one.artifact_id} " in each for each in commands(part))
        assert any(f"elliptio reproduce {one.artifact_id} --run " in each for each in commands(part))
    assert "is missing" in part
    assert badge(client) == "2"
    assert re.search(r'<b class="err">2</b><span><a class="l" href="./problems"', client.get("/").text)


def test_it_is_counted_before_anybody_looks(local: eio.Handler) -> None:
    made = story(local)
    damage(made["raw"].file)
    local.verify()
    assert badge(client_of(local), "/") == "1"


def test_what_a_download_found(local: eio.Handler) -> None:
    made = story(local)
    client = client_of(local)
    damage(made["raw"].file)
    client.get(f"/artifacts/{made['raw'].artifact_id}/files/0/raw")
    assert badge(client) == "1"
    part = section(client.get("/problems").text, "damaged")
    assert "seen here" in part
    local.verify()
    assert badge(client) == "1"
    assert section(client.get("/problems").text, "damaged").count('class="wrong"') == 1


def test_the_commands_do_what_they_say(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    made = story(local)
    content = Path(made["raw"].file.remote_url).read_bytes()
    damage(made["raw"].file)
    local.verify()
    monkeypatch.setenv("ELLIPTIO_ROOT", "/nowhere")
    again = next(one for one in commands(section(shown(local), "damaged")) if "verify artifact" in one)
    assert main(shlex.split(again)[1:]) != 0
    Path(made["raw"].file.remote_url).write_bytes(content)
    assert main(shlex.split(again)[1:]) == 0
    assert "Nothing is known to be wrong" in shown(local)


def test_a_verdict_on_one_artifact_stands_for_it(h: eio.Handler) -> None:
    made = story(h)
    h.verify(made["raw"])
    assert list(verdicts.last(h.lake)) == []
    h.verify()
    assert [one.count for one in verdicts.last(h.lake)] == [0]


def test_of_verdicts_the_last_is_kept(local: eio.Handler, tmp_path: Path) -> None:
    made = story(local)
    damage(made["raw"].file)
    for _ in range(3):
        local.verify()
        local.verify(made["raw"])
    found = list(verdicts.last(local.lake))
    assert [(one.artifact_id, one.count) for one in found] == [(None, 1), (made["raw"].artifact_id, 1)]
    assert len([path for path in (tmp_path / "lake/.elliptio/verified").rglob("*") if path.is_file()]) == 2


def test_a_damaged_verdict_is_passed_over(local: eio.Handler, tmp_path: Path) -> None:
    story(local)
    local.verify()
    (path,) = (tmp_path / "lake/.elliptio/verified/lake").iterdir()
    path.chmod(0o644)
    for text in ("{", "[]", '{"problems": 3}', '{"problems": [{"artifact_id": 1, "relpath": 2, "message": 3}]}'):
        path.write_text(text)
        assert "was never verified" in shown(local)


def test_who_may_not_write_verifies_all_the_same(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    story(local)

    def refuse(*_: object) -> None:
        raise eio.StoreError("read only")

    monkeypatch.setattr(type(local.store), "create", refuse)
    assert local.verify().ok


def test_verifying_makes_no_lake(local: eio.Handler, tmp_path: Path) -> None:
    with pytest.warns(eio.EmptyIndexWarning):
        local.verify()
    assert not (tmp_path / "lake/.elliptio/verified").exists()


def test_what_was_deleted_is_no_problem_any_more(local: eio.Handler) -> None:
    artifact = saved(local, "a.txt", "x")
    damage(artifact.file)
    local.verify()
    assert artifact.artifact_id in shown(local)
    local.delete(artifact)
    assert "Nothing is known to be wrong" in shown(local)


def test_links_that_changed(local: eio.Handler, tmp_path: Path) -> None:
    place = tmp_path / "raw data"
    place.mkdir()
    for name in ("same.csv", "longer.csv", "gone.csv", "again.csv"):
        (place / name).write_text("1,2\n")
    linked = local.link(place)
    (place / "longer.csv").write_text("1,2,3\n")
    (place / "gone.csv").unlink()
    os.utime(place / "again.csv", (1, 1))
    text = shown(local)
    part = section(text, "links")
    assert part.count('class="wrong"') == 3
    assert "same.csv" not in part
    assert "only reading it tells" in part
    assert any(shlex.split(one)[:3] == ["elliptio", "link", str(place)] for one in commands(part))
    assert linked.artifact_id in part


def test_what_waits_for_the_index(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    story(local)

    def fail(*_: object, **__: object) -> None:
        raise eio.IndexUnavailableError("cannot be written")

    monkeypatch.setattr(SqliteIndex, "insert", fail)
    with pytest.warns(eio.SpooledWarning):
        waits = saved_while_down(local)
    part = section(shown(local), "waiting")
    assert waits in part
    assert "1 waits for the index" in client_of(local).get("/").text
    assert any(one.startswith("elliptio flush ") for one in commands(part))
    monkeypatch.undo()
    local.lake.reached()
    local.flush()
    assert "Nothing waits" in shown(local)
    assert "both answer, nothing waits for the index" in client_of(local).get("/").text


def saved_while_down(h: eio.Handler) -> str:
    with h.new(["late.txt"]) as new:
        new.file.upload_string("x")
    return new.artifact_id


def leave_behind(folder: Path, age: timedelta) -> str:
    import time

    name = f"2026/01/01/andy/000000_{naming.new_id('artifact')[0]}" if not age else ""
    name = name or "2026/01/01/andy/000000_artifact_0195d000-0000-7000-8000-000000000000"
    (folder / name).mkdir(parents=True)
    (folder / name / "a.txt").write_text("1")
    then = time.time() - age.total_seconds()
    os.utime(folder / name / "a.txt", (then, then))
    return name


def test_what_was_left_behind(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story(local)
    old = leave_behind(tmp_path / "lake", timedelta(days=3))
    client = client_of(local)
    part = section(client.get("/problems").text, "orphans")
    assert old in part
    assert "3 days ago" in part
    assert any(one.startswith("elliptio gc --delete ") for one in commands(part))
    assert (tmp_path / "lake" / old).exists()
    # Of a large lake only where somebody asks.
    monkeypatch.setattr(findings, "MOST_ARTIFACTS", 1)
    part = section(client_of(local).get("/problems").text, "orphans")
    assert (old in part, "Look for it now" in part) == (False, True)
    assert old in section(client_of(local).get("/problems?look=orphans").text, "orphans")


def test_links_of_a_large_lake(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No index serves them, so that all documents are read to find them: only where somebody asks."""
    (tmp_path / "a.txt").write_text("1")
    local.link(tmp_path / "a.txt")
    (tmp_path / "a.txt").unlink()
    monkeypatch.setattr(findings, "MOST_READ", 0)
    monkeypatch.setattr(findings, "MOST_ARTIFACTS", 0)
    client = client_of(local)
    page = client.get("/problems").text
    part = section(page, "links")
    assert ("a.txt" in part, "Nothing is known to be wrong" in page) == (False, True)
    assert [one for one in commands(part) if one.startswith("elliptio verify")]
    part = section(client.get("/problems?look=links").text, "links")
    assert ("a.txt" in part, "Look for it now" in part) == (True, False)
    assert "look=links,orphans" in unescape(client.get("/problems?look=links").text).replace("%2C", ",")
    assert "Look for it now" not in client.get("/problems?look=links,orphans").text


def test_the_page_is_there_when_the_index_is_not(tmp_path: Path) -> None:
    url = "mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=300"
    h = eio.Handler(tmp_path / "lake", index=url)
    text = shown(h)
    part = section(text, "doctor")
    assert "✕" in part
    assert "start the server" in part


def test_the_page_is_there_when_the_store_is_not(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    story(local)

    def fail(*_: object, **__: object) -> None:
        raise eio.StoreError("the disk is gone")

    for method in ("list", "stat", "open"):
        monkeypatch.setattr(type(local.store), method, fail)
    assert "the disk is gone" in section(shown(local), "doctor")


def test_no_password_stands_on_it(tmp_path: Path) -> None:
    url = "mongodb://andy:s3cr3t-word@127.0.0.1:1/db?serverSelectionTimeoutMS=300"
    text = shown(eio.Handler(tmp_path / "lake", index=url))
    assert "s3cr3t-word" not in text
    assert all("--index" not in one for one in commands(text))


@pytest.mark.slow
def test_in_a_browser(served: Any, chromium: Any, local: eio.Handler, tmp_path: Path) -> None:
    made = story(local)
    damage(made["raw"].file)
    local.verify()
    leave_behind(tmp_path / "lake", timedelta(days=3))
    assert faults(chromium, served, ["problems"]) == []
