"""Claim what is to be made once: of several processes that would make the same, one does, and the others wait.

A claim on a lake in a folder is a lock that the system takes away from a process that is gone. Elsewhere it is a file
that names a process, and when that was last heard of.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from elliptio import naming
from elliptio.errors import ElliptioError
from elliptio.lake.lake import Lake
from elliptio.metadata import VERSION
from elliptio.system import liveness

log = logging.getLogger(__name__)

CLAIMS = f"{naming.LAKE_FOLDER}/claims"

POLL_SECONDS = 0.2
"""Seconds between two looks at a claim of somebody else."""

BEAT_SECONDS = 30.0
"""Seconds between two signs of life in a claim that is a file."""


@contextlib.contextmanager
def claimed(lake: Lake, name: str) -> Iterator[bool]:
    """Hold a claim until the block ends; wait for whoever holds it, as long as that process lives.

    Yields
    ------
    bool
        True where somebody else held it before.

    """
    if lake.store.folder is not None:
        with _locked(Path(lake.store.folder, CLAIMS, name)) as waited:
            yield waited
    else:
        with _filed(lake, f"{CLAIMS}/{name}") as waited:
            yield waited


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Lock a file; where it cannot be made or locked, do without."""
    waited, fd = False, None
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        except OSError as error:
            log.info("%s cannot be claimed, so others may make the same: %s", path, error)
            break
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            log.info("%s cannot be locked, so others may make the same: %s", path, error)
            break
        # Whoever held it removed the file, and another may have made it anew meanwhile.
        with contextlib.suppress(OSError):
            if os.fstat(fd).st_ino == os.stat(path).st_ino:
                break
        os.close(fd)
    try:
        yield waited
    finally:
        if fd is not None:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(fd)


@contextlib.contextmanager
def _filed(lake: Lake, prefix: str) -> Iterator[bool]:
    """Make a file, and hold the claim where nobody else holds it then.

    Two may see that nobody holds it, and make a file each under different numbers, where a third one goes away at that
    moment: at least one of them sees the other's, and steps back.
    """
    waited = False
    while True:
        number = _last(lake, prefix) + 1
        if not _is_held(lake, prefix) and lake.store.create(_key(prefix, number), _sign()):
            if not _is_held(lake, prefix, but=number):
                break
            lake.store.remove(_key(prefix, number))
        waited = True
        time.sleep(POLL_SECONDS * (0.5 + random.random()))
    stop = threading.Event()
    beats = threading.Thread(target=_beat, args=(lake, prefix, number, stop), name="elliptio-claim", daemon=True)
    beats.start()
    try:
        yield waited
    finally:
        stop.set()
        beats.join()
        lake.store.remove(prefix)


def _key(prefix: str, number: int) -> str:
    return f"{prefix}/{number:08d}.json"


def _sign() -> bytes:
    sign = {"process": liveness.this_process(), "time": datetime.now(tz=UTC).isoformat(), "version": VERSION}
    return json.dumps(sign).encode()


def _beat(lake: Lake, prefix: str, number: int, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        number += 1
        try:
            lake.store.create(_key(prefix, number), _sign())
        except ElliptioError as error:
            log.info("The claim %s could not be renewed; it is tried again: %s", prefix, error)


def _numbers(lake: Lake, prefix: str) -> dict[int, str]:
    found = {}
    for stored in lake.store.list(prefix):
        name = stored.key.rpartition("/")[2].removesuffix(".json")
        if name.isdigit():
            found[int(name)] = stored.key
    return found


def _last(lake: Lake, prefix: str) -> int:
    return max(_numbers(lake, prefix), default=0)


def _is_held(lake: Lake, prefix: str, *, but: int | None = None) -> bool:
    """Tell whether a living process holds it, by its last sign of life; `but` is a file that does not count."""
    known = {number: key for number, key in _numbers(lake, prefix).items() if number != but}
    if but is None:
        return bool(known) and _lives(lake, known[max(known)])
    return any(_lives(lake, key) for key in known.values())


def _lives(lake: Lake, key: str) -> bool:
    try:
        with lake.store.open(key) as file:
            sign = json.load(file)
        return liveness.is_alive(sign["process"], lock=None, heard=datetime.fromisoformat(sign["time"]))
    except (ElliptioError, ValueError, KeyError, TypeError) as error:
        log.info("The claim %s cannot be read, so it does not count: %s", key, error)
        return False
