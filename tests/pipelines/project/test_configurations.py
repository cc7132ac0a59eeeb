"""Configurations: bases from left to right, own keys last, and what comes out is the caller's own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines.errors import DuplicateNameError, ProjectError, UnknownNameError
from elliptio.pipelines.project.configurations import Configurations, read_configurations
from elliptio.pipelines.project.yaml_files import Reader
from tests.pipelines.project.files import put


def configurations_of(root: Path, text: str | None = None, **settings: Any) -> Configurations:
    if text is not None:
        put(root, {"parameters/a.yml": text})
    return read_configurations(root / "parameters", Reader(root, settings))


BASES = """
base:
  shared: 1
  kept: [1, 2]
  m.craft: {a: 1, deep: {x: 1, y: 2}}
  day: 2024-01-01
other:
  shared: 2
  kept: [3]
  m.craft: {b: 2, deep: {y: 3}}
custom:
  shared: 3
  m.craft: {a: 9}
  _from: [base, other]
grandchild:
  _from: custom
  m.craft: text
empty: {}
none:
from_nothing:
  _from:
"""


def test_bases_count_from_left_to_right_and_own_keys_last(tmp_path: Path) -> None:
    configurations = configurations_of(tmp_path, BASES)
    assert configurations["custom"] == {
        "shared": 3,
        "kept": [3],
        "m.craft": {"a": 9, "b": 2, "deep": {"x": 1, "y": 3}},
        "day": dt.date(2024, 1, 1),
    }
    assert configurations["grandchild"]["m.craft"] == "text"
    assert configurations["grandchild"]["kept"] == [3]
    for name in ("empty", "none", "from_nothing"):
        assert configurations[name] == {}
    assert list(configurations) == ["base", "custom", "empty", "from_nothing", "grandchild", "none", "other"]
    assert configurations.bases("custom") == ["base", "other"]
    assert configurations.bases("grandchild") == ["custom"]
    assert configurations.where("other") == "parameters/a.yml:7"
    assert "_from" not in configurations["custom"]


def test_what_comes_out_is_the_callers_own(tmp_path: Path) -> None:
    configurations = configurations_of(tmp_path, BASES)
    for name in ("custom", "base", "grandchild"):
        first = configurations[name]
        before = repr(first)
        first["kept"].append("mine")
        first["day"] = 3
        if isinstance(first["m.craft"], dict):
            first["m.craft"]["deep"]["x"] = "mine"
        assert repr(configurations[name]) == before
    assert type(configurations["base"]) is dict
    assert "mine" not in repr([configurations[name] for name in configurations])


def test_loops_make_configurations(tmp_path: Path) -> None:
    text = "base: {x: 1}\n{% for c in CLIENTS %}\npredict_{{ c }}:\n  _from: [base]\n  client: {{ c }}\n{% endfor %}\n"
    configurations = configurations_of(tmp_path, text, clients=["a", "b"])
    assert dict(configurations) == {
        "base": {"x": 1},
        "predict_a": {"x": 1, "client": "a"},
        "predict_b": {"x": 1, "client": "b"},
    }


def test_a_cycle_is_drawn(tmp_path: Path) -> None:
    configurations = configurations_of(
        tmp_path, "x: {_from: [a]}\na: {_from: [b]}\nb: {_from: [ok, a]}\nok: {v: 1}\nme:\n  _from: [me]\n"
    )
    with pytest.raises(ProjectError, match=r"^parameters/a\.yml:3: configurations come from each other: a → b → a\.$"):
        configurations["x"]
    with pytest.raises(ValueError, match=r"^parameters/a\.yml:6: .*me → me"):
        configurations["me"]
    assert configurations["ok"] == {"v": 1}


def test_unknown_names_say_which_is_meant(tmp_path: Path) -> None:
    configurations = configurations_of(tmp_path, "base: {}\ncustom:\n  _from: [bas]\n")
    with pytest.raises(
        KeyError, match=r"^parameters/a\.yml:3: the configuration 'custom' comes from 'bas'.*did you mean 'base'"
    ):
        configurations["custom"]
    with pytest.raises(UnknownNameError, match="no configuration 'custm'; did you mean 'custom'"):
        configurations["custm"]
    with pytest.raises(UnknownNameError, match="no configuration 'x'"):
        configurations.where("x")


def test_a_name_twice_names_both_places(tmp_path: Path) -> None:
    put(tmp_path, {"parameters/b/c.yaml": "\nx: {}\n"})
    with pytest.raises(
        DuplicateNameError, match=r"'x' is there twice, in parameters/a\.yml:1 and in parameters/b/c\.yaml:2"
    ):
        configurations_of(tmp_path, "x: {}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "configurations are written"),
        ("x: 3\n", r"^parameters/a\.yml:1: the configuration 'x' has to be written"),
        ("x:\n  _from: {a: 1}\n", r"^parameters/a\.yml:2: _from of the configuration 'x' is no list of names"),
        ("x:\n  _from: [1]\n", "no list of names"),
        (
            "x:\n  a: 1\n  on: 2\n",
            r"^parameters/a\.yml:3: the parameter True of the configuration 'x' is no text.*quotes",
        ),
        ("off: {}\n", "the configuration False is no text"),
    ],
)
def test_another_form_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        configurations_of(tmp_path, text)


def test_long_chains_and_many_ways(tmp_path: Path) -> None:
    text = "".join(f"c{i}: {{_from: [c{i + 1}, c{i + 1}], k{i % 7}: {i}}}\n" for i in range(2_000))
    configurations = configurations_of(tmp_path, text + "c2000: {end: 1}\n")
    assert configurations["c0"] == {**{f"k{i}": i for i in range(7)}, "end": 1}
