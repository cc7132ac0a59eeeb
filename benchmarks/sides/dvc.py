"""DVC without git: `add` hashes (md5) and copies into its cache, `push` and `pull` move to and from S3."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.place import Action, Place, remove, whole_process

os.environ.update(DVC_NO_ANALYTICS="1", DO_NOT_TRACK="1")
LARGE = 1 << 20


def import_it(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import dvc.repo")


def opened(place: Place):
    from dvc.repo import Repo

    os.environ["DVC_SITE_CACHE_DIR"] = str(place.folder / "site-cache")
    Repo.init(no_scm=True).close()
    repo = Repo(".")
    with repo.config.edit() as config:
        config["core"]["analytics"] = False
        if place.s3:
            config["core"]["remote"] = "bench"
            config["remote"]["bench"] = {"url": place.s3, "endpointurl": os.environ["AWS_ENDPOINT_URL"]}
    repo.close()
    return Repo(".")


def save_new_file(place: Place) -> Iterator[Action]:
    repo = opened(place)
    for number in itertools.count():
        large = place.size >= LARGE
        source = place.file("file.bin" if large else f"{number}.bin")
        yield lambda source=source: saved(repo, source, place)
        if large:
            forget(source)


def save_files(place: Place) -> Iterator[Action]:
    repo = opened(place)
    while True:
        source = place.files()
        yield lambda: saved(repo, source, place)
        forget(source)


s3_upload_large, s3_upload_small = save_new_file, save_files


def saved(repo, source: Path, place: Place) -> None:
    repo.add(source.name)
    if place.s3:
        repo.push(source.name)


def forget(source: Path) -> None:
    remove(Path(".dvc/cache"))
    Path(f"{source.name}.dvc").unlink()


def get_and_read(place: Place) -> Iterator[Action]:
    import dvc.api

    repo = opened(place)
    names = [f"{number}.bin" for number in range(10)]
    for name in names:
        repo.add(place.file(name).name)
    while True:
        for name in names:
            yield lambda name=name: dvc.api.read(name, repo=".", mode="rb")


def s3_download_large(place: Place) -> Iterator[Action]:
    return pulled(place, place.file())


def s3_download_small(place: Place) -> Iterator[Action]:
    return pulled(place, place.files())


def pulled(place: Place, source: Path) -> Iterator[Action]:
    """Pull into an empty cache and work tree, each time."""
    repo = opened(place)
    saved(repo, source, place)
    while True:
        remove(source)
        remove(Path(".dvc/cache"))
        yield lambda: repo.pull(source.name)
        assert source.exists()
