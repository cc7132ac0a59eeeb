"""A model comes back as it was; what is big in it is read when it is touched."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.models import DataModel, NotAModelError, field, load_model, schemas
from elliptio.models.model import origin_of


class Big(DataModel, version=1):
    pixels: np.ndarray
    frame: pd.DataFrame | None = None
    rate: float = 0.5
    more: list[np.ndarray] = field(default_factory=list)


class Slotted(DataModel, version=1, slots=True):
    pixels: np.ndarray
    frame: pd.DataFrame | None = None


class Late(DataModel, version=1):
    pixels: np.ndarray
    frame: pd.DataFrame | None = None
    total: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", int(self.pixels.sum()))
        object.__setattr__(self, "beside", "set")


class Unequal(DataModel, version=1, eq=False):
    rate: float


class Ordered(DataModel, version=1, order=True):
    rate: float


def _files(model: Any) -> set[str]:
    """Fields that were not read yet."""
    return {name for name in origin_of(model).fields if name not in model.__dict__}  # type: ignore[union-attr]


@pytest.fixture
def big() -> Big:
    return Big(np.arange(6.0).reshape(2, 3), pd.DataFrame({"x": [1, 2]}), 1.5, [np.zeros(2), np.ones(1)])


def test_big_fields_are_read_when_they_are_touched(local: eio.Handler, big: Big) -> None:
    made = local.save(big, "big")
    loaded = made.load()
    assert _files(loaded) == {"pixels", "frame", "more"}
    assert "pixels=…" in repr(loaded)
    assert _files(loaded) == {"pixels", "frame", "more"}
    assert loaded.rate == 1.5
    assert type(loaded.frame) is pd.DataFrame
    assert _files(loaded) == {"pixels", "more"}
    assert loaded.frame is loaded.frame
    assert loaded == big
    assert big == loaded
    assert _files(loaded) == set()


def test_a_damaged_big_file_is_told_when_it_is_touched(local: eio.Handler, big: Big) -> None:
    made = local.save(big, "big")
    path = Path(made.files["frame.parquet"].remote_url)
    path.chmod(0o644)
    path.write_bytes(b"garbage")
    loaded = made.load()
    assert loaded.rate == 1.5
    with pytest.raises(eio.ElliptioError):
        _ = loaded.frame


def test_arrays_are_mapped_and_cannot_be_written(local: eio.Handler, big: Big) -> None:
    pixels = local.save(big, "big").load().pixels
    base = pixels
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 9


def test_what_was_loaded_can_be_saved_again(local: eio.Handler, big: Big) -> None:
    loaded = local.save(big, "big").load()
    again = local.save(loaded, "again")
    assert again.load() == big
    assert again.metadata.fingerprint == local.show(again.artifact_id).metadata.fingerprint
    changed = local.save(dataclasses.replace(local.get(again.artifact_id).load(), rate=3.0), "changed").load()
    assert changed.rate == 3.0
    np.testing.assert_array_equal(changed.pixels, big.pixels)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies(local: eio.Handler, big: Big, how: Any) -> None:
    assert how(local.save(big, "big").load()) == big
    slotted = Slotted(np.arange(3), pd.DataFrame({"x": [1]}))
    assert how(local.save(slotted, "slotted").load()) == slotted


def test_defaults_do_not_hide_what_was_saved(local: eio.Handler) -> None:
    frame = pd.DataFrame({"x": [1]})
    for cls in (Slotted, Late, Big):
        loaded = local.save(cls(np.arange(3), frame), "a").load()
        assert loaded.frame is not None
        assert loaded.frame.equals(frame)
        # An instance that was never saved has the default still.
        assert cls(np.arange(3)).frame is None
        assert cls.frame is None or cls is Slotted
        assert local.save(cls(np.arange(3)), "b").load().frame is None


def test_post_init_and_fields_without_init(local: eio.Handler) -> None:
    model = Late(np.arange(4))
    loaded = local.save(model, "late").load()
    assert (loaded.total, loaded.beside) == (6, "set")
    assert loaded == model


def test_threads_touch_a_field_at_once(local: eio.Handler, big: Big) -> None:
    for _ in range(5):
        loaded = local.save(big, "big").load()
        seen: list[Any] = []
        barrier = threading.Barrier(8)

        def touch(loaded: Any = loaded, seen: list[Any] = seen, barrier: Any = barrier) -> None:
            barrier.wait()
            seen.append(loaded.frame)

        threads = [threading.Thread(target=touch) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 8
        assert len({id(each) for each in seen}) == 1


def test_eq_false_and_order(local: eio.Handler) -> None:
    loaded = local.save(Unequal(1.0), "a").load()
    assert loaded != Unequal(1.0)
    assert loaded.rate == 1.0
    assert hash(loaded)
    first, second = local.save(Ordered(1.0), "a").load(), local.save(Ordered(2.0), "b").load()
    assert first < second


def test_loading_counts_as_load_and_showing_does_not(local: eio.Handler, big: Big) -> None:
    made = local.save(big, "big")
    shown = eio.Handler(local.root) if hasattr(local, "root") else eio.Handler(local.store.root)
    shown.show(made.artifact_id).load()
    assert shown.based_on == []
    shown.get(made.artifact_id).load()
    assert shown.based_on == [made.artifact_id]


def test_what_is_no_model(local: eio.Handler, data: Path) -> None:
    with pytest.raises(NotAModelError):
        load_model(local.upload(data))


def test_empty_and_odd_arrays(local: eio.Handler) -> None:
    for array in (np.zeros((0, 3)), np.array(5), np.array(["a", "bc"]), np.array([True]), np.zeros(2, ">f4")):
        loaded = local.save(Big(array), "a").load().pixels
        assert loaded.dtype == array.dtype
        assert loaded.shape == array.shape
        np.testing.assert_array_equal(loaded, array)
        assert type(loaded) is np.ndarray


def test_slots_below_a_model_without_them(local: eio.Handler) -> None:
    class Open(DataModel, version=1):
        first: int

    class Tight(Open, version=1, slots=True):
        second: int

    model = Tight(1, 2)
    again = local.save(model, "tight").load()
    assert again == model
    assert (again.first, again.second) == (1, 2)


def test_a_class_that_is_as_it_was_saved_is_not_hashed_again(
    local: eio.Handler, big: Big, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = local.save(big, "big")

    def never(*arguments: Any) -> str:
        raise AssertionError(arguments)

    monkeypatch.setattr(schemas, "hash_of_fields", never)
    assert type(made.load()) is Big
