"""Disks that are full: a small file system where this user may mount one, else a limit on this process's files."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

BLOCK = 4096


class Disk:
    """A file system of its own, in memory, of which all but some blocks can be filled."""

    def __init__(self, path: Path, options: str = "size=4m") -> None:
        self.path = path
        path.mkdir()
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(path))

    @contextlib.contextmanager
    def left(self, blocks: int) -> Iterator[None]:
        """Leave so many free blocks while the ``with`` block runs."""
        with open(self.path / "ballast", "wb") as file:
            found = os.statvfs(self.path)
            file.write(bytes(max(0, found.f_bavail - blocks) * BLOCK))
        try:
            yield
        finally:
            os.unlink(self.path / "ballast")

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Mount it read-only while the ``with`` block runs; nobody may have a file of it open for writing."""
        mount("-o", "remount,ro", str(self.path))
        try:
            yield
        finally:
            mount("-o", "remount,rw", str(self.path))

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


class Inodes(Disk):
    """A file system that has room, but takes no more files."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "size=8m,nr_inodes=200")

    @contextlib.contextmanager
    def left(self, blocks: int) -> Iterator[None]:
        ballast = self.path / "ballast"
        ballast.mkdir()
        for number in range(os.statvfs(self.path).f_favail - blocks):
            (ballast / str(number)).touch()
        try:
            yield
        finally:
            for file in ballast.iterdir():
                file.unlink()
            ballast.rmdir()


class Limited(Disk):
    """No file may become larger than some blocks: needs no rights, and fails in the middle of a file as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    @contextlib.contextmanager
    def left(self, blocks: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (blocks * BLOCK, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def close(self) -> None:
        pass


@contextlib.contextmanager
def read_only_view(path: Path) -> Iterator[None]:
    """Let a folder be read-only while the ``with`` block runs, also where files of it are open for writing."""
    mount("--bind", str(path), str(path))
    try:
        mount("-o", "remount,bind,ro", str(path))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def mount(*arguments: str) -> None:
    """Mount, or skip the test where this user may not."""
    try:
        run = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"there is no mount: {error}")
    if run.returncode:
        pytest.skip(f"needs the right to mount a small file system (root has it): {run.stderr.strip()}")


KINDS = {"blocks": Disk, "inodes": Inodes, "limited": Limited}
