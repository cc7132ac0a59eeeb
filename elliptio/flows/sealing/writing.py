"""Write a stream as an artifact: its segments as they come, and what makes one of them visible in the end."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from elliptio import naming
from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile
from elliptio.artifacts.hashing import HashingReader
from elliptio.errors import SourceError
from elliptio.flows.brokers.defining import Outcome
from elliptio.flows.sealing.segments import FILE, Segment, Segments
from elliptio.labels import check_labels
from elliptio.metadata import FileRecord
from elliptio.naming import STREAM, check_relpath
from elliptio.provenance.collecting import Provenance
from elliptio.saving.publication import Publication, discarding
from elliptio.system.os_errors import explained
from elliptio.work import Work

VERSION = 1

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")


@dataclass(frozen=True)
class About:
    """A stream that is sealed, as far as it is known from the start.

    Attributes
    ----------
    stream
        Its name.
    run_id
        The run that wrote it.
    labels
        Those of the artifact.
    seen
        Code and environment of the flow.

    """

    stream: str
    run_id: str
    labels: Mapping[str, Any]
    seen: Provenance


class StreamWriter:
    """Writes the values of a stream into an artifact that nobody sees before `publish`.

    Parameters
    ----------
    work
        The handler or run in whose lake it is.
    about
        What is known of it from the start.

    Attributes
    ----------
    stream
        Name of the stream.

    """

    def __init__(self, work: Work, about: About) -> None:
        self.stream = about.stream
        self._work = work
        self._segments = Segments(self.stream)
        self._records: list[FileRecord] = []
        self._entries: list[dict[str, Any]] = []
        self._count = 0
        self._based_on: list[str] = []
        self._stem = stem_of(self.stream)
        self._publication = Publication(
            work.lake,
            run_id=about.run_id,
            labels=check_labels(about.labels),
            based_on=lambda: self._based_on,
            progress=False,
            git_diff=work._settings["git_diff"].value,
            seen=about.seen,
        )

    def add(self, values: Sequence[Any]) -> None:
        """Write more values.

        Raises
        ------
        UnserializableValueError
            If one would not come back the same.
        StoreError
            If the store cannot be written.

        """
        for segment in self._segments.add(values):
            self._put(segment)

    def publish(self, based_on: Sequence[str], outcome: Outcome) -> Artifact:
        """Write what is left, and make the artifact visible; leave nothing behind if that fails."""
        with discarding(self._publication):
            for segment in self._segments.rest():
                self._put(segment)
            manifest = self._manifest(outcome)
            self._based_on[:0] = based_on
            self._based_on = list(dict.fromkeys(self._based_on))
            return self._work._artifact(self._publication.publish([manifest, *self._records], local_root=""))

    def discard(self) -> None:
        """Leave nothing behind."""
        self._publication.discard()

    def _put(self, segment: Segment) -> None:
        relpath = self._relpath(segment)
        record = self._write(relpath, segment)
        self._records.append(record)
        self._entries.append({"file": relpath, "kind": segment.kind, "count": segment.count, **segment.facts})
        self._count += segment.count

    def _write(self, relpath: str, segment: Segment) -> FileRecord:
        source = segment.source
        if isinstance(source, RemoteFile) and source._artifact_id is not None:
            self._based_on.append(source._artifact_id)
        with explained("read", str(source)):
            file = segment.open()
        with file:
            reader = HashingReader(file)
            self._publication.staging.put(f"{naming.FILES}/{relpath}", cast("BinaryIO", reader))
        return FileRecord(relpath, reader.size, reader.sha256, value=segment.value)

    def _relpath(self, segment: Segment) -> str:
        start = f"{self._stem}.{len(self._entries):06}"
        if segment.kind != FILE:
            return start + segment.ending
        try:
            return check_relpath(start + segment.ending)
        except SourceError:  # such a name cannot lie in a lake; how it ends says what it is
            suffix = re.search(r"\.[A-Za-z0-9]{1,16}$", segment.ending)
            return start + (suffix[0] if suffix else "")

    def _manifest(self, outcome: Outcome) -> FileRecord:
        content: dict[str, Any] = {
            "elliptio": "stream",
            "version": VERSION,
            "stream": self.stream,
            "status": outcome["status"],
            "count": self._count,
            "segments": self._entries,
        }
        if outcome.get("cause"):
            content["cause"] = {name: outcome["cause"].get(name, "") for name in ("step", "kind", "text")}
        encoded = json.dumps(content, indent=1).encode()
        return self._write(self._stem + STREAM, Segment("manifest", 0, "", encoded))


def stem_of(stream: str) -> str:
    """Name a stream as the names of its files begin: as it is named itself, where that is plain."""
    if _PLAIN_NAME.fullmatch(stream):
        return stream
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", stream)[:40]
    return f"{slug or 'stream'}-{hashlib.sha256(stream.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
