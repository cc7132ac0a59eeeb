"""Interpreters and packages, by the real pip and uv."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lineage.reproduction.installers import Installer, Pip, Uv, choose, look, python_in, version_of
from elliptio.lineage.reproduction.obstacles import FoundPackages
from elliptio.lineage.reproduction.own_wheel import own_version, write_own_wheel

pytestmark = pytest.mark.slow

HERE = platform.python_version()


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest) -> Installer:
    return Pip() if request.param == "pip" else Uv(str(Path(sys.executable).with_name("uv")))


def test_the_interpreter(installer: Installer) -> None:
    path, known = installer.find_python(HERE)
    assert (version_of(str(path)), known) == (HERE, HERE)
    minor = ".".join(HERE.split(".")[:2])
    path, known = installer.find_python(f"{minor}.999")
    assert known.startswith(f"{minor}.")
    assert path
    assert installer.find_python("2.1.0") == (None, "")


def test_this_interpreter_needs_not_be_on_the_path(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PATH": str(tmp_path), "HOME": str(tmp_path), "UV_PYTHON_DOWNLOADS": "never"}.items():
        monkeypatch.setenv(name, value)
    assert installer.find_python(HERE) == (sys.executable, HERE)
    minor = ".".join(HERE.split(".")[:2])
    assert installer.find_python(f"{minor}.999") == (sys.executable, HERE)
    installer.make(tmp_path / "made", sys.executable, HERE)
    assert version_of(python_in(tmp_path / "made")) == HERE


def test_nothing_of_the_working_directory_takes_part(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    (clone / ".venv" / "bin").mkdir(parents=True)
    mark = tmp_path / "ran"
    for name in ("pip", "venv", "logging", "platform", "json", "tempfile"):
        (clone / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\nraise SystemExit(3)\n")
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f"#!/bin/sh\ntouch {mark}\n")
    python.chmod(0o755)
    (clone / ".venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\nversion = {HERE}\n")
    for name in ("uv.toml", "pip.conf", "setup.cfg"):
        (clone / name).write_text("this is no setting")
    monkeypatch.chdir(clone)
    version_of.cache_clear()
    for wanted in (HERE, f"{HERE.rpartition('.')[0]}.999", "3.99.1"):
        look(installer, wanted, {"pip": "0.0.0.1"})
    installer.make(tmp_path / "environment", sys.executable, HERE)
    installer.install(tmp_path / "environment", str(write_own_wheel(tmp_path)))
    assert not mark.exists()


def test_versions_that_do_not_exist(installer: Installer) -> None:
    wanted = {"six": "99.9", "tqdm": version("tqdm"), "python-dateutil": "0.0.1", "no-such-package-of-elliptio": "1.0"}
    path, found = look(installer, HERE, wanted)
    assert path
    assert found.problem == ""
    assert set(found.missing) == {"six", "python-dateutil", "no-such-package-of-elliptio"}
    assert "cannot be had as a wheel for Python" in found.missing["six"]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("six", "1.0\n--index-url=http://evil"),
        ("-e git+http://evil", "1"),
        ("six @ http://evil", "1"),
        ("six", "1 ; x"),
    ],
)
def test_what_is_no_version_reaches_no_installer(installer: Installer, name: str, version: str) -> None:
    _, found = look(installer, HERE, {name: version})
    assert found.missing == {name: "is no version of a package."}
    assert found.problem == ""


@pytest.mark.parametrize("version", ["", "/evil/python", "3.11/../../evil", "--help"])
def test_what_is_no_version_of_python_is_not_looked_for(installer: Installer, version: str) -> None:
    assert look(installer, version, {"six": "1.17.0"}) == (None, FoundPackages())


def test_an_index_that_cannot_be_reached(installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = "http://127.0.0.1:1/simple"
    for name, value in (("INDEX_URL", nobody), ("CONFIG_FILE", "/dev/null"), ("RETRIES", "1"), ("NO_CACHE_DIR", "1")):
        monkeypatch.setenv(f"PIP_{name}", value)
    for name, value in (("DEFAULT_INDEX", nobody), ("HTTP_RETRIES", "0"), ("NO_CACHE", "1")):
        monkeypatch.setenv(f"UV_{name}", value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    _, found = look(installer, HERE, {"six": "1.17.0", "tqdm": "4.66.0"})
    assert found.problem.startswith(f"{installer.name} says: ")
    assert found.missing == {}


def test_an_environment_of_its_own(installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = tmp_path / "environment"
    installer.make(folder, sys.executable, HERE)
    installer.install(folder, f"six=={version('six')}", str(write_own_wheel(tmp_path / "wheels")))
    assert version_of(python_in(folder)) == HERE
    assert list(folder.glob("lib/*/site-packages/six.py"))
    assert list(folder.glob(f"lib/*/site-packages/elliptio-{own_version()}.dist-info/RECORD"))
    assert list(folder.glob("lib/*/site-packages/elliptio/py.typed"))
    assert (folder / "bin" / "elliptio").exists()
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(eio.ReproductionError, match=r"install packages: .*six==99\.9"):
        installer.install(folder, "six==99.9")


PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny-project"
version = "1.0"
"""

BACKEND = """\
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None, *, editable=False):
    info = "tiny_project-1.0.dist-info"
    files = {
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: tiny-project\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files |= {"tiny_project.pth": os.getcwd()} if editable else {"tiny_project.py": open("tiny_project.py").read()}
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    wheel = "tiny_project-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel

def build_editable(folder, config_settings=None, metadata_directory=None):
    return build_wheel(folder, editable=True)
"""
"""How the project is built: by itself, as to fetch a backend twice would take a minute and show nothing more."""


def test_only_what_is_asked_to_is_built(installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "tiny_project-1.0"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "backend.py").write_text(BACKEND)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny-project\nVersion: 1.0\n")
    (source / "tiny_project.py").write_text("x = 1\n")
    links = tmp_path / "links"
    shutil.make_archive(str(links / "tiny_project-1.0"), "gztar", tmp_path, source.name)
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(links))
    _, found = look(installer, HERE, {"tiny-project": "1.0"})
    assert list(found.missing) == ["tiny-project"]
    folder = tmp_path / "environment"
    installer.make(folder, sys.executable, HERE)
    with pytest.raises(eio.ReproductionError):
        installer.install(folder, "tiny-project==1.0")
    installer.install(folder, "tiny-project==1.0", build=True)
    assert list(folder.glob("lib/*/site-packages/tiny_project.py"))
    installer.install(folder, "-e", str(source), build=True)
    assert not list(folder.glob("lib/*/site-packages/tiny_project.py"))


def test_uv_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose().name == "pip"
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "uv").chmod(0o755)
    assert choose().name == "uv"
