"""LaminDB with its SQLite store.

It asks its hub on the network whether the instance is registered there, before anything is saved. A local instance is
not, so that question is answered here, at once, in its favour; all else runs as it is.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.place import Action, Place, remove, whole_process

LARGE = 1 << 20


def import_it(place: Place) -> Iterator[Action]:
    os.environ["LAMIN_SETTINGS_DIR"] = str(place.folder)
    connect(place.folder)
    return whole_process("-c", "import lamindb")


def connect(folder: Path):
    """Open an instance in a folder; make it where there is none."""
    os.environ["LAMIN_SETTINGS_DIR"] = str(folder)
    os.environ["LAMIN_CACHE_DIR"] = str(folder / "cache")
    import lamindb_setup
    from lamindb_setup.core._settings_instance import InstanceSettings

    InstanceSettings.is_on_hub = property(lambda self: False)
    if (folder / "lake").exists():
        lamindb_setup.connect("anonymous/bench")
    else:
        lamindb_setup.init(storage=str(folder / "lake"), name="bench")
    import lamindb

    lamindb.settings.verbosity = "error"
    return lamindb


def opened(place: Place):
    """Open a new instance; where it is about S3, with a storage there."""
    lamindb = connect(place.folder)
    if not place.s3:
        return lamindb, {}
    storage = lamindb.Storage(f"{place.s3}?endpoint_url={os.environ['AWS_ENDPOINT_URL']}").save()
    return lamindb, {"storage": storage}


def save_new_file(place: Place) -> Iterator[Action]:
    lamindb, where = opened(place)
    for number in itertools.count():
        source = place.file()
        yield lambda number=number: lamindb.Artifact(source, key=f"{number}.bin", **where).save()
        forget(place)


def save_files(place: Place) -> Iterator[Action]:
    lamindb, where = opened(place)
    for number in itertools.count():
        source = place.files()
        yield lambda number=number: lamindb.Artifact(source, key=f"files-{number}", **where).save()
        forget(place)


s3_upload_large, s3_upload_small = save_new_file, save_files


def forget(place: Place) -> None:
    if place.size * max(1, place.count) >= LARGE:
        for path in (*(place.folder / "lake" / ".lamindb").glob("*"), place.folder / "cache"):
            if not path.name.startswith((".", "_")) and path.suffix != ".db":
                remove(path)


def get_and_read(place: Place) -> Iterator[Action]:
    lamindb, _ = opened(place)
    uids = [lamindb.Artifact(place.file(f"{n}.bin"), key=f"{n}.bin").save().uid for n in range(50)]
    while True:
        for uid in uids:
            yield lambda uid=uid: lamindb.Artifact.get(uid).path.read_bytes()


def s3_download_large(place: Place) -> Iterator[Action]:
    lamindb, where = opened(place)
    return downloads(place, lamindb.Artifact(place.file(), key="file.bin", **where).save())


def s3_download_small(place: Place) -> Iterator[Action]:
    lamindb, where = opened(place)
    return downloads(place, lamindb.Artifact(place.files(), key="files", **where).save())


def downloads(place: Place, artifact) -> Iterator[Action]:
    """Download into an empty cache, each time."""
    while True:
        remove(place.folder / "cache")
        yield lambda: artifact.cache()


def filled(place: Place, name: str = "lamindb"):
    """Open an instance with many artifacts: rows like that of a real one, each made by a run from the one before."""
    folder = place.shared / f"{name}-{place.documents}"
    new = not folder.exists()
    lamindb = connect(folder)
    if new:
        real = lamindb.Artifact(place.file(), key="real.bin").save()
        real.refresh_from_db()
        transform = lamindb.Transform(key="transform", kind="script").save()
        with_runs = place.documents <= 1000
        runs = [lamindb.Run(transform).save() for _ in range(place.documents)] if with_runs else []
        made = [copy_of(lamindb, real, number, runs[number].id if runs else None) for number in range(place.documents)]
        lamindb.Artifact.objects.bulk_create(made, batch_size=500)
        for before, run in zip(lamindb.Artifact.filter(key__startswith="copy").order_by("id"), runs[1:], strict=False):
            run.input_artifacts.add(before)
    assert lamindb.Artifact.filter().count() > place.documents
    return lamindb


def copy_of(lamindb, real, number: int, run_id: int | None):
    fields = {field.attname: getattr(real, field.attname) for field in real._meta.concrete_fields}
    fields |= {"uid": f"{number:016}0000", "key": f"copy{number}.bin", "hash": f"{number:022}", "run_id": run_id}
    del fields["id"]
    artifact = lamindb.Artifact.__new__(lamindb.Artifact)
    artifact.__dict__.update(fields)
    from django.db.models.base import ModelState

    artifact._state = ModelState()
    artifact.id = None
    return artifact


def find_newest(place: Place) -> Iterator[Action]:
    lamindb = filled(place)
    while True:
        yield lambda: lamindb.Artifact.filter().order_by("-created_at").to_dataframe(limit=7)


def find_all(place: Place) -> Iterator[Action]:
    lamindb = filled(place)
    while True:
        yield lambda: lamindb.Artifact.filter().to_dataframe(limit=None)


def ancestors_in_a_chain(place: Place) -> Iterator[Action]:
    """Walk with the function that its `view_lineage` draws from."""
    lamindb = filled(place, "lamindb-chain")
    from lamindb.models.has_parents import _get_all_parent_runs

    last = lamindb.Artifact.get(key=f"copy{place.documents - 1}.bin")

    def action() -> None:
        place.notes["edges"] = len(_get_all_parent_runs(last))

    while True:
        yield action
