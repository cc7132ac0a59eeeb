"""A lake: a store, the index over it, and its identity. Reads and writes whole documents."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast

from elliptio import naming
from elliptio.artifacts.downloads import PLAIN, Downloads
from elliptio.documents import check_version, without_many_files
from elliptio.errors import DocumentNotFoundError, IndexUnavailableError
from elliptio.indexes.query import checking
from elliptio.lake import identity
from elliptio.protocols import Document, Index, Query, Sort, Store
from elliptio.stores.opening import open_store
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

T = TypeVar("T")

ARTIFACTS = "artifacts"
ENVIRONMENTS = "environments"
TOMBSTONES = "tombstones"
RUNS = "runs"
ENVIRONMENT_FIELDS = (
    "python_packages", "package_origins", "python", "platform", "cpu", "memory", "gpus", "container", "scheduler"
)  # fmt: skip
"""Top-level fields of an environment; a query over artifacts may use them as if they were the artifact's own."""

S3 = "s3://"

TOMBSTONE_FILE = "deleted.json"
"""Lies where an artifact was, and says who deleted it when."""

PAUSE_SECONDS = 30.0
"""So long after a failure of the index artifacts are saved without trying it again."""


class Lake:
    """A store and the index over it.

    Parameters
    ----------
    store, index
        Where bytes and documents lie.
    shared
        Whether the index may hold documents of other lakes too.
    downloads
        How files come to this machine.

    """

    def __init__(self, store: Store, index: Index, *, shared: bool, downloads: Downloads = PLAIN) -> None:
        self.store = store
        self.index = index
        self.shared = shared
        self.downloads = downloads
        # Whether somebody said where it is, and nobody is warned that nothing is found; said before the first save.
        self.named = self.quiet = False
        self.notice: Callable[[], None] | None = None
        self._environments: dict[str, Document] = {}
        self._lock = Lock()
        self._identity: str | None = None
        self._format_checked = False
        self._own: dict[type, Any] = {}
        # How often it was closed: what a module knows of the index may not hold after that.
        self.closed = 0
        self._paused_until = -math.inf
        self._failure = ""
        self._places: dict[str, Store] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"store": self.store, "index": self.index, "shared": self.shared, "downloads": self.downloads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def own(self, kind: type[T]) -> T:
        """Return what a module keeps of this lake as long as the process lives, made when it first asks."""
        found = self._own.get(kind)
        if found is None:
            found = self._own.setdefault(kind, kind())
        return cast("T", found)

    @property
    def lake_id(self) -> str:
        """Identity of the lake, made at its first use and kept beside its files."""
        if self._identity is None:
            with self._lock:
                self._identity = self._identity or identity.read(self.store, create=True)
        return self._identity or ""

    def known_id(self) -> str | None:
        """Identity of the lake if it has one yet: reading must not write."""
        if self._identity is None:
            self._identity = identity.read(self.store, create=False)
        return self._identity

    def check_format(self) -> None:
        """Refuse a lake of a newer elliptio, once; where its identity cannot be read, what can be read is not held up.

        Raises
        ------
        FormatError
            If a newer elliptio wrote it.

        """
        if not self._format_checked:
            identity.check_format(self.store)
            self._format_checked = True

    def place(self, link: str) -> tuple[Store, str]:
        """Store that holds the files of a link, and the prefix of their keys; of one bucket it is always the same.

        Raises
        ------
        MissingExtraError
            If it is on S3, and what that needs is not installed.

        """
        root, prefix = link, ""
        options: dict[str, Any] = {}
        if link.startswith(S3):
            bucket, _, prefix = link.removeprefix(S3).partition("/")
            root, options = f"{S3}{bucket}", {"addressing": self.downloads.addressing}
        if root not in self._places:
            self._places[root] = open_store(root, **options)
        return self._places[root], prefix

    def close(self) -> None:
        """Release the index's connections, and forget what is known of it: it may be another one next time."""
        self.index.close()
        self._environments.clear()
        self.closed += 1

    def add(self, environment: Mapping[str, Any], *documents: Mapping[str, Any]) -> None:
        """Publish documents; their environment goes first, so that no artifact refers to one that is not there.

        Raises
        ------
        IndexUnavailableError
            If the index fails, or did so in the last 30 seconds: not every save should wait for what is not there.

        """
        identifier = environment["_id"]
        with self.pausing():
            if identifier not in self._environments:
                self.index.insert(ENVIRONMENTS, environment)
                self._environments[identifier] = dict(environment)
            self.index.insert(ARTIFACTS, *documents)

    def record_run(self, document: Document) -> None:
        """Put the document of a run in the place of its older form; the environment in it goes where others are."""
        environment = document.get("environment")
        if environment and environment["_id"] not in self._environments:
            self.index.insert(ENVIRONMENTS, environment)
            self._environments[environment["_id"]] = dict(environment)
        self.index.replace(RUNS, {name: value for name, value in document.items() if name != "environment"})

    @contextlib.contextmanager
    def pausing(self) -> Iterator[None]:
        """Write to the index, unless it failed a moment ago; note if it fails.

        Raises
        ------
        IndexUnavailableError
            If the index fails, or did so in the last 30 seconds.

        """
        if time.monotonic() < self._paused_until:
            raise IndexUnavailableError(self._failure)
        try:
            yield
        except IndexUnavailableError as error:
            self._paused_until, self._failure = time.monotonic() + PAUSE_SECONDS, str(error)
            self._environments.clear()
            raise

    @property
    def is_paused(self) -> bool:
        """True where the index failed a moment ago."""
        return time.monotonic() < self._paused_until

    def reached(self) -> None:
        """Note that the index answers again."""
        self._paused_until = -math.inf

    def add_manifest(self, document: Document, environment: Mapping[str, Any]) -> bool:
        """Add what a ``metadata.json`` says, unless it is there or was deleted; tell whether it was added."""
        document = without_many_files(document)
        if environment.get("_id"):
            self.index.insert(ENVIRONMENTS, environment)
        return bool(self.index.insert(ARTIFACTS, document)) and self._still_there(document)

    def replace(self, document: Document) -> None:
        """Put a document in the place of its older form; of an artifact that was deleted meanwhile none stays."""
        self.index.replace(ARTIFACTS, document)
        self._still_there(document)

    def _still_there(self, document: Document) -> bool:
        """Tell whether an artifact was not deleted while it was being recorded; if it was, its document goes again."""
        # Whoever deletes writes the tombstone first and takes the document away last, so one of the two sees the other.
        if self.store.stat(f"{document['remote_root']}/{TOMBSTONE_FILE}") is not None:
            self.index.delete(ARTIFACTS, [document["_id"]])
            return False
        return True

    def get(self, artifact_id: str) -> Document:
        """Find the document of an artifact by its identifier or a unique beginning of it.

        Raises
        ------
        DocumentNotFoundError
            If there is none, or more than one; the message says which.

        """
        if not isinstance(artifact_id, str) or not artifact_id or not naming.is_utf8(artifact_id):
            raise DocumentNotFoundError(f"An artifact_id is a text such as 'artifact_0195…', not {artifact_id!r}.")
        found = by_identifier(partial(self.index.find, ARTIFACTS), artifact_id, "artifact_id", self._scope())
        if found is not None:
            return found
        tombstone = self.tombstone(artifact_id)
        if tombstone is not None:
            who, when = _deletion(tombstone)
            raise DocumentNotFoundError(f"{tombstone['_id']} was deleted by {who} at {when}.")
        hint = "h.find() or `elliptio find` lists what is there."
        if not artifact_id.startswith("artifact_"):
            tag, latest = f"tag:{artifact_id}", f"{artifact_id}:latest"
            hint = f"A tag is {tag!r}, the newest file of a name {latest!r}. {hint}"
        raise DocumentNotFoundError(
            f"Could not find a document with artifact_id={artifact_id!r} in {self.index.address}. {hint}"
        )

    def has(self, artifact_id: str) -> bool:
        """Tell whether the index has the document of exactly this artifact."""
        return any(True for _ in self.index.find(ARTIFACTS, self._scoped({"_id": artifact_id}), limit=1))

    def tombstone(self, artifact_id: str) -> Document | None:
        """Find what is left of a deleted artifact, by its identifier or a unique beginning of it."""
        with contextlib.suppress(DocumentNotFoundError):  # a beginning that fits several
            return by_identifier(partial(self.index.find, TOMBSTONES), artifact_id, "artifact_id", self._scope())
        return None

    def is_empty(self) -> bool:
        """Tell whether the index knows no artifact of this lake."""
        return not any(True for _ in self.index.find(ARTIFACTS, self._scoped({}), limit=1))

    def find(self, wanted: Query, *, sort: Sort, limit: int, deleted: bool = False) -> Iterator[Document]:
        """Documents of this lake's artifacts that match a normalized query; if `deleted`, tombstones among them."""
        resolved = self._resolved(wanted)
        found = self.index.find(ARTIFACTS, resolved, sort=sort, limit=limit)
        if not deleted:
            return found
        # Artifacts first: whoever deletes writes the tombstone before the document goes, so none is missed.
        documents = {document["_id"]: document for document in found}
        for tombstone in self.index.find(TOMBSTONES, resolved, sort=sort, limit=limit):
            documents.setdefault(tombstone["_id"], tombstone)
        if not sort and not limit:
            return iter(documents.values())
        from elliptio.indexes.query.ordering import sort_documents

        return iter(sort_documents(documents.values(), sort, limit))

    def count(self, wanted: Query, *, deleted: bool = False, limit: int = 0) -> int:
        """Count this lake's artifacts, and if `deleted` tombstones, that match; of each up to `limit`, if given."""
        resolved = self._resolved(wanted)
        collections = (ARTIFACTS, TOMBSTONES) if deleted else (ARTIFACTS,)
        return sum(self.index.count(name, resolved, limit=limit) for name in collections)

    def find_runs(self, wanted: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Documents of this lake's runs that match a normalized query."""
        return self.index.find(RUNS, self._scoped(wanted), sort=sort, limit=limit)

    def count_runs(self, wanted: Query, *, limit: int = 0) -> int:
        """Count this lake's runs that match, up to `limit`, if given."""
        return self.index.count(RUNS, self._scoped(wanted), limit=limit)

    def tombstones(self, wanted: Query) -> Iterator[Document]:
        """Find what is left of this lake's deleted artifacts that match a normalized query, in any order."""
        return self.index.find(TOMBSTONES, self._resolved(wanted))

    def deletions(self, artifact_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Tell who deleted which of these artifacts, and when."""
        wanted = self._scoped({"_id": {"$in": list(artifact_ids)}})
        return {tombstone["_id"]: _deletion(tombstone) for tombstone in self.index.find(TOMBSTONES, wanted)}

    def environment(self, environment_id: str | None) -> Document:
        """Look up an environment; empty where none is known. They never change, so each is read once."""
        if not isinstance(environment_id, str):
            return {}
        if environment_id not in self._environments:
            for found in self.index.find(ENVIRONMENTS, {"_id": environment_id}, limit=1):
                self._environments[environment_id] = found
        return self._environments.get(environment_id, {})

    def _resolved(self, wanted: Query) -> Query:
        resolved = checking.split_environment(wanted, ENVIRONMENT_FIELDS, self._matching_environments)
        return self._scoped(self._as_stored(resolved))

    def _matching_environments(self, wanted: Query) -> tuple[list[str], list[str]]:
        from elliptio.indexes.query.predicate import compile_query

        matches = compile_query(wanted)
        known = list(self.index.find(ENVIRONMENTS, {}))
        yes = [document["_id"] for document in known if matches(document)]
        return yes, [document["_id"] for document in known if not matches(document)]

    def _as_stored(self, wanted: Query) -> Query:
        """Ask for what documents hold: ``remote_root`` relative to the lake, and the identifier that has an index."""
        root = self.store.root.rstrip("/") + "/"

        def cut(value: Any) -> Any:
            if isinstance(value, str):
                return value.removeprefix(root)
            if isinstance(value, list):
                return [cut(item) for item in value]
            if isinstance(value, Mapping):
                return {name: cut(item) for name, item in value.items()}
            return value

        twin = {"artifact_id": "_id"} if "_id" not in wanted else {}
        return {
            twin.get(key, key): cut(value)
            if key == "remote_root"
            else [self._as_stored(part) for part in value]
            if key in ("$and", "$or", "$nor")
            else value
            for key, value in wanted.items()
        }

    def _scope(self) -> Query:
        """Condition that keeps to this lake, where the index may hold documents of others."""
        if not self.shared:
            self.check_format()
            return {}
        # A lake that has no identity yet has no artifacts either: nothing equals its missing one.
        return {"lake_id": self.known_id() or "none"}

    def _scoped(self, wanted: Query) -> Query:
        scope = self._scope()
        return {**scope, **wanted} if "lake_id" not in wanted or not scope else {"$and": [scope, wanted]}


def beginning_with(text: str) -> Query:
    """Ask for all whose identifier begins with a text."""
    return {"_id": {"$gte": text, "$lt": text + "\U0010ffff"}}


def by_identifier(
    find: Callable[..., Iterator[Document]], identifier: str, name: str, scope: Query = MappingProxyType({})
) -> Document | None:
    """Find the document of exactly this identifier, else the only one whose identifier begins with it.

    Parameters
    ----------
    find
        Asks the index, with ``sort`` and ``limit``.
    identifier
        The identifier, or its beginning.
    name
        What it is called in messages.
    scope
        What else must hold for it.

    Raises
    ------
    DocumentNotFoundError
        If several begin with it.
    FormatError
        If a newer elliptio wrote it.

    """
    found = list(find({**scope, "_id": identifier}, limit=1))
    if not found:
        found = list(find({**scope, **beginning_with(identifier)}, sort=[("_id", 1)], limit=3))
    if len(found) > 1:
        named = ", ".join(document["_id"] for document in found[:2])
        raise DocumentNotFoundError(f"More than one {name} begins with {identifier!r}: {named}, … Give more.")
    if found:
        check_version(found[0], f"The document of {found[0]['_id']}")
    return found[0] if found else None


def _deletion(tombstone: Document) -> tuple[str, str]:
    """Tell who deleted an artifact, and when."""
    deleted = tombstone.get("deleted") or {}
    when = deleted.get("time")
    return str(deleted.get("username")), (
        when.isoformat(timespec="milliseconds") if isinstance(when, datetime) else str(when)
    )
