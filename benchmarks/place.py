"""What a job gets to work with: folders, sizes, servers; and the files to save, made anew each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Action = Callable[[], object]
BLOCK = 1 << 22


@dataclass
class Place:
    """Where one side does one job.

    Attributes
    ----------
    folder
        Its own; removed afterwards.
    shared
        Of all jobs and sides of the run: what takes long to prepare lies there.
    size, count, documents
        Bytes of a file, how many files, how many artifacts are in the index.
    s3, mongodb, redis
        An ``s3://`` prefix, a ``mongodb://`` or ``redis://`` URL, where the job needs one.
    notes
        What a job counted besides seconds.
    """

    folder: Path
    shared: Path
    size: int = 0
    count: int = 0
    documents: int = 0
    s3: str = ""
    mongodb: str = ""
    redis: str = ""
    notes: dict[str, float | str] = field(default_factory=dict)

    def file(self, name: str = "file.bin") -> Path:
        """Write a file of `size` random bytes, on the disk before it is used; one that is there becomes another."""
        path = self.folder / name
        again = path.exists()
        with open(path, "r+b" if again else "wb") as file:
            for start in range(0, min(self.size, BLOCK) if again else self.size, BLOCK):
                file.write(os.urandom(min(BLOCK, self.size - start)))
            os.fsync(file.fileno())
        return path

    def files(self, name: str = "files") -> Path:
        """Write `count` files of `size` random bytes into a folder, over those that are there."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.count):
            (folder / f"{number:06}.bin").write_bytes(os.urandom(self.size))
        return folder

    def new_targets(self, name: str = "target") -> Iterator[Path]:
        """Yield a path that does not exist; what was written to the last one is removed."""
        number = 0
        while True:
            path = self.folder / f"{name}-{number}"
            yield path
            remove(path)
            number += 1

    def bucket_and_key(self) -> tuple[str, str]:
        """Return the parts of `s3`."""
        bucket, _, key = self.s3.removeprefix("s3://").partition("/")
        return bucket, key


def remove(path: Path) -> None:
    """Remove a file or a folder, read-only ones too."""
    if path.is_dir():
        for current, _, _ in os.walk(path):
            os.chmod(current, 0o700)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def whole_process(*arguments: str) -> Iterator[Action]:
    """Run a new interpreter of this environment."""
    while True:
        yield lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
