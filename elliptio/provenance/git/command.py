"""Run git so that no program that a user configured is run with it, nothing is written, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

_log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds until git is stopped."""

_SAFE_OPTIONS = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=true",
    "-c",
    "core.safecrlf=false",
    "-c",
    "protocol.allow=never",
)
_SAFE_VARIABLES = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
}
# Set by hooks (and by people) to point git at one repository; here the directory decides.
MISLEADING_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_CONFIG",
)


class GitTimeoutError(Exception):
    """Git took too long."""


class GitRefusedError(Exception):
    """Git failed; the text is what it says about that."""


def run(toplevel: Path, arguments: Sequence[str], consume: Callable[[IO[bytes]], None] | None = None) -> bytes | None:
    """Run git in a directory and return its output, None if it failed; parameters as of `output_of`.

    Raises
    ------
    GitTimeoutError
        If it took longer than `TIMEOUT`.
    """
    try:
        return output_of(toplevel, arguments, consume)
    except GitRefusedError as error:
        _log.debug("git %s failed in %s: %s", arguments[0], toplevel, error)
        return None


def output_of(toplevel: Path, arguments: Sequence[str], consume: Callable[[IO[bytes]], None] | None = None) -> bytes:
    """Run git in a directory and return its output.

    Parameters
    ----------
    toplevel
        Where to run it.
    arguments
        What to run, without ``git``.
    consume
        Called with the output as it comes, instead of returning it. It must read all of it.

    Raises
    ------
    GitTimeoutError
        If it took longer than `TIMEOUT`.
    GitRefusedError
        If it failed.
    """
    errors: list[bytes] = []
    output = b""
    with _process(toplevel, arguments) as process, _watched(process, errors) as timed_out:
        if consume is None:
            output = process.stdout.read()
        else:
            consume(process.stdout)
        process.wait()
    if timed_out.is_set():
        raise GitTimeoutError(arguments[0])
    if process.returncode != 0:
        raise GitRefusedError(b"".join(errors).decode("utf-8", "replace").strip())
    return output


@contextlib.contextmanager
def _watched(process: Any, errors: list[bytes]) -> Iterator[threading.Event]:
    """Stop a process when its time is over, or the block ends; collect its errors so that they cannot block it."""
    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        _kill(process)

    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    watchdog = threading.Timer(TIMEOUT, stop)
    watchdog.daemon = True
    reader.start()
    watchdog.start()
    try:
        yield timed_out
    finally:
        watchdog.cancel()
        _kill(process)
        process.wait()
        reader.join(1.0)


@contextlib.contextmanager
def _process(toplevel: Path, arguments: Sequence[str]) -> Iterator[Any]:
    import git

    command = [str(git.Git.GIT_PYTHON_GIT_EXECUTABLE), *_SAFE_OPTIONS, *arguments]
    misleading = [name for name in MISLEADING_VARIABLES if name in os.environ]
    if misleading:
        # GitPython can add variables but not take them away.
        command = ["env", *(part for name in misleading for part in ("-u", name)), *command]
    started: Any = git.Git(str(toplevel)).execute(command, as_process=True, env=_SAFE_VARIABLES, start_new_session=True)
    process = started.proc
    try:
        yield process
    finally:
        process.stdout.close()
        process.stderr.close()


def _kill(process: Any) -> None:
    """Stop git and whatever it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, 9)
        except (OSError, AttributeError):
            process.kill()
