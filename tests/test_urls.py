"""``elliptio://`` URLs: pandas, polars and duckdb read verified files by them, and the lineage knows."""

from __future__ import annotations

import gc
import io
import os
import pickle
from pathlib import Path

import duckdb
import fsspec
import pandas as pd
import polars as pl
import pytest

import elliptio as eio
from elliptio.system.current_handler import current
from tests.lake.upkeep.test_upkeep import flip

SAVED = pd.DataFrame({"a": range(1000), "b": [f"text {number}" for number in range(1000)]})


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    (folder / "deep").mkdir(parents=True)
    SAVED.to_csv(folder / "x.csv", index=False)
    SAVED.to_csv(folder / "packed.csv.gz", index=False)
    SAVED.to_parquet(folder / "deep" / "x.parquet")
    SAVED.to_parquet(folder / "deep" / "y.parquet")
    return folder


@pytest.fixture
def artifact(h: eio.Handler, tables: Path) -> eio.Artifact:
    artifact = h.upload(tables, labels={"project": "tables"})
    h.tag(artifact, "prod")
    return artifact


def test_pandas(h: eio.Handler, artifact: eio.Artifact) -> None:
    assert pd.read_csv(f"elliptio://{artifact.artifact_id}/x.csv").equals(SAVED)
    assert pd.read_csv("elliptio://tag:prod/packed.csv.gz").equals(SAVED)
    assert pd.read_parquet("elliptio://tag:prod/deep/x.parquet").equals(SAVED)
    assert pd.read_parquet("elliptio://tables:latest/deep/y.parquet", columns=["a"]).equals(SAVED[["a"]])
    assert h.based_on == [artifact.artifact_id]
    with h.new(["model.txt"]) as new:
        new.file.upload_string("x")
    assert new.metadata.based_on == [artifact.artifact_id]


def test_duckdb(h: eio.Handler, artifact: eio.Artifact) -> None:
    with duckdb.connect() as connection:
        connection.register_filesystem(fsspec.filesystem("elliptio"))

        def ask(query: str) -> object:
            return connection.sql(query).fetchall()

        assert ask("SELECT sum(a), max(b) FROM 'elliptio://tag:prod/x.csv'") == [(499_500, "text 999")]
        assert ask("SELECT count(*) FROM 'elliptio://tag:prod/packed.csv.gz'") == [(1000,)]
        assert ask("SELECT b FROM 'elliptio://tag:prod/deep/x.parquet' WHERE a = 7") == [("text 7",)]
        assert ask("SELECT count(*) FROM 'elliptio://tag:prod/deep/*.parquet'") == [(2000,)]
        with pytest.raises(duckdb.IOException, match="No files found"):
            ask("SELECT * FROM 'elliptio://tag:prod/none.csv'")
    assert h.based_on == [artifact.artifact_id]


def test_polars(h: eio.Handler, artifact: eio.Artifact) -> None:
    with fsspec.open("elliptio://tag:prod/x.csv") as file:
        assert pl.read_csv(file)["a"].sum() == 499_500
    with fsspec.open("elliptio://tag:prod/deep/x.parquet") as file:
        assert pl.scan_parquet(file).filter(pl.col("a") == 7).collect()["b"].item() == "text 7"
    assert h.based_on == [artifact.artifact_id]
    path = os.fspath(h.get("tag:prod").files["deep/x.parquet"])
    assert pl.scan_parquet(path).select("a").sum().collect().item() == 499_500


def test_files_and_folders_are_listed(h: eio.Handler, artifact: eio.Artifact) -> None:
    files = fsspec.filesystem("elliptio")
    assert sorted(files.ls("elliptio://tag:prod", detail=False)) == [
        "tag:prod/deep",
        "tag:prod/packed.csv.gz",
        "tag:prod/x.csv",
    ]
    assert files.glob("elliptio://tag:prod/**/*.parquet") == ["tag:prod/deep/x.parquet", "tag:prod/deep/y.parquet"]
    assert len(files.find("tag:prod")) == 4
    info = files.info("elliptio://tag:prod/x.csv")
    assert info["size"] == files.size("tag:prod/x.csv") == artifact.files["x.csv"].size
    assert (info["type"], info["sha256"]) == ("file", artifact.files["x.csv"].sha256)
    assert files.ukey("tag:prod/x.csv") == info["sha256"]
    assert files.modified("tag:prod/x.csv") == artifact.metadata.creation_time
    assert files.isdir("tag:prod")
    assert files.isdir("tag:prod/deep")
    assert not files.isdir("tag:prod/x.csv")
    assert files.exists("tag:prod/deep/x.parquet")
    assert not any(map(files.exists, ("tag:prod/dee", "tag:prod/deep/z", "tag:staging/x.csv", "artifact_f/x", "")))
    assert h.based_on == []  # looking is not loading
    assert files.cat("tag:prod/x.csv") == artifact.files["x.csv"].open().read()
    assert files.cat_file("tag:prod/x.csv", 0, 4) == b"a,b\n"
    with files.open("tag:prod/x.csv", "rt", encoding="utf-8") as file:
        assert file.readline() == "a,b\n"


def test_what_is_not_there_is_a_file_not_found_that_says_what_is(local: eio.Handler, tables: Path) -> None:
    local.tag(local.upload(tables), "prod")
    with pytest.raises(FileNotFoundError, match=r"no file 'y\.csv' in this artifact; it has '.*'x\.csv'"):
        pd.read_csv("elliptio://tag:prod/y.csv")
    with pytest.raises(FileNotFoundError, match="no tag 'staging'"):
        pd.read_csv("elliptio://tag:staging/x.csv")
    with pytest.raises(FileNotFoundError, match=r"Could not find .*artifact_f"):
        pd.read_csv("elliptio://artifact_f/x.csv")
    with pytest.raises(FileNotFoundError, match="Say of which artifact"):
        fsspec.filesystem("elliptio").ls("")
    assert local.based_on == []


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "xb"])
def test_nothing_can_be_written(local: eio.Handler, tables: Path, mode: str) -> None:
    local.tag(local.upload(tables), "prod")
    with pytest.raises(eio.StoreError, match=r"x\.csv cannot be written"):
        fsspec.filesystem("elliptio").open("tag:prod/x.csv", mode)
    with pytest.raises(eio.StoreError, match="cannot be written"):
        SAVED.to_csv("elliptio://tag:prod/new.csv")
    assert local.verify().ok


def test_a_damaged_file_is_refused_before_its_first_byte(local: eio.Handler, tables: Path) -> None:
    artifact = local.upload(tables)
    flip(Path(artifact.files["deep/x.parquet"].remote_url))
    with pytest.raises(eio.IntegrityError, match=r"x\.parquet is damaged"):
        pd.read_parquet(f"elliptio://{artifact.artifact_id}/deep/x.parquet")
    with fsspec.open(f"elliptio://{artifact.artifact_id}/x.csv") as file:
        file.seek(-9, io.SEEK_END)
        assert file.read() == b"text 999\n"


# --- which handler ---


def reads(url: str) -> int:
    with fsspec.open(url) as file:
        return int(file.read())


def saved(h: eio.Handler, folder: Path, number: int) -> eio.Artifact:
    (folder / "n.txt").write_text(str(number))
    artifact = h.upload(folder / "n.txt")
    h.tag(artifact, "n")
    return artifact


def test_the_handler_that_was_made_or_entered_last_counts(tmp_path: Path) -> None:
    one = eio.Handler(tmp_path / "one")
    saved(one, tmp_path, 1)
    two = eio.Handler(tmp_path / "two")
    saved(two, tmp_path, 2)
    assert reads("elliptio://tag:n/n.txt") == 2
    with one:
        assert reads("elliptio://tag:n/n.txt") == 1
        with two:
            assert reads("elliptio://tag:n/n.txt") == 2
        assert reads("elliptio://tag:n/n.txt") == 1
    assert (one.based_on, two.based_on) == ([one.get("tag:n").artifact_id], [two.get("tag:n").artifact_id])


def test_a_named_handler_counts_more(tmp_path: Path) -> None:
    one = eio.Handler(tmp_path / "one")
    artifact = saved(one, tmp_path, 1)
    two = eio.Handler(tmp_path / "two")
    found = pd.read_csv("elliptio://tag:n/n.txt", header=None, storage_options={"handler": one})
    assert found[0].item() == 1
    assert (one.based_on, two.based_on) == ([artifact.artifact_id], [])


@pytest.mark.slow
def test_handlers_that_are_closed_or_gone_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "configured"))
    with eio.Handler() as configured:
        saved(configured, tmp_path, 0)
    one = eio.Handler(tmp_path / "one")
    saved(one, tmp_path, 1)
    saved(eio.Handler(tmp_path / "two"), tmp_path, 2)
    gc.collect()
    assert current() is one
    files = fsspec.filesystem("elliptio")
    assert files.cat("tag:n/n.txt") == b"1"
    one.close()
    while (other := current()) is not None:  # of other tests
        other.close()
    assert files.cat("tag:n/n.txt") == b"0"
    again = eio.Handler(tmp_path / "one")
    assert files.cat("tag:n/n.txt") == b"1"
    assert again.based_on


def test_a_filesystem_goes_to_other_processes(tmp_path: Path) -> None:
    one = eio.Handler(tmp_path / "one")
    saved(one, tmp_path, 1)
    files = pickle.loads(pickle.dumps(fsspec.filesystem("elliptio", handler=one)))
    one.close()
    assert files.cat("tag:n/n.txt") == b"1"


def test_a_url_without_a_file(h: eio.Handler, artifact: eio.Artifact) -> None:
    url = f"elliptio://{artifact.artifact_id}"
    with pytest.raises(FileNotFoundError, match=f"{url} names no file: it is {url}/FILE, of "):
        pd.read_csv(url)
