"""A model is saved with one call, whole or not at all, as one artifact."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import ElliptioError, FormatOptionError, IndexUnavailableError, StoreError, ValueRefusedError
from elliptio.models import DataModel, UnfitValueError, field
from elliptio.protocols import Staging


class MyDataModel(DataModel, version=1):
    some_value: int
    another_value: dict[str, str] = field(default_factory=dict)


class Layer(DataModel, version=1):
    weights: np.ndarray
    rate: float = 0.1


class Deep(DataModel, version=1):
    layers: list[Layer]
    table: dict[str, int]
    frame: pd.DataFrame | None = None


class Taken(DataModel, version=1):
    """Names that artifacts, documents and dataclasses use themselves."""

    name: str
    version: int
    files: list[str]
    labels: dict[str, str]
    schema: str
    model: int
    fields: str
    classes: str
    root: str
    kind: str
    username: str = "me"
    artifact_id: str = ""
    index: int = 0
    model_name: str = ""
    items: int = 1
    get: int = 2
    label: str = ""
    origin: int = 3
    lake: int = 4


class OddKeys(DataModel, version=1):
    table: dict[Any, Any]


@pytest.fixture
def every() -> Deep:
    return Deep([Layer(np.arange(3)), Layer(np.zeros((2, 2)))], {"a": 1}, pd.DataFrame({"x": [1, 2]}))


def test_save_and_load_everywhere(h: eio.Handler) -> None:
    """Each combination of store and index."""
    model = Deep([Layer(np.arange(3))], {"a": 1}, pd.DataFrame({"x": [1.5, float("nan")]}))
    artifact = h.save(model, "deep", {"project": "p"})
    assert h.get(artifact.artifact_id).load() == model
    assert h.find({"model.label": "deep"}).index.tolist() == [artifact.artifact_id]
    assert artifact.labels.project == "p"
    many = h.save_many([(MyDataModel(1), "a"), (MyDataModel(2), "b")])
    assert [each.load() for each in many] == [MyDataModel(1), MyDataModel(2)]
    assert h.verify().ok


def test_the_name_is_the_label_and_the_class_is_the_default(local: eio.Handler) -> None:
    assert local.save(MyDataModel(1), "my-data").metadata.model["label"] == "my-data"
    assert local.save(MyDataModel(1)).metadata.model["label"] == "MyDataModel"
    assert local.save(MyDataModel(1), "../odd name/with: all\n", labels={"ticket": "T"}).labels.ticket == "T"


def test_files_are_named_after_their_fields(local: eio.Handler, every: Deep) -> None:
    artifact = local.save(every, "deep")
    assert sorted(artifact.metadata.file_relpaths) == [
        "frame.parquet",
        "layers/0/weights.npy",
        "layers/1/weights.npy",
        "model.json",
    ]
    pd.testing.assert_frame_equal(pd.read_parquet(artifact.files["frame.parquet"].remote_url), every.frame)
    assert local.show(artifact.artifact_id).load() == every


def test_names_of_fields_are_free(local: eio.Handler) -> None:
    model = Taken("n", 9, ["f"], {"l": "x"}, "s", 1, "f", "c", "r", "k")
    loaded = local.save(model, "taken").load()
    assert loaded == model
    assert (loaded.items, loaded.get, loaded.version, loaded.name) == (1, 2, 9, "n")


@pytest.mark.parametrize("key", ["a.b", "$set", "", "\0", "$class", 1, None, (1, "a"), 1.5, True, b"x", Decimal(1)])
def test_keys_may_be_anything_plain(local: eio.Handler, key: Any) -> None:
    model = OddKeys({key: {key: [key]}})
    artifact = local.save(model, "odd")
    assert local.get(artifact.artifact_id).load() == model
    assert type(next(iter(artifact.load().table))) is type(key)


def _untouched(h: eio.Handler) -> bool:
    staging = Path(h.store.root) / ".elliptio" / "staging"
    return not list(h.lake.find({}, sort=[], limit=0)) and not (staging.exists() and any(staging.iterdir()))


def test_what_does_not_fit_is_refused_with_all_paths_before_anything_is_written(local: eio.Handler) -> None:
    bad: Any = Deep([Layer(np.arange(2)), Layer("no", "x")], {"k": "v"})  # type: ignore[arg-type]
    with pytest.raises(UnfitValueError) as caught:
        local.save(bad, "bad")
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    for path in ("layers[1].weights", "layers[1].rate", "table['k']"):
        assert path in str(caught.value)
    assert _untouched(local)
    assert not list((Path(local.store.root)).rglob("model.json"))
    with pytest.raises(UnfitValueError):
        local.save_many([(MyDataModel(1), "fine"), (bad, "bad")])
    assert _untouched(local)


def test_options_and_formats_are_refused(local: eio.Handler) -> None:
    with pytest.raises(FormatOptionError):
        local.save(MyDataModel(1), "a", format="json")
    with pytest.raises(FormatOptionError):
        local.save(MyDataModel(1), "a", compression="zstd")
    with pytest.raises(ValueRefusedError):
        local.save({"a": MyDataModel(1)})
    with pytest.raises(ValueRefusedError):
        local.save(MyDataModel(1), {"project": "p"})  # type: ignore[arg-type]
    with pytest.raises(ElliptioError):
        local.save([MyDataModel(1)], "models.json")
    assert _untouched(local)


def test_it_belongs_to_the_run_and_its_lineage(local: eio.Handler) -> None:
    first = local.save(MyDataModel(1), "a")
    with local.run("train") as run:
        run.get(first.artifact_id).load()
        made = run.save(MyDataModel(2), "b")
        many = run.save_many([(MyDataModel(3), "c")])
    assert made.metadata.run_id == run.run_id == many[0].metadata.run_id
    assert made.metadata.based_on == [first.artifact_id] == many[0].metadata.based_on
    explicit = local.save(MyDataModel(4), "d", based_on=made)
    assert explicit.metadata.based_on == [made.artifact_id]


def test_save_many_takes_nothing_and_generators(local: eio.Handler) -> None:
    assert local.save_many([]) == []

    def pairs() -> Iterator[tuple[Any, str]]:
        yield MyDataModel(1), "a"
        yield pd.DataFrame({"x": [1]}), "table.parquet"

    made = local.save_many(pairs(), {"project": "p"})
    assert made[0].load() == MyDataModel(1)
    assert made[1].load().x.tolist() == [1]
    assert all(each.labels.project == "p" for each in made)

    def broken() -> Iterator[tuple[Any, str]]:
        yield MyDataModel(1), "a"
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        local.save_many(broken())
    assert len(local.find(max_docs=0)) == 2
    for wrong in (5, [MyDataModel(1)], [(MyDataModel(1), "a", 3)], MyDataModel(1)):
        with pytest.raises(ElliptioError):
            local.save_many(wrong)  # type: ignore[arg-type]
    assert len(local.find(max_docs=0)) == 2


def test_all_of_many_are_based_on_what_an_iterator_yields(local: eio.Handler) -> None:
    raw = [local.save(MyDataModel(number), "raw") for number in range(2)]
    made = local.save_many([(MyDataModel(3), "a"), (MyDataModel(4), "b")], based_on=(each for each in raw))
    assert [each.metadata.based_on for each in made] == [[each.artifact_id for each in raw]] * 2


def test_one_that_cannot_be_begun_leaves_nothing_of_any(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, begun = local.store.begin, list[str]()

    def full(prefix: str) -> Staging:
        begun.append(prefix)
        if len(begun) > 2:
            raise StoreError("The disk is full.")
        return begin(prefix)

    monkeypatch.setattr(local.store, "begin", full)
    with pytest.raises(StoreError, match="full"):
        local.save_many([(MyDataModel(number), "a") for number in range(4)])
    assert _untouched(local)


def test_what_cannot_be_written_leaves_nothing_of_any(local: eio.Handler) -> None:
    # A frame whose cells no file can keep is found only when it is written.
    odd = pd.DataFrame({"x": [object(), 1]})
    with pytest.raises(ElliptioError):
        local.save_many([(MyDataModel(1), "a"), (Deep([], {}, odd), "b")])
    assert _untouched(local)


def test_an_unknown_class_of_values_is_named(local: eio.Handler) -> None:
    class Holds(DataModel, version=1):
        anything: Any

    class Unknown:
        pass

    with pytest.raises(UnfitValueError, match="anything"):
        local.save(Holds(Unknown()), "a")
    with pytest.raises(UnfitValueError, match=r"anything\['k'\]\[1\]"):
        local.save(Holds({"k": [1, Unknown()]}), "a")
    assert _untouched(local)


def test_a_value_that_holds_itself_is_refused(local: eio.Handler) -> None:
    class Holds(DataModel, version=1):
        anything: Any

    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(UnfitValueError):
        local.save(Holds(loop), "a")


def test_a_model_of_a_new_class_is_saved_while_the_index_is_away(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(DataModel, version=1):
        rate: float

    def away(*arguments: object, **options: object) -> None:
        raise IndexUnavailableError("the index is away")

    local.flush()
    for name in ("insert", "count", "find"):
        monkeypatch.setattr(type(local.index), name, away)
    with pytest.warns(eio.SpooledWarning):
        artifact = local.save(Late(0.1), "late")
    monkeypatch.undo()
    assert artifact.load() == Late(0.1)
    assert local.flush() == [artifact.artifact_id]


def test_many_whose_saver_is_interrupted_before_the_index_knows_them_are_found(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.save(MyDataModel(0), "before")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(local.lake, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            local.save_many([(MyDataModel(number), f"{number}") for number in (1, 2, 3)])
    assert len(list(Path(local.store.root, ".elliptio/spool").iterdir())) == 3
    assert len(local.find()) == 4
    assert not Path(local.store.root, ".elliptio/spool").exists(), "nothing waits any more"
