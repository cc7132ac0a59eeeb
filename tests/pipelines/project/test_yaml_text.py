"""YAML is read strictly and safely, and what is wrong is said with its line."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import yaml

from elliptio.pipelines.project import yaml_text
from elliptio.pipelines.project.yaml_text import YamlError, lines


def parse(text: str) -> Any:
    return yaml_text.parse(text)[0]


SAME = """
texts: [plain, 'single', "double \\u00e9", "", '2024-01-01', "1"]
folded: >-
  one
  two
literal: |
  a
   b
numbers: [1, -2, 0x1F, 0o17, 017, 1_000, 1.5, -.5, .inf, 1e3, 1.0e+3, 12:30:45]
truths: [true, False, yes, NO, on, off]
nothing: [null, ~, ]
dates: [2024-01-01, 2024-01-01 10:00:00, 2001-12-14t21:59:43.10-05:00]
nested: {a: {b: [c, {d: e}]}}
1: number
2024-05-05: date
? asked
: answered
binary: !!binary aGVsbG8=
set: !!set {x, y}
pairs: !!pairs [a: 1, a: 2]
explicit: [!!str 12, !!int "12", !!float 3, !!str yes]
base: &base {x: 1, y: {z: 2}}
more: &more {x: 3, w: 4}
merged: {<<: *base, y: own}
both: {<<: [*base, *more]}
alias: [*base, *base]
"""


@pytest.fixture(params=["libyaml", "python"])
def _each_grammar(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML is without libyaml here")
    monkeypatch.setattr(yaml_text, "_loader", None)


pytestmark = pytest.mark.usefixtures("_each_grammar")


def test_values_are_what_yaml_says() -> None:
    made, expected = parse(SAME), yaml.load(SAME, yaml.SafeLoader)
    assert made == expected
    assert made.pop("both") == expected.pop("both") == {"x": 1, "y": {"z": 2}, "w": 4}
    assert repr(made) == repr(expected), "types and order, too"
    assert made["dates"][0] == dt.date(2024, 1, 1)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "text", "3", "- a\n- b\n", "{}", "[]"])
def test_small_files(text: str) -> None:
    assert parse(text) == yaml.load(text, yaml.SafeLoader)


def test_nothing_is_shared() -> None:
    made = parse("a: &a {x: [1]}\nb: *a\nc: {<<: *a}\n")
    made["a"]["x"].append(2)
    assert made["b"] == made["c"] == {"x": [1]}


def test_an_equals_sign_is_a_text() -> None:
    assert parse("a: =\n") == {"a": "="}  # PyYAML itself refuses it


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is there twice"),
        ("x:\n  y:\n    k: 1\n    k: 2\n", 4, "'k' is there twice"),
        ("1: a\n1.0: b\n", 2, "twice"),
        ("a:\n\tb: 1\n", 2, "spaces, not with tabs"),
        ("a: 1\n---\nb: 2\n", 2, "more than one document"),
        ("- path: !{x}/a.csv\n", 1, "stand in quotes"),
        ("- a\n- b: !mine 1\n", 2, "'!mine' is none of YAML's own"),
        ("a: !!python/object/apply:os.system ['false']\n", 1, "none of YAML's own"),
        ("a: b: c\n", 1, "in quotes"),
        ("a: [1, 2\nb: 3\n", 2, "flow|expected"),
        ("a: {{ x }}\n", 1, "put it into quotes"),
        ("? [1, 2]\n: a\n", 1, "a key is a list or a mapping"),
        ("a: 2024-13-45\n", 1, "type timestamp"),
        ("a: !!int many\n", 1, "type int"),
        ("a: !!bool perhaps\n", 1, "type bool"),
        ("a: " + "9" * 5000, 1, "type int"),
        ("a: *nowhere\n", 1, "alias"),
        ("a: \x01\n", 1, "cannot be seen"),
        ("a: %x\n", 1, "in quotes"),
        ("<<: 3\n", 1, "<< takes a mapping"),
        ("<<: !!set {a}\n", 1, "<< takes a mapping"),
        ("a: !!omap {a: 1}\n", 1, "."),
        ("a: &a [*a]\n", None, "nested deeper|contains itself"),
        ("a: &a {<<: *a}\n", None, "nested deeper|contains itself|alias"),
        ("[" * 300 + "]" * 300, None, "nested deeper|nesting"),
        ("- " * 300 + "x", None, "nested deeper|nesting"),
        ("[" * 600 + "]" * 600, None, "nest"),
        ("- " * 600, None, "nest"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(YamlError, match=said) as found:
        parse(text)
    assert line is None or found.value.line == line


def test_the_first_of_two_equal_keys_is_known() -> None:
    with pytest.raises(YamlError) as found:
        parse("a: 1\nb: 2\na: 3\n")
    assert (found.value.first, found.value.line) == (1, 3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lists", "mappings", "merges", "empty merges"])
def test_a_bomb_of_aliases_is_an_error(kind: str) -> None:
    def inside(i: int) -> str:
        aliases = ", ".join([f"*a{i - 1}"] * 10)
        return {
            "lists": f"[{aliases}]",
            "mappings": "{" + ", ".join(f"k{j}: *a{i - 1}" for j in range(10)) + "}",
            "merges": f"{{<<: [{aliases}], k{i}: 1}}",
            "empty merges": f"{{<<: [{aliases}]}}",
        }[kind]

    first = "[x, x]" if kind == "lists" else "{}" if kind == "empty merges" else "{x: 1}"
    text = f"a0: &a0 {first}\n" + "".join(f"a{i}: &a{i} {inside(i)}\n" for i in range(1, 12))
    with pytest.raises(YamlError, match="far more"):
        parse(text)


def test_some_aliases_are_no_bomb() -> None:
    made = parse("a: &a [1, 2]\nb: [" + ", ".join(["*a"] * 2_000) + "]\n")
    assert len(made["b"]) == 2_000


def test_lines_at_the_top() -> None:
    assert yaml_text.parse("# c\n- a\n\n- b:\n    1\n- {c: 1}\n")[1] == [2, 4, 6]
    assert yaml_text.parse("a: 1\nb:\n  c: 1\nd: 2\n")[1] == [1, 2, 4]
    assert yaml_text.parse("x: &x {a: 1}\n<<: *x\n") == ({"a": 1, "x": {"a": 1}}, [1, 1])
    assert yaml_text.parse("text")[1] == yaml_text.parse("")[1] == yaml_text.parse("!!set {a}")[1] == []


def test_lines_of_ways() -> None:
    text = "- name: a\n  extra:\n    path: x\n- name: b\n  extra: {path: y,\n    query: z}\nb: 1"
    text = text.removesuffix("b: 1")
    ways: list[tuple[Any, ...]] = [
        (),
        (0,),
        (0, "extra", "path"),
        (1,),
        (1, "extra"),
        (1, "extra", "query"),
        (1, "none"),
        (9,),
    ]
    assert lines(text, ways) == [1, 1, 3, 4, 5, 6, 4, 1]
    assert lines("a: &a\n  x: 1\nb:\n  <<: *a\n", [("b", "x")]) == [2]
    assert lines("", [("a",)]) == [None]
    assert lines("a: [", [("a",)]) == [None]
