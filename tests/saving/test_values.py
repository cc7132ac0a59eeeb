"""``h.save``: a value becomes a file by its name's suffix, and ``.load()`` gives it back."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.formats import registry
from elliptio.metadata import ValueRecord
from tests.formats.kinds import FRAMES

FRAME = FRAMES["ordered categorical"]


def assert_same(value: Any, found: Any) -> None:
    assert type(value) is type(found)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value, found)
    elif isinstance(value, dict):
        assert list(value) == list(found)
        for name, item in value.items():
            assert_same(item, found[name])
    elif isinstance(value, np.ndarray):
        assert value.dtype == found.dtype
        assert value.tolist() == found.tolist()
    else:
        assert value == found


def nothing_is_left(h: eio.Handler) -> bool:
    staged = [stored.key for stored in h.store.list() if not stored.key.startswith(".elliptio/")]
    return len(h.find()) == 0 and not staged


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (FRAME, "train.parquet"),
        (FRAME, "train.csv"),
        (np.arange(3), "deep/weights.npy"),
        ({"w": np.zeros(2)}, "weights.npz"),
        ("Zoë\r\n", "notes.txt"),
        ({"rate": 0.1, "layers": [8, 8]}, "params.json"),
        ({1: float("inf")}, "params.yaml"),
        (b"\x00", "raw.bin"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_comes_back(local: eio.Handler, value: Any, name: str) -> None:
    artifact = local.save(value, name, {"project": "penguins"})
    assert list(artifact.files) == [name]
    assert artifact.labels["project"] == "penguins"
    assert_same(value, artifact.load())
    found = local.get(artifact.artifact_id)
    assert found.metadata == artifact.metadata
    assert_same(value, found.load())
    assert_same(value, found.files[name].load())
    assert local.verify().ok


def test_a_value_comes_back_from_each_lake(h: eio.Handler) -> None:
    artifact = h.save({"train": FRAME, "weights.npy": np.arange(3), "table.csv": FRAME}, labels={"kind": "x"})
    assert list(artifact.files) == ["train.parquet", "weights.npy", "table.csv"]
    found = h.get(artifact.artifact_id)
    assert_same({"train": FRAME, "weights.npy": np.arange(3), "table.csv": FRAME}, found.load())
    assert list(h.find({"files.value.format": "csv"}).index) == [artifact.artifact_id]


def test_the_documents_can_be_lost(local: eio.Handler) -> None:
    artifact = local.save(FRAME, "train.csv", sep=";")
    local.close()
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    assert local.reindex().problems == []
    found = local.get(artifact.artifact_id)
    assert found.metadata == artifact.metadata
    assert_same(FRAME, found.load())


def test_how_it_was_saved_is_recorded(local: eio.Handler) -> None:
    (record,) = local.save({"a": 1}, "a").metadata.files
    assert record.value == ValueRecord("json", "dict", {})
    (record,) = local.save(FRAME, "a.csv", sep=";").metadata.files
    assert (record.value.format, record.value.type, record.value.options["sep"]) == ("csv", "pandas.DataFrame", ";")
    (record,) = local.save({"a.json": 1}).metadata.files
    assert record.value.name == "a.json"


def test_what_was_not_saved_as_a_value_has_no_record(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    (document,) = local.index.find("artifacts", {"_id": artifact.artifact_id})
    assert all(set(file) == {"relpath", "size", "sha256"} for file in document["files"])
    assert set(artifact.load()) == {"train.txt", "test.txt"}
    assert artifact.files["train.txt"].load() == artifact.files["train.txt"].download_string()


def test_one_among_several_comes_back_among_several(local: eio.Handler) -> None:
    assert local.save({"a.json": 1}).load() == {"a.json": 1}
    assert local.save({"a.json": 1}, "b.json").load() == {"a.json": 1}


def test_options_go_to_the_format(local: eio.Handler) -> None:
    artifact = local.save(FRAME.assign(a=[1, 2]), "train.parquet", compression="zstd")
    assert list(artifact.file.load(columns=["a"]).columns) == ["a"]
    with pytest.raises(
        eio.FormatOptionError, match=r"train.parquet: .*no option 'compresion'; did you mean 'compression'"
    ):
        local.save(FRAME, "train.parquet", compresion="zstd")
    with pytest.raises(eio.FormatOptionError, match="no option 'colums'; did you mean 'columns'"):
        artifact.file.load(colums=["a"])


@pytest.mark.parametrize(
    ("value", "name", "error"),
    [
        ({"a": {1}}, "a.json", eio.ValueRefusedError),
        (FRAME, "a.parqet", eio.UnknownFormatError),
        (FRAME, "/a.csv", eio.SourceError),
        (FRAME, "../a.csv", eio.SourceError),
        ({"a.csv": FRAME, "b.json": {1}}, None, eio.ValueRefusedError),
        ({"a": 1, "a.json": 2}, None, eio.SourceError),
        ({"a.json": 1, "a.json/b.json": 2}, None, eio.SourceError),
        ({}, None, eio.SourceError),
        ({1: 2}, None, eio.ValueRefusedError),
        ([1], None, eio.ValueRefusedError),
        ([1], {"project": "x"}, eio.ValueRefusedError),
    ],
)
def test_what_is_refused_leaves_nothing(local: eio.Handler, value: Any, name: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        local.save(value, name)
    assert not Path(local.store.root).exists() or nothing_is_left(local)
    assert not list(Path(local.store.root).rglob("*.csv"))


def test_a_name_before_the_value_is_noticed(local: eio.Handler) -> None:
    with pytest.raises(eio.ValueRefusedError, match=r"not a pandas.DataFrame: the value comes first"):
        local.save("table.csv", pd.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(eio.ValueRefusedError, match="not a dict: give labels as labels="):
        local.save(pd.DataFrame(), {"a": 1})  # type: ignore[arg-type]


def test_a_refusal_names_the_file_and_the_place(local: eio.Handler) -> None:
    with pytest.raises(eio.ValueRefusedError, match=r"b.json: value\['x'\] is of type set.*sorted"):
        local.save({"a.json": 1, "b": {"x": {1}}})


@pytest.mark.server
def test_what_is_refused_leaves_nothing_on_s3(remote: eio.Handler) -> None:
    with pytest.raises(eio.ValueRefusedError):
        remote.save({"a.csv": FRAME, "b.json": {1}})
    assert nothing_is_left(remote)


def test_a_format_that_breaks_leaves_nothing(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(type(registry.get("json"))):  # type: ignore[misc]
        def write(self, value: Any, file: Any, **options: Any) -> None:
            file.write(b"half of")
            raise ZeroDivisionError

    monkeypatch.setitem(registry._formats, "json", Broken())
    with pytest.raises(ZeroDivisionError):
        local.save({}, "a.json")
    assert nothing_is_left(local)


def test_options_that_cannot_be_recorded(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(type(registry.get("json"))):  # type: ignore[misc]
        def write(self, value: Any, file: Any, **options: Any) -> Any:
            return {"a": object()}

    monkeypatch.setitem(registry._formats, "json", Odd())
    with pytest.raises(eio.MetadataError, match=r"'a.json' cannot be recorded"):
        local.save({}, "a.json")
    assert nothing_is_left(local)


# --- lineage ---


def test_a_value_is_based_on_what_was_loaded(local: eio.Handler) -> None:
    raw = local.save(FRAME, "raw.csv")
    other = local.save(FRAME, "other.csv", based_on=[])
    assert local.save(FRAME, "clean.csv", based_on=raw).metadata.based_on == [raw.artifact_id]
    with local.run("train") as run:
        found = run.get(raw.artifact_id)
        model = run.save({"a": 1}, "model.json")
        assert found.load() is not None
    assert model.metadata.based_on == [raw.artifact_id]
    assert model.metadata.run_id == run.run_id
    assert other.metadata.based_on == []


def test_a_load_opens_the_file_as_a_path_does(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    # So whatever counts as reading there counts here.
    artifact = local.save({"a": 1}, "a.json")
    asked: list[str] = []
    whole = type(artifact.file).__fspath__
    monkeypatch.setattr(type(artifact.file), "__fspath__", lambda file: asked.append(file.relpath) or whole(file))
    artifact.load()
    assert asked == ["a.json"]


# --- what comes back is what was saved, or an error ---


def test_a_damaged_file_is_not_loaded(local: eio.Handler) -> None:
    artifact = local.save({"a": 1}, "a.json")
    path = artifact.file.local_path
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    with pytest.raises(eio.IntegrityError):
        local.get(artifact.artifact_id).load()


def test_a_file_that_is_no_value_is_named(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "a.zzz").write_text("{")
    artifact = local.upload([tmp_path / "a.json", tmp_path / "a.zzz"])
    with pytest.raises(eio.FormatError, match=r"a.json: It cannot be read as 'json'"):
        artifact.files["a.json"].load()
    with pytest.raises(eio.UnknownFormatError, match=r"no format for 'a.zzz'"):
        artifact.files["a.zzz"].load()
    assert artifact.files["a.zzz"].load(format="text") == "{"


class Trap:
    """Runs when it is unpickled."""

    sprung = 0

    def __reduce__(self) -> Any:
        return _spring, ()


def _spring() -> str:
    Trap.sprung += 1
    return "sprung"


@pytest.mark.parametrize("suffix", ["pkl", "joblib"])
def test_uploaded_pickles_run_only_where_they_are_named(local: eio.Handler, tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").write_bytes(pickle.dumps(Trap()))
    artifact = local.upload(tmp_path / f"a.{suffix}")
    before = Trap.sprung
    with pytest.raises(eio.UnknownFormatError, match="may run any code"):
        artifact.load()
    assert Trap.sprung == before
    assert artifact.file.load(format="pickle") == "sprung"


def test_pickle_is_for_who_names_it(local: eio.Handler) -> None:
    with pytest.raises(eio.UnknownFormatError, match="format='pickle'"):
        local.save(object, "model.pkl")
    assert local.save(object, "model.pkl", format="pickle").load() is object
    assert local.save(object, "model", format="pickle").file.relpath == "model.pickle"


def test_a_figure_says_that_it_cannot_be_loaded(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    with pytest.raises(eio.WriteOnlyError, match="cannot be loaded as a figure"):
        local.upload(tmp_path / "a.svg").load()


@pytest.mark.parametrize(
    "value",
    [
        1,
        {},
        {"format": 1},
        {"format": "json", "type": "dict", "options": "["},
        {"format": "json", "type": "dict", "options": "[]"},
    ],
)
def test_a_damaged_record_is_named(local: eio.Handler, value: Any) -> None:
    artifact = local.save({"a": 1}, "a.json")
    (document,) = local.index.find("artifacts", {"_id": artifact.artifact_id})
    document["files"][0]["value"] = value
    local.index.replace("artifacts", document)
    with pytest.raises(eio.FormatError, match=r"the value of 'a.json' is no record of one"):
        local.get(artifact.artifact_id)


def test_a_record_that_asks_for_what_there_is_not(local: eio.Handler) -> None:
    artifact = local.save({"a": 1}, "a.json")
    (document,) = local.index.find("artifacts", {"_id": artifact.artifact_id})
    for record, error in (
        ({"format": "zzz", "type": "dict", "options": "{}"}, eio.UnknownFormatError),
        ({"format": "json", "type": "dict", "options": '{"zzz": 1}'}, eio.FormatOptionError),
        ({"format": "pickle", "type": "dict", "options": "{}"}, eio.UnknownFormatError),
    ):
        document["files"][0]["value"] = record
        local.index.replace("artifacts", document)
        with pytest.raises(error):
            local.get(artifact.artifact_id).load()
    assert json.loads(artifact.file.download_string()) == {"a": 1}
