"""A new project is whole: every file of it is read as any other project's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from elliptio.pipelines.errors import ProjectError
from elliptio.pipelines.project.configurations import read_configurations
from elliptio.pipelines.project.definitions import read_definitions
from elliptio.pipelines.project.layout import lay_out
from elliptio.pipelines.project.notebooks import compile_notebooks
from elliptio.pipelines.project.places import find_project
from elliptio.pipelines.project.settings_files import read_settings
from elliptio.pipelines.project.yaml_files import Reader
from tests.pipelines.project.files import put


def test_a_new_project_can_be_read(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    written = lay_out(root)
    assert sorted(written) == sorted(path for path in root.rglob("*") if path.is_file())
    project = find_project(root / "scripts")
    assert (project.root, project.project_slug) == (root, "shop")
    for key in ("configuration", "catalog", "sources", "notebook_sources", "pipelines_definitions", "parameters"):
        assert project.place(key) is not None
    settings = read_settings(project.configuration, Reader(root))
    reader = Reader(root, settings)
    entries = [entry for file in reader.read_all(project.catalog) for entry in file.value]
    assert [entry["name"] for entry in entries] == ["turnover", "best_products", "sales"]
    assert (root / entries[2]["extra"]["path"]).is_file()
    definitions = read_definitions(project.place("pipelines_definitions"), reader)
    crafts = [operator.dotted for operator in definitions["report"]]
    assert crafts == ["shop.crafts.add_turnover", "shop.crafts.choose_best"]
    configurations = read_configurations(project.place("parameters"), reader)
    assert configurations["winter_sale"] == {"top": 2, "shop.crafts.add_turnover": {"discount": 0.3}}
    functions = {
        node.name
        for node in ast.parse((root / "lib/shop/crafts.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert {craft.rpartition(".")[2] for craft in crafts} < functions
    assert compile_notebooks(project).written == ["lib/jupyter/explore.py"]
    ignored = (root / ".gitignore").read_text().splitlines()
    assert {"locals.yaml", "locals.yml", ".elliptio-project/"} <= set(ignored)


@pytest.mark.parametrize("name", ["my project", 'quo"te\\', "größe", "{braces}"])
def test_any_name_of_a_folder_does(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path / name)
    assert find_project(tmp_path / name).project_slug


def test_a_folder_that_is_empty_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "repo", {".git/HEAD": "ref: refs/heads/main\n"})
    monkeypatch.chdir(tmp_path / "repo")
    lay_out(".")
    assert find_project().project_slug == "repo"


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    root = put(tmp_path / "mine", {"a.txt": "mine", "b.txt": ""})
    with pytest.raises(ProjectError, match=r"is not empty \(there is 'a\.txt' and 1 more\)"):
        lay_out(root)
    assert sorted(path.name for path in root.iterdir()) == ["a.txt", "b.txt"]
    for place in (root / "a.txt", root / "a.txt" / "b"):
        with pytest.raises(ProjectError, match=r"No project can be laid out in .*: Not a directory"):
            lay_out(place)
