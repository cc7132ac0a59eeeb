"""A small environment of its own, made once, in which artifacts are made that are then made again."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from elliptio.lineage.reproduction import plan
from elliptio.lineage.reproduction.obstacles import FoundPackages
from elliptio.lineage.reproduction.own_wheel import write_own_wheel
from elliptio.lineage.reproduction.workshop import Workshop

WANTED = (
    "pandas", "numpy", "pymongo", "GitPython", "platformdirs", "tqdm", "pip", "boto3", "obstore", "ipython",
    "PyYAML", "Jinja2", "anyio", "redis", "msgspec", "fast-depends",
)  # fmt: skip


def pinned() -> list[str]:
    """These and what they need, as they are installed here."""
    found: dict[str, str] = {}
    waiting = [Requirement(name) for name in WANTED]
    for wanted in waiting:
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found[name] = importlib.metadata.version(name)
        waiting += map(Requirement, importlib.metadata.requires(name) or ())
    return [f"{name}=={version}" for name, version in found.items()]


@dataclass
class Desk:
    """Somebody with an environment, a home and a lake, who runs programs in a folder."""

    environment: Path
    home: Path
    lake: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: object, cwd: Path, user: str = "andy") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, which must end well."""
        done = self.try_run(*words, cwd=cwd, user=user)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done

    def try_run(self, *words: object, cwd: Path, user: str = "andy") -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        environ = {
            **kept,
            "PATH": f"{self.environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "LOGNAME": user,
            "ELLIPTIO_ROOT": str(self.lake),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **self.variables,
        }
        command = [str(word) for word in words]
        return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


def git(folder: Path, *arguments: object) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    command = ["git", "--no-optional-locks", *author, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def pip_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip keeps what it downloads: where it is told to, so that not each run downloads everything."""
    told = os.environ.get("PIP_CACHE_DIR")
    return Path(told) if told else tmp_path_factory.mktemp("pip-cache")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What elliptio needs, numpy, and this elliptio: in the versions that run the tests; by uv, in a second."""
    folder = tmp_path_factory.mktemp("small") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    wheel = str(write_own_wheel(folder.parent))
    uv = Path(sys.executable).with_name("uv")
    install = (uv, "pip", "install", "--quiet", "--no-deps", "--python", folder / "bin/python")
    subprocess.run([*install, *pinned(), wheel], check=True)
    return folder


@pytest.fixture
def desk(environment: Path, pip_cache: Path, tmp_path: Path) -> Desk:
    home = tmp_path / "empty home"
    home.mkdir()
    # What is not compiled when it is installed is compiled when it is imported. (pip wants a zero for its "no".)
    return Desk(environment, home, tmp_path / "lake", {"PIP_CACHE_DIR": str(pip_cache), "PIP_NO_COMPILE": "0"})


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A remote without a commit."""
    folder = tmp_path / "origin.git"
    folder.mkdir()
    git(folder, "init", "--bare")
    return folder


@pytest.fixture
def shared(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reproduction gets the environment that is there: to make one takes long, and others test it."""
    found = FoundPackages(platform.python_version())
    monkeypatch.setattr(plan, "look", lambda *_: (str(environment / "bin/python"), found))
    monkeypatch.setattr(Workshop, "environment", lambda *_: environment)


Clone = Callable[[str], Path]


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Clone:
    """Makes clones of it."""

    def clone(name: str) -> Path:
        git(tmp_path, "clone", "-q", origin, tmp_path / name)
        return tmp_path / name

    return clone
