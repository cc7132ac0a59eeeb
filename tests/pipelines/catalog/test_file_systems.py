"""Windows where fsspec leads."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import fsspec
import pytest

import elliptio as eio
from elliptio.errors import MissingExtraError
from elliptio.pipelines import Catalog, Entry, EntryError
from tests.pipelines.sessions import holds


def entry(name: str, path: str) -> Entry:
    return Entry.read({"name": name, "type": "json", "extra": {"path": path}})


def catalog(tmp_path: Path, *entries: Entry) -> Catalog:
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    return Catalog(entries, handler=eio.Handler(tmp_path / "lake", progress=False), root=root)


@pytest.fixture(params=["memory", "local"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}"
    return f"local://{tmp_path}/elsewhere"


def write(path: str, text: str) -> None:
    with fsspec.open(path, "w") as file:
        file.write(text)


def read(path: str) -> str:
    with fsspec.open(path, "r") as file:
        return str(file.read())


def test_save_puts_it_there_and_load_takes_in_what_is_new(tmp_path: Path, base: str) -> None:
    found = catalog(tmp_path, entry("rates", f"{base}/out/rates.json"))
    found.save("rates", {"a": 1})
    assert json.loads(read(f"{base}/out/rates.json")) == {"a": 1}
    write(f"{base}/out/rates.json", '{"a": 2}')
    assert found.load("rates") == {"a": 2}
    fsspec.filesystem(base.partition(":")[0]).rm(f"{base}/out/rates.json")
    assert found.load("rates") == {"a": 2}
    assert json.loads(read(f"{base}/out/rates.json")) == {"a": 2}
    assert list(found.versions("rates")["origin"]) == ["taken in", "saved"]


def test_nothing_is_read_again_that_did_not_change(tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalog(tmp_path, entry("rates", f"{base}/rates.json"))
    found.save("rates", [1])
    monkeypatch.setattr("elliptio.pipelines.catalog.file_systems.FileSystem.fetch", None)
    assert found.load("rates") == [1]


def test_partitions_are_listed(tmp_path: Path, base: str) -> None:
    found = catalog(tmp_path, entry("raw", f"{base}/raw/!{{day}}/all.json"))
    for day in ("2026-01-01", "2026-01-02"):
        found.save("raw", day, day=day)
    write(f"{base}/raw/2026-01-01/other.json", "1")
    fsspec.filesystem(base.partition(":")[0]).makedirs(f"{base}/raw/2026-01-03", exist_ok=True)
    write(f"{base}/raw/2026-01-03/all.json", "3")
    write(f"{base}/raw/all.json", "4")
    assert list(found.partitions("raw")["day"]) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert catalog(tmp_path, entry("none", f"{base}/nowhere/!{{day}}.json")).partitions("none").empty


def test_a_prefix_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match=r"prefix nowhere://.*s3://, lakefs://.*Backend, prefix="):
        catalog(tmp_path, entry("rates", "nowhere://a/b.json")).load("rates")


def test_a_prefix_that_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, said in (("gs://bucket/a.json", "gs://.*gcsfs"), ("abfs://box/a.json", "abfs://.*adlfs")):
        with pytest.raises(MissingExtraError, match=said):
            catalog(tmp_path, entry("rates", path)).load("rates")
    monkeypatch.setitem(__import__("sys").modules, "fsspec.registry", None)
    with pytest.raises(MissingExtraError, match=r"gs://.*elliptio\[fsspec\]"):
        catalog(tmp_path, entry("rates", "gs://bucket/a.json")).load("rates")


def test_a_password_in_a_path_is_shown_and_kept_nowhere(tmp_path: Path) -> None:
    place = f"memory://andy:hunter22-secret@{uuid.uuid4().hex}"
    found = catalog(tmp_path, entry("rates", f"{place}/rates.json"), entry("days", f"{place}/!{{day}}.json"))
    found.save("rates", [1])
    assert json.loads(read(f"{place}/rates.json")) == [1]
    write(f"{place}/rates.json", "[2]")
    assert found.load("rates") == [2]
    found.save("days", [1], day="2026-01-01")
    said = repr(found["rates"])
    for name, keys in (("days", {"day": 7}), ("days", {})):
        with pytest.raises(eio.ElliptioError) as raised:
            found.load(name, **keys)
        said += str(raised.value)
    assert "hunter22-secret" not in said
    assert not holds("hunter22-secret", tmp_path)
