"""A lake that was moved, renamed or copied: its identity, its index, and whether all of it arrived.

The old place is asked only where the index does not tell: it may be gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from elliptio.config import Setting, lake_root
from elliptio.errors import ConfigError, FormatError, StoreError
from elliptio.lake import identity, notes, run_records, tags
from elliptio.lake.lake import ARTIFACTS, ENVIRONMENTS, TOMBSTONES, Lake
from elliptio.lake.manifests import manifest_of
from elliptio.lake.upkeep import upkeep
from elliptio.lake.upkeep.verification import Problem
from elliptio.protocols import Document
from elliptio.system.file_systems import absolute

BATCH = 1000

_T = TypeVar("_T")


@dataclass
class RelocateReport:
    """Report of what `relocate` found at the new place, and what it did.

    Attributes
    ----------
    lake_id
        Identity of the lake.
    identity_restored
        Whether ``.elliptio/lake.json`` had not come along and was written again.
    artifacts
        How many lie complete at the new place.
    carried
        How many artifacts and deletions were taken over from the index of the old place.
    recorded
        How many more were read from the files.
    problems
        Artifacts of the index that are missing at the new place, and files there that cannot be read.

    """

    lake_id: str
    identity_restored: bool
    artifacts: int = 0
    carried: int = 0
    recorded: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where the whole lake is at the new place."""
        return not self.problems


def relocate(old: Lake, new: Lake) -> RelocateReport:
    """Make a lake whose files were moved or copied work at its new place. Idempotent.

    Restores its identity if that did not come along, takes over the index that an S3 lake has in the user's data
    folder, records what lies at the new place and is in no index, and looks for what the index knows and is not there.
    Nothing is removed, and nothing is changed at the old place.

    Parameters
    ----------
    old, new
        The lake as it would be opened at either place.

    Raises
    ------
    ConfigError
        If the two places are one, or the new one holds no lake, or another.
    StoreError, IndexUnavailableError
        If the new place or the index fails.

    """
    if old.store.root == new.store.root:
        raise ConfigError(f"{new.store.root} is both the old place and the new one: name two.")
    there = upkeep.lying(new)
    complete, deleted = there.complete, there.deleted
    lake_id, restored = _settle_identity(old, new, complete | deleted)
    places = _places(new.find({}, sort=(), limit=0))
    if not new.shared:
        places = {**_places(old.index.find(ARTIFACTS, {})), **places}
    carried = 0 if new.shared else _carry(old, new, complete)
    recorded = upkeep.record(new, replace(there, complete=complete - set(places.values())))
    missing = [
        Problem(artifact_id, None, f"is missing: there is no {new.store.root}/{root}/metadata.json")
        for artifact_id, root in sorted(places.items())
        if root not in complete and root not in deleted
    ]
    _, damaged = run_records.reindex(new)
    runs_damaged = [Problem(run_id, None, str(error)) for run_id, error in damaged.items()]
    return RelocateReport(
        lake_id=lake_id,
        identity_restored=restored,
        artifacts=len(complete),
        carried=carried,
        recorded=recorded.artifacts + recorded.tombstones,
        problems=[*missing, *recorded.problems, *_settle_tags(new), *_settle_notes(new), *runs_damaged],
    )


def _settle_notes(new: Lake) -> list[Problem]:
    return [Problem(f"note:{key}", None, str(error)) for key, error in notes.sync(new).items()]


def _settle_tags(new: Lake) -> list[Problem]:
    """Bring the tags in the index up to date, unless some that it knows did not arrive: those it keeps."""
    known = {name for document in new.find({"tags": {"$gte": ""}}, sort=(), limit=0) for name in document["tags"]}
    lost = sorted(known - tags.heads(new).keys())
    if lost:
        where = f"{new.store.root}/{tags.TAGS}"
        return [Problem(f"tag:{name}", None, f"is missing: there is no {where}/{tags.encode(name)}") for name in lost]
    return [Problem(f"tag:{name}", None, str(error)) for name, error in tags.sync(new).items()]


def settings_at(settings: Mapping[str, Setting], old: str, new: str) -> list[Setting]:
    """List the settings that name a place or something in it, though the lake lies at a new one."""
    bucket = settings["s3_bucket_name"].value
    named = {
        "root": lake_root(settings),
        "local_root": settings["local_root"].value,
        "s3_bucket_name": bucket if not bucket or "://" in bucket else f"s3://{bucket}",
        "index": settings["index"].value,
    }
    return [
        Setting(name, value, settings[name].origin)
        for name, value in named.items()
        if value and settings[name].origin != "argument" and _is_in(value, old) and not _is_in(value, new)
    ]


def _is_in(address: str, root: str) -> bool:
    """Tell whether a setting's folder or URL is a root, or lies below it."""
    place = address.removeprefix("sqlite:///").removeprefix("file://")
    place = place.rstrip("/") if "://" in place else absolute(os.path.expanduser(place))
    return f"{place}/".startswith(f"{root}/")


def _settle_identity(old: Lake, new: Lake, folders: Set[str]) -> tuple[str, bool]:
    """Identity of the lake at the new place, and whether it had to be restored."""
    found = new.known_id()
    lake_id = found or _identity_of(folders, old, new)
    if not _is_same(old, lake_id):
        raise ConfigError(
            f"{new.store.root} holds another lake ({lake_id}) than {old.store.root}, so nothing was changed. To take "
            f"artifacts that were copied there into that lake, run: elliptio reindex --root {new.store.root}"
        )
    if found is None:
        identity.restore(new.store, lake_id)
        if new.known_id() != lake_id:
            raise ConfigError(f"{new.store.root} became another lake ({new.known_id()}) just now: nothing was changed.")
    return lake_id, found is None


def _identity_of(folders: Set[str], old: Lake, new: Lake) -> str:
    """Identity that the artifacts in these folders have: by the index, else by what lies beside their files."""
    claimed: set[str] = set()
    for batch in _batches(map(upkeep.id_of, sorted(folders))):
        known = old.index.find(ARTIFACTS, {"_id": {"$in": batch}})
        claimed |= {str(document["lake_id"]) for document in known if document.get("lake_id")}
    if not claimed:
        claimed = {found for folder in folders if (found := _claim(new, folder))}
    if not claimed:
        raise ConfigError(
            f"{new.store.root} holds no lake: copy all that lies in {old.store.root} there first, .elliptio included."
        )
    if len(claimed) > 1:
        raise ConfigError(
            f"{new.store.root} holds artifacts of several lakes ({', '.join(sorted(claimed))}) and no "
            ".elliptio/lake.json that says which it is: copy that file there from the old place."
        )
    return claimed.pop()


def _claim(lake: Lake, folder: str) -> str | None:
    """Identity of the lake that an artifact was saved to, as far as that can be read."""
    try:
        document, _, _ = manifest_of(lake, folder)
    except (FormatError, FileNotFoundError):
        return None
    lake_id = document.get("lake_id")
    return lake_id if isinstance(lake_id, str) else None


def _is_same(old: Lake, lake_id: str) -> bool:
    """Tell whether this is, or may be, the identity of the lake at the old place."""
    if not old.shared and old.index.count(ARTIFACTS, {"lake_id": lake_id}):
        return True
    try:
        there = old.known_id()
    except (StoreError, FormatError):
        there = None
    return there == lake_id or (there is None and (old.shared or old.is_empty()))


def _places(documents: Iterable[Document]) -> dict[str, str | None]:
    """List where artifacts lie, by their identifiers."""
    return {document["_id"]: document.get("remote_root") for document in documents}


def _carry(old: Lake, new: Lake, complete: Set[str]) -> int:
    """Take over from the old place's own index what holds at the new one; what is in that one's index stays.

    Whether an artifact is there or deleted is what the files at the new place say.
    """
    for batch in _batches(old.index.find(ENVIRONMENTS, {})):
        new.index.insert(ENVIRONMENTS, *batch)
    carried = 0
    for collection, lies in ((ARTIFACTS, True), (TOMBSTONES, False)):
        found = old.index.find(collection, {})
        wanted: Iterable[Document] = (entry for entry in found if (entry.get("remote_root") in complete) is lies)
        carried += sum(new.index.insert(collection, *batch) for batch in _batches(wanted))
    return carried


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
