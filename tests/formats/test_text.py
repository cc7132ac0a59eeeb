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
        return {"nested": nested, "text": "x", "number": 1, "float": 1.0, "nothing": None, "yes": True, "list": []}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {f"{value!r}"[:40]: value for value in NOT_JSON}


NOT_JSON: list[Any] = [
    {1: 2}, {None: 1}, {True: 1}, (1, 2), {1, 2}, frozenset(), float("nan"), float("-inf"), b"x", dt.date(2026, 1, 1),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1j, np.int64(1), np.float64(1), np.zeros(2), Text("x"), {Text("x"): 1},
    "\ud800", {"\ud800": 1}, LOOP, object(),
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
        return {"odd": odd, "texts": texts, "times": times, "order": {"b": 1, "a": 2}, "nothing": None}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"tuple": {"a": (1, 2)}, "numpy": [np.float64(1)], "class": Text("x"), "object": object(), "loop": LOOP}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [{"b": (1,)}]}, r"value\['a'\]\[0\]\['b'\] is of type tuple.*use a list"),
        ({"a": {1: 2}}, r"value\['a'\] has the key 1 of type int.*str\(key\)"),
        ({"loss": float("nan")}, r"value\['loss'\] is nan, which JSON cannot say: use None, or save it as .yaml"),
        ({"acc": np.float64(1)}, r"value\['acc'\] is of type numpy.float64.*\.item\(\)"),
        (LOOP, "nests deeper than 200 levels"),
    ],
)
def test_json_says_where_and_what_to_do(value: Any, says: str) -> None:
    with pytest.raises(eio.ValueRefusedError, match=says):
        formats.get("json").write(value, io.BytesIO())


def test_yaml_says_where() -> None:
    with pytest.raises(eio.ValueRefusedError, match=r"value\['a'\] is of type tuple, and would come back as list"):
        formats.get("yaml").write({"a": (1, 2)}, io.BytesIO())


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
        file, _ = written(formats.get(name), value)
    except eio.ValueRefusedError:
        return
    assert repr(formats.get(name).read(file)) == repr(value)
