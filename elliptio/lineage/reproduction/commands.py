"""Take a recorded command line apart, and put it together again for another place. Texts in, texts out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["script", "tool", "module", "code", "notebook", "interactive", "worker", "upload", "unknown"]

_INTERPRETER = re.compile(r"(?:python|pypy)[0-9.]*[a-z]*(?:\.exe)?", re.IGNORECASE)
_KERNELS = ("ipykernel_launcher", "ipykernel", "colab_kernel_launcher")
_SHELLS = ("IPython", "ipython", "ipython3", "bpython", "ptpython", "code", "idlelib")
_WORKERS = ("multiprocessing.spawn", "multiprocessing.forkserver", "multiprocessing.resource_tracker", "execnet")

LONGEST = 100_000
"""Letters of a command line that is taken apart."""

RUNNER = "elliptio.lineage.reproduction.run_cells"
"""The module that runs them."""


@dataclass(frozen=True)
class Command:
    """A command line of Python.

    Parameters
    ----------
    kind
        What runs: a ``"script"`` by its path, a ``"tool"`` that a package has installed, a ``"module"``
        (``python -m``), ``"code"`` on the command line (``python -c``), or something that cannot be run again as it
        stands: the cells of a ``"notebook"``, an ``"interactive"`` session, a ``"worker"`` that another process
        started, an ``"upload"`` of files by the command ``elliptio``, or what is ``"unknown"``.
    options
        Those of the interpreter.
    program
        The path, the module or the code.
    arguments
        What follows.

    """

    kind: Kind
    options: tuple[str, ...] = ()
    program: str = ""
    arguments: tuple[str, ...] = ()

    def fitted(self, python: str, tool: Callable[[str], str], moved: Callable[[str], str]) -> list[str]:
        """Put it together for another interpreter: `tool` finds what a package installed, `moved` maps a path."""
        start = [python, *self.options]
        arguments = [moved(argument) for argument in self.arguments]
        if self.kind == "tool":
            return [*start, tool(PurePosixPath(self.program).name), *arguments]
        flag = {"module": ["-m"], "notebook": ["-m"], "code": ["-c"]}.get(self.kind, [])
        return [*start, *flag, moved(self.program), *arguments]


def parse(argv: str, is_file: Callable[[str], bool]) -> Command:
    """Take a recorded command apart; `is_file` tells whether the recorded code has a file, as the command names it."""
    try:
        # Of one very long word the time grows with the square: nobody typed that.
        words = shlex.split(argv) if len(argv) <= LONGEST else []
    except ValueError:
        return Command("unknown")
    if not words or not _INTERPRETER.fullmatch(PurePosixPath(words[0]).name):
        return Command("unknown")
    options, flag, rest = _options(words[1:])
    if not rest or (not flag and rest[0] == "-"):
        return Command("interactive", options)
    program, arguments = rest[0], tuple(rest[1:])
    return Command(_kind(flag, program, arguments, is_file), options, program, arguments)


def _options(words: list[str]) -> tuple[tuple[str, ...], str, list[str]]:
    """Split what stands behind the interpreter: its options, ``-c`` or ``-m`` if there is one, and what is left."""
    options: list[str] = []
    while words:
        word = words[0]
        if word == "--check-hash-based-pycs":
            options += words[:2]
            words = words[2:]
        elif word.startswith("--"):
            options.append(word)
            words = words[1:]
        elif word.startswith("-") and word != "-":
            letters = re.match(r"-[^cmWX]*", word)
            plain = letters[0] if letters else "-"
            behind = word[len(plain) :]
            if not behind:
                options.append(word)
                words = words[1:]
                continue
            value = [behind[1:]] if behind[1:] else words[1:2]
            words = words[1:] if behind[1:] else words[2:]
            options += [plain] if plain != "-" else []
            if behind[0] in "cm":
                return tuple(options), behind[0], [*value, *words]
            options += [f"-{behind[0]}", *value]
        else:
            break
    return tuple(options), "", words


def _kind(flag: str, program: str, arguments: tuple[str, ...], is_file: Callable[[str], bool]) -> Kind:
    if flag == "c":
        return "worker" if any(name in program for name in _WORKERS) or "sys.stdin" in program else "code"
    path = PurePosixPath(program)
    name = program.partition(".")[0] if flag == "m" else path.name.removesuffix(".py")
    if name in _KERNELS:
        return "notebook"
    if name in _SHELLS and not any(argument.endswith((".py", ".ipy", ".ipynb")) for argument in arguments):
        return "interactive"
    if name == "elliptio" and "upload" in arguments:
        return "upload"
    if flag == "m":
        return "module"
    installed = path.is_absolute() and path.parent.name in ("bin", "Scripts") and not path.suffix
    return "tool" if installed and not is_file(program) else "script"


def relocated(text: str, root: str | None, place: str) -> str:
    """Replace the old root of a repository by another place, wherever a text names something in it."""
    if not root:
        return text
    return re.sub(re.escape(root) + r"(?=/|\Z)", lambda _: place, text)
