"""A project is found from any folder in it, and its table is checked key by key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from elliptio.errors import ConfigError, ElliptioError
from elliptio.pipelines import Session
from elliptio.pipelines.errors import ProjectError, ProjectNotFoundError
from elliptio.pipelines.project.places import find_project
from tests.pipelines.project.files import put

TABLE = '[tool.elliptio.pipelines]\nproject_slug = "shop"\n'


def test_a_project_is_found_from_any_folder_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"pyproject.toml": TABLE, "a/b/c.txt": "", "a/pyproject.toml": "[tool.other]\n[tool.pipelines]\n"})
    for start in (tmp_path, tmp_path / "a" / "b", str(tmp_path / "a"), tmp_path / "pyproject.toml", tmp_path / "a/.."):
        assert find_project(start).root == tmp_path
    monkeypatch.chdir(tmp_path / "a" / "b")
    project = find_project()
    assert (project.root, project.project_slug, project.file) == (tmp_path, "shop", tmp_path / "pyproject.toml")


def test_a_relative_lake_lies_in_the_project_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELLIPTIO_ROOT", raising=False)
    put(tmp_path / "shop", {"pyproject.toml": f'[tool.elliptio]\nroot = "../lake"\n{TABLE}', "lib/some.py": ""})
    for start in (tmp_path, tmp_path / "shop" / "lib"):
        monkeypatch.chdir(start)
        assert Path(Session(tmp_path / "shop").handler.store.root) == tmp_path / "lake"


def test_a_relative_index_lies_in_the_project_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ELLIPTIO_ROOT", "ELLIPTIO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    elsewhere = tmp_path / "elsewhere.sqlite"
    for named, place in (("index.sqlite", tmp_path / "shop" / "index.sqlite"), (str(elsewhere), elsewhere)):
        settings = f'[tool.elliptio]\nroot = "lake"\nindex = "sqlite:///{named}"\n'
        put(tmp_path / "shop", {"pyproject.toml": f"{settings}{TABLE}", "lib/some.py": ""})
        for start in (tmp_path, tmp_path / "shop" / "lib"):
            monkeypatch.chdir(start)
            assert Session(tmp_path / "shop").handler.index.address == f"sqlite:///{place}"


def test_what_the_table_does_not_say_has_a_usual_place(tmp_path: Path) -> None:
    put(tmp_path / "Shop of Andy", {"pyproject.toml": "[tool.elliptio.pipelines]\n"})
    project = find_project(tmp_path / "Shop of Andy")
    root = project.root
    assert project.project_slug == "Shop of Andy"
    assert (project.configuration, project.catalog) == (root / "configuration", root / "catalog")
    assert (project.sources, project.notebook_sources) == (root / "lib", root / "scripts")
    assert project.notebook_target == "jupyter"
    assert project.pipelines_definitions == root / "pipelines" / "definitions.yaml"
    assert project.parameters == root / "pipelines" / "parameters.yaml"
    assert project.entrypoint is None
    assert project.place("catalog") is None, "nobody named it, so it may be missing"


def test_the_usual_places_may_be_folders_or_end_in_yml(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"pyproject.toml": TABLE, "catalog.yml": "", "pipelines/definitions.yml": "", "pipelines/parameters/a.yml": ""},
    )
    project = find_project(tmp_path)
    assert project.place("catalog") == tmp_path / "catalog.yml"
    assert project.place("pipelines_definitions") == tmp_path / "pipelines/definitions.yml"
    assert project.place("parameters") == tmp_path / "pipelines/parameters"


def test_every_key_is_taken(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "pyproject.toml": """
[tool.statisfactory]
project_slug = "example"
configuration = "conf/x"
catalog = "./catalogs/"
sources = "src"
notebook_sources = "books"
notebook_target = "from/notebooks"
pipelines_definitions = "conf/../pipelines/d.yaml"
parameters = "p.yaml"
[tool.statisfactory.entrypoints]
module = 'custom_folder.custom_session'
session_factory = 'MySession'
""",
            "catalogs/a.yml": "",
        },
    )
    project = find_project(tmp_path)
    assert project.configuration == tmp_path / "conf" / "x"
    assert project.catalog == tmp_path / "catalogs"
    assert project.sources == tmp_path / "src"
    assert project.notebook_sources == tmp_path / "books"
    assert project.notebook_target == "from/notebooks"
    assert project.pipelines_definitions == tmp_path / "pipelines" / "d.yaml"
    assert project.parameters == tmp_path / "p.yaml"
    assert project.entrypoint == ("custom_folder.custom_session", "MySession")
    assert project.table == "tool.statisfactory"


def test_elliptios_own_table_counts_before_the_seeds(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": '[tool.statisfactory]\nproject_slug = "old"\n' + TABLE})
    assert find_project(tmp_path).project_slug == "shop"


def test_no_project_says_where_was_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFoundError, match="elliptio new DIR") as found:
        find_project(tmp_path)
    assert isinstance(found.value, ElliptioError | FileNotFoundError | ConfigError)
    assert str(tmp_path) in str(found.value)
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_project(tmp_path / "none")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('catalogue = "c"', r"toml: \[tool\.elliptio\.pipelines\] has .* key 'catalogue'; did you mean 'catalog'"),
        ('project-slug = "c"', "did you mean 'project_slug'"),
        ("project_slug = 3", "project_slug has to be a text of a line, not 3"),
        ('project_slug = " "', "project_slug has to be a text"),
        ('catalog = ["a"]', "catalog has to be a text"),
        ('catalog = "../other"', "outside of the project"),
        ('sources = "/lib"', "outside of the project"),
        ('sources = "a/../../lib"', "outside of the project"),
        ("parameters = 'pipelines\\p.yaml'", "with slashes"),
        ('configuration = "C:/conf"', "with slashes"),
        ('entrypoints = "m"', "make it a table"),
        ('entrypoints = {session_factory = "S"}', "has no module"),
        ('entrypoints = {module = "m", sesion_factory = "S"}', r"entrypoints\] has .*did you mean 'session_factory'"),
        ("entrypoints = {module = 1}", "module has to be a text"),
        ("= 3", "is no TOML.*line 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_table_is_said(tmp_path: Path, table: str, said: str) -> None:
    put(tmp_path, {"pyproject.toml": f"[tool.elliptio.pipelines]\n{table}\n"})
    with pytest.raises(ProjectError, match=said) as found:
        find_project(tmp_path)
    assert str(tmp_path / "pyproject.toml") in str(found.value)


def test_a_table_that_is_none_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": "[tool.elliptio]\npipelines = 3\n"})
    with pytest.raises(ProjectError, match=r"make it a table, \[tool\.elliptio\.pipelines\]"):
        find_project(tmp_path)


def test_a_file_of_others_may_be_broken(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": TABLE, "a/pyproject.toml": "<<<<<<<"})
    assert find_project(tmp_path / "a").root == tmp_path


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode()})
    assert find_project(tmp_path).project_slug == "shop"


def test_another_encoding_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": TABLE.replace("shop", "caf\xe9").encode("latin-1")})
    with pytest.raises(ProjectError, match="UTF-8"):
        find_project(tmp_path)


def test_a_catalog_that_the_table_names_has_to_be_there_when_it_is_read(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": TABLE + 'catalog = "catalog"\nparameters = "p.yaml"\n', "catalogs/a.yml": ""})
    project = find_project(tmp_path)
    with pytest.raises(
        ProjectNotFoundError, match=r"catalog in .* names 'catalog', which is not there; did you mean 'catalogs'"
    ):
        project.place("catalog")
    with pytest.raises(ProjectNotFoundError, match=r"parameters in .* names 'p\.yaml'"):
        project.place("parameters")


def test_a_pyproject_that_is_a_folder_or_a_dead_link_is_none(tmp_path: Path) -> None:
    put(tmp_path, {"pyproject.toml": TABLE})
    (tmp_path / "a" / "pyproject.toml").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    os.symlink("nowhere", tmp_path / "b" / "pyproject.toml")
    assert find_project(tmp_path / "a").root == find_project(tmp_path / "b").root == tmp_path
    os.symlink("pyproject.toml", tmp_path / "a" / "pyproject.toml" / "pyproject.toml")
    with pytest.raises(ProjectError, match="cannot be read"):
        find_project(tmp_path / "a" / "pyproject.toml")
