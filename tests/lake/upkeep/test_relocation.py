"""A lake that was moved, renamed or copied elsewhere opens there; ``relocate`` handles a moved bucket."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio.lake.opening import open_lake
from elliptio.lake.upkeep.relocation import RelocateReport, relocate
from elliptio.testing.servers import S3Server

IDENTITY = ".elliptio/lake.json"


class Buckets:
    """Two buckets, a lake in the first, and what any S3 tool can do with them."""

    def __init__(self, server: S3Server, arguments: dict[str, Any]) -> None:
        self._client = server.client()
        self.arguments = arguments
        self.old, self.new = (server.create_bucket(f"{name}-{uuid4().hex}") for name in ("old", "new"))
        self.old_root, self.new_root = f"s3://{self.old}/lake", f"s3://{self.new}/deep/lake"

    def handler(self, root: str) -> eio.Handler:
        return eio.Handler(root, **self.arguments)

    def copy(self, wanted: Callable[[str], bool] = lambda key: True) -> None:
        for entry in self._client.list_objects_v2(Bucket=self.old)["Contents"]:
            if wanted(entry["Key"].removeprefix("lake/")):
                body = self._client.get_object(Bucket=self.old, Key=entry["Key"])["Body"].read()
                self._client.put_object(Bucket=self.new, Key=f"deep/{entry['Key']}", Body=body)

    def drop_old(self) -> None:
        for entry in self._client.list_objects_v2(Bucket=self.old).get("Contents", ()):
            self._client.delete_object(Bucket=self.old, Key=entry["Key"])
        self._client.delete_bucket(Bucket=self.old)

    def relocate(self) -> RelocateReport:
        old, new = self.handler(self.old_root), self.handler(self.new_root)
        with old, new:
            return relocate(old.lake, new.lake)

    def read(self, key: str, root: str) -> bytes:
        with self.handler(root).store.open(key) as file:
            return file.read()


@pytest.fixture(params=["own", "mongodb"])
def buckets(request: pytest.FixtureRequest, s3_environment: S3Server) -> Buckets:
    """On an index of the user's own, one a root, and on one that several lakes share."""
    if request.param == "own":
        return Buckets(s3_environment, {})
    base = request.getfixturevalue("mongodb_url").rstrip("/")
    return Buckets(s3_environment, {"index": f"{base}/test_{uuid4().hex}"})


@pytest.fixture
def ids(buckets: Buckets, data: Path) -> list[str]:
    """A dataset, a model made from it, and one that was deleted."""
    with buckets.handler(buckets.old_root) as h:
        dataset = h.upload(data, labels={"project": "penguins"})
        model, deleted = h.upload(data, based_on=dataset), h.upload(data)
        h.delete(deleted)
        return [dataset.artifact_id, model.artifact_id, deleted.artifact_id]


def test_a_moved_bucket_is_the_same_lake(buckets: Buckets, ids: list[str], data: Path) -> None:
    before = buckets.handler(buckets.old_root).find(exclude_columns=("remote_root",))
    buckets.copy()
    buckets.drop_old()
    report = buckets.relocate()
    assert report.ok
    assert (report.artifacts, report.identity_restored, report.recorded) == (2, False, 0)
    assert report.carried == (0 if buckets.arguments else 3)
    h = buckets.handler(buckets.new_root)
    assert h.find(exclude_columns=("remote_root",)).equals(before)
    assert h.get(ids[0]).files["train.txt"].download_string() == (data / "train.txt").read_text()
    assert h.get(ids[1]).remote_root.startswith(f"{buckets.new_root}/")
    assert h.get(ids[1]).metadata.python_packages["pandas"]
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted by"):
        h.get(ids[2])
    assert h.verify().ok
    again = buckets.relocate()
    assert (again.ok, again.carried, again.recorded) == (True, 0, 0)


@pytest.mark.parametrize("known", [True, False])
def test_an_identity_that_did_not_come_along_is_restored(buckets: Buckets, ids: list[str], known: bool) -> None:
    original = buckets.read(IDENTITY, buckets.old_root)
    buckets.copy(lambda key: not key.startswith(".elliptio/"))
    buckets.drop_old()
    if not known:  # as on a machine that never saw the lake
        with buckets.handler(buckets.old_root) as h:
            for collection in ("artifacts", "environments", "tombstones"):
                h.index.delete(collection, [document["_id"] for document in h.index.find(collection, {})])
    report = buckets.relocate()
    assert (report.ok, report.identity_restored) == (True, True)
    assert report.recorded == (0 if known else 3)
    assert buckets.read(IDENTITY, buckets.new_root) == original
    assert set(buckets.handler(buckets.new_root).find().index) == set(ids[:2])


@pytest.mark.parametrize("gone", [True, False])
def test_another_lake_is_refused_and_left_alone(buckets: Buckets, ids: list[str], data: Path, gone: bool) -> None:
    if gone and buckets.arguments:
        pytest.skip("nothing is left then that would tell the two apart")
    with buckets.handler(buckets.new_root) as h:
        h.upload(data)
        before, identity = h.find(), buckets.read(IDENTITY, buckets.new_root)
    buckets.copy(lambda key: not key.startswith(".elliptio/"))
    if gone:
        buckets.drop_old()
    with pytest.raises(eio.ConfigError, match="holds another lake") as caught:
        buckets.relocate()
    assert f"elliptio reindex --root {buckets.new_root}" in str(caught.value)
    assert buckets.read(IDENTITY, buckets.new_root) == identity
    assert buckets.handler(buckets.new_root).find().equals(before)


def test_artifacts_of_several_lakes_have_no_identity_to_restore(buckets: Buckets, ids: list[str], data: Path) -> None:
    with buckets.handler(buckets.new_root) as h:
        h.upload(data)
        h.store.remove(IDENTITY)
    with buckets.handler(buckets.old_root) as h:
        h.index.delete("artifacts", [document["_id"] for document in h.index.find("artifacts", {})])
    buckets.copy(lambda key: not key.startswith(".elliptio/"))
    with pytest.raises(eio.ConfigError, match="artifacts of several lakes"):
        buckets.relocate()
    assert buckets.handler(buckets.new_root).store.stat(IDENTITY) is None


def test_nothing_was_copied(buckets: Buckets, ids: list[str]) -> None:
    with pytest.raises(eio.ConfigError, match=rf"holds no lake: copy all that lies in {buckets.old_root} there"):
        buckets.relocate()
    assert not list(buckets.handler(buckets.new_root).store.list(".elliptio"))
    with pytest.raises(eio.ConfigError, match="name two"):
        relocate(buckets.handler(buckets.old_root).lake, buckets.handler(buckets.old_root).lake)


def test_what_did_not_arrive_is_named_until_it_does(buckets: Buckets, ids: list[str]) -> None:
    buckets.copy(lambda key: ids[0] not in key)
    report = buckets.relocate()
    assert not report.ok
    (problem,) = report.problems
    assert problem.artifact_id == ids[0]
    assert problem.message.startswith(f"is missing: there is no {buckets.new_root}/20")
    h = buckets.handler(buckets.new_root)
    if not buckets.arguments:  # an index of its own points at no file that is not there
        assert list(h.find().index) == [ids[1]]
    buckets.copy()
    assert buckets.relocate().ok
    assert set(h.find().index) == set(ids[:2])


def test_what_is_at_the_new_place_already_stays(buckets: Buckets, ids: list[str], data: Path) -> None:
    buckets.copy()
    with buckets.handler(buckets.new_root) as h:
        newer = h.upload(data).artifact_id
        h.reindex()
        h.delete(ids[1])
    buckets.drop_old()
    assert buckets.relocate().ok
    h = buckets.handler(buckets.new_root)
    assert set(h.find().index) == {newer, ids[0]}
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted by"):
        h.get(ids[1])


def test_what_was_deleted_at_the_old_place_after_copying_is_at_the_new_one(buckets: Buckets, ids: list[str]) -> None:
    buckets.copy()
    buckets.handler(buckets.old_root).delete(ids[1])
    assert buckets.relocate().ok
    h = buckets.handler(buckets.new_root)
    assert set(h.find().index) == set(ids[:2])
    assert h.verify().ok
    assert {entry["_id"] for entry in h.index.find("tombstones", {})} == {ids[2]} | (
        {ids[1]} if h.lake.shared else set()
    )


def test_the_index_of_an_old_folder_goes_along_to_a_bucket(s3_root: str, local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    files = [path for path in Path(local.store.root).rglob("*") if path.is_file() and "index.sqlite" not in path.name]
    h = eio.Handler(s3_root)
    for path in files:
        h.store.create(str(path.relative_to(local.store.root)), path.read_bytes())
    report = relocate(local.lake, h.lake)
    assert (report.ok, report.carried, report.recorded) == (True, 1, 0)
    assert h.get(artifact.artifact_id).files["test.txt"].download_string() == (data / "test.txt").read_text()


# --- folders ---


@pytest.mark.parametrize("how", ["renamed", "copied", "moved to another parent", "linked"])
def test_a_folder_opens_wherever_it_lies(local: eio.Handler, data: Path, tmp_path: Path, how: str) -> None:
    old, new = Path(local.store.root), tmp_path / "elsewhere" / "lake"
    dataset = local.upload(data)
    model = local.upload(data, based_on=dataset)
    local.close()
    new.parent.mkdir()
    {
        "renamed": lambda: old.rename(tmp_path / "renamed"),
        "copied": lambda: shutil.copytree(old, new),
        "moved to another parent": lambda: shutil.move(old, new),
        "linked": lambda: new.symlink_to(old),
    }[how]()
    new = tmp_path / "renamed" if how == "renamed" else new
    with eio.Handler(new) as h:
        assert set(h.find().index) == {dataset.artifact_id, model.artifact_id}
        assert h.get(dataset).files["train.txt"].download_string() == (data / "train.txt").read_text()
        assert h.get(dataset).remote_root.startswith(str(new))
        assert h.verify().ok
        h.upload(data)
        report = relocate(open_lake(h._settings, root=old), h.lake)
        assert (report.ok, report.carried, report.recorded, report.identity_restored) == (True, 0, 0, False)
        assert len(h.find()) == 3


def test_a_folder_that_was_copied_without_its_index_gets_it(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    artifact = local.upload(data)
    shutil.copytree(local.store.root, tmp_path / "copy", ignore=shutil.ignore_patterns(".elliptio"))
    h = eio.Handler(tmp_path / "copy")
    report = relocate(local.lake, h.lake)
    assert (report.ok, report.carried, report.recorded, report.identity_restored) == (True, 1, 0, True)
    assert h.get(artifact).metadata.lake_id == report.lake_id == local.lake.lake_id


def test_tags_come_along(buckets: Buckets, ids: list[str]) -> None:
    with buckets.handler(buckets.old_root) as h:
        h.tag(ids[0], "prod")
        h.tag(ids[1], "prod", overwrite=True)
    buckets.copy()
    buckets.drop_old()
    assert buckets.relocate().ok
    h = buckets.handler(buckets.new_root)
    assert h.get("tag:prod").artifact_id == ids[1]
    assert list(h.find({"tags": "prod"}).index) == [ids[1]]
    assert list(h.tags(history="prod").artifact_id) == [ids[1], ids[0]]


def test_tags_that_did_not_come_along_are_named_and_kept_in_the_index(buckets: Buckets, ids: list[str]) -> None:
    with buckets.handler(buckets.old_root) as h:
        h.tag(ids[0], "prod")
    buckets.copy(lambda key: not key.startswith(".elliptio/tags/"))
    for _ in range(2):
        report = buckets.relocate()
        assert [problem.artifact_id for problem in report.problems] == ["tag:prod"]
        assert list(buckets.handler(buckets.new_root).find({"tags": "prod"}).index) == [ids[0]]
    buckets.copy()
    assert buckets.relocate().ok
    assert buckets.handler(buckets.new_root).get("tag:prod").artifact_id == ids[0]
