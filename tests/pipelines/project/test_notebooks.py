"""Cells tagged `craft` become modules; what somebody edited stays."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines.errors import DuplicateNameError, ProjectError, ProjectNotFoundError
from elliptio.pipelines.project.notebooks import CompileReport, compile_notebooks
from elliptio.pipelines.project.places import Project, find_project
from tests.pipelines.project.files import put


def cell(source: str | list[str], *tags: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {"tags": list(tags)} if tags else {}, "source": source}


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def project_of(root: Path, files: dict[str, str | bytes] | None = None, table: str = "") -> Project:
    put(root, {"pyproject.toml": f"[tool.elliptio.pipelines]\n{table}", **(files or {})})
    return find_project(root)


ONE = notebook(cell("x = 1", "craft"))


def test_cells_become_modules(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {
            "scripts/10_load data/20_raw files.ipynb": notebook(
                cell("import os\n", "CRAFT"),
                cell("not = 'a craft'"),
                cell("# a text", "craft", kind="markdown"),
                cell(["def f():\n", "    return os.sep\n"], "export", " Craft "),
                cell("print(f())", "crafts"),
            ),
            "scripts/plain.ipynb": notebook(cell("x = 1")),
            "scripts/.ipynb_checkpoints/20_raw-checkpoint.ipynb": ONE,
            "scripts/30_40_top.ipynb": b"\xef\xbb\xbf" + ONE.encode(),
            "scripts/notes.txt": "",
        },
    )
    report = compile_notebooks(project)
    assert report.written == ["lib/jupyter/loaddata/rawfiles.py", "lib/jupyter/top.py"]
    assert report.ok
    module = tmp_path / "lib/jupyter/loaddata/rawfiles.py"
    assert module.read_text().startswith("# Compiled from scripts/10_load data/20_raw files.ipynb\n")
    assert module.read_text().endswith("\n\nimport os\n\n\ndef f():\n    return os.sep\n")
    names = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "lib").rglob("*"))
    assert names == [
        "lib/jupyter", "lib/jupyter/__init__.py", "lib/jupyter/loaddata", "lib/jupyter/loaddata/__init__.py",
        "lib/jupyter/loaddata/rawfiles.py", "lib/jupyter/top.py",
    ]  # fmt: skip


def test_what_is_the_same_is_not_touched(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE})
    compile_notebooks(project)
    module = tmp_path / "lib" / "jupyter" / "a.py"
    os.utime(module, ns=(1, 1))
    assert compile_notebooks(project) == CompileReport(unchanged=["lib/jupyter/a.py"])
    assert module.stat().st_mtime_ns == 1
    put(tmp_path, {"scripts/a.ipynb": notebook(cell("x = 2", "craft"))})
    assert compile_notebooks(project).written == ["lib/jupyter/a.py"]
    assert module.read_text().endswith("x = 2\n")
    assert sorted(path.name for path in module.parent.iterdir()) == ["__init__.py", "a.py"]


def test_packages_that_are_there_are_kept(tmp_path: Path) -> None:
    project = project_of(
        tmp_path, {"scripts/x/a.ipynb": ONE, "lib/from/nb/__init__.py": "mine = 1\n"}, 'notebook_target = "from_/nb"\n'
    )
    put(tmp_path, {"lib/from_/nb/__init__.py": "mine = 1\n"})
    assert compile_notebooks(project).written == ["lib/from_/nb/x/a.py"]
    assert (tmp_path / "lib/from_/nb/__init__.py").read_text() == "mine = 1\n"
    assert (tmp_path / "lib/from_/__init__.py").read_text() == ""
    assert not (tmp_path / "lib/__init__.py").exists()


@pytest.mark.parametrize("edit", ["x = 1\n# mine\n", "own = 1\n", ""])
def test_a_module_that_somebody_edited_is_kept(tmp_path: Path, edit: str) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE})
    compile_notebooks(project)
    module = tmp_path / "lib" / "jupyter" / "a.py"
    text = module.read_text() + "# mine\n" if "mine" in edit else edit
    module.write_text(text)
    put(tmp_path, {"scripts/a.ipynb": notebook(cell("x = 3", "craft")), "scripts/b.ipynb": ONE})
    report = compile_notebooks(project)
    assert (report.refused, report.written, report.ok) == (["lib/jupyter/a.py"], ["lib/jupyter/b.py"], False)
    assert module.read_text() == text
    report = compile_notebooks(project, force=True)
    assert (report.written, report.unchanged, report.ok) == (["lib/jupyter/a.py"], ["lib/jupyter/b.py"], True)
    assert module.read_text().endswith("x = 3\n")


def test_a_module_that_is_no_text_is_kept(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE, "lib/jupyter/a.py": b"\xff\xfe"})
    assert compile_notebooks(project).refused == ["lib/jupyter/a.py"]


def test_line_ends_of_git_are_no_edit(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE})
    compile_notebooks(project)
    module = tmp_path / "lib" / "jupyter" / "a.py"
    module.write_bytes(module.read_bytes().replace(b"\n", b"\r\n"))
    put(tmp_path, {"scripts/a.ipynb": notebook(cell("x = 3\r\ny = 4\r\n", "craft"))})
    assert compile_notebooks(project).written == ["lib/jupyter/a.py"]
    assert module.read_bytes().endswith(b"x = 3\ny = 4\n")


def test_modules_of_notebooks_that_are_gone_are_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/10_a.ipynb": ONE, "lib/jupyter/own.py": "x = 1\n"})
    compile_notebooks(project)
    (tmp_path / "scripts/10_a.ipynb").rename(tmp_path / "scripts/10_b.ipynb")
    report = compile_notebooks(project)
    assert (report.written, report.left_over) == (["lib/jupyter/b.py"], ["lib/jupyter/a.py"])
    assert (tmp_path / "lib/jupyter/a.py").exists()


def test_magics_of_display_become_comments(tmp_path: Path) -> None:
    source = (
        '%matplotlib inline\n%load_ext autoreload\n%autoreload 2\nx = """\n%not magic\n!nor this\n"""\ny = (7\n  % 4)\n'
    )
    project = project_of(tmp_path, {"scripts/a.ipynb": notebook(cell(source, "craft"))})
    compile_notebooks(project)
    text = (tmp_path / "lib/jupyter/a.py").read_text()
    assert "# %matplotlib inline\n# %load_ext autoreload\n# %autoreload 2\n" in text
    values: dict[str, Any] = {}
    exec(text, values)
    assert (values["x"], values["y"]) == ("\n%not magic\n!nor this\n", 3)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n!pip install x", r"^scripts/a\.ipynb, cell 2, line 2: '!pip install x' is no Python"),
        ("%%time\nx = 1", r"^scripts/a\.ipynb, cell 2, line 1: '%%time' is no Python"),
        ("%run other.ipynb", "no magics: move the line"),
        ("def f():\n    %time x = 1\n", r"cell 2, line 2: '%time x = 1'"),
        ("if x:\n    %matplotlib inline\n", "no Python"),
        ("print?", "'print\\?' is no Python"),
        ("def f(:\n", r"^scripts/a\.ipynb, cell 2, line 1: this is no Python"),
        ("x = 1\n  y = 2", r"cell 2, line 2: this is no Python"),
        ("return 3", r"^scripts/a\.ipynb: its cells tagged craft are no module together: 'return' outside function"),
        ("x = 1\x00", "no Python"),
    ],
)
def test_a_cell_that_is_no_python_is_said(tmp_path: Path, source: str, said: str) -> None:
    project = project_of(
        tmp_path,
        {"scripts/a.ipynb": notebook(cell("x = 1", "craft"), cell(source, "craft")), "scripts/0.ipynb": notebook()},
    )
    with pytest.raises(ProjectError, match=said):
        compile_notebooks(project)
    assert not (tmp_path / "lib").exists(), "nothing is written before all is right"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.ipynb", "{", r"^scripts/a\.ipynb is no notebook"),
        ("a.ipynb", b"\xff\xfe\x00", "is no notebook"),
        ("a.ipynb", "[]", "no list of cells"),
        ("a.ipynb", '{"cells": 3}', "no list of cells"),
        ("a.ipynb", "[" * 200_000, "is no notebook"),
        ("10_my-book.ipynb", ONE, "'10_my-book' would become 'my-book', which is no name of a module"),
        ("1 a/20_.ipynb", ONE, "no name of a module"),
        ("class.ipynb", ONE, "no name of a module"),
        ("__init__.ipynb", ONE, "no name of a module"),
        ("10_x\\y.ipynb", ONE, "no name of a module"),
    ],
)
def test_what_is_no_notebook_is_said(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    project = project_of(tmp_path, {f"scripts/{name}": content})
    with pytest.raises(ProjectError, match=said):
        compile_notebooks(project)


@pytest.mark.parametrize(
    "odd",
    [
        "3",
        '{"cells": [3, null, {"cell_type": "code"}, {"cell_type": "code", "metadata": []}]}',
        '{"cells": [{"cell_type": "code", "metadata": {"tags": "craft"}}]}',
        "{}",
    ],
)
def test_odd_cells_are_no_crafts(tmp_path: Path, odd: str) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": odd})
    if odd == "3":
        with pytest.raises(ProjectError):
            compile_notebooks(project)
    else:
        assert compile_notebooks(project) == CompileReport()


def test_two_that_would_become_one_are_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/10_a.ipynb": ONE, "scripts/20_a.ipynb": ONE})
    with pytest.raises(
        DuplicateNameError, match=r"scripts/10_a\.ipynb and scripts/20_a\.ipynb would both become lib/jupyter/a\.py"
    ):
        compile_notebooks(project)
    project = project_of(tmp_path / "b", {"scripts/10_a.ipynb": ONE, "scripts/20_a/x.ipynb": ONE})
    with pytest.raises(DuplicateNameError, match=r"scripts/10_a\.ipynb and the folder of scripts/20_a/x\.ipynb"):
        compile_notebooks(project)


def test_places_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE, "lib/jupyter/a.py/x": ""})
    with pytest.raises(ProjectError, match=r"lib/jupyter/a\.py is a folder"):
        compile_notebooks(project)
    project = project_of(tmp_path / "b", {"scripts/a.ipynb": ONE, "lib/jupyter": "a file"})
    with pytest.raises(ProjectError, match=r"lib/jupyter/a\.py cannot be written"):
        compile_notebooks(project)


def test_a_target_that_is_no_package_is_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/a.ipynb": ONE}, 'notebook_target = "my-books"\n')
    with pytest.raises(ProjectError, match="notebook_target is 'my-books', but 'my-books' is no name of a package"):
        compile_notebooks(project)


def test_a_folder_of_notebooks_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    assert compile_notebooks(project_of(tmp_path / "a")) == CompileReport()
    with pytest.raises(ProjectNotFoundError, match=r"notebook_sources in .* names 'books', which is no folder"):
        compile_notebooks(project_of(tmp_path / "b", table='notebook_sources = "books"\n'))


def test_what_is_made_is_python_of_any_letters(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"scripts/größe.ipynb": notebook(cell("größe = '\U0001f600 \u2028'", "craft"))})
    assert compile_notebooks(project).written == ["lib/jupyter/größe.py"]
    ast.parse((tmp_path / "lib/jupyter/größe.py").read_text(encoding="utf-8"))
    assert compile_notebooks(project).unchanged == ["lib/jupyter/größe.py"]
