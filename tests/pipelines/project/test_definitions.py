"""Definitions of pipelines: nested ones inlined, each craft once, what is wrong is said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines.errors import DuplicateNameError, PipelineDefinitionError, ProjectError, UnknownNameError
from elliptio.pipelines.project.definitions import Definitions, read_definitions
from elliptio.pipelines.project.yaml_files import Reader
from tests.pipelines.project.files import put


def definitions_of(root: Path, place: str = "pipelines", **settings: Any) -> Definitions:
    return read_definitions(root / place, Reader(root, settings))


def names(definitions: Definitions, name: str) -> list[str]:
    return [str(operator) for operator in definitions[name]]


def test_nested_pipelines_are_inlined(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "pipelines/a.yaml": "all:\n  operators:\n    - first\n    - m.x\n    - second\n    - m.a\n",
            "pipelines/deep/b.yml": "first: {operators: [m.a, m.b]}\nsecond:\n  operators: [first, m.{{ LAST }}]\n"
            "none: {operators: }\n",
            "pipelines/empty.yml": "",
        },
    )
    definitions = definitions_of(tmp_path, last="c")
    assert list(definitions) == ["all", "first", "none", "second"]
    assert len(definitions) == 4
    assert "all" in definitions
    assert "m.a" not in definitions
    assert names(definitions, "all") == ["m.a", "m.b", "m.x", "m.c"], "each once, where it comes first"
    assert names(definitions, "none") == []
    operators = definitions["all"]
    assert [operator.where for operator in operators] == [
        "pipelines/deep/b.yml:1", "pipelines/deep/b.yml:1", "pipelines/a.yaml:4", "pipelines/deep/b.yml:3",
    ]  # fmt: skip
    assert operators[0].pipeline == "first"
    assert definitions.where("second") == "pipelines/deep/b.yml:2"


def test_one_file_and_no_file(tmp_path: Path) -> None:
    put(tmp_path, {"p.yaml": "a: {operators: [m.x]}"})
    assert names(definitions_of(tmp_path, "p.yaml"), "a") == ["m.x"]
    assert dict(read_definitions(None, Reader(tmp_path))) == {}


def test_a_cycle_is_drawn(tmp_path: Path) -> None:
    nested = {"x": "a", "a": "b, m.x", "b": "m.y, c", "c": "a", "me": "me", "ok": "m.z"}
    put(tmp_path, {"pipelines/a.yml": "".join(f"{name}: {{operators: [{each}]}}\n" for name, each in nested.items())})
    definitions = definitions_of(tmp_path)
    with pytest.raises(
        PipelineDefinitionError, match=r"^pipelines/a\.yml:4: pipelines contain each other: a → b → c → a\.$"
    ):
        definitions["x"]
    with pytest.raises(ValueError, match="me → me"):
        definitions["me"]
    assert names(definitions, "ok") == ["m.z"], "a pipeline that is wrong hinders no other"


def test_unknown_names_say_which_is_meant(tmp_path: Path) -> None:
    put(tmp_path, {"pipelines/a.yml": "prepare: {operators: [m.x]}\nall:\n  operators:\n    - prepaer\n"})
    definitions = definitions_of(tmp_path)
    with pytest.raises(UnknownNameError, match="no pipeline 'al'; did you mean 'all'"):
        definitions["al"]
    with pytest.raises(UnknownNameError, match="no pipeline 'prepar'; did you mean 'prepare'"):
        definitions.where("prepar")
    with pytest.raises(KeyError, match=r"^pipelines/a\.yml:4: pipeline 'all' names 'prepaer'.*did you mean 'prepare'"):
        definitions["all"]


def test_a_name_twice_names_both_places(tmp_path: Path) -> None:
    put(tmp_path, {"pipelines/a.yml": "x: {operators: [m.x]}\n", "pipelines/b.yml": "\n\nx: {operators: [m.y]}\n"})
    with pytest.raises(
        DuplicateNameError, match=r"pipeline 'x' is there twice, in pipelines/a\.yml:1 and in pipelines/b\.yml:3"
    ):
        definitions_of(tmp_path)
    put(tmp_path, {"pipelines/b.yml": "y: {operators: []}\n\ny: {operators: [m.y]}\n"})
    with pytest.raises(ProjectError, match=r"^pipelines/b\.yml:3: .*'y' is there twice.*other is pipelines/b\.yml:1"):
        definitions_of(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", r"^pipelines/a\.yml:1: pipelines are written"),
        ("x:\n  - m.x\n", r"^pipelines/a\.yml:1: the pipeline 'x' has to be written"),
        ("\nx:\n", r"^pipelines/a\.yml:2: the pipeline 'x' has to be written"),
        ("x: {}\n", "'x' has no operators"),
        (
            "x:\n  operators: [m.x]\n  operator: 1\n",
            r"^pipelines/a\.yml:3: .*unknown key 'operator'; there is 'operators'",
        ),
        ("x:\n  operators: m.x\n", r"^pipelines/a\.yml:2: the operators of 'x' are no list"),
        ("x:\n  operators:\n    - m.x\n    - {m.y: 1}\n", r"^pipelines/a\.yml:4: operator 2 of the pipeline 'x'"),
        ("x: {operators: [3]}\n", "operator 1"),
        ("on: {operators: []}\n", r"^pipelines/a\.yml:1: the name of the pipeline True is no text.*quotes"),
        ("1: {operators: []}\n", "the pipeline 1 is no text"),
    ],
)
def test_another_form_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    put(tmp_path, {"pipelines/a.yml": text})
    with pytest.raises(ProjectError, match=said):
        definitions_of(tmp_path)


def test_long_chains_and_many_ways(tmp_path: Path) -> None:
    chain = "".join(f"p{i}: {{operators: [p{i + 1}, p{i + 1}, m.c{i}]}}\n" for i in range(2_000))
    put(tmp_path, {"pipelines/a.yml": chain + "p2000: {operators: [m.end]}\n"})
    assert len(definitions_of(tmp_path)["p0"]) == 2_001
