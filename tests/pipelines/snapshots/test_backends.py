"""Each backend of snapshots holds its promises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio.pipelines import ArgumentError, Connection, LakeBackend, MemoryBackend, SnapshotTagTakenError
from elliptio.testing import BackendConformance
from elliptio.testing.backends import CLEAN, graph, partition, snapshot
from tests.pipelines.projects import Project


class TestMemory(BackendConformance):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend()

    def test_copies_share_what_they_hold(self, backend: MemoryBackend) -> None:
        for other in (copy.copy(backend), copy.deepcopy(backend)):
            with backend.connect() as one, other.connect() as two:
                one.write_artifact_partitions(CLEAN, [partition("1")])
                assert two.read_artifact_partitions(CLEAN) == (partition("1"),)


class TestLake(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> LakeBackend:
        return LakeBackend(eio.Handler(tmp_path / "lake"))

    def test_another_process_reads_it(self, backend: LakeBackend) -> None:
        one = snapshot(graph())
        with backend.connect() as connection:
            connection.write_snapshot_tag(one, "prod")
        with LakeBackend(eio.Handler(backend.handler.store.root)).connect() as connection:
            assert connection.read_snapshot_tag("nightly", "prod") == one

    def test_projects_do_not_mix(self, backend: LakeBackend) -> None:
        with backend.connect() as connection:
            connection.write_artifact_partitions(CLEAN, [partition("1")])
            connection.write_graph(graph())
        with LakeBackend(backend.handler, "other").connect() as connection:
            assert connection.read_artifact_partitions(CLEAN) == ()
            with pytest.raises(KeyError):
                connection.read_graph("nightly", graph().fingerprint)

    def test_of_several_who_tag_at_once_one_succeeds(self, backend: LakeBackend) -> None:
        def tag(data: str) -> bool:
            with backend.connect() as connection:
                try:
                    connection.write_snapshot_tag(snapshot(graph(), data), "prod")
                except SnapshotTagTakenError:
                    return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(tag, "abcdef")) == 1

    def test_the_index_can_be_made_anew(self, backend: LakeBackend) -> None:
        one = snapshot(graph())
        with backend.connect() as connection:
            connection.write_snapshot_tag(one, "prod")
            connection.write_artifact_and_graph_partitions(one, "clean", CLEAN, [partition("1")])
        root = Path(backend.handler.store.root)
        backend.handler.close()
        indexes = list((root / ".elliptio").glob("index*"))
        assert indexes
        for path in indexes:
            path.unlink()
        handler = eio.Handler(root)
        handler.reindex()
        with LakeBackend(handler).connect() as connection:
            assert connection.read_snapshot_tag("nightly", "prod") == one
            assert connection.read_snapshot_partitions(one, "clean", CLEAN) == (partition("1"),)


class TestLakeOnMongoDB(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path, mongodb_url: str) -> Iterator[LakeBackend]:
        handler = eio.Handler(tmp_path / "lake", f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}")
        yield LakeBackend(handler)
        handler.close()


class TestLakeOnS3(BackendConformance):
    @pytest.fixture
    def backend(self, s3_root: str) -> LakeBackend:
        return LakeBackend(eio.Handler(s3_root, progress=False))


def test_files_that_nobody_loaded_yet_are_known(project: Project) -> None:
    project.write(
        "catalog/all.yaml",
        "- {name: raw, type: json, extra: {path: 'raw/!{day}.json'}}\n"
        "- {name: one, type: json, extra: {path: one.json}}",
    )
    for name in ("raw/1.json", "raw/2.json", "one.json"):
        project.write(name, "1")
    session = project.session()
    with session.backend.connect() as connection:
        found = connection.read_artifact_partitions(session.catalog["raw"])
        assert sorted(one.keys["day"] for one in found) == [1, 2]
        (one,) = connection.read_artifact_partitions("one")
        assert one.artifact_id == session.catalog.current("one").artifact_id
        assert connection.read_artifact_partitions("nowhere") == ()


VERBS: dict[str, Callable[[Connection], object]] = {
    "write_graph takes a Graph": lambda to: to.write_graph(5),  # type: ignore[arg-type]
    "snapshot takes a Snapshot": lambda to: to.write_snapshot("daily"),  # type: ignore[arg-type]
    "partitions takes an iterable of Partition": lambda to: to.write_artifact_partitions("clean", "day"),  # type: ignore[arg-type]
    "entry takes a name": lambda to: to.write_artifact_partitions(["clean"], ()),  # type: ignore[arg-type]
    "key takes a name": lambda to: to.write_snapshot_partitions(snapshot(graph()), [], "clean", ()),  # type: ignore[arg-type]
    "name takes a name": lambda to: to.read_graph({1: 2}, graph().fingerprint),  # type: ignore[arg-type]
    "input_fingerprints takes a mapping": lambda to: to.read_artifact_partitions("clean", 5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("says", VERBS)
@pytest.mark.parametrize("kind", ["lake", "memory"])
def test_what_is_of_another_kind_is_refused_and_not_written(kind: str, says: str, tmp_path: Path) -> None:
    """What a lake has is there for good: a key that is a list was, and failed each later run."""
    backend = MemoryBackend() if kind == "memory" else LakeBackend(eio.Handler(tmp_path / "lake"))
    with backend.connect() as connection:
        with pytest.raises(ArgumentError, match=says) as error:
            VERBS[says](connection)
        assert isinstance(error.value, TypeError)
        assert connection.read_artifact_partitions("clean") == ()
