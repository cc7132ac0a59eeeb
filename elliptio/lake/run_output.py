"""Keep what a run prints: as a log once it has ended, and, in a folder, in a file that grows until then.

That file, ``.elliptio/runs/<run_id>/output.part``, is what is left when the process is killed. As secrets in it are not
masked yet, only its user may read it; whoever of them finds out that the run is dead makes a masked log of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from elliptio import naming
from elliptio.errors import StoreError
from elliptio.lake import growing, run_records
from elliptio.lake.lake import Lake
from elliptio.provenance.redaction import redact

log = logging.getLogger(__name__)

PART = "output.part"

MOST_OF_LOG = 8_000_000
"""Characters that are kept of a log, from its end; a letter has four bytes at most."""

MOST_OF_END = 256 << 10
"""Bytes of the end: much more than is shown, so that no secret in it has lost its beginning."""


class Growing:
    """A file that takes what a run prints, at once, so that a process which is killed leaves it.

    Parameters
    ----------
    path
        Where it lies; None where a lake has no folder: then nothing is kept of a run that is killed.

    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._fd: int | None = None
        if path is not None:
            with _unless_it_fails(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                self._fd = os.open(path, flags, 0o600)

    def add(self, text: str) -> None:
        """Write a text to its end."""
        if self._fd is None or self._path is None:
            return
        failed = True
        with _unless_it_fails(self._path):
            os.write(self._fd, text.encode("utf-8", "backslashreplace"))
            failed = False
        if failed:  # what is torn is no use: the disk may be full for good
            self.close()

    def close(self) -> None:
        """Write nothing more."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def remove(self) -> None:
        """Remove it: there is a log now."""
        self.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


@contextlib.contextmanager
def _unless_it_fails(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.info("What is printed is not kept in %s, should the process be killed: %s", path, error)


def standing(text: str) -> str:
    """Of lines that progress bars rewrote keep only what was left standing."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def write_log(lake: Lake, run_id: str, name: str, text: str) -> None:
    """Write a log of a run, as far as it fits."""
    text = text.encode("utf-8", "backslashreplace").decode()
    run_records.write(lake, run_id, run_records.LOGS[name], {"text": _end_of(text)})


def write_output(lake: Lake, run_id: str, printed: str) -> None:
    """Write what a run printed, secrets masked."""
    write_log(lake, run_id, naming.OUTPUT_LOG, redact(printed)[0])


def keep_output(lake: Lake, run_id: str) -> None:
    """Make a log of what a run had printed when it was killed, if there is anything, and may be read."""
    printed, path = _printed(lake, run_id), growing.path_of(lake, run_id, PART)
    if printed is not None and path is not None:
        run_records.write(lake, run_id, run_records.PRINTED, {"text": _end_of(redact(printed)[0])})
        with contextlib.suppress(OSError):
            os.unlink(path)


def read_logs(lake: Lake, run_id: str) -> dict[str, str]:
    """Read the logs of a run, by name; of what one that goes on has printed, what there is so far."""
    names = run_records.files(lake, run_id).get(run_id, set())
    found = {
        name: str(run_records.read_file(lake, run_id, file)["text"])
        for name, file in run_records.LOGS.items()
        if file in names
    }
    if naming.OUTPUT_LOG in found:
        return found
    if run_records.KILLED in names:  # who found that out may not have been allowed to read what it printed
        with contextlib.suppress(StoreError):  # whoever may only read, reads
            keep_output(lake, run_id)
        names = run_records.files(lake, run_id).get(run_id, set())
    if run_records.PRINTED in names:
        return {**found, naming.OUTPUT_LOG: str(run_records.read_file(lake, run_id, run_records.PRINTED)["text"])}
    printed = _printed(lake, run_id)
    return found if printed is None else {**found, naming.OUTPUT_LOG: redact(printed)[0]}


def read_end(lake: Lake, run_id: str) -> str | None:
    """Read the end of what a run that goes on has printed, secrets masked; None where there is nothing to read."""
    printed = _printed(lake, run_id, MOST_OF_END)
    return None if printed is None else redact(printed)[0]


def _printed(lake: Lake, run_id: str, most: int = 4 * MOST_OF_LOG) -> str | None:
    """Read what a run has printed so far, secrets included; None if there is nothing, or it may not be read."""
    path = growing.path_of(lake, run_id, PART)
    if path is None:
        return None
    try:
        return _end_of(standing(growing.read_end(path, most).decode("utf-8", "replace")))
    except FileNotFoundError:
        return None
    except OSError as error:
        log.info("What %s printed cannot be read: %s", run_id, error)
        return None


def _end_of(text: str) -> str:
    if len(text) <= MOST_OF_LOG:
        return text
    return f"[elliptio: what was before this was not kept]\n{text[-MOST_OF_LOG:]}"
