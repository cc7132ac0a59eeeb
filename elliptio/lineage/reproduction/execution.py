"""Run a recorded command again: in its own checkout and environment, on the same lake, and nothing else."""

from __future__ import annotations

import collections
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elliptio.errors import ReproductionError
from elliptio.lineage.reproduction.installers import python_in
from elliptio.provenance.git.command import MISLEADING_VARIABLES

TAIL = 20
"""Lines at the end of the output that are kept at hand."""

# What would bring in code, packages or settings of the environment that this process runs in.
_LEFT_OUT = {*MISLEADING_VARIABLES, "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONINSPECT",
             "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "JPY_SESSION_NAME",
             "JPY_PARENT_PID"}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """The end of a command: its exit status, the seconds that it took, and the end of its output."""

    status: int
    seconds: float
    tail: tuple[str, ...]


def environ_for(environment: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Make the variables of a process in another environment: those of this one, without what leads back to it."""
    environ = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    scripts = str(Path(python_in(environment)).parent)
    environ |= {"VIRTUAL_ENV": str(environment), "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}
    environ |= {"IPYTHONDIR": str(environment / ".ipython"), **extra}
    environ["PATH"] = os.pathsep.join((scripts, environ.get("PATH", os.defpath)))
    return environ


def working_directory(checkout: Path, relative: str | None) -> Path:
    """Locate the folder in a checkout in which to run a command; it is made if nothing of it was recorded.

    Raises
    ------
    ReproductionError
        If it lies outside.

    """
    place = checkout.resolve()
    named = place / (relative or ".")
    folder = place.parent if "\0" in str(named) else named.resolve()
    if not folder.is_relative_to(place):
        raise ReproductionError(f"The recorded working directory {relative!r} lies outside of the repository.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReproductionError(f"The working directory {folder} cannot be made: {error.strerror}.") from error
    return folder


def execute(
    command: list[str], folder: Path, environ: Mapping[str, str], log: Path, show: Callable[[str], object]
) -> Ended:
    """Run a command to its end; its output is kept in a file, and each line is shown as it comes.

    Raises
    ------
    ReproductionError
        If it cannot be started.

    """
    tail: collections.deque[str] = collections.deque(maxlen=TAIL)
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, ValueError) as error:  # a NUL is part of no command
        raise ReproductionError(f"The command could not be started: {error}") from error
    with process, open(log, "w", encoding="utf-8") as kept:
        try:
            for line in process.stdout or ():
                kept.write(line)
                tail.append(line.rstrip("\n"))
                show(line.rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
    return Ended(process.returncode, time.monotonic() - began, tuple(tail))
