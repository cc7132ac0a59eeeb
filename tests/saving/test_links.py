"""Links: artifacts whose bytes stay where they are, on each kind of lake, to folders and to S3."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pandas as pd
import pytest

import elliptio as eio
from elliptio import naming
from elliptio.artifacts.contents import table_of, text_of
from elliptio.artifacts.downloading import LinkReader
from elliptio.artifacts.stamps import is_untouched
from elliptio.stores.local.store import LocalStore
from elliptio.system import progress
from elliptio.testing.servers import S3Server
from tests.conftest import Team

MB = 1 << 20
FILES = {"train.csv": b"a,b\n1,2\n", "deep/test.csv": b"a,b\n3,4\n", "empty": b""}


@dataclass
class Owner:
    """Somebody else, who keeps files in a folder or a bucket."""

    place: str
    client: Any = None
    bucket: str = ""

    def url(self, name: str) -> str:
        return f"{self.place}/{name}"

    def _key(self, name: str) -> str:
        return self.url(name).removeprefix(f"s3://{self.bucket}/")

    def write(self, name: str, content: bytes) -> None:
        if self.client:
            self.client.put_object(Bucket=self.bucket, Key=self._key(name), Body=content)
            return
        path = Path(self.url(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def touch(self, name: str) -> None:
        """Write it again with the same content; on S3 in parts, so that its entity tag is another."""
        if not self.client:
            os.utime(self.url(name), (1, 1))
            return
        where = {"Bucket": self.bucket, "Key": self._key(name)}
        content = self.client.get_object(**where)["Body"].read()
        upload = self.client.create_multipart_upload(**where)["UploadId"]
        tag = self.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=content)["ETag"]
        parts = {"Parts": [{"ETag": tag, "PartNumber": 1}]}
        self.client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)

    def remove(self, name: str) -> None:
        if self.client:
            self.client.delete_object(Bucket=self.bucket, Key=self._key(name))
        else:
            os.unlink(self.url(name))

    def names(self) -> set[str]:
        if not self.client:
            root = Path(self.place)
            return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._key("")).get("Contents", ())
        return {entry["Key"].removeprefix(self._key("")) for entry in found}


BUCKET = "somebody-elses"


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> S3Server:
    s3_server.create_bucket(BUCKET)
    return s3_server


@pytest.fixture(params=["folder", "s3"])
def owner(request: pytest.FixtureRequest, tmp_path: Path) -> Owner:
    if request.param == "folder":
        made = Owner(str(tmp_path / "share"))
    else:
        request.getfixturevalue("s3_environment")
        server = request.getfixturevalue("bucket")
        made = Owner(f"s3://{BUCKET}/{uuid4().hex}", server.client(), BUCKET)
    for name, content in FILES.items():
        made.write(name, content)
    return made


CHANGED = "changed since it was linked"


def contents(artifact: eio.Artifact) -> dict[str, bytes]:
    return {name: file.open().read() for name, file in artifact.files.items()}


# --- on each lake and index ---


def test_a_link_is_read_like_any_artifact(h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = h.link(owner.place, {"project": "x"})
    found = h.get(made.artifact_id)
    assert found == made
    assert contents(found) == FILES
    assert found.metadata.link == owner.place
    assert found.labels["project"] == "x"
    assert {name: file.remote_url for name, file in found.files.items()} == {name: owner.url(name) for name in FILES}
    assert [path.read_bytes() for path in found.download(tmp_path / "to")] == [FILES[name] for name in found.files]
    file = found.files["train.csv"]
    assert (file.size, file.sha256) == (8, h.upload(file).file.sha256)
    assert file.download_string() == text_of(file) == "a,b\n1,2\n"
    assert pd.read_csv(file)["b"].tolist() == table_of(file)["b"].tolist() == [2]
    assert file.exists()
    if "given collection" not in h.index.address:  # mongomock's cannot be pickled
        assert pickle.loads(pickle.dumps(found)).files["train.csv"].download_string() == "a,b\n1,2\n"


def test_nothing_of_it_is_copied_into_the_lake(h: eio.Handler, owner: Owner) -> None:
    made = h.link(owner.place)
    root = made.metadata.remote_root.removeprefix(f"{h.store.root}/")
    assert {stored.key for stored in h.store.list(root)} == {f"{root}/metadata.json"}
    with h.store.open(f"{root}/metadata.json") as file:
        written = json.loads(file.read())
    assert written["link"] == owner.place
    assert all(entry["stamp"] and len(entry["sha256"]) == 64 for entry in written["files"])


def test_what_changed_is_an_error_that_says_what_to_do(h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = h.link(owner.place)
    owner.write("train.csv", b"a,b\n1,3\n")
    owner.write("deep/test.csv", b"longer than before")
    owner.remove("empty")
    same, longer, gone = (made.files[name] for name in ("train.csv", "deep/test.csv", "empty"))
    for read in (
        lambda file: file.open().read(),
        lambda file: file.open().seek(2),
        lambda file: file.download(tmp_path / "there"),
        lambda file: file.download_string(),
        os.fspath,
    ):
        with pytest.raises(eio.IntegrityError, match=rf"train\.csv {CHANGED}: its sha256 is .*Link it again"):
            read(same)
        with pytest.raises(eio.IntegrityError, match=rf"test\.csv {CHANGED}: it has 18 bytes and had 8.*Link it"):
            read(longer)
        with pytest.raises(eio.MissingKeyError, match=r"empty was linked and is not there any more.*link what"):
            read(gone)
    with pytest.raises((eio.IntegrityError, eio.MissingKeyError)):
        made.download(tmp_path / "all")
    assert not (tmp_path / "there").exists()


def test_what_was_only_touched_is_read_and_its_hash_decides(h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = h.link(owner.place)
    assert contents(made) == FILES
    owner.touch("train.csv")
    file = made.files["train.csv"]
    assert file.open().read() == file.download(tmp_path / "x").read_bytes() == FILES["train.csv"]
    assert Path(file).read_bytes() == FILES["train.csv"]
    assert h.verify(made).ok


@pytest.mark.parametrize("hashed", [True, False])
def test_what_is_written_again_with_its_size_and_time_is_noticed(
    local: eio.Handler, tmp_path: Path, hashed: bool
) -> None:
    target = tmp_path / "data.csv"
    target.write_text("a,b\n1,2\n")
    made = local.link(target, hash=hashed)
    before = target.stat()
    while target.stat().st_ctime_ns == before.st_ctime_ns:  # a clock may tick every few milliseconds only
        with target.open("r+") as file:
            file.write("a,b\n1,3\n")
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (target.stat().st_size, target.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    for read in (lambda file: file.open().read(), lambda file: file.open().seek(2), os.fspath):
        with pytest.raises(eio.IntegrityError, match=CHANGED):
            read(made.file)
    assert not local.verify().ok


def test_of_what_an_older_elliptio_linked_the_time_of_the_last_write_decides(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    store = LocalStore(tmp_path)
    written = str((tmp_path / "a").stat().st_mtime_ns)
    assert is_untouched(store, "a", 1, written, hashed=False)
    assert not is_untouched(store, "a", 1, f"{written}1", hashed=True)


def test_a_link_without_hashes_is_hashed_later(h: eio.Handler, team: Team, owner: Owner) -> None:
    made = h.link(owner.place, hash=False)
    tagged = h.link(owner.url("train.csv"), hash=False)
    assert contents(made) == FILES
    assert {file.sha256 for file in made.files.values()} == {None}
    assert h.find({"files.sha256": None}).shape[0] == 2
    report = h.verify()
    assert (report.ok, report.not_hashed) == (True, 4)
    h.tag(made, "data")
    found = h.hash("tag:data")
    assert found.artifact_id == made.artifact_id
    assert found.metadata.tags == ["data"]
    assert found.metadata.fingerprint == h.link(owner.place).metadata.fingerprint != made.metadata.fingerprint
    assert found == h.hash(made) == team.handler().get("tag:data")
    assert h.hash(h.upload(made.files["train.csv"])).metadata.link is None
    sha256 = found.files["train.csv"].sha256
    assert made.artifact_id in h.find({"files.sha256": sha256}).index
    assert tagged.artifact_id not in h.find({"files.sha256": sha256}).index
    report = h.verify()
    assert (report.problems, report.not_hashed) == ([], 1)


def test_without_hashes_any_write_is_an_error(h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = h.link(owner.place, hash=False)
    for name in ("train.csv", "deep/test.csv"):
        assert Path(made.files[name]).read_bytes() == FILES[name]
    owner.touch("train.csv")
    owner.write("deep/test.csv", b"a,b\n3,5\n")
    for name in ("train.csv", "deep/test.csv"):
        for read in (
            lambda file: file.open(),
            lambda file: file.download(tmp_path / "x"),
            lambda file: file.download_string(),
            os.fspath,
        ):
            with pytest.raises(eio.IntegrityError, match=rf"{CHANGED}: it was written again, .* not been hashed"):
                read(made.files[name])
    with pytest.raises(eio.IntegrityError, match=CHANGED):
        h.hash(made)
    assert h.get(made.artifact_id).metadata == made.metadata
    assert {problem.relpath for problem in h.verify(made).problems} == {"files/train.csv", "files/deep/test.csv"}


def test_verify_names_what_changed(h: eio.Handler, owner: Owner) -> None:
    made = h.link(owner.place)
    assert h.verify().ok
    owner.write("train.csv", b"a,b\n1,3\n")
    owner.remove("empty")
    problems = {problem.relpath: problem.message for problem in h.verify().problems}
    assert problems.keys() == {"files/train.csv", "files/empty"}
    assert CHANGED in problems["files/train.csv"]
    assert "not there any more" in problems["files/empty"]
    assert {problem.artifact_id for problem in h.verify().problems} == {made.artifact_id}


def test_delete_and_gc_leave_the_bytes_alone(h: eio.Handler, owner: Owner) -> None:
    made = h.hash(h.link(owner.place, hash=False))
    child = h.upload(made.files["train.csv"], based_on=made)
    assert h.gc(dry_run=False) == []
    with pytest.raises(eio.InUseError):
        h.delete(made)
    h.delete(made, force=True)
    assert owner.names() == set(FILES)
    root = made.metadata.remote_root.removeprefix(f"{h.store.root}/")
    assert {stored.key for stored in h.store.list(root)} == {f"{root}/deleted.json"}
    assert h.gc(dry_run=False) == []
    assert child.metadata.based_on == [made.artifact_id]
    assert h.find({"link": owner.place}, deleted=True).shape[0] == 1
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted"):
        h.hash(made.artifact_id)


def test_it_is_found_compared_identified_and_drawn(h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = h.link(owner.place)
    later = h.link(owner.place, hash=False)
    h.get(made.artifact_id)
    child = h.upload(made.files["train.csv"].download(tmp_path / "copy.csv"))
    assert list(h.find({"link": owner.place}, sort="creation_time").link) == [owner.place] * 2
    assert h.find({"link": None}).link.tolist() == [None]
    assert h.identify(tmp_path / "copy.csv").relpath.to_dict() == {
        child.artifact_id: "copy.csv",
        made.artifact_id: "train.csv",
    }
    assert h.compare(made, made).same
    assert set(h.compare(made, later).files.change) == {"changed"}
    owner.write("train.csv", b"a,b\n1,9\n")
    newer = h.link(owner.place)
    assert h.compare(made, newer).files.change.to_dict() == {"train.csv": "changed"}
    lineage = h.lineage(child)
    assert lineage.ancestors == [made.artifact_id]
    (line,) = [line for line in str(lineage).splitlines() if made.artifact_id in line]
    assert line.endswith("linked")
    assert "linked" in lineage.to_svg()
    assert f"link to   {owner.place}" in str(made)
    assert "not hashed" in str(later)
    assert "not hashed" not in str(made)


def test_the_files_of_the_lake_restore_it(h: eio.Handler, owner: Owner) -> None:
    hashed, later, never = (h.link(owner.place, hash=hash) for hash in (True, False, False))
    later = h.hash(later)
    before = {artifact.artifact_id: h.lake.get(artifact.artifact_id) for artifact in (hashed, later, never)}
    h.index.delete("artifacts", list(before))
    report = h.reindex()
    assert (report.artifacts, report.problems) == (3, [])
    assert {identifier: h.lake.get(identifier) for identifier in before} == before
    # An index that missed the hashes gets them too.
    stale = {**before[never.artifact_id], "_id": later.artifact_id, "artifact_id": later.artifact_id}
    h.lake.replace({**before[later.artifact_id], **{name: stale[name] for name in ("files", "fingerprint")}})
    assert h.reindex().ok
    assert h.lake.get(later.artifact_id) == before[later.artifact_id]


def test_urls_read_links(h: eio.Handler, owner: Owner) -> None:
    made = h.link(owner.place, hash=False)
    h.tag(made, "data")
    with h:
        assert pd.read_csv("elliptio://tag:data/train.csv")["b"].tolist() == [2]
        files = fsspec.filesystem("elliptio")
        assert files.ukey("tag:data/train.csv") == f"{made.artifact_id}/train.csv"
        h.hash(made)
        assert files.ukey("tag:data/train.csv") == h.get(made, track=False).files["train.csv"].sha256
    assert h.based_on == [made.artifact_id]


# --- what can be linked ---


def test_one_file_several_and_parts_of_a_place(local: eio.Handler, owner: Owner) -> None:
    one = local.link(owner.url("deep/test.csv"))
    assert (one.metadata.link, contents(one)) == (owner.url("deep"), {"test.csv": FILES["deep/test.csv"]})
    several = local.link(owner.url(name) for name in ("train.csv", "deep"))
    assert several.metadata.link == owner.place
    assert contents(several) == {name: FILES[name] for name in ("train.csv", "deep/test.csv")}
    assert contents(local.link(f"{owner.place}/")) == FILES


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_nothing_at_a_place(local: eio.Handler, owner: Owner) -> None:
    with pytest.raises(eio.SourceNotFoundError, match="nowhere"):
        local.link(owner.url("nowhere"))
    with pytest.raises(eio.SourceNotFoundError, match="trai"):
        local.link(owner.url("trai"))
    assert len(local.find()) == 0


def test_a_relative_path_is_recorded_absolute(local: eio.Handler, data: Path) -> None:
    relative = os.path.relpath(data)
    made = local.link(relative)
    assert made.metadata.link == str(data)
    assert local.link(Path(relative)).metadata.link == str(data)


@pytest.mark.parametrize("url", ["https://example.org/a.csv", "gs://bucket/a", "file:///etc/hosts"])
def test_other_schemes_are_refused(local: eio.Handler, url: str) -> None:
    with pytest.raises(eio.SourceError, match=rf"{url.split(':')[0]}:// cannot be linked: local files.*s3://"):
        local.link(url)


def test_two_places_are_two_links(local: eio.Handler, data: Path, s3_environment: S3Server) -> None:
    with pytest.raises(eio.SourceError, match="link them separately"):
        local.link([data, "s3://bucket/x"])
    with pytest.raises(eio.SourceError, match="link them separately"):
        local.link(["s3://bucket/x", "s3://other/x"])


def test_what_is_no_place(local: eio.Handler) -> None:
    for wrong in (None, 3, b"x", [], [None], pd.DataFrame()):
        with pytest.raises(eio.SourceError):
            local.link(wrong)  # type: ignore[arg-type]


def test_a_bucket_that_is_not_there(local: eio.Handler, s3_environment: S3Server) -> None:
    with pytest.raises(eio.StoreError, match="no-such-bucket"):
        local.link("s3://no-such-bucket/x")


def test_the_lake_itself_is_refused(h: eio.Handler, data: Path, tmp_path: Path) -> None:
    artifact = h.upload(data)
    url = artifact.files["train.txt"].remote_url
    for place in (url, artifact.remote_root, h.store.root):
        with pytest.raises(eio.SourceError, match=r"in the lake|is the lake"):
            h.link(place)
    if h.store.scheme == "file":
        (tmp_path / "way-in").symlink_to(url)
        (tmp_path / "folder").symlink_to(os.path.dirname(url))
        for place in ("way-in", "folder"):
            with pytest.raises(eio.SourceError, match="lies in the lake itself"):
                h.link(tmp_path / place)
    assert len(h.find()) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a user who may not read")
@pytest.mark.parametrize("hash", [True, False])
def test_an_unreadable_file_is_named_when_it_is_linked(tmp_path: Path, hash: bool) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a")
    secret.chmod(0)
    (tmp_path / "lake").mkdir()
    for folder in (tmp_path, tmp_path / "lake", *tmp_path.parents[:-2]):
        folder.chmod(0o777)
    script = f"""
import elliptio as eio
h = eio.Handler({str(tmp_path / "lake")!r})
import elliptio.finding.references, elliptio.indexes.sqlite.index, elliptio.saving.linking, os
import elliptio.saving.places, elliptio.saving.publication
os.setuid(65534)
try:
    h.link({str(secret)!r}, hash={hash})
except eio.SourceError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "ELLIPTIO_PROGRESS": "false", "HOME": str(tmp_path)},
    )
    assert "secret.csv cannot be read: Permission denied" in done.stdout, done.stderr


# --- safety ---


def test_a_linked_file_is_never_a_twin(local: eio.Handler, tmp_path: Path) -> None:
    source, copy = tmp_path / "share" / "big.bin", tmp_path / "copy.bin"
    source.parent.mkdir()
    source.write_bytes(os.urandom(2 * MB))
    shutil.copyfile(source, copy)
    for _ in range(4):
        local.link(source)
    saved = local.upload(copy)
    assert os.stat(saved.file.local_path).st_nlink == 1
    again = local.upload(copy)
    assert os.stat(again.file.local_path).st_ino == os.stat(saved.file.local_path).st_ino
    source.write_bytes(b"other")
    assert local.verify(saved).ok


def test_a_file_that_changes_while_it_is_hashed(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elliptio.saving import linking

    hash_files = linking.hash_files

    def changing(*arguments: Any, **more: Any) -> Any:
        (data / "train.txt").write_text("something else")
        return hash_files(*arguments, **more)

    monkeypatch.setattr(linking, "hash_files", changing)
    with pytest.raises(eio.IntegrityError, match=rf"train\.txt {CHANGED}"):
        local.link(data)
    assert len(local.find()) == 0
    assert local.gc() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("link", "relative/path"), ("link", "https://example.org"), ("link", 3), ("link", "/a\0b")],
)
def test_a_document_that_leads_elsewhere_is_refused(local: eio.Handler, data: Path, field: str, value: object) -> None:
    made = local.link(data)
    local.lake.replace({**local.lake.get(made.artifact_id), field: value})
    with pytest.raises(eio.FormatError, match=f"damaged: {field}"):
        local.get(made.artifact_id)
    local.store.remove(f"{made.metadata.remote_root.removeprefix(local.store.root + '/')}/metadata.json")
    assert any(f"damaged: {field}" in problem.message for problem in local.verify().problems)


@pytest.mark.parametrize("change", [{"stamp": 3}, {"stamp": None}, {"sha256": "x"}, {"relpath": "../x"}])
def test_a_damaged_record_is_refused(local: eio.Handler, data: Path, change: dict[str, object]) -> None:
    made = local.link(data, hash=False)
    document = local.lake.get(made.artifact_id)
    document["files"][0].update(change)
    local.lake.replace(document)
    with pytest.raises(eio.FormatError, match="damaged"):
        local.get(made.artifact_id)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sha256": []}', '{"sha256": ["x", "y"]}', '{"version": 2}'])
def test_damaged_hashes_are_named(local: eio.Handler, data: Path, content: str) -> None:
    made = local.hash(local.link(data, hash=False))
    path = Path(made.metadata.remote_root) / "hashes.json"
    path.chmod(0o600)
    path.write_text(content)
    (problem,) = local.reindex().problems
    assert "hashes.json" in problem.message
    assert not local.verify(made).ok


def test_an_ordinary_document_says_nothing_of_links(local: eio.Handler, data: Path) -> None:
    document = local.lake.get(local.upload(data).artifact_id)
    assert "link" not in document
    assert all(entry.keys() == {"relpath", "size", "sha256"} for entry in document["files"])


def test_a_moved_lake_keeps_its_links(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    made = local.hash(local.link(data, hash=False))
    local.close()
    shutil.move(tmp_path / "lake", tmp_path / "moved")
    with eio.Handler(tmp_path / "moved") as h:
        assert h.get(made.artifact_id).files["train.txt"].download_string().startswith("path")
        assert h.verify().ok


def test_a_link_to_s3_is_cached_and_still_checked(local: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    made = local.link(owner.place)
    made.download(tmp_path / "first")
    cached = eio.Handler(tmp_path / "lake").lake.downloads.cache
    assert cached is not None
    copy = cached.open(made.files["train.csv"].sha256 or "", 8)
    assert (copy is not None) == (owner.client is not None)
    if copy is not None:
        copy.close()
    owner.write("train.csv", b"a,b\n1,3\n")
    with pytest.raises(eio.IntegrityError, match=CHANGED):
        made.files["train.csv"].download_string()


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_an_index_that_is_down_keeps_a_link_waiting(team: Team, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    h.find()

    def down(*_: object) -> bool:
        raise eio.IndexUnavailableError("down")

    with monkeypatch.context() as patch, pytest.warns(eio.SpooledWarning):
        patch.setattr(h.index, "insert", down)
        made = h.link(owner.place, hash=False)
    h.lake.reached()
    assert h.flush() == [made.artifact_id]
    with monkeypatch.context() as patch:
        patch.setattr(h.index, "replace", down)
        with pytest.raises(eio.IndexUnavailableError):
            h.hash(made)
    assert h.get(made.artifact_id).metadata.fingerprint == made.metadata.fingerprint
    assert team.handler().hash(made).metadata.fingerprint == h.link(owner.place).metadata.fingerprint


def test_hashing_twice_at_once_agrees(team: Team, owner: Owner) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = team.handler().link(owner.place, hash=False)
    handlers = [team.handler() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda h: h.hash(made.artifact_id).metadata, handlers))
    assert len({metadata.fingerprint for metadata in found}) == 1
    assert handlers[0].verify().ok


# --- many and large ---


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents list three files at most."""
    monkeypatch.setattr("elliptio.documents.MAX_INDEXED_FILES", 3)


def test_the_list_of_very_many_files_lies_in_the_lake(few: None, h: eio.Handler, owner: Owner, tmp_path: Path) -> None:
    for number in range(10):
        owner.write(f"many/{number}", str(number).encode())
    made = h.link(owner.url("many"), hash=False)
    document = h.lake.get(made.artifact_id)
    assert (document["files"], document["file_count"], document["link"]) == ([], 10, owner.url("many"))
    assert contents(h.get(made.artifact_id)) == {str(number): str(number).encode() for number in range(10)}
    found = h.hash(made)
    assert h.lake.get(made.artifact_id)["files"] == []
    assert all(file.sha256 for file in h.get(made.artifact_id).files.values())
    (tmp_path / "7").write_text("7")
    assert list(h.identify(tmp_path / "7").index) == [made.artifact_id]
    assert h.verify().problems == []
    h.index.delete("artifacts", [made.artifact_id])
    assert h.reindex().ok
    assert h.get(made.artifact_id) == found


@pytest.mark.slow
def test_ten_thousand_files(local: eio.Handler, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_001):
        (folder / f"{number:05}").write_bytes(b"%d" % number)
    made = local.link(folder)
    assert local.lake.get(made.artifact_id)["files"] == []
    assert made.metadata.fingerprint == local.upload(folder).metadata.fingerprint
    assert local.get(made.artifact_id).files["07777"].download_string() == "7777"


@pytest.mark.slow
def test_hashing_shows_how_far_it_is(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(20 * MB))
    read = LinkReader.read
    monkeypatch.setattr(LinkReader, "read", lambda self, size=-1: (time.sleep(0.03), read(self, size))[1])
    monkeypatch.setattr(progress, "DELAY", 0.05)
    monkeypatch.setattr(sys, "stderr", terminal := io.StringIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    local.link(tmp_path / "large.bin")
    assert "Hashing: " in terminal.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process")
def test_a_large_file_is_hashed_without_a_copy(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with open(large, "wb") as file:
        file.truncate(1 << 30)
    code = f"""
import elliptio, re
h = elliptio.Handler({str(tmp_path / "lake")!r}, progress=False)
h.link(__file__)
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
print(h.link({str(large)!r}).file.sha256, peak() - before)
"""
    (tmp_path / "job.py").write_text(code)
    done = subprocess.run([sys.executable, tmp_path / "job.py"], capture_output=True, text=True, check=True)
    sha256, grown = done.stdout.split()
    assert sha256 == "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"
    assert int(grown) < 24 << 10
    used = sum(path.stat().st_blocks * 512 for path in (tmp_path / "lake").rglob("*"))
    assert used < 2 * MB
    assert naming.MANIFEST in {path.name for path in (tmp_path / "lake").rglob("*")}


def test_a_link_belongs_to_its_run(local: eio.Handler, data: Path) -> None:
    source = local.upload(data)
    with local.run("import") as run:
        run.get(source)
        inside = local.link(data)
    with ThreadPoolExecutor(1) as pool, local.run("another") as other:
        told = pool.submit(other.link, data, {"project": "p"}, hash=False, based_on=inside).result()
    assert (inside.metadata.run_id, inside.metadata.based_on) == (run.run_id, [source.artifact_id])
    assert (told.metadata.run_id, told.metadata.based_on) == (other.run_id, [inside.artifact_id])


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there are no such files")
def test_a_file_that_does_not_say_its_size(local: eio.Handler) -> None:
    with pytest.raises(eio.IntegrityError, match=r"/proc/version changed .*: it is longer than it says"):
        local.link("/proc/version")
    assert len(local.find()) == 0
