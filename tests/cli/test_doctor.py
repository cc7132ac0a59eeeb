"""``elliptio doctor``."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio import health
from elliptio.indexes.mongo import MongoIndex
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.stores.local.store import LocalStore
from elliptio.system.os_errors import store_error
from tests.cli.conftest import Result, Run

DEAD = "mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=300"


def tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def failures(result: Result) -> list[dict[str, str]]:
    return [check for check in result.json["checks"] if check["status"] == "FAIL"]


def skip_if_writable(folder: Path) -> None:
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")


def test_all_is_well(cli: Run, saved: str, root: Path) -> None:
    before = tree(root)
    result = cli("doctor")
    assert (result.code, result.err) == (0, "")
    assert {line[:6] for line in result.out.splitlines()} == {"OK    "}
    for name in ("versions", "settings", "store", "index", "disk", "git"):
        assert f"OK    {name}" in result.out
    assert tree(root) == before
    index = eio.Handler(root).index
    assert index.count("doctor", {}) == 0
    assert [document["_id"] for document in index.find("artifacts", {})] == [saved]


def test_as_json(cli: Run, saved: str) -> None:
    document = cli("doctor", "--json").json
    assert document["ok"] is True
    assert {check["status"] for check in document["checks"]} == {"OK"}
    assert all(set(check) == {"status", "name", "detail", "mend"} for check in document["checks"])


def test_a_lake_that_is_not_there_yet_is_not_made(cli: Run, root: Path) -> None:
    result = cli("doctor")
    assert result.code == 0
    assert result.out.count("does not exist yet; will be made on first save") == 2
    assert not root.exists()


def test_an_empty_folder_stays_empty(cli: Run, root: Path) -> None:
    root.mkdir()
    assert cli("doctor").code == 0
    assert tree(root) == []


def test_a_file_where_the_folder_should_be(cli: Run, root: Path) -> None:
    root.write_text("mine")
    result = cli("doctor", "--json")
    assert result.code == 1
    assert result.json["ok"] is False
    failed = {check["name"]: check for check in failures(result)}
    assert set(failed) == {"lake"}
    assert "is a file: give a folder" in failed["lake"]["detail"]
    assert "ELLIPTIO_ROOT" in failed["lake"]["mend"]
    assert root.read_text() == "mine"


def test_a_file_above_the_folder(anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = anywhere("doctor", "--root", tmp_path / "file" / "lake")
    assert result.code == 1
    assert f"move {tmp_path / 'file'} away" in result.out


def test_a_read_only_folder(cli: Run, saved: str, root: Path) -> None:
    folders = [root / ".elliptio" / "staging", root / ".elliptio", root]
    for folder in folders:
        folder.chmod(0o555)
    skip_if_writable(root)
    try:
        result = cli("doctor")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert result.code == 0
    assert "WARN  store      read only" in result.out


def test_a_read_only_parent(anywhere: Run, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o555)
    skip_if_writable(parent)
    result = anywhere("doctor", "--root", parent / "lake")
    assert result.code == 1
    assert f"chmod u+wx {parent}" in result.out


@pytest.mark.parametrize("method", ["create", "open", "list"])
def test_a_store_that_fails(cli: Run, saved: str, root: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise eio.StoreError("it broke")

    before = tree(root)
    monkeypatch.setattr(LocalStore, method, fail)
    result = cli("doctor")
    assert result.code == 1
    assert "FAIL  store      it broke -> chmod" in result.out
    monkeypatch.undo()
    assert tree(root) == before


def test_a_reader(cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise eio.StoreError("access denied. These credentials may not do this here")

    def refuse_document(*_: Any) -> Any:
        raise eio.IndexUnavailableError("not authorized on db to execute command")

    monkeypatch.setattr(LocalStore, "create", refuse)
    monkeypatch.setattr(SqliteIndex, "insert", refuse_document)
    result = cli("doctor", "--json")
    assert result.code == 0
    warned = [check for check in result.json["checks"] if check["status"] == "WARN"]
    assert [(check["name"], check["detail"][:9]) for check in warned] == [
        ("store", "read only"),
        ("index", "read only"),
    ]
    assert all(check["mend"] for check in warned)


@pytest.mark.parametrize(
    ("text", "what"),
    [("the secret key is wrong.", "AWS_SECRET_ACCESS_KEY"), ("the bucket is in another region.", "AWS_DEFAULT_REGION")],
)
def test_a_hint_for_what_is_wrong(cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch, text: str, what: str) -> None:
    def fail(*_: Any) -> Any:
        raise eio.StoreError(text)

    monkeypatch.setattr(LocalStore, "stat", fail)
    (failed,) = failures(cli("doctor", "--json"))
    assert what in failed["mend"]


@pytest.mark.slow
def test_a_dead_mongodb(cli: Run, saved: str) -> None:
    result = cli("doctor", "--index", DEAD, "--json")
    assert result.code == 1
    (failed,) = failures(result)
    assert failed["name"] == "index"
    assert "127.0.0.1:1" in failed["detail"]
    assert "start the server" in failed["mend"]


@pytest.mark.slow
def test_every_line_that_fails_says_how_to_mend_it(anywhere: Run, root: Path) -> None:
    root.write_text("mine")
    result = anywhere("doctor", "--root", root / "lake", "--index", DEAD)
    failed = [line for line in result.out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 2
    assert all(" -> " in line for line in failed)


def test_mongodb(cli: Run, mongodb_url: str) -> None:
    url = f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}"
    result = cli("doctor", "--index", url, "--json")
    assert (result.code, failures(result)) == (0, [])
    index = MongoIndex(url)
    assert index.count("doctor", {}) == 0
    index.close()


def test_s3(anywhere: Run, s3_root: str) -> None:
    result = anywhere("doctor", "--root", s3_root, "--json")
    assert (result.code, failures(result)) == (0, [])
    assert {"can be read", "can be written"} <= {check["detail"] for check in result.json["checks"]}
    h = eio.Handler(s3_root)
    assert list(h.store.list(".elliptio")) == []


def test_no_such_bucket(anywhere: Run, s3_root: str) -> None:
    result = anywhere("doctor", "--root", f"s3://no-such-bucket-{uuid4().hex}", "--json")
    assert result.code == 1
    (failed,) = failures(result)
    assert failed["name"] == "store"
    assert "AWS_ENDPOINT_URL" in failed["mend"]


def test_a_missing_extra(anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    result = anywhere("doctor", "--root", "s3://bucket/prefix", "--json")
    assert result.code == 1
    (failed,) = failures(result)
    assert (failed["name"], failed["mend"]) == ("extras", "pip install 'elliptio[s3]'")
    assert "pip install" not in failed["detail"]


@pytest.mark.parametrize(
    ("text", "name"), [("rooot = 'x'", "settings"), ("root = ''", "settings"), ("index = 'redis://x'", "lake")]
)
def test_wrong_settings(anywhere: Run, here: Path, text: str, name: str) -> None:
    (here / "elliptio.toml").write_text(text)
    result = anywhere("doctor", "--json")
    assert result.code == 1
    (failed,) = failures(result)
    assert failed["name"] == name
    assert failed["mend"]


def test_a_damaged_index(cli: Run, saved: str, root: Path) -> None:
    for path in (root / ".elliptio").glob("index.sqlite*"):
        path.unlink()
    (root / ".elliptio" / "index.sqlite").write_bytes(b"not a database" * 1000)
    result = cli("doctor", "--json")
    assert result.code == 1
    (failed,) = failures(result)
    assert failed["name"] == "index"


def test_a_full_disk(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=5))
    result = cli("doctor")
    assert result.code == 1
    assert "free some space" in result.out


@pytest.mark.parametrize("method", ["create", "list"])
def test_where_nothing_more_can_be_written_no_right_is_missing(
    cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise store_error("write", "probe", OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(LocalStore, method, fail)
    monkeypatch.setattr(SqliteIndex, "find", fail)
    mends = {check["name"]: check["mend"] for check in failures(cli("doctor", "--json"))}
    assert mends.keys() >= {"store", "index"}
    assert all(mend.startswith("free some space, or ") for mend in mends.values())


def test_a_lake_of_a_newer_elliptio(cli: Run, saved: str, root: Path) -> None:
    identity = root / ".elliptio/lake.json"
    identity.write_text(identity.read_text().replace('"version": 1', '"version": 99'))
    result = cli("doctor", "--json")
    (failed,) = failures(result)
    assert (result.code, failed["name"], failed["mend"]) == (1, "store", "pip install --upgrade elliptio")
    assert "version 99, written by a newer elliptio" in failed["detail"]


def test_without_git(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.shutil, "which", lambda _: None)
    result = cli("doctor")
    assert result.code == 0
    assert "WARN  git" in result.out
    assert "install git" in result.out
