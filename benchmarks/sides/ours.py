"""elliptio, as a user calls it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import elliptio as eio
from benchmarks import lakes
from benchmarks.place import Action, Place, whole_process

MANY_BYTES = 1 << 20


def import_it(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import elliptio")


def show_help(place: Place) -> Iterator[Action]:
    """Run the command as it is installed."""
    command = str(Path(sys.executable).with_name("elliptio"))
    while True:
        yield lambda: subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)


# --- saving ---


def handler(place: Place, **options: str) -> eio.Handler:
    return eio.Handler(place.s3 or place.folder / "lake", progress=False, **options)


def save_file(place: Place) -> Iterator[Action]:
    h, source = handler(place), place.file()
    h.upload(source)
    yield from itertools.repeat(lambda: h.upload(source))


def save_new_file(place: Place, **options: str) -> Iterator[Action]:
    """Save a file that is not in the lake yet, each time; large ones are removed again."""
    h = handler(place, **options)
    warm_up(h, place)
    while True:
        source = place.file()
        yield lambda: h.upload(source)
        forget(h, place)


def save_files(place: Place, **options: str) -> Iterator[Action]:
    h = handler(place, **options)
    warm_up(h, place)
    while True:
        source = place.files()
        yield lambda: h.upload(source)
        forget(h, place)


def save_without_waiting(place: Place) -> Iterator[Action]:
    """Begin to save a new file, each time; the rest is waited for in between."""
    h = handler(place)
    warm_up(h, place)
    saving: list[Any] = []
    while True:
        source = place.file()
        yield lambda: saving.append(h.upload(source, wait=False))
        saving.pop().result()
        forget(h, place)


def save_1000_files(place: Place) -> Iterator[Action]:
    place.count = min(1000, place.count)
    return save_files(place)


def save_files_unflushed(place: Place) -> Iterator[Action]:
    return save_files(place, durability="fast")


def save_same_file_again(place: Place) -> Iterator[Action]:
    """Save a file that is in the lake already, and note what that takes on the disk."""
    h, source = handler(place), place.file()
    h.upload(source)
    while True:
        before = used(place.folder / "lake")
        yield lambda: h.upload(source)
        place.notes["added_mb"] = (used(place.folder / "lake") - before) / 1e6
        h.delete(newest(h))


def save_to_filled_lake(place: Place) -> Iterator[Action]:
    """Save one small file where many artifacts are already."""
    h, source = lakes.filled(place), place.file()
    h.upload(source)
    yield from itertools.repeat(lambda: h.upload(source))


def warm_up(h: eio.Handler, place: Place) -> None:
    small = place.folder / "first.txt"
    small.write_text("x")
    h.upload(small)


def newest(h: eio.Handler) -> str:
    return next(h.index.find("artifacts", {}, sort=[("creation_time", -1)], limit=1))["_id"]


def forget(h: eio.Handler, place: Place) -> None:
    """Delete the newest artifact where it is large, so that the disk does not fill."""
    if place.size * max(1, place.count) >= MANY_BYTES:
        h.delete(newest(h))


def used(folder: Path) -> int:
    """Bytes on the disk, a file with several names once."""
    seen = {}
    for current, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(current, name))
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


# --- provenance ---


def save_in_repository(place: Place) -> Iterator[Action]:
    """Save from a repository of `count` files and an environment of 300 distributions more, nothing changing."""
    repository = place.folder / "repository"
    for number in range(place.count):
        path = repository / f"package{number // 100}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"number = {number}\n")
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "gc.auto=0"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"]):
        subprocess.run([*git, *arguments], check=True)
    site = place.folder / "site"
    for number in range(300):
        info = site / f"distribution{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: distribution{number}\nVersion: 1.0\n")
    sys.path.append(str(site))
    os.chdir(repository)
    return save_file(place)


# --- reading ---


def get_and_read(place: Place) -> Iterator[Action]:
    """Open by id, read, and so verify, one small file after the other."""
    h = handler(place)
    ids = []
    for number in range(50):
        path = place.folder / f"{number}.bin"
        path.write_bytes(os.urandom(place.size))
        ids.append(h.upload(path).artifact_id)
    for artifact_id in itertools.cycle(ids):
        yield lambda artifact_id=artifact_id: h.get(artifact_id, track=False).file.open("rb").read()


def download_file(place: Place) -> Iterator[Action]:
    h = handler(place)
    artifact_id = h.upload(place.file()).artifact_id
    for target in place.new_targets():
        yield lambda target=target: h.get(artifact_id, track=False).file.download(target)


def download_file_again(place: Place) -> Iterator[Action]:
    """Download a file that is in the cache."""
    os.environ |= {"ELLIPTIO_CACHE_SIZE": "10GB", "ELLIPTIO_CACHE_DIR": str(place.folder / "cache")}
    actions = download_file(place)
    next(actions)()
    return actions


def download_files(place: Place) -> Iterator[Action]:
    h = handler(place)
    artifact_id = h.upload(place.files()).artifact_id
    for target in place.new_targets():
        yield lambda target=target: h.get(artifact_id, track=False).download(target)


# --- finding ---


def asking(place: Place, question: Callable[[eio.Handler, int], object]) -> Iterator[Action]:
    """Ask about one artifact after the other of a filled lake, in no order."""
    warnings.simplefilter("ignore", eio.TruncatedWarning)
    h = lakes.filled(place)
    question(h, 0)
    for number in itertools.count():
        yield lambda number=number: question(h, number * 7919 % place.documents)


def find_newest(place: Place) -> Iterator[Action]:
    return asking(place, lambda h, number: h.find(max_docs=7))


def find_by_user_and_time(place: Place) -> Iterator[Action]:
    def question(h: eio.Handler, number: int) -> object:
        since = lakes.START + timedelta(seconds=number)
        return h.find({"username": f"user{number % lakes.USERS}", "creation_time": {"$gte": since}}, max_docs=7)

    return asking(place, question)


def find_by_label(place: Place) -> Iterator[Action]:
    return asking(place, lambda h, number: h.find({"labels.ticket": f"T-{number}"}))


def find_by_based_on(place: Place) -> Iterator[Action]:
    return asking(place, lambda h, number: h.find({"based_on": lakes.artifact_id(number)}))


def find_by_hash(place: Place) -> Iterator[Action]:
    return asking(place, lambda h, number: h.find({"files.sha256": lakes.sha256_of(number)}))


def find_all(place: Place) -> Iterator[Action]:
    return asking(place, lambda h, number: h.find(max_docs=0))


def scan(place: Place) -> Iterator[Action]:
    """Ask what no index serves and nothing matches."""
    return asking(place, lambda h, number: h.find({"hostname": "no such host"}))


def find_newest_on_mongodb(place: Place) -> Iterator[Action]:
    warnings.simplefilter("ignore", eio.TruncatedWarning)
    lakes.fill_mongodb(place)
    h = eio.Handler(place.shared / "mongodb-lake", index=place.mongodb)
    h.find(max_docs=7)
    yield from itertools.repeat(lambda: h.find(max_docs=7))


def ancestors(place: Place, lake: str, parents: lakes.Parents, newest: int = 1) -> Iterator[Action]:
    """Ask for all that one artifact was made from, which is based on the newest ones."""
    h = lakes.filled(place, lake, parents)
    (document,) = h.index.find("artifacts", {"_id": lakes.artifact_id(0)})
    based_on = [lakes.artifact_id(number) for number in range(place.documents - newest, place.documents)]
    child = {"_id": "artifact_child", "artifact_id": "artifact_child", "based_on": based_on}
    h.index.insert("artifacts", {**document, **child})

    def action() -> None:
        place.notes.update(ancestors=len(h.lineage("artifact_child", direction="up").ancestors))

    yield from itertools.repeat(action)


def ancestors_in_a_chain(place: Place) -> Iterator[Action]:
    return ancestors(place, "chain", lakes.one_parent)


def ancestors_in_a_wide_graph(place: Place) -> Iterator[Action]:
    return ancestors(place, "wide", lakes.three_parents, min(lakes.WIDTH, place.documents))
