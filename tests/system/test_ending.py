"""Saves in worker processes, and while the program ends: nothing is lost, and no error is missed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.system import ending

pytestmark = pytest.mark.slow


def run(code: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "job.py").write_text(textwrap.dedent(code))
    command = [sys.executable, "job.py", *map(str, arguments)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 0, ended.stderr
    return ended


WORKERS = """
    import concurrent.futures, multiprocessing, os, sys
    import elliptio as eio

    lake, how = sys.argv[1:]

    def save(number):
        h = eio.Handler(lake, progress=False)
        with open(f"{number}.txt", "w") as file:
            file.write(str(number))
        h.upload(f"{number}.txt", wait=False)
        if not number:
            lose(h)

    def lose(h):
        from elliptio.saving import publication
        def fail(*_, **__):
            raise eio.StoreError("the disk is full")
        publication.Publication.save = fail
        h.upload("0.txt", wait=False)

    if __name__ == "__main__":
        if how in ("fork", "spawn", "forkserver"):
            workers = [multiprocessing.get_context(how).Process(target=save, args=(number,)) for number in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        elif how == "pool":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(save, range(2), chunksize=1)
        else:
            with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
                list(pool.map(save, range(2)))
"""


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver", "pool", "executor"])
def test_what_a_worker_saves_in_the_background(tmp_path: Path, how: str) -> None:
    ended = run(WORKERS, tmp_path / "lake", how, folder=tmp_path)
    assert ended.stderr.count("A save in the background failed, so nothing was published: the disk is full") == 1
    found = eio.Handler(tmp_path / "lake").find()
    # The first worker's first save may have been under way when the second one was made to fail.
    assert {name for names in found.file_relpaths for name in names} >= {"1.txt"}


AT_EXIT = """
    import atexit, os, sys
    import elliptio as eio

    h = eio.Handler(sys.argv[1], progress=False)
    open("small.txt", "w").write("x")
    open("large.bin", "wb").write(os.urandom(24 << 20))
    os.mkdir("many")
    for number in range(20):
        open(f"many/{number}", "wb").write(os.urandom(300_000))

    def save():
        for path in ("small.txt", "large.bin", "many"):
            print(path, len(h.upload(path).files))
        with h.new(["made.bin"]) as new:
            new.file.upload("large.bin")
        with h.run("last") as run:
            run.log(loss=1)
        print("read", len(h.get(new.artifact_id).file.open().read()))
        h.get(new.artifact_id).download("back")
        os.fspath(new.file)
        print("later", len(h.upload("small.txt", wait=False).result().files))
        h.upload("large.bin", wait=False)
        h.close()

    atexit.register(save)
"""


def saves_at_exit(root: str, folder: Path, *, git: bool) -> None:
    if git:
        subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    ended = run(AT_EXIT, root, folder=folder)
    assert ended.stdout.splitlines() == [
        "small.txt 1", "large.bin 1", "many 20", f"read {24 << 20}", "later 1",
    ]  # fmt: skip
    assert ended.stderr == ""
    h = eio.Handler(root)
    assert len(h.find()) == 6
    assert h.runs().metrics.iloc[0] == {"loss": 1}
    assert h.verify().ok


@pytest.mark.parametrize("git", [True, False])
def test_saves_while_the_program_ends(tmp_path: Path, git: bool) -> None:
    saves_at_exit(str(tmp_path / "lake"), tmp_path, git=git)


def test_saves_to_s3_while_the_program_ends(s3_root: str, tmp_path: Path) -> None:
    saves_at_exit(s3_root, tmp_path, git=True)


def test_a_pool_does_what_it_is_given_where_no_thread_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "begun", True)
    with ending.Pool(2) as pool:
        assert pool.submit(max, 1, 2).result() == 2
        assert isinstance(pool.submit(int, "x").exception(), ValueError)
    assert not pool._threads


COPIES = """
    import multiprocessing, os, signal, sys
    import elliptio as eio

    def read(file, die):
        with open(file, "rb") as source:
            assert source.read() == b"content"
        if die:
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        open("a.bin", "wb").write(b"content")
        file = eio.Handler(sys.argv[1]).upload("a.bin").file
        for how in ("fork", "spawn"):
            for die in (False, True):
                worker = multiprocessing.get_context(how).Process(target=read, args=(file, die))
                worker.start()
                worker.join()
                assert worker.exitcode == (-signal.SIGKILL if die else 0)
        read(file, False)
"""


def test_no_copies_are_left_of_workers(s3_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    run(COPIES, s3_root, folder=tmp_path)
    assert list((tmp_path / "tmp").glob("elliptio-*")) == []
