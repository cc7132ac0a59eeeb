"""One partition of an entry, as a snapshot knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from elliptio.pipelines.arguments import keys_in
from elliptio.pipelines.catalog.keys import NONE, Keys
from elliptio.pipelines.catalog.versions import Version
from elliptio.pipelines.crafts.fingerprints import Fingerprint


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of an entry: from what it was made, and what it holds.

    Attributes
    ----------
    keys
        Values of its keys; frozen.
    input_fingerprint
        Stands for what it was made from; empty for what nobody made.
    content_fingerprint
        Stands for what it holds.
    artifact_id
        The artifact that holds it.

    Examples
    --------
    >>> one = Partition({"day": "2026-01-31"}, content_fingerprint=Fingerprint.from_string("data"))
    >>> one.keys["day"], one in {one}
    ('2026-01-31', True)

    """

    keys: Mapping[str, Any] = NONE
    input_fingerprint: Fingerprint = field(default_factory=Fingerprint.empty)
    content_fingerprint: Fingerprint = field(default_factory=Fingerprint.empty)
    artifact_id: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.keys, Keys):
            object.__setattr__(self, "keys", Keys(keys_in("keys", self.keys)))

    def as_record(self) -> dict[str, Any]:
        """Shape it as it is kept."""
        return {
            "keys": dict(self.keys),
            "input": None if self.input_fingerprint.is_empty else str(self.input_fingerprint),
            "content": None if self.content_fingerprint.is_empty else str(self.content_fingerprint),
            "artifact_id": self.artifact_id,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(Keys(record["keys"]), _read(record["input"]), _read(record["content"]), record["artifact_id"])


def _read(digits: str | None) -> Fingerprint:
    return Fingerprint.empty() if digits is None else Fingerprint.from_hex(digits)


def partition_of(version: Version) -> Partition:
    """Make the partition that a version is."""
    return Partition(version.keys, _read(version.step), _read(version.fingerprint or None), version.artifact_id)


def first_of(partitions: Iterable[Partition]) -> tuple[Partition, ...]:
    """Take the first partition of each combination of keys."""
    found: dict[Mapping[str, Any], Partition] = {}
    for one in partitions:
        found.setdefault(one.keys, one)
    return tuple(found.values())
