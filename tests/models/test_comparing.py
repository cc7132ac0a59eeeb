"""Two models are compared field by field, by their parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import elliptio as eio
from elliptio.models import DataModel, compare_models
from elliptio.models.errors import NotAModelError


class Part(DataModel, version=1):
    weight: float


class Tables(DataModel, version=1):
    table: pl.DataFrame | pa.Table


class Whole(DataModel, version=1):
    rate: float
    layers: list[int]
    table: dict[str, int]
    part: Part
    frame: pd.DataFrame | None = None
    pixels: np.ndarray | None = None


def whole(rate: float = 0.1, *, layers: tuple[int, ...] = (64, 10), **more: object) -> Whole:
    given: dict[str, object] = {"table": {"a": 1}, "part": Part(1.0), **more}
    return Whole(rate, list(layers), **given)  # type: ignore[arg-type]


def test_equal_ones_do_not_differ() -> None:
    nan = float("nan")
    same = compare_models(whole(nan, frame=pd.DataFrame({"a": [nan]})), whole(nan, frame=pd.DataFrame({"a": [nan]})))
    assert same.same
    assert same.changes == ()
    assert list(same.fields.columns) == ["a", "b", "change"]
    assert same.fields.index.name == "field"
    assert "same" in str(same)


def test_parts_are_named_by_their_paths() -> None:
    diff = compare_models(whole(), whole(layers=(64, 12), table={"b": 2}, part=Part(2.0)))
    assert [(one.path, one.a, one.b, one.change) for one in diff.changes] == [
        ("layers[1]", 10, 12, "changed"),
        ("table['a']", 1, None, "removed"),
        ("table['b']", None, 2, "added"),
        ("part.weight", 1.0, 2.0, "changed"),
    ]
    assert not diff.same
    assert diff.fields.loc["layers[1]", "b"] == 12
    assert "part.weight" in str(diff)
    assert "part.weight" in diff._repr_html_()


def test_lists_of_other_lengths_and_other_types_differ_as_a_whole() -> None:
    assert [one.path for one in compare_models(whole(), whole(layers=(64,))).changes] == ["layers"]
    assert [one.path for one in compare_models(whole(1.0), whole(1)).changes] == ["rate"]


def test_big_fields_are_compared_by_content(local: eio.Handler) -> None:
    saved = local.save(whole(pixels=np.arange(3)), "one")
    assert compare_models(saved, whole(pixels=np.arange(3))).same
    diff = compare_models(saved.artifact_id, whole(pixels=np.arange(4)), handler=local)
    assert [one.path for one in diff.changes] == ["pixels"]
    assert saved.artifact_id in diff.a


def test_tables_and_arrays_that_look_alike_say_where_they_differ() -> None:
    frame, pixels = pd.DataFrame({"a": [1, 2], "b": ["x", None]}), np.array([1.0, np.nan, 3.0])
    text = str(compare_models(whole(frame=frame), whole(frame=frame.assign(b=["x", "y"]))))
    assert "<DataFrame 2x2> differs in b" in text
    assert "of other columns" in str(compare_models(whole(frame=frame), whole(frame=frame.rename(columns={"a": "c"}))))
    many = pd.DataFrame({f"c{number}": [number] for number in range(9)})
    assert "differs in c0, c1, c2, c3, c4 and 4 more" in str(compare_models(whole(frame=many), whole(frame=many + 1)))
    other = np.array([1.0, np.nan, 4.0])
    assert "<ndarray 3> differs in 1 of 3" in str(compare_models(whole(pixels=pixels), whole(pixels=other)))
    assert "differs in" not in str(compare_models(whole(pixels=pixels), whole(pixels=np.arange(3))))


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_other_tables_say_so_too(make: Callable[..., Any]) -> None:
    one, other = Tables(make({"a": [1], "b": [2]})), Tables(make({"a": [1], "b": [3]}))
    assert str(compare_models(one, other)).rstrip().endswith("differs in b")


def test_comparing_counts_as_looking(local: eio.Handler) -> None:
    one, other = local.save(whole(), "one"), local.save(whole(0.2), "other")
    assert not compare_models(one.artifact_id, other.artifact_id, handler=local).same
    assert local.based_on == []


def test_what_is_no_model_is_refused(local: eio.Handler) -> None:
    with pytest.raises(NotAModelError, match="no data model"):
        compare_models(whole(), {"rate": 0.1})
    with pytest.raises(NotAModelError):
        compare_models(whole(), local.save({"rate": 0.1}, "params.json"))


def test_comparing_artifacts_leads_to_comparing_their_fields(local: eio.Handler) -> None:
    one, other, file = local.save(whole(), "one"), local.save(whole(0.2), "two"), local.save({"rate": 0.1}, "a.json")
    told = "model.json" in str(local.compare(one, other)), "compare_models" in str(local.compare(one, other))
    assert told == (True, True)
    assert "compare_models" in local.compare(one, other)._repr_html_()
    assert "compare_models" not in str(local.compare(one, file))
    assert "compare_models" not in str(local.compare(one, one))
