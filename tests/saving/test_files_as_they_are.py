"""What is kept of files beside their bytes, what paths and links mean, and files that will not keep still."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, cast

import pytest

import elliptio as eio
from elliptio.artifacts import verified_paths
from elliptio.system.file_systems import HOLE, absolute

MIB = 1 << 20


def executable(path: str | os.PathLike[str]) -> bool:
    return bool(os.stat(path).st_mode & stat.S_IXUSR)


def script(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho hello\n")
    path.chmod(mode)
    return path


# --- the right to be executed, empty folders ---


def test_what_could_be_executed_can_be_again(h: eio.Handler, tmp_path: Path) -> None:
    script(tmp_path / "tools" / "run.sh")
    script(tmp_path / "tools" / "plain.txt", 0o644)
    artifact = h.get(h.upload(tmp_path / "tools").artifact_id)
    assert {name: file.executable for name, file in artifact.files.items()} == {"plain.txt": False, "run.sh": True}
    artifact.download(tmp_path / "back")
    artifact.files["run.sh"].download(tmp_path / "alone.sh")
    assert executable(tmp_path / "back" / "run.sh")
    assert executable(tmp_path / "alone.sh")
    assert not executable(tmp_path / "back" / "plain.txt")
    for path in (os.fspath(artifact.files["run.sh"]), str(tmp_path / "back" / "run.sh")):
        assert subprocess.run([path], capture_output=True, text=True, check=True).stdout == "hello\n"


def test_a_block_keeps_it_too(h: eio.Handler, tmp_path: Path) -> None:
    program = script(tmp_path / "run.sh")
    with h.new(["given.sh", "made.sh", "linked.sh", "plain.txt"]) as new:
        new.files["given.sh"].upload(program)
        script(new.files["made.sh"].local_path)
        new.files["linked.sh"].local_path.symlink_to(program)
        new.files["plain.txt"].upload_string("x")
        new.files["made.sh"].download(tmp_path / "early.sh")
    assert executable(tmp_path / "early.sh")
    h.get(new.artifact_id).download(tmp_path / "back")
    assert [executable(tmp_path / "back" / name) for name in new.files] == [True, True, True, False]


def test_a_link_keeps_it_too(local: eio.Handler, tmp_path: Path) -> None:
    script(tmp_path / "tools" / "run.sh")
    (tmp_path / "tools" / "empty").mkdir()
    for hashed in (True, False):
        linked = local.get(local.link(tmp_path / "tools", hash=hashed).artifact_id)
        linked.download(tmp_path / f"back-{hashed}")
        assert executable(tmp_path / f"back-{hashed}" / "run.sh")
        assert (tmp_path / f"back-{hashed}" / "empty").is_dir()
    assert local.hash(linked).files["run.sh"].executable


def test_the_same_bytes_are_shared_only_with_the_same_right(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(os.urandom(MIB))
    (tmp_path / "program").write_bytes((tmp_path / "data").read_bytes())
    (tmp_path / "program").chmod(0o755)
    saved = [local.upload(tmp_path / name).file.local_path for name in ("data", "program", "data", "program")]
    assert [executable(path) for path in saved] == [False, True, False, True]
    assert [os.stat(path).st_nlink for path in saved] == [2, 2, 2, 2]


def test_umask_decides_who_may_execute(local: eio.Handler, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        path = local.upload(script(tmp_path / "run.sh")).file.local_path
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o500


def test_empty_folders_come_back(h: eio.Handler, tmp_path: Path) -> None:
    for name in ("model/assets", "model/deep/er"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "model" / "saved.pb").write_text("x")
    artifact = h.get(h.upload(tmp_path / "model").artifact_id)
    assert artifact.metadata.empty_folders == ["assets", "deep/er"]
    artifact.download(tmp_path / "back")
    assert sorted(str(path.relative_to(tmp_path / "back")) for path in (tmp_path / "back").rglob("*")) == [
        "assets",
        "deep",
        "deep/er",
        "saved.pb",
    ]
    if h.store.folder is not None:
        assert Path(artifact.remote_root, "files", "deep", "er").is_dir()
    assert h.verify().ok
    assert [found.artifact_id for found in [h.latest({"empty_folders": "assets"})]] == [artifact.artifact_id]


def test_empty_folders_of_a_block_come_back(h: eio.Handler, tmp_path: Path) -> None:
    with h.new() as new:
        (new.folder / "sub" / "empty").mkdir(parents=True)
        new.files["x"].upload_string("x")
    h.get(new.artifact_id).download(tmp_path / "back")
    assert (tmp_path / "back" / "sub" / "empty").is_dir()


def test_neither_changes_the_fingerprint_nor_what_is_stored_of_others(h: eio.Handler, tmp_path: Path) -> None:
    plain = h.upload(script(tmp_path / "a" / "x", 0o644).parent)
    script(tmp_path / "b" / "x")
    (tmp_path / "b" / "empty").mkdir()
    rich = h.upload(tmp_path / "b")
    assert rich.metadata.fingerprint == plain.metadata.fingerprint
    manifest = Path(plain.remote_root, "metadata.json").read_text() if h.store.folder else ""
    assert "executable" not in manifest
    assert "empty_folders" not in manifest
    h.reindex()
    assert h.get(rich.artifact_id) == rich


def test_foreign_empty_folders_lead_nowhere_else(local: eio.Handler, tmp_path: Path) -> None:
    saved = local.upload(script(tmp_path / "a" / "x"))
    document = local.lake.get(saved.artifact_id)
    for damage in (
        {"empty_folders": ["../out"]},
        {"empty_folders": "x"},
        {"files": [{**document["files"][0], "executable": 1}]},
    ):
        local.index.replace("artifacts", {**document, **damage})
        with pytest.raises(eio.FormatError, match="is damaged"):
            local.get(saved.artifact_id)


# --- holes ---


def test_a_sparse_file_stays_sparse(local: eio.Handler, tmp_path: Path) -> None:
    content = bytearray(8 * MIB)
    content[3 * MIB : 3 * MIB + 5] = b"hello"
    with open(tmp_path / "big", "wb") as file:
        file.seek(3 * MIB)
        file.write(b"hello")
        file.truncate(8 * MIB)
    if os.stat(tmp_path / "big").st_blocks * 512 > MIB:
        pytest.skip("this file system has no holes")
    saved = local.upload(tmp_path / "big").file
    saved.download(tmp_path / "back")
    with local.new(["big", "linked"]) as new:
        new.files["big"].upload(tmp_path / "big")
        new.files["linked"].local_path.symlink_to(tmp_path / "big")
    for path in (saved.local_path, tmp_path / "back", *(file.local_path for file in new.files.values())):
        assert path.read_bytes() == content
        assert os.stat(path).st_blocks * 512 <= 2 * HOLE
    assert {file.sha256 for file in new.files.values()} == {saved.sha256}


@pytest.mark.parametrize("size", [HOLE - 1, HOLE, HOLE + 1, MIB, MIB + HOLE, 3 * MIB + 7])
@pytest.mark.parametrize("place", [None, 0, HOLE - 1, HOLE, -1])
def test_holes_are_zeros_and_nothing_else(local: eio.Handler, tmp_path: Path, size: int, place: int | None) -> None:
    content = bytearray(size)
    if place is not None and -size <= place < size:
        content[place] = 1
    (tmp_path / "file").write_bytes(content)
    saved = local.upload(tmp_path / "file").file
    assert saved.local_path.read_bytes() == content
    assert saved.download(tmp_path / "back").read_bytes() == content


# --- files that will not keep still ---


def grow(path: Path, reads: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make a file grow by 2 MiB with each of the next pieces that are read of it; count the bytes that are read."""
    import _io

    read = [0]

    class Growing(_io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            read[0] += len(found or b"")
            if read[0] < reads * MIB:
                with open(os.fsencode(path), "ab") as more:
                    more.write(b"y" * 2 * MIB)
            return cast("bytes", found)

    def opened(file: Any, mode: str = "r", buffering: int = -1, **options: Any) -> IO[Any]:
        return cast("IO[Any]", Growing(file, "rb"))

    for module in ("elliptio.saving.transfer", "elliptio.artifacts.file"):
        monkeypatch.setattr(f"{module}.open", opened, raising=False)
    return read


def test_a_file_that_grows_is_not_followed(h: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * 4 * MIB)
    with monkeypatch.context() as patch:
        read = grow(log, 64, patch)
        with pytest.raises(eio.SourceError, match="changed while it was being saved"):
            h.upload(log)
    assert read[0] <= 8 * MIB
    assert len(h.find()) == 0


def test_a_file_that_grows_while_it_fills_another(h: eio.Handler, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * 4 * MIB)
    copied = 0

    class Sink:
        def write(self, data: bytes) -> None:
            nonlocal copied
            copied += len(data)
            with open(log, "ab") as more:
                more.write(b"y" * 2 * MIB)

    from elliptio.system.file_systems import copy_open

    with open(log, "rb") as source, pytest.raises(eio.SourceError, match="changed while it was being copied"):
        copy_open(source, cast("Any", Sink()))
    assert copied == 4 * MIB


# --- paths and links ---


def test_dots_after_a_link_mean_what_the_system_means(h: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "f").write_text("the system's")
    (tmp_path / "f").write_text("the text's")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    path = f"{tmp_path}/link/../f"
    assert Path(path).read_text() == "the system's"
    assert h.upload(path).file.download_string() == "the system's"
    assert eio.Handler(f"{tmp_path}/link/../lake").store.root == str(tmp_path / "real" / "lake")


def test_dots_without_a_link_keep_the_path_that_people_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "known").symlink_to(tmp_path / "real")
    assert absolute(f"{tmp_path}/known/a/../b") == f"{tmp_path}/known/b"
    assert absolute(f"{tmp_path}/known/a/..") == f"{tmp_path}/known"
    monkeypatch.chdir(tmp_path / "real" / "a")
    assert absolute("../b") == str(tmp_path / "real" / "b")
    assert absolute("..b") == str(tmp_path / "real" / "a" / "..b")


def test_links_beside_what_they_lead_to(h: eio.Handler, tmp_path: Path) -> None:
    for name in ("run_1", "run_2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "m.txt").write_text(name)
    for link in ("best", "latest"):
        (tmp_path / "runs" / link).symlink_to("run_2")
    expected = {"best/m.txt": "run_2", "latest/m.txt": "run_2", "run_1/m.txt": "run_1", "run_2/m.txt": "run_2"}
    assert {name: file.download_string() for name, file in h.upload(tmp_path / "runs").files.items()} == expected
    with h.new() as new:
        (new.folder / "run_2").mkdir()
        (new.folder / "run_2" / "m.txt").write_text("run_2")
        for link in ("best", "latest"):
            (new.folder / link).symlink_to("run_2")
    assert sorted(new.files) == ["best/m.txt", "latest/m.txt", "run_2/m.txt"]


@pytest.mark.parametrize("way", ["itself", "above", "there and back", "two outside"])
def test_true_circles_are_refused_by_name(local: eio.Handler, tmp_path: Path, way: str) -> None:
    folder, out, other = (tmp_path / name / "in" for name in ("folder", "out", "other"))
    for made in (folder, out, other):
        made.mkdir(parents=True)
        (made / "x").write_text("x")
    if way == "itself":
        (folder / "loop").symlink_to(".")
    elif way == "above":
        (folder / "loop").symlink_to(tmp_path)
    else:
        (folder / "away").symlink_to(out)
        (out / "loop").symlink_to(folder if way == "there and back" else other)
        (other / "loop").symlink_to(out)
    with pytest.raises(eio.SourceError, match=r"The link \S*loop leads to \S*, a folder that holds it"):
        local.upload(folder)
    with (
        pytest.raises(eio.SourceError, match=r"The link \S*loop leads to \S*, a folder that holds it"),
        local.new() as new,
    ):
        (new.folder / "x").write_text("x")
        (new.folder / "link").symlink_to(folder)
    assert len(local.find()) == 0


# --- what is no path ---


@pytest.mark.parametrize("verb", ["upload", "link", "new"])
def test_an_open_file_is_no_path(local: eio.Handler, tmp_path: Path, verb: str) -> None:
    import io
    import tempfile

    (tmp_path / "big.csv").write_text("name,secret\nandy,hunter2\n")

    def given(what: Any) -> str:
        with pytest.raises(eio.SourceError) as caught:
            if verb == "new":
                with local.new(what):
                    pass
            else:
                getattr(local, verb)(what)
        assert "hunter2" not in str(caught.value)
        return str(caught.value)

    with open(tmp_path / "big.csv") as text, open(tmp_path / "big.csv", "rb") as binary:
        assert "give its name: '" in given(text)
        assert str(tmp_path / "big.csv") in given(binary)
        if verb != "new":
            assert "give its name" in given([binary])
    with tempfile.NamedTemporaryFile("w+") as named:
        assert named.name in given(named)
    assert "an open StringIO, not a path" in given(io.StringIO("a,b\n1,2\n"))


def test_a_url_made_a_path_is_named_as_such(local: eio.Handler) -> None:
    with pytest.raises(eio.SourceError, match=r"'s3:/bucket/images' was a URL.*Give it as text"):
        local.link(Path("s3://bucket/images"))
    with pytest.raises(eio.SourceError, match=r"Give it as text"):
        local.link([Path("s3://bucket/images")])


# --- odd machines ---


def test_times_that_no_calendar_knows(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, moment in {"a": -(1 << 40), "b": 1 << 50, "c": -1}.items():
        (tmp_path / "data" / name).write_text(name)
        try:
            os.utime(tmp_path / "data" / name, (moment, moment))
        except OverflowError:
            pytest.skip("this system has no such times")
    saved = local.upload(tmp_path / "data")
    linked = local.link(tmp_path / "data")
    with local.new() as new:
        for name in "abc":
            (new.folder / name).write_text(name)
            stamp = os.stat(tmp_path / "data" / name).st_mtime_ns
            os.utime(new.folder / name, ns=(stamp, stamp))
    assert local.verify().ok
    local.reindex()
    for artifact in (saved, linked, new):
        assert [file.download_string() for file in local.get(artifact.artifact_id).files.values()] == ["a", "b", "c"]
    assert {stored.modified.year for stored in local.store.list()} >= {1} or True


PROGRAM = """
import os, sys
import elliptio as eio
lake, data, gone = sys.argv[1:]
os.mkdir(gone); os.chdir(gone); os.rmdir(gone)
h = eio.Handler(lake, progress=False)
saved = h.upload(data, {"where": "nowhere"})
with h.new(["x"]) as new:
    new.file.upload_string("x")
with h.run("train", {"rate": 1}) as run:
    run.log(loss=1)
print(h.get(saved.artifact_id).file.download_string(), saved.metadata.username, h.verify().ok)
for attempt in (lambda: h.upload("a.txt"), lambda: eio.Handler("lake")):
    try:
        attempt()
    except eio.ElliptioError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.skipif(
    sys.version_info[:3] == (3, 13, 0), reason="without a working directory this Python cannot import its own socket"
)
def test_a_working_directory_that_was_removed(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "lake"), str(data / "train.txt"), str(tmp_path / "gone")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    first, *refused = ran.stdout.removeprefix((data / "train.txt").read_text()).splitlines()
    assert first.endswith("True")
    assert len(refused) == 2, ran.stdout
    assert all("working directory" in line for line in refused)


@pytest.mark.slow
def test_an_account_without_a_name_or_a_home(data: Path) -> None:
    # Who is known to no directory of users: what a container with a number for a user has.
    code = (
        "import os, pwd\n"
        "def unknown(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = unknown\n"
        "import elliptio as eio\n"
        "h = eio.Handler('lake', progress=False); a = h.upload('train.txt')\n"
        "print(a.metadata.username, h.verify().ok)\n"
        "try: eio.Handler()\n"
        "except eio.ConfigError as error: print(error)\n"
        "print(sorted(os.listdir()))"
    )
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=data, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    who, problem, here = ran.stdout.splitlines()
    assert who == f"uid-{os.getuid()} True"
    assert "home" in problem
    assert here == "['lake', 'test.txt', 'train.txt']"


def test_a_locale_that_cannot_write_names(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "größe.txt").write_text("x")
    saved = local.upload(tmp_path / "set")
    code = (
        "import sys, elliptio as eio\n"
        "h = eio.Handler(sys.argv[1], progress=False)\n"
        "def new():\n"
        "    with h.new(['gr\\xf6\\xdfe.txt']) as made: made.file.upload_string('x')\n"
        "for attempt in (lambda: h.upload(sys.argv[2]), new, h.get(sys.argv[3]).file.download_string):\n"
        "    try: print(attempt())\n"
        "    except eio.ElliptioError as error: print(ascii(str(error)))\n"
    )
    environ = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
    command = [sys.executable, "-c", code, local.store.root, str(tmp_path / "set"), saved.artifact_id]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    refused = ran.stdout.splitlines()
    assert len(refused) == 3, ran.stdout
    assert "UTF-8" in refused[0]
    assert all("PYTHONUTF8=1" in line for line in refused[1:])
    assert len(local.find()) == 1


@pytest.mark.parametrize("name", ["é" * 60, "漢" * 42, "🐧" * 32, "a" * 90 + "ø" * 19])
def test_user_names_of_any_script_and_length(local: eio.Handler, data: Path, name: str) -> None:
    with eio.mock_username(name):
        saved = local.upload(data)
        local.tag(saved, "mine")
    with eio.mock_username(name[:-1]):
        other = local.upload(data)
    assert local.get(saved.artifact_id).metadata.username == name
    assert Path(saved.remote_root).parent != Path(other.remote_root).parent
    assert local.verify().ok
    assert local.delete(other.artifact_id)


def test_a_change_that_keeps_size_and_time_is_noticed(h: eio.Handler, data: Path) -> None:
    file = h.upload(data / "train.txt").file
    path = Path(os.fspath(file))
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(b"9" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if h.store.folder is not None:
        with pytest.raises(eio.IntegrityError, match="is damaged"):
            os.fspath(file)
    else:
        assert Path(os.fspath(file)).read_bytes() == (data / "train.txt").read_bytes()
    assert verified_paths._verified
