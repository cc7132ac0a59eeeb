"""Keep snapshots in a lake, as records beside its artifacts."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from elliptio.lake import records
from elliptio.pipelines.arguments import check_kind, check_name
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import NONE
from elliptio.pipelines.catalog.versions import Versions
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
from elliptio.pipelines.snapshots.partitions import Partition, partition_of
from elliptio.pipelines.snapshots.snapshot import Snapshot
from elliptio.protocols import Document
from elliptio.provenance.collecting import username

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.pipelines.catalog.catalog import Catalog

GRAPH, SNAPSHOT, TAG, PARTITIONS = "graph", "snapshot", "snapshot-tag", "partitions"
"""Kinds of the records."""

_ENTRIES = ""
"""Stands for the snapshot of partitions that belong to none."""

AT_ONCE = 20_000
"""Partitions in one record."""


def _id(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


class LakeConnection(Connection):
    """Reads and writes the records of one project in a lake."""

    def __init__(self, backend: LakeBackend) -> None:
        self._backend = backend
        self._lake = backend.handler.lake
        self._project = backend.project

    def _add(self, kind: str, about: dict[str, Any], content: dict[str, Any], record_id: str) -> tuple[Document, bool]:
        """Write a record that is there once."""
        about = {"project": self._project, **about}
        return records.add(self._lake, kind, about, content, username=username(), record_id=record_id)

    def _find(self, kind: str, **about: Any) -> Iterator[Document]:
        query = {f"about.{name}": value for name, value in {"project": self._project, **about}.items()}
        return records.find(self._lake, kind, query)

    # --- partitions of entries ---

    def read_artifact_partitions(self, entry: Entry | str, input_fingerprints: InputFingerprints = {}) -> Partitions:  # noqa: B006
        """Read all known partitions of an entry: its versions in the lake, and those that were written.

        Of an entry without a version the files at its path are taken in first, where a catalog tells of one.
        """
        name, catalog = name_of(entry), self._backend.catalog
        histories = Versions(self._lake, self._project).of(name)
        if not histories and catalog is not None and name in catalog:
            histories = catalog._looked(catalog[name], NONE).of(name)
        found = {partition_of(one): None for history in histories.values() for one in history.versions if not one.aside}
        found.update(dict.fromkeys((one for _, one in self._written(name, _ENTRIES))))
        return fitting(found, input_fingerprints)

    def write_artifact_partitions(self, entry: Entry | str, partitions: Iterable[Partition]) -> None:
        """Add partitions of an entry; versions in the lake are known without that."""
        self._write(_ENTRIES, {name_of(entry): checked(partitions)})

    def _written(self, entry: str | None, snapshot: str) -> Iterator[tuple[str, Partition]]:
        """Read what was written of an entry, or of all, with the names of the entries."""
        written = self._find(PARTITIONS, snapshot=snapshot)
        for document in sorted(written, key=lambda one: (one["creation_time"], one["record_id"])):
            for name, some in document["content"]["partitions"]:
                if entry in (None, name):
                    yield from ((name, Partition.from_record(one)) for one in some)

    def _write(self, snapshot: str, partitions: Mapping[str, Iterable[Partition]]) -> None:
        """Write what is not there yet, so many in one record."""
        known = set(self._written(None, snapshot))
        new = [
            (name, one) for name, some in partitions.items() for one in dict.fromkeys(some) if (name, one) not in known
        ]
        for start in range(0, len(new), AT_ONCE):
            some: dict[str, list[dict[str, Any]]] = {}
            for name, one in new[start : start + AT_ONCE]:
                some.setdefault(name, []).append(one.as_record())
            content = {"partitions": [[name, each] for name, each in some.items()]}
            self._add(PARTITIONS, {"snapshot": snapshot}, content, _id(self._project, snapshot, content))

    # --- graphs and snapshots ---

    def read_graph(self, name: str, fingerprint: Fingerprint) -> Graph:
        """Read a graph."""
        check_name("name", name)
        for document in itertools.islice(self._find(GRAPH, graph=name, fingerprint=str(fingerprint)), 1):
            return Graph.from_record(document["content"])
        raise unknown_graph(name, fingerprint)

    def write_graph(self, graph: Graph) -> None:
        """Write a graph."""
        check_kind("write_graph", graph, Graph, "a Graph, such as pipeline.graph")
        record_id = _id(self._project, graph.name, graph.fingerprint)
        if not records.is_known(self._lake, GRAPH, record_id):
            about = {"graph": graph.name, "fingerprint": str(graph.fingerprint)}
            self._add(GRAPH, about, graph.as_record(), record_id)

    def read_snapshot(self, name: str, fingerprint: Fingerprint) -> Snapshot:
        """Read a snapshot."""
        check_name("name", name)
        for document in itertools.islice(self._find(SNAPSHOT, graph=name, fingerprint=str(fingerprint)), 1):
            return self.snapshot_of(document)
        raise unknown_snapshot(name, fingerprint)

    def snapshot_of(self, document: Document) -> Snapshot:
        """Read a snapshot from its record."""
        content = document["content"]
        graph = self.read_graph(document["about"]["graph"], Fingerprint.from_hex(content["graph"]))
        return Snapshot.from_record(content, graph, self._backend, self._backend.catalog)

    def snapshots(self) -> Iterator[Document]:
        """Records of all snapshots, the newest first."""
        return self._find(SNAPSHOT)

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Write a snapshot."""
        check_snapshot(snapshot)
        self.write_graph(snapshot.graph)
        record_id = _id(self._project, snapshot.name, snapshot.id)
        if not records.is_known(self._lake, SNAPSHOT, record_id):
            about = {"graph": snapshot.name, "fingerprint": snapshot.id}
            self._add(SNAPSHOT, about, snapshot.as_record(), record_id)

    def write_built(
        self, snapshot: Snapshot, outputs: Mapping[str, Iterable[Partition]], *, unless_known: bool = False
    ) -> None:
        """Write a snapshot and what was made, with few records."""
        record_id = _id(self._project, snapshot.name, snapshot.id)
        if unless_known and records.is_known(self._lake, SNAPSHOT, record_id):
            return
        self.write_snapshot(snapshot)
        self._write(snapshot.id, outputs)

    # --- tags ---

    def read_snapshot_tag(self, name: str, tag: str) -> Snapshot:
        """Read the snapshot that a tag names."""
        check_name("name", name)
        check_name("tag", tag)
        moves = self.moves(name, tag)
        if not moves:
            raise unknown_tag(name, tag, {one["about"]["tag"] for one in self._find(TAG, graph=name)})
        content = moves[0]["content"]
        found = self.read_snapshot(name, Fingerprint.from_hex(content["fingerprint"]))
        found.tagged = {
            each: [Partition.from_record(one) for one in some] for each, some in content.get("outputs", {}).items()
        }
        return found

    def moves(self, name: str, tag: str) -> list[Document]:
        """All moves of a tag, the last one first."""
        return sorted(self._find(TAG, graph=name, tag=tag), key=lambda one: one["about"]["number"], reverse=True)

    def tags(self, name: str) -> dict[str, str]:
        """Fingerprints of the snapshots that the tags of a graph name."""
        newest: dict[str, Document] = {}
        for one in self._find(TAG, graph=name):
            tag = one["about"]["tag"]
            if tag not in newest or newest[tag]["about"]["number"] < one["about"]["number"]:
                newest[tag] = one
        return {tag: one["content"]["fingerprint"] for tag, one in sorted(newest.items())}

    def write_snapshot_tag(self, snapshot: Snapshot, tag: str, overwrite: bool = False) -> None:
        """Let a tag name a snapshot; of several at once who do not overwrite, one succeeds."""
        check_snapshot(snapshot)
        check_tag(tag)
        self.write_snapshot(snapshot)
        content: dict[str, Any] = {"fingerprint": snapshot.id}
        others = self._made_later(snapshot)
        if others:
            content["outputs"] = others
        while True:
            moves = self.moves(snapshot.name, tag)
            if moves and not overwrite:
                raise taken_tag(snapshot, tag, moves[0]["content"]["fingerprint"])
            number = moves[0]["about"]["number"] + 1 if moves else 1
            about = {"graph": snapshot.name, "tag": tag, "number": number}
            record_id = _id(self._project, snapshot.name, tag, number)
            _, is_new = self._add(TAG, about, content, record_id)
            if is_new:
                return

    def _made_later(self, snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
        """List the outputs of a snapshot that are not those which were made first, and so are not found without it."""
        first: dict[str, dict[Any, Partition]] = {}
        for name, one in self._written(None, snapshot.id):
            first.setdefault(name, {}).setdefault(one.keys, one)
        others = {
            name: [one.as_record() for one in some if first.get(name, {}).get(one.keys) != one]
            for name, some in snapshot.outputs.items()
        }
        return {name: some for name, some in others.items() if some}

    # --- partitions of snapshots ---

    def read_snapshot_partitions(self, snapshot: Snapshot, key: str, entry: Entry | str) -> Partitions:
        """Read the partitions of a snapshot."""
        check_snapshot(snapshot)
        check_name("key", key)
        written = (one for _, one in self._written(key, snapshot.id))
        return tuple(dict.fromkeys([*taken_by(snapshot, key), *written]))

    def write_snapshot_partitions(
        self, snapshot: Snapshot, key: str, entry: Entry | str, partitions: Iterable[Partition]
    ) -> None:
        """Add partitions to a snapshot."""
        check_snapshot(snapshot)
        check_name("key", key)
        self._write(snapshot.id, {key: checked(partitions)})


class LakeBackend(Backend):
    """Keeps snapshots in a lake, as records beside its artifacts.

    Parameters
    ----------
    handler
        Of the lake.
    project
        Slug of the project: graphs of different projects do not mix.
    catalog
        What snapshots load values with; that of the session without it.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.pipelines.backends import LakeBackend
    >>> with LakeBackend(eio.Handler("lake")).connect() as connection:
    ...     connection.read_artifact_partitions("clean")
    ()

    """

    def __init__(self, handler: Handler, project: str = "default", catalog: Catalog | None = None) -> None:
        self.handler = handler
        self.project = project
        self.catalog = catalog

    @contextlib.contextmanager
    def connect(self) -> Iterator[LakeConnection]:
        """Give a connection: the lake opens its own when they are needed."""
        yield LakeConnection(self)
