"""Say what keeps graphs, snapshots, their tags and partitions: a backend, and a connection to it."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from elliptio.errors import MetadataError
from elliptio.pipelines.arguments import check_all, check_kind, check_name, refused
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.crafts.fingerprints import Fingerprint
from elliptio.pipelines.errors import SnapshotNotFoundError, SnapshotTagTakenError
from elliptio.pipelines.graphs.graph import Graph
from elliptio.pipelines.snapshots.partitions import Partition

if TYPE_CHECKING:
    from elliptio.pipelines.snapshots.snapshot import Snapshot

Partitions = tuple[Partition, ...]
InputFingerprints = Mapping[Any, Fingerprint]
"""For some keys, what a partition must be made from."""


class Connection(ABC):
    """Read and write graphs, snapshots, tags and partitions. What is written again changes nothing."""

    @abstractmethod
    def read_artifact_partitions(self, entry: Entry | str, input_fingerprints: InputFingerprints = {}) -> Partitions:  # noqa: B006
        """Read all known partitions of an entry, of whatever snapshot; with fingerprints only those made from that."""

    @abstractmethod
    def write_artifact_partitions(self, entry: Entry | str, partitions: Iterable[Partition]) -> None:
        """Add partitions of an entry."""

    @abstractmethod
    def read_graph(self, name: str, fingerprint: Fingerprint) -> Graph:
        """Read a graph.

        Raises
        ------
        SnapshotNotFoundError
            If there is none.

        """

    @abstractmethod
    def write_graph(self, graph: Graph) -> None:
        """Write a graph."""

    @abstractmethod
    def read_snapshot(self, name: str, fingerprint: Fingerprint) -> Snapshot:
        """Read a snapshot of the graph of a name.

        Raises
        ------
        SnapshotNotFoundError
            If there is none.

        """

    @abstractmethod
    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Write a snapshot, and its graph."""

    @abstractmethod
    def read_snapshot_tag(self, name: str, tag: str) -> Snapshot:
        """Read the snapshot that a tag of a graph names.

        Raises
        ------
        SnapshotNotFoundError
            If there is no such tag.

        """

    @abstractmethod
    def write_snapshot_tag(self, snapshot: Snapshot, tag: str, overwrite: bool = False) -> None:
        """Let a tag of a graph name a snapshot.

        Raises
        ------
        SnapshotTagTakenError
            If it names one already, unless `overwrite`.

        """

    @abstractmethod
    def read_snapshot_partitions(self, snapshot: Snapshot, key: str, entry: Entry | str) -> Partitions:
        """Read the partitions that a snapshot has under a key, the name of an entry in its graph; none: ()."""

    @abstractmethod
    def write_snapshot_partitions(
        self, snapshot: Snapshot, key: str, entry: Entry | str, partitions: Iterable[Partition]
    ) -> None:
        """Add partitions to a snapshot, under a key."""

    def write_artifact_and_graph_partitions(
        self, snapshot: Snapshot, key: str, entry: Entry | str, partitions: Iterable[Partition]
    ) -> None:
        """Add partitions to an entry, and to a snapshot."""
        some = tuple(partitions)
        self.write_artifact_partitions(entry, some)
        self.write_snapshot_partitions(snapshot, key, entry, some)

    def write_built(
        self, snapshot: Snapshot, outputs: Mapping[str, Iterable[Partition]], *, unless_known: bool = False
    ) -> None:
        """Write a snapshot, its graph, and the partitions that were made; nothing if it is known, where so asked."""
        self.write_snapshot(snapshot)
        for name, partitions in outputs.items():
            self.write_snapshot_partitions(snapshot, name, name, partitions)

    @contextlib.contextmanager
    def connect(self) -> Iterator[Self]:
        """Give itself, so that what takes a backend takes a connection too."""
        yield self

    @classmethod
    def __get_validators__(cls) -> list[Any]:
        """Return no validators, so that models of pydantic may have a connection as a field."""
        return []


class Backend(ABC):
    """Keep graphs, snapshots, tags and partitions."""

    @abstractmethod
    def connect(self) -> contextlib.AbstractContextManager[Connection]:
        """Open a connection for the length of a block."""


def name_of(entry: Entry | str) -> str:
    """Return the name of an entry.

    Raises
    ------
    ArgumentError
        If it is neither an entry nor a name.

    """
    name = entry.name if isinstance(entry, Entry) else entry
    check_name("entry", name)
    return name


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuse what is no snapshot."""
    from elliptio.pipelines.snapshots.snapshot import Snapshot

    check_kind("snapshot", snapshot, Snapshot, "a Snapshot, such as pipeline.snapshot()")


def checked(partitions: Iterable[Partition]) -> list[Partition]:
    """Return partitions, all of them some."""
    return check_all("partitions", partitions, Partition, "an iterable of Partition")


def fitting(partitions: Iterable[Partition], wanted: InputFingerprints) -> Partitions:
    """Keep the partitions that are made from what is wanted for their keys; all if nothing is."""
    if not wanted:
        return tuple(partitions)
    try:
        by_keys = {Keys(dict(keys)): fingerprint for keys, fingerprint in wanted.items()}
    except (AttributeError, TypeError, ValueError):
        raise refused("input_fingerprints", "a mapping from Keys to Fingerprint", wanted) from None
    return tuple(one for one in partitions if by_keys.get(Keys(one.keys)) == one.input_fingerprint)


def taken_by(snapshot: Snapshot, key: str) -> Iterable[Partition]:
    """List the partitions of an input, which a snapshot has of itself; of what it makes there is what was written."""
    return () if key in snapshot.graph.outputs else snapshot.inputs.get(key, ())


def check_tag(tag: str) -> None:
    """Refuse what cannot be the tag of a snapshot.

    Raises
    ------
    MetadataError
        If it is no text, or one that cannot be read.

    """
    if not isinstance(tag, str) or not tag or not tag.isprintable():
        raise MetadataError(f"A tag is a text such as 'prod', not {tag!r}.")


def unknown_graph(name: str, fingerprint: Fingerprint) -> SnapshotNotFoundError:
    """Say that there is no such graph."""
    return SnapshotNotFoundError(f"There is no graph {name!r} with the fingerprint {fingerprint}.")


def unknown_snapshot(name: str, fingerprint: Fingerprint) -> SnapshotNotFoundError:
    """Say that there is no such snapshot."""
    return SnapshotNotFoundError(f"There is no snapshot {fingerprint} of the graph {name!r}.")


def unknown_tag(name: str, tag: str, known: Iterable[str]) -> SnapshotNotFoundError:
    """Say that there is no such tag."""
    from elliptio.formats.libraries import meant

    return SnapshotNotFoundError(f"No known {tag!r} tag for the graph {name!r}; {meant(tag, known)}")


def taken_tag(snapshot: Snapshot, tag: str, other: str) -> SnapshotTagTakenError:
    """Say that a tag names a snapshot already."""
    return SnapshotTagTakenError(
        f"Existing {tag!r} tag for the graph {snapshot.name!r} points to {other[:12]}: overwrite=True moves it."
    )
