"""Move an index that SQLite cannot read out of the way."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote


def set_aside(path: Path) -> Path | None:
    """Move a damaged index, and what SQLite keeps beside it, to another name; None where it is not damaged.

    Raises
    ------
    OSError
        If it cannot be moved.

    """
    if not _is_damaged(path):
        return None
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(tz=UTC):%Y%m%dT%H%M%S%f}")
    os.rename(path, aside)
    # What was not yet written into it goes along; an index that is made anew must not take it for its own.
    for ending in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{ending}", f"{aside}{ending}")
    return aside


def _is_damaged(path: Path) -> bool:
    """Tell whether SQLite finds it damaged; what is only locked, or may not be read, is not."""
    if path.is_dir():
        return True
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=rw", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True
