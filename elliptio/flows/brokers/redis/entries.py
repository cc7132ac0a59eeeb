"""Write and read what lies in Redis: entries of streams, ends, plans and states, each signed for its place."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from elliptio.flows.brokers.defining import DONE, Outcome
from elliptio.flows.errors import TamperedDataError, UnserializableValueError
from elliptio.flows.serializing.batches import NOTHING, Batches, digest
from elliptio.flows.serializing.exact import pack, unpack
from elliptio.flows.serializing.signing import SIZE, Signer
from elliptio.naming import several

MOST_VALUES, MOST_BYTES = 500, 2**18
"""Values, and bytes, after which the next value gets into another entry."""

_HEAD = struct.Struct(">QQI16s")
"""Position of the first value, bytes before it, number of values, and the digest up to the last one."""


class Tail(NamedTuple):
    """Say how long a stream is: values, bytes, and the digest of all."""

    top: int = 0
    size: int = 0
    digest: bytes = NOTHING


class Entry(NamedTuple):
    """Values that lie in one entry, which are written still."""

    at: int
    values: int
    tail: Tail
    content: bytes


class Records:
    """Write and read what belongs to one flow."""

    def __init__(self, signer: Signer, batches: Batches, flow: str) -> None:
        self._signer, self._flow = signer, flow
        self.batches = batches
        self._streams: dict[str, Signer] = {}

    def _of(self, stream: str) -> Signer:
        found = self._streams.get(stream)
        if found is None:
            found = self._streams[stream] = self._signer.at(self._flow, "stream", stream)
        return found

    def entries(self, stream: str, parts: Sequence[bytes], tail: Tail) -> tuple[list[Any], Tail]:
        """Write values that come after a tail: id, head and content of each entry, and the tail after them."""
        out: list[Any] = []
        signer = self._of(stream)
        for chunk in _chunks(parts):
            content = self.batches.join(chunk)
            after = Tail(tail.top + len(chunk), tail.size + len(content), digest(chunk, tail.digest))
            head = _HEAD.pack(tail.top, tail.size, len(chunk), after.digest)
            out += (f"{after.top}-0", head + signer.sign(head, content), content)
            tail = after
        return out, tail

    def parts(self, stream: str, values: Sequence[Any]) -> list[bytes]:
        """Write values of a stream, each by itself.

        Raises
        ------
        UnserializableValueError
            If one cannot be written.

        """
        try:
            return self.batches.write(values)
        except UnserializableValueError as error:
            raise UnserializableValueError(f"In the stream {stream!r}, {error}") from error.__cause__

    def whole(self, stream: str, values: Sequence[Any]) -> list[Any]:
        """Write a stream that has ended: name, length, bytes, end, number of entries, and these."""
        entries, tail = self.entries(stream, self.parts(stream, values), Tail())
        return [stream, tail.top, tail.size, self.outcome(stream, DONE, tail), len(entries) // 3, *entries]

    def entry(self, stream: str, id: bytes, fields: Sequence[bytes]) -> Entry:
        """Read an entry.

        Raises
        ------
        TamperedDataError
            If it is not what was written at this place of this stream.

        """
        if len(fields) != 4 or fields[0] != b"h" or fields[2] != b"v" or len(fields[1]) != _HEAD.size + SIZE:
            raise self._tampered(stream)
        head, signature, content = fields[1][: _HEAD.size], fields[1][_HEAD.size :], fields[3]
        if not self._of(stream).fits(signature, head, content):
            raise self._tampered(stream)
        at, before, count, found = _HEAD.unpack(head)
        if id != b"%d-0" % (at + count):
            raise self._tampered(stream)
        return Entry(at, count, Tail(at + count, before + len(content), found), content)

    def tail(self, stream: str, top: int, found: Sequence[Any]) -> Tail:
        """Read how long a stream is from its last entry.

        Raises
        ------
        TamperedDataError
            If it is not the last one.

        """
        tail = self.entry(stream, *found[0]).tail if found else Tail()
        if tail.top != top:
            raise TamperedDataError(f"Stream {stream!r} should have {several(top, 'value')}, and has {tail.top:,}.")
        return tail

    def outcome(self, stream: str, outcome: Outcome, tail: Tail) -> bytes:
        """Write how a stream ended."""
        return self.signed({**outcome, "count": tail.top, "digest": tail.digest.hex()}, "end", stream)

    def signed(self, document: Any, *place: str) -> bytes:
        """Write plain values, and sign them for a place."""
        content = pack(document)
        return self._signer.at(self._flow, *place).sign(content) + content

    def state(self, state: Any, step: str) -> bytes:
        """Write what a step wants to know when it is resumed."""
        content = self.batches.join(self.batches.write([state]))
        return self._signer.at(self._flow, "state", step).sign(content) + content

    def read_state(self, record: bytes, step: str) -> Any:
        """Read what a step had saved.

        Raises
        ------
        TamperedDataError
            If it is not what was written.

        """
        return self.batches.read(self._content(record, "state", step), 1)[0]

    def read(self, record: bytes, *place: str) -> Any:
        """Read plain values that were signed for a place.

        Raises
        ------
        TamperedDataError
            If they are not what was written.

        """
        return unpack(self._content(record, *place))

    def _content(self, record: bytes, *place: str) -> bytes:
        signature, content = record[:SIZE], record[SIZE:]
        if not self._signer.at(self._flow, *place).fits(signature, content):
            raise TamperedDataError(
                f"The {' '.join(map(repr, place))} of flow {self._flow!r} is not what was written, or was written with "
                "another secret."
            )
        return content

    def _tampered(self, stream: str) -> TamperedDataError:
        return TamperedDataError(
            f"An entry of stream {stream!r} of flow {self._flow!r} is not what was written there, or was written with "
            "another secret."
        )


def _chunks(parts: Sequence[bytes]) -> Iterator[list[bytes]]:
    if 0 < len(parts) <= MOST_VALUES and sum(map(len, parts)) <= MOST_BYTES:
        yield list(parts)
        return
    chunk: list[bytes] = []
    size = 0
    for part in parts:
        if chunk and (len(chunk) == MOST_VALUES or size + len(part) > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(part)
        size += len(part)
    if chunk:
        yield chunk
