"""Arrays: each kind comes back equal or is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as generated

import elliptio as eio
from elliptio import formats
from elliptio.protocols import Format
from elliptio.testing import FormatConformance
from elliptio.testing.formats import written
from tests.formats.kinds import ARRAYS, REFUSED_ARRAYS


def same(value: Any, found: Any) -> bool:
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape) == (value.dtype, value.shape)
    assert found.flags.f_contiguous == value.flags.f_contiguous
    return found.tobytes() == value.tobytes()


class TestNpy(FormatConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("npy")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {name: array for name, array in ARRAYS.items() if name not in REFUSED_ARRAYS}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        named = np.zeros(1, np.dtype("i4", metadata={"unit": "m"}))
        more = {
            "list": [1.0],
            "number": np.float64(1),
            "records": np.rec.array([(1,)]),
            "metadata": named,
        }
        return more | {name: ARRAYS[name] for name in REFUSED_ARRAYS}

    def equal(self, value: Any, other: Any) -> bool:
        return same(value, other)


class TestNpz(FormatConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("npz")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        array = np.arange(3)
        return {
            "two": {"b": array, "a": np.zeros((0, 2))},
            "none": {},
            "odd names": {"a.npy": array, "x/y": array, "file": array},
        }

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"objects": {"a": ARRAYS["objects"]}, "number as a name": {1: np.zeros(1)}, "one array": np.zeros(1)}

    def equal(self, value: Any, other: Any) -> bool:
        return list(value) == list(other) and all(same(array, other[name]) for name, array in value.items())


def test_there_are_as_many_kinds_as_were_promised() -> None:
    assert len(ARRAYS) == 16


@pytest.mark.parametrize("kind", ARRAYS)
def test_each_kind_comes_back_equal_or_is_refused(kind: str) -> None:
    if kind in REFUSED_ARRAYS:
        with pytest.raises(eio.ValueRefusedError):
            formats.get("npy").write(ARRAYS[kind], io.BytesIO())
        return
    file, _ = written(formats.get("npy"), ARRAYS[kind])
    assert same(ARRAYS[kind], formats.get("npy").read(file))
    file.seek(0)
    assert same(ARRAYS[kind], np.load(file, allow_pickle=False))


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(array=generated.arrays(generated.array_dtypes() | generated.scalar_dtypes(), generated.array_shapes(max_side=3)))
def test_generated_arrays_come_back_equal_or_are_refused(array: np.ndarray[Any, Any]) -> None:
    try:
        file, _ = written(formats.get("npy"), array)
    except eio.ValueRefusedError:
        assert array.dtype.hasobject or array.dtype.names
        return
    assert same(array, formats.get("npy").read(file))


def test_names_of_arrays_in_npz_can_be_chosen_and_packed() -> None:
    value = {"a": np.zeros(10_000), "b": np.ones(1)}
    small, options = written(formats.get("npz"), value, compress=True)
    large, _ = written(formats.get("npz"), value)
    assert len(small.getvalue()) < len(large.getvalue()) / 10
    assert list(formats.get("npz").read(small, **options, keys=["b"])) == ["b"]
    assert list(np.load(large)) == ["a", "b"]


def test_an_array_can_stay_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(5))
    with path.open("rb") as file:
        found = formats.get("npy").read(file, mmap_mode="r")
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable
    assert found.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(eio.FormatOptionError, match="has a path"):
        formats.get("npy").read(io.BytesIO(path.read_bytes()), mmap_mode="r")
    with path.open("rb") as file, pytest.raises(eio.FormatOptionError, match="mmap_mode is 'r'"):
        formats.get("npy").read(file, mmap_mode="r+")


def test_no_pickle_is_read_from_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([object()]), allow_pickle=True)
    with path.open("rb") as file, pytest.raises(eio.FormatError, match="cannot be read as 'npy'"):
        formats.get("npy").read(file)
