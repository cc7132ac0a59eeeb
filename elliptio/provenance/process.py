"""Tell who runs this process, where, with which command, and in which notebook."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from elliptio.errors import MetadataError
from elliptio.provenance.redaction import Finding, redact_argv

_log = logging.getLogger(__name__)

_USER_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_MAX_NAME_BYTES = 128

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_mocked: ContextVar[str | None] = ContextVar("elliptio_username", default=None)
_last_argv: tuple[tuple[str, ...], tuple[str, list[Finding]]] | None = None


def username() -> str:
    """Return the name of the user, always one that can be part of a path.

    Returns
    -------
    str
        The mocked name inside `mock_username`, else the name in the environment, else the one the system knows, else
        ``"uid-1000"`` with the user's number, else ``"unknown"``.
    """
    mocked = _mocked.get()
    if mocked is not None:
        return mocked
    named = tuple(os.environ.get(variable, "") for variable in _USER_VARIABLES)
    return _usable_name(named, os.getuid() if hasattr(os, "getuid") else None)


@contextlib.contextmanager
def mock_username(name: str) -> Iterator[None]:
    """Be another user inside the block, in this thread or task only.

    Parameters
    ----------
    name
        The name `username` returns inside the block.

    Raises
    ------
    MetadataError
        If the name could not be part of a path.
    """
    problem = _problem(name)
    if problem is not None:
        raise MetadataError(f"{name!r} cannot be a username: {problem}")
    token = _mocked.set(name)
    try:
        yield
    finally:
        _mocked.reset(token)


def hostname() -> str:
    """Return the name of this machine, ``"unknown"`` if it has none."""
    try:
        if hasattr(os, "uname"):
            return os.uname().nodename or "unknown"
        import socket

        return socket.gethostname() or "unknown"
    except OSError:
        _log.debug("no hostname", exc_info=True)
        return "unknown"


def argv() -> str:
    """Return the command that started this process as one line for a shell, secrets masked."""
    return redacted_argv()[0]


def redacted_argv() -> tuple[str, list[Finding]]:
    """Return what `argv` does, and what was masked in it."""
    global _last_argv
    import shlex

    original = tuple(map(str, getattr(sys, "orig_argv", sys.argv)))
    if _last_argv is None or _last_argv[0] != original:
        masked, findings = redact_argv(original)
        line = shlex.join(masked).encode("utf-8", "replace").decode("utf-8")
        _last_argv = original, (line, findings)
    return _last_argv[1]


def program_directory() -> str | None:
    """Return the folder of the program that runs, by its notebook or the file of ``__main__``; None if it has none.

    An installed program, such as a test runner or ``elliptio`` itself, is not what is to be recorded.
    """
    notebook = notebook_path() if "IPython" in sys.modules else None
    path = notebook or getattr(sys.modules.get("__main__"), "__file__", None)
    if not isinstance(path, str) or not os.path.isabs(path) or _is_installed(path):
        return None
    return os.path.dirname(path)


@functools.lru_cache(maxsize=16)
def _is_installed(path: str) -> bool:
    folder, name = os.path.split(path)
    if {"site-packages", "dist-packages"} & set(folder.split(os.sep)):
        return True
    is_script = os.path.basename(folder) in ("bin", "Scripts") and not name.endswith(".py")
    return is_script or path.startswith((os.path.dirname(os.__file__) + os.sep, _PACKAGE + os.sep))


def working_directory(toplevel: os.PathLike[str]) -> str | None:
    """Return the working directory relative to the root of a repository; None if it is gone."""
    try:
        relative = os.path.relpath(os.getcwd(), toplevel)
    except OSError:
        return None
    return relative.replace(os.sep, "/").encode("utf-8", "replace").decode("utf-8")


def notebook_path() -> str | None:
    """Return the path of the notebook this code runs in, None outside notebooks and where it cannot be known."""
    # Only a kernel has imported IPython by now; importing it to ask would cost half a second.
    if sys.modules.get("IPython") is None:
        return None
    try:
        shell: Any = sys.modules["IPython"].get_ipython()
        if shell is None:
            return None
        names = shell.user_ns
        for path in (names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), names.get("__session__")):
            if isinstance(path, str) and ".ipynb" in path:
                # VS Code appends an id of its own to the name of the session.
                return path[: path.rindex(".ipynb") + len(".ipynb")]
    except Exception:
        _log.debug("no notebook", exc_info=True)
    return None


def executed_cells() -> list[str]:
    """Return the text of each cell executed so far, that which runs now included; its place is its number.

    Empty outside IPython. A place is empty where the session's history was cleared.
    """
    if sys.modules.get("IPython") is None:
        return []
    try:
        shell: Any = sys.modules["IPython"].get_ipython()
        return [] if shell is None else list(shell.history_manager.input_hist_raw)
    except Exception:
        _log.debug("no cells", exc_info=True)
        return []


@functools.lru_cache(maxsize=16)
def _usable_name(named: tuple[str, ...], uid: int | None) -> str:
    """Choose the first name of a user that can be part of a path: those in the environment, then the system's."""
    for name in _candidates(named, uid):
        safe = _UNSAFE.sub("_", name).strip()
        if _problem(safe) is None:
            return safe
    return "unknown"


def _candidates(named: tuple[str, ...], uid: int | None) -> Iterator[str]:
    yield from named
    if uid is not None:
        yield _account(uid)  # asked last: the directory of users may lie on a server
        yield f"uid-{uid}"


def _account(uid: int) -> str:
    with contextlib.suppress(ImportError, KeyError):
        import pwd

        return pwd.getpwuid(uid).pw_name
    return ""


def _problem(name: object) -> str | None:
    """Return why a name cannot be a username, None if it can."""
    if not isinstance(name, str):
        return "it is not a string"
    if not name.strip():
        return "it is empty"
    if name != name.strip():
        return "it begins or ends with white space"
    if name in (".", ".."):
        return "it is a relative path"
    if _UNSAFE.search(name):
        return "it has a slash, a backslash or a control character"
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    return f"it is longer than {_MAX_NAME_BYTES} bytes" if size > _MAX_NAME_BYTES else None
