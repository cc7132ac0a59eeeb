"""Hold a new backend of snapshots to all that it promises: subclass `BackendConformance`."""

from __future__ import annotations

from typing import Any

import pytest

from elliptio.errors import MetadataError
from elliptio.pipelines import (
    Entry,
    Fingerprint,
    Graph,
    Partition,
    Snapshot,
    SnapshotNotFoundError,
    SnapshotTagTakenError,
)
from elliptio.pipelines.backends import Backend, Connection
from elliptio.pipelines.graphs.graph import GraphCraft

CLEAN = Entry.read({"name": "clean", "type": "json", "extra": {"path": "!{day}.json"}})
OTHER = Entry.read({"name": "other", "type": "json"})


def graph(name: str = "nightly", code: str = "1") -> Graph:
    """Make a graph of one craft."""
    craft = GraphCraft("clean", "steps.clean", (("raw", "raw", False),), (("clean", False),), ("day",), True, code)
    return Graph(name, (craft,))


def partition(day: str, made_from: str = "a", holds: str = "x") -> Partition:
    """Make a partition."""
    return Partition(
        {"day": day}, Fingerprint.from_string(made_from), Fingerprint.from_string(holds), f"artifact_{day}_{made_from}"
    )


def snapshot(of: Graph, data: str = "d") -> Snapshot:
    """Make a snapshot of a graph."""
    raw = Partition(content_fingerprint=Fingerprint.from_string(data), artifact_id=f"artifact_{data}")
    fingerprint = of.fingerprint.combine(Fingerprint.from_string(data))
    return Snapshot(of, {"clean": {"top": 5, "names": ["a"]}}, {"raw": [raw]}, fingerprint)


class BackendConformance:
    """Hold a backend to the contract of `elliptio.pipelines.backends`: a pytest class to subclass, with one fixture.

    Examples
    --------
    ::

        class TestMyBackend(BackendConformance):
            @pytest.fixture
            def backend(self):
                return MyBackend()  # a new, empty one for each test
    """

    @pytest.fixture
    def backend(self) -> Backend:
        """Make an empty backend; subclasses must say which."""
        raise NotImplementedError

    @pytest.fixture
    def connection(self, backend: Backend) -> Any:
        """Open a connection."""
        with backend.connect() as connection:
            yield connection

    def test_what_takes_a_backend_takes_a_connection(self, backend: Backend) -> None:
        with backend.connect() as connection:
            assert isinstance(connection, Connection)
            with connection.connect() as same:
                assert same is connection
        for unset in (None, connection):
            with (unset or backend).connect() as found:
                assert found.read_artifact_partitions(OTHER) == ()

    # --- partitions of entries ---

    def test_partitions_that_are_written_twice_are_read_once(self, connection: Connection) -> None:
        some = (partition("2026-01-01"), partition("2026-01-02"))
        assert connection.read_artifact_partitions(CLEAN) == ()
        connection.write_artifact_partitions(CLEAN, some)
        connection.write_artifact_partitions(CLEAN, some[:1])
        found = connection.read_artifact_partitions(CLEAN)
        assert isinstance(found, tuple)
        assert set(found) == set(some)
        assert len(found) == 2
        assert connection.read_artifact_partitions("clean") == found
        assert connection.read_artifact_partitions(OTHER) == ()

    def test_partitions_come_back_as_they_were(self, connection: Connection) -> None:
        some = [
            partition("2026-01-01"),
            Partition(),
            Partition({"shop": 7, "day": "007"}, artifact_id="artifact_x"),
            Partition(content_fingerprint=Fingerprint.from_int(7)),
            Partition(input_fingerprint=Fingerprint.identity()),
        ]
        connection.write_artifact_partitions(CLEAN, some)
        assert set(connection.read_artifact_partitions(CLEAN)) == set(some)

    def test_partitions_made_from_something(self, connection: Connection) -> None:
        first, second, third = partition("1"), partition("2"), partition("1", "b")
        connection.write_artifact_partitions(CLEAN, (first, second, third))
        a, b, c = map(Fingerprint.from_string, "abc")
        for wanted, expected in (
            ({first.keys: a}, {first}),
            ({first.keys: b}, {third}),
            ({first.keys: c}, set()),
            ({first.keys: a, second.keys: a}, {first, second}),
            ({Partition({"day": "9"}).keys: a}, set()),
            ({}, {first, second, third}),
        ):
            assert set(connection.read_artifact_partitions(CLEAN, input_fingerprints=wanted)) == expected

    # --- graphs and snapshots ---

    def test_a_graph_is_read_as_it_was_written(self, connection: Connection) -> None:
        one, two = graph(), graph(code="2")
        with pytest.raises(SnapshotNotFoundError, match="nightly"):
            connection.read_graph("nightly", one.fingerprint)
        for each in (one, two, one):
            connection.write_graph(each)
        for each in (one, two):
            found = connection.read_graph("nightly", each.fingerprint)
            assert found == each
            assert found.fingerprint == each.fingerprint
        with pytest.raises(KeyError):
            connection.read_graph("other", one.fingerprint)

    def test_a_snapshot_is_read_as_it_was_written(self, connection: Connection) -> None:
        one = snapshot(graph())
        with pytest.raises(SnapshotNotFoundError, match="nightly"):
            connection.read_snapshot("nightly", one.fingerprint)
        connection.write_snapshot(one)
        connection.write_snapshot(one)
        assert connection.read_snapshot("nightly", one.id) == one  # type: ignore[arg-type]
        found = connection.read_snapshot("nightly", one.fingerprint)
        assert found == one
        assert (found.id, found.graph, found.parameters, found.inputs) == (
            one.id,
            one.graph,
            one.parameters,
            one.inputs,
        )
        # The graph of a snapshot is there too.
        assert connection.read_graph("nightly", one.graph.fingerprint) == one.graph
        with pytest.raises(KeyError):
            connection.read_snapshot("nightly", one.graph.fingerprint)

    # --- tags ---

    def test_a_tag_names_a_snapshot(self, connection: Connection) -> None:
        one, two = snapshot(graph()), snapshot(graph(), "other")
        connection.write_snapshot_tag(one, "prod")
        assert connection.read_snapshot_tag("nightly", "prod") == one
        for each in (two, one):
            with pytest.raises(SnapshotTagTakenError, match=r"'prod' tag .*'nightly'"):
                connection.write_snapshot_tag(each, "prod")
        assert connection.read_snapshot_tag("nightly", "prod") == one
        connection.write_snapshot_tag(two, "prod", overwrite=True)
        assert connection.read_snapshot_tag("nightly", "prod") == two
        connection.write_snapshot_tag(one, "prod", overwrite=True)
        assert connection.read_snapshot_tag("nightly", "prod") == one

    def test_a_tag_that_is_not_there(self, connection: Connection) -> None:
        connection.write_snapshot_tag(snapshot(graph()), "prod")
        with pytest.raises(SnapshotNotFoundError, match=r"'fake' tag .*'nightly'"):
            connection.read_snapshot_tag("nightly", "fake")
        with pytest.raises(ValueError, match="weekly"):
            connection.read_snapshot_tag("weekly", "prod")

    def test_what_is_no_tag_is_refused(self, connection: Connection) -> None:
        for wrong in ("", None, 5, "a\nb"):
            with pytest.raises(MetadataError, match="a text such as 'prod'"):
                connection.write_snapshot_tag(snapshot(graph()), wrong)  # type: ignore[arg-type]

    def test_tags_are_those_of_a_graph(self, connection: Connection) -> None:
        one, two = snapshot(graph()), snapshot(graph("weekly"))
        for each in (one, two):
            connection.write_snapshot_tag(each, "prod")
        assert connection.read_snapshot_tag("nightly", "prod") == one
        assert connection.read_snapshot_tag("weekly", "prod") == two

    def test_a_snapshot_is_found_by_its_tag(self, backend: Backend) -> None:
        one = snapshot(graph())
        with backend.connect() as connection:
            connection.write_snapshot_tag(one, "prod")
            assert Snapshot.from_tag("nightly", "prod", connectable=connection) == one
        assert Snapshot.from_tag("nightly", "prod", connectable=backend) == one

    # --- partitions of snapshots ---

    def test_partitions_of_a_snapshot(self, connection: Connection) -> None:
        one, two = snapshot(graph()), snapshot(graph(), "other")
        some = (partition("1"), partition("2"))
        connection.write_snapshot(one)
        connection.write_snapshot_partitions(one, "clean", CLEAN, some[:1])
        connection.write_snapshot_partitions(one, "clean", CLEAN, some)
        found = connection.read_snapshot_partitions(one, "clean", CLEAN)
        assert isinstance(found, tuple)
        assert set(found) == set(some)
        assert len(found) == 2
        assert connection.read_snapshot_partitions(one, "unknown", CLEAN) == ()
        assert connection.read_snapshot_partitions(two, "clean", CLEAN) == ()
        # They are not those of the entry.
        assert connection.read_artifact_partitions(CLEAN) == ()

    def test_what_a_snapshot_takes_is_among_its_partitions(self, connection: Connection) -> None:
        one, two = snapshot(graph()), snapshot(graph(), "other")
        for each in (one, two):
            connection.write_snapshot(each)
            assert connection.read_snapshot_partitions(each, "raw", OTHER) == tuple(each.inputs["raw"])
        connection.write_snapshot_partitions(one, "raw", OTHER, [*one.inputs["raw"], partition("1")])
        assert set(connection.read_snapshot_partitions(one, "raw", OTHER)) == {*one.inputs["raw"], partition("1")}
        assert connection.read_snapshot_partitions(two, "raw", OTHER) == tuple(two.inputs["raw"])

    def test_partitions_of_both(self, connection: Connection) -> None:
        one, two = snapshot(graph()), snapshot(graph(), "other")
        some = (each for each in (partition("1"), partition("2")))
        connection.write_artifact_and_graph_partitions(one, "clean", CLEAN, some)
        assert len(connection.read_artifact_partitions(CLEAN)) == 2
        assert len(connection.read_snapshot_partitions(one, "clean", CLEAN)) == 2
        assert connection.read_snapshot_partitions(two, "clean", CLEAN) == ()

    def test_what_one_connection_writes_another_reads(self, backend: Backend) -> None:
        one = snapshot(graph())
        with backend.connect() as connection:
            connection.write_snapshot_tag(one, "prod")
            connection.write_artifact_and_graph_partitions(one, "clean", CLEAN, [partition("1")])
        with backend.connect() as connection:
            assert connection.read_snapshot_tag("nightly", "prod") == one
            assert connection.read_snapshot_partitions(one, "clean", CLEAN) == (partition("1"),)
