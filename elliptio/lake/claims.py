"""Claim what is to be made once: of several processes that would make the same, one does, and the others wait.

A claim on a lake in a folder is a lock that the system takes away from a process that is gone. Elsewhere it is a file
that names a process, and when that was last heard of.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from elliptio import naming
from elliptio.errors import ElliptioError, MissingKeyError
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
        True where somebody else held it before, or wanted it at the same time: what was to be made may be there.

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

    Each makes its file before it looks, and removes none of a process that lives but its own: of several that come at
    once all but one see another's at least, and step back.
    """
    own, waited = f"{prefix}/{uuid.uuid4().hex}", False
    while True:
        if not _is_held(lake, prefix):
            lake.store.create(_key(own, 0), _sign())
            if not _is_held(lake, prefix, but=own):
                break
            lake.store.remove(own)
        waited = True
        time.sleep(POLL_SECONDS * (0.5 + random.random()))
    stop = threading.Event()
    beats = threading.Thread(target=_beat, args=(lake, own, stop), name="elliptio-claim", daemon=True)
    beats.start()
    try:
        yield waited
    finally:
        stop.set()
        beats.join()
        lake.store.remove(own)


def _key(own: str, number: int) -> str:
    return f"{own}/{number:08d}.json"


def _sign() -> bytes:
    sign = {"process": liveness.this_process(), "time": datetime.now(tz=UTC).isoformat(), "version": VERSION}
    return json.dumps(sign).encode()


def _beat(lake: Lake, own: str, stop: threading.Event) -> None:
    for number in itertools.count(1):
        if stop.wait(BEAT_SECONDS):
            break
        try:
            lake.store.create(_key(own, number), _sign())
        except ElliptioError as error:
            log.info("The claim %s could not be renewed; it is tried again: %s", own, error)


def _is_held(lake: Lake, prefix: str, *, but: str = "") -> bool:
    """Tell whether a living process but `but` made files there; what is left of others that are gone is removed."""
    last = {key.rpartition("/")[0]: key for key in sorted(stored.key for stored in lake.store.list(prefix))}
    for folder, key in last.items():
        if folder == but:
            continue
        if _lives(lake, key):
            return True
        lake.store.remove(folder)
    return False


def _lives(lake: Lake, key: str) -> bool:
    """Tell whether the process lives that said so there."""
    try:
        with lake.store.open(key) as file:
            sign = json.load(file)
        return liveness.is_alive(sign["process"], lock=None, heard=datetime.fromisoformat(sign["time"]))
    except MissingKeyError:
        return False
    except (ValueError, KeyError, TypeError) as error:
        log.info("The claim %s cannot be read, so it does not count: %s", key, error)
        return False
