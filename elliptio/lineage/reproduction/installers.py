"""Install interpreters and packages by uv where it is installed, else by pip. The user's settings of either hold.

Only finished packages (wheels) are installed while a reproduction is prepared: building one runs code of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from elliptio.errors import ReproductionError
from elliptio.lineage.reproduction.obstacles import FoundPackages
from elliptio.masking import hide_password
from elliptio.rules import is_pin

log = logging.getLogger(__name__)

MOST_MISSING = 50
"""Limit of packages that cannot be had and are found out, one after the other."""

# What would install elsewhere, or other things.
_LEFT_OUT = {
    *(f"PIP_{name}" for name in ("TARGET", "PREFIX", "ROOT", "USER", "PYTHON", "REQUIRE_VIRTUALENV", "DRY_RUN")),
    *(f"PIP_{name}" for name in ("REQUIREMENT", "CONSTRAINT", "EDITABLE", "REPORT", "QUIET")),
    *(f"UV_{name}" for name in ("PYTHON", "SYSTEM_PYTHON", "TARGET", "PREFIX", "CONSTRAINT", "OVERRIDE", "PROJECT")),
    *("UV_WORKING_DIRECTORY", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"),
}
_PYTHON = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?[0-9A-Za-z+]*")
_NOBODYS = os.path.abspath(os.sep)
"""A folder that no stranger writes to; installers look for settings and environments in it and above it."""
_TRIED = "building it from source is tried when the command is run."
_UNREACHABLE = re.compile(
    r"(?:Retrying \(|ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|No route to host|dns error"
    r"|tcp connect error|Failed to fetch|error sending request|Connection refused|Temporary failure in name resolution)"
)


class Installer:
    """Makes environments and fills them."""

    name: str

    def find_python(self, version: str) -> tuple[str | None, str]:
        """Find path and version of the interpreter that comes nearest; None where none has its first two numbers."""
        raise NotImplementedError

    def fetches_python(self) -> bool:
        """Tell whether it may get an interpreter that is not here."""
        return False

    def make(self, folder: Path, python: str, version: str) -> None:
        """Make an empty environment."""
        raise NotImplementedError

    def ask(self, python: str, requirements: Path) -> subprocess.CompletedProcess[str]:
        """Ask whether packages can be had, as wheels and exactly these, without installing them."""
        raise NotImplementedError

    def install(self, folder: Path, *arguments: str, build: bool = False) -> None:
        """Install exactly what is named, and nothing else.

        Raises
        ------
        ReproductionError
            If that fails; the message has what was said.

        """
        raise NotImplementedError


class Pip(Installer):
    """The pip and venv of Python itself."""

    name = "pip"

    def find_python(self, version: str) -> tuple[str | None, str]:
        """Look among this interpreter, those on the path, and those of pyenv."""
        minor = ".".join(version.split(".")[:2])
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions", version, "bin", "python")
        named = [shutil.which(name) for name in (f"python{version}", f"python{minor}", "python3", "python")]
        found: dict[str, str] = {}
        for path in (sys.executable, str(pyenv), *named):
            if path and os.path.exists(path) and (known := version_of(os.path.abspath(path))):
                found.setdefault(known, os.path.abspath(path))
        if version in found:
            return found[version], version
        like = next((known for known in found if known.startswith(f"{minor}.")), None)
        return (None, "") if like is None else (found[like], like)

    def make(self, folder: Path, python: str, version: str) -> None:
        """Make it by ``venv``, which needs no pip in it."""
        _checked([python, "-I", "-m", "venv", "--without-pip", str(folder)], "make an environment")

    def ask(self, python: str, requirements: Path) -> subprocess.CompletedProcess[str]:
        """Let it resolve without installing."""
        asked = ("--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:", "-r", str(requirements))
        return _run([*_pip(python), "install", *asked])

    def install(self, folder: Path, *arguments: str, build: bool = False) -> None:
        """Install with the pip of this interpreter, or that of another, into the environment."""
        wheels = () if build else ("--only-binary", ":all:")
        _checked([*_pip(python_in(folder)), "install", "--no-deps", *wheels, *arguments], "install packages")


class Uv(Installer):
    """The program uv."""

    name = "uv"

    def __init__(self, program: str) -> None:
        self._program = program

    def find_python(self, version: str) -> tuple[str | None, str]:
        """Take this interpreter if it has the version, else ask uv, which may not know of this one."""
        own, minor = version_of(sys.executable), ".".join(version.split(".")[:2])
        if own == version:
            return sys.executable, own
        for wanted in (version, minor):
            done = _run([self._program, "python", "find", "--no-project", wanted])
            path = done.stdout.strip()
            if done.returncode == 0 and path:
                return path, version_of(path)
        return (sys.executable, own) if own.startswith(f"{minor}.") else (None, "")

    def fetches_python(self) -> bool:
        """Tell whether its settings allow it."""
        return os.environ.get("UV_PYTHON_DOWNLOADS", "automatic") == "automatic" and not os.environ.get("UV_OFFLINE")

    def make(self, folder: Path, python: str, version: str) -> None:
        """Make it for the interpreter if it has the version, or uv neither has nor gets another that does."""
        options = ("venv", "--no-project", "--quiet")
        right = version_of(python) == version
        if right or _run([self._program, *options, "--python", version, str(folder)]).returncode:
            _checked([self._program, *options, "--python", python, str(folder)], "make an environment")

    def ask(self, python: str, requirements: Path) -> subprocess.CompletedProcess[str]:
        """Let it resolve without installing."""
        asked = ("--no-deps", "--no-build", "--no-header", "--quiet", "--python", python, str(requirements))
        return _run([self._program, "pip", "compile", *asked])

    def install(self, folder: Path, *arguments: str, build: bool = False) -> None:
        """Install into the environment."""
        options = ("--no-deps", "--python", python_in(folder), *(() if build else ("--no-build",)))
        _checked([self._program, "pip", "install", *options, *arguments], "install packages")


def choose() -> Installer:
    """Take uv where it is installed, else pip."""
    program = shutil.which("uv")
    return Pip() if program is None else Uv(os.path.abspath(program))


def look(installer: Installer, version: str, wanted: Mapping[str, str]) -> tuple[str | None, FoundPackages]:
    """Find the interpreter, and which of these packages cannot be had for it; return its path too."""
    # Documents may be written by others: what is no version must not reach an installer.
    if not _PYTHON.fullmatch(version):
        return None, FoundPackages()
    python, known = installer.find_python(version)
    fetched = known != version and installer.fetches_python()
    if python is None:
        return None, FoundPackages(python="", fetched=fetched)
    missing = {name: "is no version of a package." for name, version in wanted.items() if not is_pin(name, version)}
    with tempfile.TemporaryDirectory(prefix="elliptio-") as folder:
        requirements = Path(folder, "requirements.txt")
        while True:
            left = {name: version for name, version in wanted.items() if name not in missing}
            requirements.write_text("".join(f"{name}=={version}\n" for name, version in left.items()))
            try:
                done = installer.ask(python, requirements)
            except ReproductionError as error:
                return python, FoundPackages(known, fetched, missing, str(error))
            if done.returncode == 0 or not left:
                return python, FoundPackages(known, fetched, missing)
            said = f"{done.stdout}\n{done.stderr}"
            named = [] if _is_unreachable(said) else _named(said, left)
            if not named or len(missing) >= MOST_MISSING:
                return python, FoundPackages(known, fetched, missing, f"{installer.name} says: {_short(done)}")
            missing |= dict.fromkeys(named, f"cannot be had as a wheel for Python {known}; {_TRIED}")


def _is_unreachable(said: str) -> bool:
    """Tell whether an installer reached nobody; pip says of each package then that there are no versions at all."""
    known = "(from versions: " in said.replace("(from versions: none)", "")
    return _UNREACHABLE.search(said) is not None and not known


def _named(said: str, wanted: Mapping[str, str]) -> list[str]:
    """Find the packages that an installer complains of."""
    complaint = "\n".join(
        line
        for line in re.sub(r"[ \t]*\n[^\w\n]+", " ", said).splitlines()
        if re.search(r"ERROR|error|Because|No solution|no version|not found|no wheels", line)
    )
    spelled = {name: re.escape(name).replace(r"\-", "[-_.]+") for name in wanted}
    return [
        name
        for name, version in wanted.items()
        if re.search(rf"(?<![\w.-]){spelled[name]}=={re.escape(version)}(?![\w+])", complaint, re.IGNORECASE)
    ]


def python_in(folder: Path) -> str:
    """Locate the interpreter of an environment."""
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


@functools.cache
def version_of(python: str) -> str:
    """Ask an interpreter for its version; empty where it does not say one."""
    if python == sys.executable:
        return ".".join(map(str, sys.version_info[:3]))
    done = _run([python, "-I", "-c", "import platform; print(platform.python_version())"])
    return done.stdout.strip() if done.returncode == 0 else ""


def _pip(python: str) -> Sequence[str]:
    """Call pip for an interpreter: that of this one if it has any, else its own."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable, "-P", "-m", "pip", "--python", python
    for name in ("pip3", "pip"):
        program = shutil.which(name)
        if program is not None:
            return os.path.abspath(program), "--python", python
    raise ReproductionError("Neither uv nor pip is here, so no environment can be made. Run: pip install uv")


def _checked(command: Sequence[str], what: str) -> None:
    done = _run(command)
    if done.returncode:
        raise ReproductionError(f"{Path(command[0]).name} could not {what}: {_short(done)}")


def _short(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if "notice" not in line and not line.startswith("WARNING")] or lines
    return hide_password(" ".join(told[-5:]))[-500:] or f"exit status {done.returncode}"


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    environ |= {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    log.debug("running %s", command)
    try:
        return subprocess.run(
            command,
            # Neither settings nor interpreters nor modules of the folder one stands in: others wrote the code in it.
            cwd=_NOBODYS,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
