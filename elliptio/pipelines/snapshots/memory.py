"""Keep snapshots as long as the process lives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.arguments import check_kind, check_name
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.crafts.fingerprints import Fingerprint
from elliptio.pipelines.graphs.graph import Graph
from elliptio.pipelines.snapshots.connections import (
    Backend,
    Connection,
    InputFingerprints,
    Partitions,
    check_snapshot,
    check_tag,
    checked,
    fitting,
    name_of,
    taken_by,
    taken_tag,
    unknown_graph,
    unknown_snapshot,
    unknown_tag,
)
from elliptio.pipelines.snapshots.partitions import Partition

if TYPE_CHECKING:
    from elliptio.pipelines.snapshots.snapshot import Snapshot


class MemoryConnection(Connection):
    """Reads and writes the dicts of a `MemoryBackend`."""

    def __init__(self) -> None:
        # By the texts of fingerprints, as the identifier of a snapshot is one.
        self._graphs: dict[tuple[str, str], Graph] = {}
        self._snapshots: dict[tuple[str, str], Snapshot] = {}
        self._tags: dict[str, dict[str, Snapshot]] = {}
        self._of_entries: dict[str, dict[Partition, None]] = {}
        self._of_snapshots: dict[tuple[str, Fingerprint, str], dict[Partition, None]] = {}

    def read_artifact_partitions(self, entry: Entry | str, input_fingerprints: InputFingerprints = {}) -> Partitions:  # noqa: B006
        """Read all known partitions of an entry."""
        return fitting(self._of_entries.get(name_of(entry), {}), input_fingerprints)

    def write_artifact_partitions(self, entry: Entry | str, partitions: Iterable[Partition]) -> None:
        """Add partitions of an entry."""
        self._of_entries.setdefault(name_of(entry), {}).update(dict.fromkeys(checked(partitions)))

    def read_graph(self, name: str, fingerprint: Fingerprint) -> Graph:
        """Read a graph."""
        check_name("name", name)
        if (name, str(fingerprint)) not in self._graphs:
            raise unknown_graph(name, fingerprint)
        return self._graphs[name, str(fingerprint)]

    def write_graph(self, graph: Graph) -> None:
        """Write a graph."""
        check_kind("write_graph", graph, Graph, "a Graph, such as pipeline.graph")
        self._graphs[graph.name, str(graph.fingerprint)] = graph

    def read_snapshot(self, name: str, fingerprint: Fingerprint) -> Snapshot:
        """Read a snapshot."""
        check_name("name", name)
        if (name, str(fingerprint)) not in self._snapshots:
            raise unknown_snapshot(name, fingerprint)
        return self._snapshots[name, str(fingerprint)]

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Write a snapshot."""
        check_snapshot(snapshot)
        self.write_graph(snapshot.graph)
        self._snapshots.setdefault((snapshot.name, snapshot.id), snapshot)

    def read_snapshot_tag(self, name: str, tag: str) -> Snapshot:
        """Read the snapshot that a tag names."""
        check_name("name", name)
        check_name("tag", tag)
        known = self._tags.get(name, {})
        if tag not in known:
            raise unknown_tag(name, tag, known)
        return known[tag]

    def write_snapshot_tag(self, snapshot: Snapshot, tag: str, overwrite: bool = False) -> None:
        """Let a tag name a snapshot."""
        check_snapshot(snapshot)
        check_tag(tag)
        known = self._tags.setdefault(snapshot.name, {})
        if tag in known and not overwrite:
            raise taken_tag(snapshot, tag, known[tag].id)
        self.write_snapshot(snapshot)
        known[tag] = snapshot

    def read_snapshot_partitions(self, snapshot: Snapshot, key: str, entry: Entry | str) -> Partitions:
        """Read the partitions of a snapshot."""
        check_snapshot(snapshot)
        check_name("key", key)
        written = self._of_snapshots.get((snapshot.name, snapshot.fingerprint, key), {})
        return tuple(dict.fromkeys([*taken_by(snapshot, key), *written]))

    def write_snapshot_partitions(
        self, snapshot: Snapshot, key: str, entry: Entry | str, partitions: Iterable[Partition]
    ) -> None:
        """Add partitions to a snapshot."""
        check_snapshot(snapshot)
        check_name("key", key)
        at = snapshot.name, snapshot.fingerprint, key
        self._of_snapshots.setdefault(at, {}).update(dict.fromkeys(checked(partitions)))


class MemoryBackend(Backend):
    """Keeps snapshots as long as the process lives; copies of it share what they hold.

    Examples
    --------
    >>> from elliptio.pipelines.backends import MemoryBackend
    >>> with MemoryBackend().connect() as connection:
    ...     connection.read_artifact_partitions("clean")
    ()

    """

    def __init__(self) -> None:
        self._connection = MemoryConnection()

    @contextlib.contextmanager
    def connect(self) -> Iterator[MemoryConnection]:
        """Give the connection: there is only one."""
        yield self._connection

    def __copy__(self) -> MemoryBackend:
        return self

    def __deepcopy__(self, memo: Any) -> MemoryBackend:
        return self
