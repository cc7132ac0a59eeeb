"""Texts, JSON, YAML and bytes: what comes back equal, and what is refused, where."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elliptio as eio
from elliptio import formats
from elliptio.formats.plain import difference
from elliptio.protocols import Format
from elliptio.testing import FormatConformance
from elliptio.testing.formats import written

LOOP: list[Any] = []
LOOP.append(LOOP)


class Text(str):
    """A text of a class of its own."""


class PlainConformance(FormatConformance):
    def equal(self, value: Any, other: Any) -> bool:
        return difference(value, other) is None


class TestText(PlainConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("text")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {"usual": "Zoë 🐧", "empty": "", "line ends": "a\r\nb\rc\n", "mark": "\ufeffx", "NUL": "\0"}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"surrogate": "\ud800", "bytes": b"x", "class": Text("x"), "numpy": np.str_("x")}


class TestBinary(PlainConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("binary")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {"usual": b"\x00\xff", "empty": b""}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"text": "x", "bytearray": bytearray(b"x")}


class TestJson(PlainConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("json")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        nested = {"b": [1, 2.0, True, None, "x", {}], "a": {"": [[]]}, "c.d": 2**70, "e": 1e300, "f": -0.0}
        plain = {"nested": nested, "text": "x", "number": 1, "float": 1.0, "nothing": None, "yes": True, "list": []}
        return plain | {f"{value!r}"[:40]: value for value in BESIDE}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {f"{value!r}"[:40]: value for value in NOT_JSON}


NOT_JSON: list[Any] = [
    {1: 2}, {None: 1}, {True: 1}, {1, 2}, frozenset(), b"x", dt.date(2026, 1, 1), {1: (1,)}, ({1},), (LOOP,),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1j, np.zeros(2), np.array(1), np.complex64(1), np.longdouble(1),
    np.datetime64("2026-01-01"), np.longlong(1) if np.longlong is not np.int64 else 1j, Text("x"), {Text("x"): 1},
    "\ud800", {"\ud800": 1}, (np.str_("\ud800"),), LOOP, object(),
]  # fmt: skip

NAN = float("nan")
BESIDE: list[Any] = [
    (1, 2), (), [()], ((), [(1, [2])]), NAN, float("-inf"), [1, NAN, 2.0], [1.0, NAN], [None, NAN], (None, NAN),
    np.int64(1), np.float64(0.1), np.float32(0.1), np.float16("nan"), np.float64("inf"), np.uint64(2**64 - 1),
    np.bool_(False), np.str_("x"), [np.int8(1), 1, True, np.bool_(True)], {"a.b": {"$c": (1,)}, "": np.float64(-0.0)},
    [{"loss": np.float64(0.1)}, {"loss": np.float64("nan"), "size": (8, 8)}], [("a", 1, 0.5), ("b", 2, NAN)],
    {"null": None, "nan": NAN, "text": "NaN", "inf": "Infinity"},
]  # fmt: skip


class TestYaml(PlainConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("yaml")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        odd = {
            1: 2,
            None: 3,
            False: [float("nan"), float("inf"), -0.0],
            dt.date(2026, 1, 1): b"\x00\xff",
            "s": {1, "a"},
        }
        texts = ["", "yes", "1", "1e3", "null", " a ", "a: b", "#", "a\nb\n", "\u2028", "Zoë 🐧", "2026-01-01", "~"]
        times = [dt.datetime(2026, 1, 1, 1, 2, 3, 4), dt.datetime(2026, 1, 1)]
        plain = {"odd": odd, "texts": texts, "times": times, "order": {"b": 1, "a": 2}, "nothing": None}
        return plain | {f"{value!r}"[:40]: value for value in BESIDE} | {"date": (dt.date(2026, 1, 1),)}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        inside = {"under a number": {1: (1, 2)}, "in a set": {(1, 2)}, "array": [np.zeros(2)]}
        return inside | {"class": Text("x"), "object": object(), "loop": LOOP}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [{"b": {1}}]}, r"value\['a'\]\[0\]\['b'\] is of type set.*use sorted"),
        ({"a": (1, {"b": {1}})}, r"value\['a'\]\[1\]\['b'\] is of type set.*use sorted"),
        ({"a": {1: 2}}, r"value\['a'\] has the key 1 of type int.*str\(key\)"),
        ({"acc": np.longdouble(1)}, r"value\['acc'\] is of type numpy.longdouble.*\.item\(\)"),
        (LOOP, "nests deeper than 200 levels"),
    ],
)
def test_json_says_where_and_what_to_do(value: Any, says: str) -> None:
    with pytest.raises(eio.ValueRefusedError, match=says):
        formats.get("json").write(value, io.BytesIO())


def test_yaml_says_where() -> None:
    with pytest.raises(eio.ValueRefusedError, match=r"value\[1\] is of type tuple, and would come back as list"):
        formats.get("yaml").write({1: (1, 2)}, io.BytesIO())


def test_what_is_beside_a_file_is_small_where_it_is_regular() -> None:
    steps = [{"epoch": n, "loss": np.float32(n), "f1": NAN if n % 3 else 0.5, "box": (n, n)} for n in range(1000)]
    file, options = written(formats.get("json"), {"steps": steps, "size": (8, 8)}, indent=None)
    each = {"each": {"keys": [["loss", "float32"], ["f1", "float"], ["box", {"tuple": True}]]}}
    assert options == {"types": {"keys": [["steps", each], ["size", {"tuple": True}]]}}
    assert file.getvalue().startswith(b'{"steps": [{"epoch": 0, "loss": 0.0, "f1": 0.5, "box": [0, 0]}')
    assert b"NaN" not in file.getvalue()
    with pytest.raises(eio.ValueRefusedError, match="too many places"):
        formats.get("json").write([n if n % 2 else (n,) for n in range(20_000)], io.BytesIO())


def test_what_is_beside_a_file_and_does_not_suit_it_is_named() -> None:
    for types in ({"each": "float64"}, "object", {"keys": [["a", "float"]]}, {"items": 3}):
        with pytest.raises(eio.FormatError, match="cannot be read as 'json'"):
            formats.get("json").read(io.BytesIO(b'["x"]' if types != "object" else b"1"), types=types)


def test_metrics_come_back_from_a_lake(local: eio.Handler) -> None:
    metrics = {"accuracy": np.float64(0.93), "loss": NAN, "shape": (3, 2)}
    for name in ("metrics.json", "metrics.yaml"):
        found = local.get(local.save(metrics, name).artifact_id).load()
        assert difference(metrics, found) is None


def test_options_decide_how_it_is_laid_out() -> None:
    file, _ = written(formats.get("json"), {"a": [1]}, indent=None, separators=(",", ":"))
    assert file.getvalue() == b'{"a":[1]}'
    with pytest.raises(eio.FormatOptionError, match="would not be JSON"):
        formats.get("json").write({"a": 1}, io.BytesIO(), separators=("", ""))
    file, options = written(formats.get("text"), "é", encoding="utf-16")
    assert formats.get("text").read(file, **options) == "é"
    with pytest.raises(eio.ValueRefusedError, match="no form in latin-1"):
        formats.get("text").write("€", io.BytesIO(), encoding="latin-1")
    with pytest.raises(eio.FormatOptionError, match="no encoding 'utf-9'"):
        formats.get("text").write("x", io.BytesIO(), encoding="utf-9")


def test_nothing_in_yaml_is_run() -> None:
    with pytest.raises(eio.FormatError, match="cannot be read as 'yaml'"):
        formats.get("yaml").read(io.BytesIO(b"!!python/object/apply:os.getcwd []"))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["json", "yaml"])
@settings(deadline=None, max_examples=100)
@given(value=PLAIN)
def test_generated_values_come_back_equal_or_are_refused(name: str, value: Any) -> None:
    try:
        file, options = written(formats.get(name), value)
    except eio.ValueRefusedError:
        return
    assert repr(formats.get(name).read(file, **options)) == repr(value)
