"""Tell whether the process that began something still lives, seen from any process on any machine.

Three signs, the surest first: a lock on a file, which the system takes away from a process that is gone; its number, on
the machine it runs on; and how long ago it was last heard of.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SILENCE = timedelta(minutes=5)
"""Time after which a process that was not heard of, and cannot be looked at more closely, is taken for dead."""


class LifeLock:
    """A locked file, for as long as this process holds it or lives.

    A forked child does not hold it: `forget` closes its copy.

    Parameters
    ----------
    path
        The file; made, with its folder, if it is not there. Where it cannot be made or locked, do without.

    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(self._fd, fcntl.LOCK_EX)

    def release(self) -> None:
        """Remove the file, then the lock. Idempotent."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        self.forget()

    def forget(self) -> None:
        """Close the file; the lock stays with the process that this one was forked from, if there is one."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def is_locked(path: str) -> bool | None:
    """Tell whether a living process holds a `LifeLock`; None if nobody can tell."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(fd)
    return False


def this_process() -> dict[str, Any]:
    """Identify this process among all others: its machine (since it was started), its number, and when it began."""
    return dict(_told_of(os.getpid()))


@functools.lru_cache(maxsize=1)
def _told_of(pid: int) -> dict[str, Any]:
    """Say what does not change of this process, which has this number: a child of a fork has another."""
    return {"machine": machine(), "namespace": _namespace(), "pid": pid, "began": _began(pid)}


def is_alive(process: Mapping[str, Any], *, lock: str | None, heard: datetime | None) -> bool:
    """Tell whether a process lives.

    Parameters
    ----------
    process
        What `this_process` said there.
    lock
        The file of its `LifeLock`, if it has one.
    heard
        When it was last heard of.

    """
    locked = is_locked(lock) if lock else None
    if locked:
        return True
    # From another machine a lock may seem free that is not: some network drives keep locks on each machine for itself.
    if process.get("machine") == machine() != "":
        if locked is False:
            return False
        if process.get("namespace") == _namespace():
            began = _began(process.get("pid"))
            return began is not None and began == process.get("began")
    return heard is None or datetime.now(tz=UTC) - heard < SILENCE


@functools.cache
def machine() -> str:
    """Identify this machine since it was last started; empty where the system tells nothing."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _namespace() -> str:
    """Identify the containers in which the number of a process means the same."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _began(pid: Any) -> str | None:
    """Read when a process began, in the system's own unit; None if there is none of this number."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        # 4242 (a name (with anything)) S 1 …: the state is the first of these fields, the start the twentieth.
        fields = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    return None
