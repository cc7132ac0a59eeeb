"""Sources are importable from the moment a project is opened, and what cannot be imported is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from elliptio.pipelines.errors import ProjectError, UnknownNameError
from elliptio.pipelines.project import importing
from elliptio.pipelines.project.importing import ShadowedModuleWarning, load, load_entrypoint, make_importable
from elliptio.pipelines.project.places import Project, find_project
from tests.pipelines.project.files import put


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    modules, path, finders = dict(sys.modules), list(sys.path), list(sys.meta_path)
    monkeypatch.setenv("PYTHONPATH", "")
    for name in ("_folders", "_looked_at", "_set_aside"):
        monkeypatch.setattr(importing, name, type(getattr(importing, name))())
    yield
    sys.path[:] = path
    sys.meta_path[:] = finders
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.modules.update(modules)


def project_of(root: Path, files: dict[str, str | bytes], table: str = "") -> Project:
    put(root, {"pyproject.toml": f"[tool.elliptio.pipelines]\n{table}", **files})
    return find_project(root)


def test_sources_are_importable_here_and_in_child_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(
        tmp_path,
        {"lib/ep_crafts.py": "def f(): return 1\n", "lib/ep_pack/__init__.py": "", "lib/ep_pack/sub.py": "X = 2\n"},
    )
    monkeypatch.setenv("PYTHONPATH", f"/elsewhere{os.pathsep}/more")
    for _ in range(3):
        make_importable(project)
    import ep_crafts  # type: ignore[import-not-found]

    assert ep_crafts.f() == 1
    assert sys.path.count(str(tmp_path / "lib")) == 1
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(tmp_path / "lib"), "/elsewhere", "/more"]
    out = subprocess.run(
        [sys.executable, "-c", "import ep_pack.sub as s; print(s.X)"], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "2"
    assert load("ep_pack.sub.X", project) == 2
    assert load("ep_crafts.f", project) is ep_crafts.f


def test_what_is_written_later_is_found(tmp_path: Path) -> None:
    project = project_of(tmp_path, {})
    make_importable(project)
    put(tmp_path, {"lib/ep_late.py": "x = 1\n"})
    assert load("ep_late.x", project) == 1


@pytest.mark.parametrize("name", ["ep_young", "ep_pack", "ep_pack.deep.inner"])
def test_an_edit_within_a_second_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    files = {
        "ep_young": "lib/ep_young.py",
        "ep_pack": "lib/ep_pack/__init__.py",
        "ep_pack.deep.inner": "lib/ep_pack/deep/inner.py",
    }
    project = project_of(tmp_path, dict.fromkeys(files.values(), "x = 0\n"))
    path = tmp_path / files[name]
    later = int(path.stat().st_mtime) + 1000  # a second that is not over yet, however slow the machine
    for value in (1, 2, 3):
        path.write_text(f"x = {value}\n")
        os.utime(path, (later, later + value / 10))
        for module in [each for each in sys.modules if each.startswith("ep_")]:
            del sys.modules[module]
        assert load(f"{name}.x", project) == value
        assert list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
    settled = next(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
    os.utime(settled, (later + 10, later + 10))
    for module in [each for each in sys.modules if each.startswith("ep_")]:
        del sys.modules[module]
    assert load(f"{name}.x", project) == 3
    assert settled.stat().st_mtime == later + 10, "what is old enough is used"


def test_bad_names_say_which_is_meant(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {"lib/ep_crafts.py": "def clean_data(): ...\n", "lib/ep_pack/deep/inner.py": "", "lib/ep_pack/__init__.py": ""},
    )
    where = "pipelines/definitions.yaml:4: pipeline 'nightly'"
    for dotted, said in {
        "ep_craft.clean_data": f"^{where}: there is no module 'ep_craft'; did you mean 'ep_crafts'",
        "ep_pack.deep.iner.f": "no module 'ep_pack.deep.iner'; did you mean 'ep_pack.deep.inner'",
        "ep_crafts.sub.f": "no module 'ep_crafts.sub'",
        "ep_crafts.clean_dat": f"^{where}: the module 'ep_crafts' .*has no 'clean_dat'; did you mean 'clean_data'",
        "sources.ep_crafts.clean_data": "folder of sources itself: did you mean 'ep_crafts'",
        "lib.ep_crafts.clean_data": "folder of sources itself: did you mean 'ep_crafts'",
        "clean_data": "no name of a craft: write module.craft",
        "ep_crafts.": "no name of a craft",
        ".ep_crafts.f": "no name of a craft",
        "ep crafts.f": "no name of a craft",
    }.items():
        with pytest.raises(UnknownNameError, match=said):
            load(dotted, project, where=where)


def test_a_folder_of_sources_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="the folder of sources, 'lib', is not there"):
        load("ep_nope.f", project_of(tmp_path, {}))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import ep_not_there\n", ModuleNotFoundError),
        ("from os import ep_nothing\n", ImportError),
        ("def f(:\n", SyntaxError),
        ("1 / 0\n", ZeroDivisionError),
        (b"x = '\xff'\n", SyntaxError),
    ],
)
def test_an_error_in_a_module_keeps_its_cause(tmp_path: Path, text: str | bytes, cause: type[Exception]) -> None:
    project = project_of(tmp_path, {"lib/ep_broken.py": text})
    with pytest.raises(
        ProjectError, match=rf"^p\.yaml:1: the module 'ep_broken' cannot be imported: {cause.__name__}"
    ) as found:
        load("ep_broken.f", project, where="p.yaml:1")
    assert isinstance(found.value.__cause__, cause)
    assert "ep_broken" not in sys.modules
    # A SyntaxError says itself where it is.
    assert cause is SyntaxError or str(found.value).endswith(" (lib/ep_broken.py:1)")


def test_two_projects_with_modules_of_one_name(tmp_path: Path) -> None:
    one, two = (
        project_of(
            tmp_path / name,
            {
                "lib/ep_same.py": f"from ep_pack import part\nwho = '{name}', part.who\n",
                "lib/ep_pack/__init__.py": "",
                "lib/ep_pack/part.py": f"who = '{name}'\n",
            },
        )
        for name in ("one", "two")
    )
    assert load("ep_same.who", one) == ("one", "one")
    first = sys.modules["ep_same"]
    assert load("ep_same.who", two) == ("two", "two")
    assert str(tmp_path / "one" / "lib") not in sys.path
    make_importable(one)
    assert sys.modules["ep_same"] is first, "not run again"
    assert load("ep_pack.part.who", one) == "one"
    assert load("ep_pack.part.who", two) == "two"
    assert os.environ["PYTHONPATH"] == str(tmp_path / "two" / "lib")
    assert "elliptio" in sys.modules
    assert sys.modules["elliptio.pipelines.project.importing"] is importing


def test_folders_without_init_are_put_aside_whole(tmp_path: Path) -> None:
    one, two = (
        project_of(tmp_path / name, {"lib/ep_space/deep/more/part.py": f"who = '{name}'\n"}) for name in ("a", "b")
    )
    for _ in range(2):
        for project in (one, two):
            assert load("ep_space.deep.more.part.who", project) == project.root.name


def test_each_module_is_looked_at_once_however_many_projects_there_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[object] = []
    home = importing._home
    monkeypatch.setattr(importing, "_home", lambda module, folders: looked_at.append(module) or home(module, folders))
    for name in "abcd":
        make_importable(project_of(tmp_path / name, {}))
    looked_at.clear()
    make_importable(project_of(tmp_path / "e", {}))
    assert 0 < len(looked_at) <= len(sys.modules)


def test_a_module_with_the_name_of_an_installed_one_is_a_warning(tmp_path: Path) -> None:
    installed = {
        "json": json.__file__,
        "sys": "a part of Python itself",
        "colorsys": "colorsys.py",
        "nbformat": "nbformat",
    }
    sys.modules.pop("colorsys", None)
    project = project_of(
        tmp_path,
        {
            **{f"lib/{name}.py": "" for name in installed},
            "lib/ep_own.py": "",
            "lib/jupyter/a.py": "",
            "lib/jupyter/__init__.py": "",
            "lib/data/x.txt": "",
        },
    )
    with pytest.warns(ShadowedModuleWarning) as found:
        make_importable(project)
    said = {str(each.message).split("lib/")[1].split(".py")[0]: str(each.message) for each in found}
    assert set(said) == set(installed)
    for name, other in installed.items():
        assert other in said[name]
        assert str(tmp_path / "lib" / f"{name}.py") in said[name]
    assert "gives the latter" in said["json"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_importable(project)


def test_the_same_module_installed_in_place_is_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(tmp_path, {"lib/ep_editable.py": ""})
    (tmp_path / "site").symlink_to(tmp_path / "lib")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    make_importable(project)


def test_the_sources_may_be_the_root(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"ep_at_root.py": "x = 1\n"}, 'sources = "."\n')
    assert load("ep_at_root.x", project) == 1
    other = project_of(tmp_path / "other", {"lib/ep_at_root.py": "x = 2\n"})
    assert load("ep_at_root.x", other) == 2


@pytest.mark.parametrize("folder", ["", "lib/"])
def test_the_entry_point_of_a_project(tmp_path: Path, folder: str) -> None:
    table = "[tool.elliptio.pipelines.entrypoints]\nmodule = 'ep_folder.ep_session'\nsession_factory = 'MySession'\n"
    project = project_of(tmp_path, {f"{folder}ep_folder/ep_session.py": "class MySession: value = 1\n"}, table)
    path = list(sys.path)
    assert load_entrypoint(project).value == 1
    assert [each for each in sys.path if each not in path] == [str(tmp_path / "lib")]


def test_the_entry_point_is_said_where_it_is_wrong(tmp_path: Path) -> None:
    assert load_entrypoint(project_of(tmp_path / "none", {})) is None
    table = "[tool.elliptio.pipelines.entrypoints]\nmodule = 'ep_entry'\n"
    project = project_of(tmp_path / "a", {"lib/ep_entry.py": "import os\nos.environ['EP_SIDE'] = '1'\n"}, table)
    assert load_entrypoint(project) is None
    assert os.environ.pop("EP_SIDE") == "1", "a module alone is imported, too"
    project = project_of(
        tmp_path / "b", {"lib/ep_entry.py": "class MySession: ...\n"}, f"{table}session_factory = 'MySesion'\n"
    )
    with pytest.raises(
        UnknownNameError,
        match=r"pyproject\.toml: \[tool\.elliptio\.pipelines\.entrypoints\]: .*did you mean 'MySession'",
    ):
        load_entrypoint(project)
    project = project_of(tmp_path / "c", {"lib/ep_entri.py": ""}, table)
    with pytest.raises(UnknownNameError, match="no module 'ep_entry'; did you mean 'ep_entri'"):
        load_entrypoint(project)
