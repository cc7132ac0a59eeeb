"""LocalStore: the contract, and what is special about a folder."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.errors import ConfigError, MissingExtraError, StoreError
from elliptio.protocols import Store
from elliptio.stores.local import disk
from elliptio.stores.local import store as local
from elliptio.stores.local.store import LocalStore
from elliptio.stores.opening import SCHEMES, open_store
from elliptio.testing.stores import StoreConformance, content, keys, noise, published


class TestLocalStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path / "not yet" / "there")


class TestLocalStoreWithoutFlushing(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path, durable=False)


class TestLocalStoreWithoutHardLinks(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
        return LocalStore(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_published_files_are_read_only_however_they_were_written(store: LocalStore) -> None:
    staging = store.begin("a")
    (staging.folder / "tool").write_bytes(b"#!/bin/sh")
    (staging.folder / "tool").chmod(0o775)
    staging.put("x", io.BytesIO(b"x"))
    staging.publish()
    assert mode(f"{store.root}/a/x") & 0o222 == 0
    assert mode(f"{store.root}/a/tool") == 0o555
    store.create("b", b"b")
    assert mode(f"{store.root}/b") & 0o222 == 0


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o444), (0o027, 0o440), (0o077, 0o400)])
def test_other_permissions_follow_the_umask(store: LocalStore, umask: int, expected: int) -> None:
    before = os.umask(umask)
    try:
        published(store, "d/a", {"sub/x": b"x"})
        store.create("c", b"c")
    finally:
        os.umask(before)
    assert mode(f"{store.root}/d/a/sub/x") == expected
    assert mode(f"{store.root}/c") == expected
    assert mode(f"{store.root}/d/a/sub") == 0o777 & ~umask


def test_what_is_elliptios_own_is_listed_only_by_name(store: LocalStore) -> None:
    store.create(".elliptio/lake.json", b"{}")
    store.create("sub/.elliptio/x", b"x")
    staging = store.begin("a/artifact_1")
    staging.put("x", io.BytesIO(b"x"))
    assert keys(store) == {"sub/.elliptio/x"}
    assert keys(store, ".elliptio") == {".elliptio/lake.json"}
    assert keys(store, ".elliptio/lake.json") == {".elliptio/lake.json"}
    assert keys(store, ".elliptio/staging") == {".elliptio/staging/artifact_1/x"}
    assert keys(store, ".elliptio/staging/artifact_1") == {".elliptio/staging/artifact_1/x"}
    del staging
    store.remove(".elliptio/staging/artifact_1")
    assert keys(store, ".elliptio/staging") == set()


def test_an_upload_of_the_same_name_is_not_mixed_up_with_another(store: LocalStore) -> None:
    _first = store.begin("a/artifact_1")
    with pytest.raises(StoreError, match="artifact_1"):
        store.begin("b/artifact_1")


def test_removing_leaves_no_empty_folders_and_keeps_the_root(store: LocalStore) -> None:
    published(store, "2026/01/02/me/a", {"files/x": b"x"})
    store.remove("2026/01/02/me/a")
    assert os.listdir(store.root) == [".elliptio"]


def test_links_in_staging_do_not_lead_out_of_it(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"safe")
    staging = store.begin("a")
    (staging.folder / "folder").symlink_to(outside)
    (staging.folder / "file").symlink_to(outside / "file")
    for relpath in ("folder/new", "file"):
        with pytest.raises(StoreError):
            staging.put(relpath, io.BytesIO(b"overwritten"))
    with pytest.raises(StoreError, match="regular files"):
        staging.publish()
    staging.discard()
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == b"safe"


def test_a_failed_publish_shows_nothing(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = store.begin("d/a")
    staging.put("x", io.BytesIO(b"x"))
    flushed: list[list[str]] = []

    def fail_second(paths: list[str]) -> None:
        flushed.append(paths)
        if len(flushed) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(local, "flush", fail_second)
    with pytest.raises(StoreError, match="check its health"):
        staging.publish()
    assert keys(store) == set()
    staging.discard()
    assert keys(store, ".elliptio/staging") == set()


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("at_once", [True, False])
def test_everything_that_must_be_is_flushed(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, count: int, at_once: bool
) -> None:
    flushed: set[str] = set()
    systems: list[str] = []
    fsync, system = os.fsync, disk._flush_file_system

    def spy(fd: int) -> None:
        flushed.add(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    def spy_system(path: str) -> bool:
        systems.append(path)
        return at_once and system(path)

    if not sys.platform.startswith("linux"):
        pytest.skip("looks into /proc")
    monkeypatch.setattr(os, "fsync", spy)
    monkeypatch.setattr(disk, "_flush_file_system", spy_system)
    published(store, "2026/01/a", {f"files/{n}": b"x" for n in range(count)})
    staged = f"{store.root}/.elliptio/staging/a"
    made = {store.root, f"{store.root}/2026", f"{store.root}/2026/01"}
    files = {staged, f"{staged}/files", *(f"{staged}/files/{n}" for n in range(count))}
    if at_once:
        # Once for all that is staged, before it is renamed, and once for the folders that were made for it, after.
        assert len(systems) == 2
        assert systems[0] in files
        assert systems[1] in made
    else:
        assert made | files <= flushed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="there is no way to tell the disk")
@pytest.mark.parametrize("durable", [True, False])
def test_the_disk_begins_to_write_while_more_comes(
    durable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []

    def tell(fd: int, start: int, size: int, advice: int) -> None:
        assert os.fstat(fd).st_size == start + size
        told.append((start, size))
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # it may be a drive that does not know this

    monkeypatch.setattr(os, "posix_fadvise", tell)
    data = noise(2 * disk.STEP + 5)
    store = LocalStore(tmp_path, durable=durable)
    staging = store.begin("a")
    staging.put("files/large", io.BytesIO(data))
    staging.publish()
    assert told == ([(0, disk.STEP), (disk.STEP, disk.STEP)] if durable else [])
    assert content(store, "a/files/large") == data


def test_without_syncfs_each_file_is_flushed(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    published(store, "a", {str(n): b"x" for n in range(40)})
    assert len(keys(store)) == 40


def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on file size acts like a disk that is full in the middle of a file.
    script = """
        import io, resource, signal, sys
        from elliptio.errors import StoreError
        from elliptio.stores.local.store import LocalStore
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
        store = LocalStore(sys.argv[1])
        staging = store.begin("a")
        staging.put("small", io.BytesIO(b"x"))
        try:
            staging.put("large", io.BytesIO(bytes(5_000_000)))
        except StoreError as error:
            print(error.errno, error)
        try:
            store.create("large", bytes(5_000_000))
        except StoreError as error:
            print(error)
        print(sorted(file.key for file in store.list(".elliptio/staging")))
        """
    root = str(tmp_path / "lake")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), root], capture_output=True, text=True, check=True
    )
    first, second, staged = run.stdout.splitlines()
    assert first.startswith(f"{errno.EFBIG} cannot write {root}/.elliptio/staging/a/large: File too large")
    assert second.startswith(f"cannot write {root}/large: File too large")
    assert staged == "['.elliptio/staging/a/small']"


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only"), (errno.EACCES, "access")],
)
def test_errors_say_where_and_what_to_do(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    staging = store.begin("a")

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", fail)
    for attempt in (lambda: staging.put("x", io.BytesIO(b"x")), lambda: store.create("x", b"x")):
        with pytest.raises(StoreError, match=advice) as caught:
            attempt()
        assert store.root in str(caught.value)
        assert caught.value.errno == number
    assert keys(store, ".elliptio/staging") == set()


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_root_that_cannot_be_a_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    store = LocalStore(f"{tmp_path}/file{below}")
    attempts = (lambda: store.begin("a"), lambda: store.create("a", b""))
    for attempt in attempts:
        with pytest.raises(StoreError, match="file"):
            attempt()
    assert keys(store) == set()
    assert store.stat("a") is None
    store.remove("a")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_write_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="access"):
        LocalStore(tmp_path).begin("a")


def test_folders_that_vanish_meanwhile_are_made_again(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    makedirs, calls = os.makedirs, []

    def vanish(path: str, *args: int, **options: bool) -> None:
        makedirs(path, *args, **options)
        calls.append(path)
        if len(calls) % 2:
            os.rmdir(path)

    monkeypatch.setattr(os, "makedirs", vanish)
    published(store, "2026/a", {"x": b"x"})
    assert content(store, "2026/a/x") == b"x"


def test_a_killed_upload_leaves_nothing_to_see(store: LocalStore) -> None:
    script = """
        import io, os, sys
        from elliptio.stores.local.store import LocalStore
        staging = LocalStore(sys.argv[1]).begin("d/a")
        staging.put("x", io.BytesIO(b"x" * 100))
        os.kill(os.getpid(), 9)
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), store.root], check=False)
    assert keys(store) == set()
    assert keys(store, ".elliptio/staging") == {".elliptio/staging/a/x"}


def test_roots_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert LocalStore("lake/../lake/").root == f"{tmp_path}/lake"
    assert LocalStore("~/lake").root == f"{tmp_path}/lake"
    assert open_store(Path("lake")).root == f"{tmp_path}/lake"
    assert open_store(f"file://{tmp_path}/two%20words").root == f"{tmp_path}/two words"
    assert open_store(f"file://localhost{tmp_path}/x").root == f"{tmp_path}/x"


def test_open_store_passes_options_and_stores_on(store: LocalStore) -> None:
    opened = open_store(store.root, durable=False)
    assert isinstance(opened, LocalStore)
    assert not opened.durable
    assert open_store(store) is store
    with pytest.raises(ConfigError, match="durable"):
        open_store(store, durable=False)


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("gs://bucket", "file://, s3://"),
        ("", "empty"),
        ("s3://", "s3://bucket"),
        ("s3://bucket//x", "s3://bucket"),
        ("s3://bucket/../x", "s3://bucket"),
        ("file://elsewhere/x", "file:///"),
        ("s3://key:hunter2@bucket/x", "user or password"),
        ("gs://key:hunter2@bucket/x", "user or password"),
        ("s3:/bucket/x", "one slash"),
        ("S3:/bucket", "one slash"),
    ],
)
def test_roots_that_are_none(root: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_store(root)
    assert "hunter2" not in str(caught.value)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elliptio\[s3\]'"):
        open_store("s3://bucket")
    assert SCHEMES["s3"].extra == "s3"


def test_importing_stores_loads_no_sdk() -> None:
    script = """
        import sys
        import elliptio.stores.opening, elliptio.stores.local.store, elliptio.stores.s3.store
        print({"boto3", "botocore", "obstore", "pandas", "ctypes"} & set(sys.modules))
        """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_saving_a_small_file_flushes_once_before_the_rename_and_once_after(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(store, "d/warm", {"x": b"x"})
    synced: list[object] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(disk, "_flush_file_system", lambda path: not synced.append(path))
    published(store, "d/a", {"x": noise(1024)})
    assert len(synced) == 2


def test_many_small_files_are_flushed_before_they_have_their_names_and_after(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(disk, "_flush_file_system", lambda path: not synced.append(len(keys(store))))
    assert store.create("d/a", b"x", {f"d/{number}": b"x" for number in range(19)}) is True
    assert synced == [0, 20]
    assert not list(store.list(".elliptio/staging"))


def test_what_goes_beside_has_its_name_when_it_is_published(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = store.begin("a")
    staging.put("x", io.BytesIO(b"x"))
    assert staging.create("runs/begin.json", b"{}") is True
    seen: list[set[str]] = []
    real = disk._flush_file_system
    monkeypatch.setattr(disk, "_flush_file_system", lambda path: (seen.append(keys(store)), real(path))[1])
    staging.publish()
    assert seen == [set(), {"a/x", "runs/begin.json"}]
    assert not list(store.list(".elliptio/staging"))


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o444), (0o077, 0o400)])
def test_who_may_read_is_up_to_the_umask_not_the_source(
    store: LocalStore, tmp_path: Path, umask: int, expected: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o666)
    before = os.umask(umask)
    try:
        staging = store.begin("a")
        with source.open("rb") as file:
            staging.put("copied", file)
        (staging.folder / "written").write_bytes(b"x")
        (staging.folder / "private").write_bytes(b"x")
        (staging.folder / "private").chmod(0o600)
        (staging.folder / "setuid").write_bytes(b"x")
        (staging.folder / "setuid").chmod(0o4755)
        staging.publish()
    finally:
        os.umask(before)
    assert [mode(f"{store.root}/a/{name}") for name in ("copied", "written")] == [expected, expected]
    assert mode(f"{store.root}/a/private") == 0o400
    assert mode(f"{store.root}/a/setuid") == 0o555


@pytest.mark.parametrize("link", ["2026", "2026/a"])
def test_links_do_not_lead_changes_out_of_the_lake(store: LocalStore, tmp_path: Path, link: str) -> None:
    victim = tmp_path / "victim"
    (victim / "a" / "files").mkdir(parents=True)
    for name in ("x", "files/x", "a/x", "a/files/x"):
        (victim / name).parent.mkdir(exist_ok=True)
        (victim / name).write_bytes(b"precious")
    before = sorted(victim.rglob("*"))
    staging = store.begin("2026/a/new")
    staging.put("x", io.BytesIO(b"x"))
    path = Path(store.root, link)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(victim)
    for attempt in (
        lambda: store.remove("2026/a/files"),
        lambda: store.remove("2026/a/files/x"),
        lambda: store.create("2026/a/deleted.json", b"{}"),
        staging.publish,
    ):
        with pytest.raises(StoreError, match="leads out of"):
            attempt()  # type: ignore[no-untyped-call]
    assert sorted(victim.rglob("*")) == before
    assert content(store, f"{link}/x") == b"precious"
    store.remove(link)
    assert not path.is_symlink()
    assert sorted(victim.rglob("*")) == before


def test_links_within_the_lake_may_be_changed_through(store: LocalStore) -> None:
    published(store, "2026/a", {"x": b"x"})
    Path(store.root, "this-year").symlink_to("2026")
    store.remove("this-year/a")
    assert keys(store) == set()


OWNER = """
    import io, os, sys, time
    from elliptio.stores.local.store import LocalStore
    staging = LocalStore(sys.argv[1]).begin("d/a")
    if sys.argv[2] == "files":
        staging.put("x", io.BytesIO(b"x" * 100))
    print("begun", flush=True)
    time.sleep(60)
    """


def lock_only_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be like a network drive, which locks only what is open for writing."""
    real = fcntl.flock

    def flock(fd: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


OWNER_ON_NETWORK = """
    import pytest
    from tests.stores.test_local import lock_only_files
    lock_only_files(pytest.MonkeyPatch())
    """


@pytest.mark.slow
@pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
@pytest.mark.parametrize(("kind", "key"), [("files", ".elliptio/staging/a/x"), ("empty", ".elliptio/staging/a")])
def test_what_a_running_process_stages_is_not_removed(
    store: LocalStore, kind: str, key: str, network: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = textwrap.dedent(OWNER_ON_NETWORK) * network + textwrap.dedent(OWNER)
    if network:
        lock_only_files(monkeypatch)
    staging = Path(store.root, ".elliptio/staging")
    command = [sys.executable, "-c", code, store.root, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "begun\n"
            for prefix in (".elliptio/staging/a", ".elliptio/staging/a.lock", ".elliptio/staging", key):
                store.remove(prefix)
                assert sorted(path.name for path in staging.iterdir()) == ["a", "a.lock"][: 1 + network]
            assert keys(store, ".elliptio/staging") == ({key} if kind == "files" else set())
        finally:
            owner.kill()
    assert keys(store, ".elliptio/staging") == {key}
    store.remove("/".join(key.split("/")[:3]))
    assert keys(store, ".elliptio/staging") == set()
    assert not staging.exists()


def test_a_lock_that_lost_its_folder_is_found_and_removed(store: LocalStore) -> None:
    published(store, "d/a", {"x": b"x"})
    Path(store.root, ".elliptio/staging/b.lock").touch()
    assert keys(store, ".elliptio/staging") == {".elliptio/staging/b"}
    store.remove(".elliptio/staging/b")
    assert keys(store, ".elliptio") == set()


@pytest.mark.parametrize("network", [False, True], ids=["local", "network"])
def test_who_cleans_up_between_making_and_locking_a_folder_takes_nothing_of_it(
    store: LocalStore, network: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if network:
        lock_only_files(monkeypatch)
    real, cleaned = os.open, []

    def open_later(path: str, *arguments: int, **options: Any) -> int:
        if str(path).endswith(("staging/a", "staging/a.lock")) and len(cleaned) < 1 + network:
            cleaned.append(path)
            shutil.rmtree(path.removesuffix(".lock"))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", open_later)
    staging = store.begin("d/a")
    assert len(cleaned) == 1 + network
    staging.put("x", io.BytesIO(b"x"))
    store.remove(".elliptio/staging")
    staging.publish()
    assert keys(store) == {"d/a/x"}
    assert os.listdir(f"{store.root}/.elliptio/staging") == []


@pytest.mark.parametrize("end", ["publish", "discard"])
def test_a_staging_lock_goes_with_its_folder(store: LocalStore, end: str) -> None:
    descriptors = len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0
    staging = store.begin("d/a")
    staging.put("x", io.BytesIO(b"x"))
    getattr(staging, end)()
    assert os.listdir(f"{store.root}/.elliptio/staging") == []
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_file_system_without_locks_will_do(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    published(store, "d/a", {"x": b"x"})
    _left = store.begin("d/b")
    assert keys(store, ".elliptio/staging") == {".elliptio/staging/b"}
    store.remove(".elliptio/staging/b")
    assert keys(store, ".elliptio") == set()
    assert keys(store) == {"d/a/x"}


def test_a_file_is_no_root(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.touch()
    with pytest.raises(ConfigError, match=r"a\.py' is a file: give a folder, which need not be there yet"):
        eio.Handler(file)


@pytest.mark.parametrize("root", [5, b"/x", object()])
def test_a_root_that_is_no_root_is_refused_at_once(root: object) -> None:
    with pytest.raises(ConfigError, match="folder, a URL"):
        eio.Handler(root)  # type: ignore[arg-type]


def test_an_index_or_collection_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="index= is"):
        eio.Handler(tmp_path, index=5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="collection= is"):
        eio.Handler(tmp_path, collection=5)


@pytest.mark.parametrize("root", ["S3://bucket/x", "s3://bucket/x"])
def test_schemes_may_be_upper_case(root: str) -> None:
    assert eio.Handler(root).store.root == "s3://bucket/x"


@pytest.mark.parametrize("others", [{}, {"b": b"2", "c": b"3"}], ids=["one", "several"])
def test_small_files_that_were_taken_for_left_behind_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: dict[str, bytes]
) -> None:
    """On a drive that keeps no locks, who collects cannot tell them from what a crash left."""
    store = LocalStore(tmp_path / "lake")
    flushes = []

    def collected_once(paths: list[str]) -> None:
        flushes.append(len(paths))
        if len(flushes) == 1:
            os.unlink(paths[0])

    monkeypatch.setattr(local, "flush", collected_once)
    assert store.create("a", b"1", others) is True
    assert {key: content(store, key) for key in keys(store)} == {"a": b"1", **others}
    assert flushes == [1 + len(others), 1 + len(others), 1]  # twice the files, once the folder
    assert not os.listdir(tmp_path / "lake" / ".elliptio" / "staging")


def test_what_a_program_wrote_into_a_staging_folder_is_published_read_only(tmp_path: Path) -> None:
    """What is only put is known; as soon as somebody was given the folder, it is looked through."""
    store = LocalStore(tmp_path / "lake")
    staging = store.begin("2026/a")
    staging.put("put.txt", io.BytesIO(b"1"))
    (staging.folder / "beside.txt").write_bytes(b"2")
    staging.publish()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o222 for path in (tmp_path / "lake/2026/a").iterdir()}
    assert modes == {"put.txt": 0, "beside.txt": 0}
