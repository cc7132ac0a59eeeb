"""Know which bytes were compared with their recorded hash: nothing else is shown or sent as if it were right."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from elliptio.artifacts.file import RemoteFile
from elliptio.artifacts.hashing import CHUNK
from elliptio.errors import ElliptioError, IntegrityError, MissingKeyError

AT_ONCE = 32 << 20
"""Files of up to so many bytes are read whole and compared before anything of them is shown."""

LASTS = 600.0
"""Seconds that a check of bytes holds where a store cannot tell whether they were written again."""

MOST_KNOWN = 20_000

VERIFIED, DAMAGED, MISSING, UNREAD, UNHASHED = "verified", "damaged", "missing", "unread", "unhashed"


@dataclass(frozen=True)
class Check:
    """Finding about a file.

    Attributes
    ----------
    state
        ``"verified"``, ``"damaged"``, ``"missing"``, ``"unread"`` (not yet compared) or ``"unhashed"`` (a link).
    says
        What is wrong.
    time
        When it was read.

    """

    state: str
    says: str = ""
    time: datetime | None = None

    @property
    def ok(self) -> bool:
        """True if nothing is known to be wrong."""
        return self.state not in (DAMAGED, MISSING)


@dataclass(frozen=True)
class Trouble:
    """A file that is not what was saved."""

    artifact_id: str
    relpath: str
    says: str
    time: datetime


class Checks:
    """Remember what this process has read and compared, as long as no file was written again since."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._known: OrderedDict[tuple[str, str | None], tuple[str, float, Check]] = OrderedDict()
        self._troubles: dict[tuple[str, str], Trouble] = {}
        self._read: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._seconds = seconds

    @property
    def troubles(self) -> list[Trouble]:
        """List what was found to be wrong, the last first."""
        with self._lock:
            return list(self._troubles.values())[::-1]

    def verified(self, artifact_id: str) -> int:
        """Tell how many files of an artifact were found to be what was saved."""
        return len(self._read.get(artifact_id, ()))

    def known(self, file: RemoteFile) -> Check:
        """Tell what is known of a file without reading it."""
        with self._lock:
            found = self._known.get((file.remote_url, file.sha256))
        if found is not None:
            stamp, until, check = found
            try:
                if (stamp and stamp == file.stamp_now()) or (not stamp and self._seconds() < until):
                    return check
            except ElliptioError:
                pass
        return Check(UNREAD if file.sha256 else UNHASHED)

    def look(self, artifact_id: str, file: RemoteFile, most: int = AT_ONCE) -> Check:
        """Compare a file with its hash, unless that is known or it has more than so many bytes."""
        check = self.known(file)
        if check.state != UNREAD or (file.size or 0) > most:
            return check
        for _ in self.read(artifact_id, file):
            pass
        return self.known(file)

    def read(self, artifact_id: str, file: RemoteFile) -> Iterator[bytes]:
        """Yield all bytes of a file, the last of them only when all were compared; break off where they differ."""
        before = b""
        stamp = ""
        try:
            stamp = file.stamp_now()
            with file.open("rb") as source:
                while data := source.read(CHUNK):
                    if before:
                        yield before
                    before = data
        except (IntegrityError, MissingKeyError) as error:
            missing = isinstance(error, MissingKeyError)
            self.note(artifact_id, file, stamp, Check(MISSING if missing else DAMAGED, str(error), _now()))
            return
        state = VERIFIED if file.sha256 else UNHASHED
        self.note(artifact_id, file, stamp, Check(state, time=_now()))
        if before:
            yield before

    def note(self, artifact_id: str, file: RemoteFile, stamp: str, check: Check) -> None:
        """Remember what was found of a file."""
        with self._lock:
            self._known[file.remote_url, file.sha256] = (stamp, self._seconds() + LASTS, check)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            self._troubles.pop((artifact_id, file.relpath), None)
            read = self._read.setdefault(artifact_id, set())
            if check.state == VERIFIED and len(self._read) < MOST_KNOWN:
                read.add(file.relpath)
            else:
                read.discard(file.relpath)
            if not check.ok and len(self._troubles) < MOST_KNOWN:
                self._troubles[artifact_id, file.relpath] = Trouble(artifact_id, file.relpath, check.says, _now())


def _now() -> datetime:
    return datetime.now(tz=UTC)
