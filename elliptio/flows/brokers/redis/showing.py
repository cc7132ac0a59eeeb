"""Tell what Redis knows of a flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elliptio.flows.brokers.redis.entries import Records


def shown(records: Records, fields: Sequence[bytes], readers: Sequence[Any]) -> dict[str, Any]:
    """Make the document that `Broker.state` gives of the fields of a flow's hash.

    Raises
    ------
    TamperedDataError
        If an end is not what was written.

    """
    streams: dict[str, Any] = {}
    leases: dict[str, Any] = {}
    for field, value in zip(fields[::2], fields[1::2], strict=True):
        kind, name = field[:2], _text(field[2:])
        if kind == b"t:":
            count, size, first, last = (int(part) for part in value.split(b":"))
            times = {"first": first / 1000, "last": last / 1000}
            _stream(streams, name).update({"count": count, "bytes": size, **times})
        elif kind == b"e:":
            _stream(streams, name)["end"] = records.read(value, "end", name)
        elif kind == b"l:":
            epoch, until, _, _, worker = value.split(b":", 4)
            leases[name] = {"epoch": int(epoch), "until": int(until) / 1000, "worker": _text(worker)}
    for stream, pairs in readers:
        positions = zip(pairs[::2], pairs[1::2], strict=True)
        _stream(streams, _text(stream))["readers"] = {_text(name): int(at) for name, at in positions}
    return {"streams": streams, "leases": leases}


def _stream(streams: dict[str, Any], name: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"count": 0, "bytes": 0, "end": None, "first": 0.0, "last": 0.0, "readers": {}}
    found: dict[str, Any] = streams.setdefault(name, empty)
    return found


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
