"""Explain what SQLite fails with, and what to do."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

BUSY_SECONDS = 30.0
"""Seconds that a writer waits for another one."""


def explained(error: sqlite3.Error, path: Path) -> str:
    """Say what a failure of SQLite means and what to do."""
    if "locked" in str(error) or "busy" in str(error):
        who = " and ".join(holders(path)) or "another process"
        return (
            f"The index {path} stayed locked for {BUSY_SECONDS:g} seconds: {who} is writing to it, or hangs. "
            f"See who has it open with: fuser {path}"
        )
    if _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and _is_mounted_read_only(path):
        return (
            f"The index {path} cannot be written ({error}): its file system is mounted read-only. Choose another "
            "place, or have it mounted writable."
        )
    if "readonly database" in str(error) or not _readable(path):
        return (
            f"The index {path} may not be changed or read by this user ({error}). Have its owner give you access to it "
            "and to its folder (for a group: chmod g+rw, and umask 002 for those who share the lake)."
        )
    if _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return (
            f"The index {path} could not be used: {error}. Its disk is full, or it fails: free some space, or check "
            "its health."
        )
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error)):
        return (
            f"The index {path} is damaged ({error}). Rebuild it: Handler.reindex(), or `elliptio reindex`, "
            "moves it aside and makes a new one from the lake."
        )
    return f"The index {path} failed: {error}."


def may_lack_room(error: sqlite3.Error) -> bool:
    """Tell whether SQLite could not make or grow a file, as on a full disk."""
    return _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_mounted_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except (OSError, AttributeError):  # no folder; a system that cannot tell
        return False


def _readable(path: Path) -> bool:
    return os.access(path, os.R_OK) or not path.exists()


def holders(path: Path) -> list[str]:
    """List other processes that have locked the index, as far as this system tells."""
    try:
        numbers = {os.stat(name).st_ino for name in (path, f"{path}-shm") if os.path.exists(name)}
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    found = {}
    for fields in map(str.split, lines):
        # 1: POSIX ADVISORY WRITE 4242 fe:00:1234567 0 EOF
        if len(fields) > 5 and fields[3] == "WRITE" and int(fields[5].rpartition(":")[2]) in numbers:
            with contextlib.suppress(OSError, ValueError):
                if int(fields[4]) > 0 and int(fields[4]) != os.getpid():
                    found[fields[4]] = Path(f"/proc/{fields[4]}/comm").read_text().strip()
    return [f"process {pid} ({name})" for pid, name in sorted(found.items())]
