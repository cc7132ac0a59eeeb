"""Hold documents on MongoDB, or in a collection that the user gives (pymongo's or mongomock's)."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import ASCENDING, DESCENDING, IndexModel  # noqa: TID253  (this module loads when it is used)
from pymongo.errors import (  # noqa: TID253
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from elliptio.errors import ConfigError, IndexUnavailableError, QueryError
from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.indexes.links import Link, by_generations, links_of
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query, has_pattern
from elliptio.masking import hide_login, hide_password, hide_words
from elliptio.protocols import Document, Index, Query, Sort
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

DEFAULT_DATABASE = "elliptio"
TIMEOUTS = {"serverSelectionTimeoutMS": 5000, "connectTimeoutMS": 5000, "socketTimeoutMS": 60_000}
"""Options of a client, in milliseconds; a URL that says otherwise wins."""

BAD_VALUE = 2
"""MongoDB's error code for what it cannot answer, such as sorting by two lists of one document."""

STOPPED = (50, 51156)
"""Its codes for what took longer than it may, and for a regular expression that backtracks without end."""

LIMIT_MS = 50_000
"""Milliseconds that a query with a regular expression may take on the server; less than a client waits."""

_OPTIONS: CodecOptions[Any] = CodecOptions(tz_aware=True)


_in_memory = Lock()
"""Held by who replaces or reads documents of mongomock: it empties a document before it fills it again."""


class MongoIndex(Index):
    """Hold documents in a MongoDB database.

    Parameters
    ----------
    url
        ``mongodb://…/database``; the database is ``elliptio`` where the URL names none.
    collection
        Instead of a URL: a pymongo or mongomock collection for the artifacts. The other collections lie beside it,
        named after it (``<name>.environments``).

    """

    def __init__(self, url: str | None = None, *, collection: Any = None) -> None:
        if (url is None) == (collection is None):
            raise ConfigError("MongoIndex takes either a URL or a collection.")
        self._url = url
        self._given = collection
        self._client: Any = None
        self._pid = 0
        self._prepared: set[str] = set()
        # mongomock deviates from MongoDB in the meaning of queries (docs/queries.md), so ours decides there.
        self._in_memory = type(collection).__module__.split(".")[0] == "mongomock"
        if url is not None:
            self.address = hide_login(url)
            _check_url(url, self.address)
        else:
            self.address = f"the given collection {getattr(collection, 'full_name', collection)!s}"

    def __getstate__(self) -> dict[str, Any]:
        if self._url is None:
            raise TypeError("A handler on a given collection cannot be pickled: give the index as a URL instead.")
        return {"url": self._url}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["url"])  # type: ignore[misc]

    def insert(self, collection: str, *documents: Mapping[str, Any]) -> int:
        """Add the documents whose ``_id`` is not there, one after the other, and return how many were added."""
        added = 0
        with self._failures():
            target = self._collection(collection)
            self._prepare(collection, target)
            for document in documents:
                with contextlib.suppress(DuplicateKeyError):
                    target.insert_one(dict(document))
                    added += 1
        return added

    def replace(self, collection: str, document: Mapping[str, Any]) -> None:
        """Put a document in the place of the one with its ``_id``, or add it."""
        with self._failures():
            target = self._collection(collection)
            self._prepare(collection, target)
            with _in_memory if self._in_memory else contextlib.nullcontext():
                target.replace_one({"_id": document["_id"]}, dict(document), upsert=True)

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Find matching documents, lazily."""
        with self._failures():
            target = self._collection(collection)
            if self._in_memory:
                with _in_memory:
                    every = list(target.find({}))
                documents = filter(compile_query(query), map(_aware, every))
                yield from sort_documents(documents, sort, limit) if sort or limit else documents
                return
            cursor = target.find(dict(query))
            if sort or limit:
                cursor = cursor.sort([*sort, ("_id", sort[-1][1] if sort else ASCENDING)])
            if has_pattern(query):
                cursor = cursor.max_time_ms(LIMIT_MS)
            with contextlib.closing(cursor.limit(limit)) as found:
                yield from found

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        """Count the documents that match, up to a limit."""
        if self._in_memory:
            return sum(1 for _ in islice(self.find(collection, query), limit or None))
        bound = {"limit": limit} if limit else {}
        bound |= {"maxTimeMS": LIMIT_MS} if has_pattern(query) else {}
        with self._failures():
            return int(self._collection(collection).count_documents(dict(query), **bound))

    def links(self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0) -> list[Link]:
        """Follow ``based_on`` from some documents, a generation a query."""

        def step(generation: Sequence[str]) -> Iterator[Link]:
            wanted = set(generation)
            query = {"_id" if up else "based_on": {"$in": list(generation)}}
            for name in collections:
                for document in self._children_and_parents(name, query):
                    yield from (link for link in links_of(document) if link[not up] in wanted)

        with self._failures():
            return by_generations(step, ids, up=up, depth=depth)

    def _children_and_parents(self, collection: str, query: Query) -> Iterable[Document]:
        if self._in_memory:
            return self.find(collection, query)
        found: Iterable[Document] = self._collection(collection).find(query, {"based_on": 1})
        return found

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove the documents with these identifiers."""
        with self._failures():
            self._collection(collection).delete_many({"_id": {"$in": list(ids)}})

    def close(self) -> None:
        """Close the connections of a client that was made here; a given collection's stay."""
        if self._client is not None and self._pid == os.getpid():
            self._client.close()
        self._client = None

    def _collection(self, name: str) -> Any:
        if self._given is not None:
            target = self._given
            if name != "artifacts":
                prefix = "" if target.name == "artifacts" else f"{target.name}."
                target = target.database[prefix + name]
            return target if self._in_memory else target.with_options(codec_options=_OPTIONS)
        return self._database()[name].with_options(codec_options=_OPTIONS)

    def _database(self) -> Any:
        # A client must not cross a fork.
        if self._client is None or self._pid != os.getpid():
            from pymongo import MongoClient

            assert self._url is not None
            options: dict[str, Any] = {
                name: value for name, value in TIMEOUTS.items() if f"{name.lower()}=" not in self._url.lower()
            }
            if not re.search(r"[?&](w|journal|j)=", self._url):
                options["journal"] = True
            try:
                self._client = MongoClient(self._url, **options)
            except (InvalidURI, ConfigurationError, ValueError) as error:
                raise ConfigError(
                    f"The index {self.address} is not a MongoDB URL: {hide_words(str(error), self._url)}"
                ) from error
            self._pid = os.getpid()
            # Whoever forgets to close a handler should not read of it in a ResourceWarning.
            weakref.finalize(self, self._client.close)
        return self._client.get_default_database(DEFAULT_DATABASE)

    def _prepare(self, name: str, target: Any) -> None:
        """Make MongoDB's indexes, once, before the first document: readers need no right to make them."""
        if name in self._prepared or self._in_memory:
            return
        models = index_models(name)
        try:
            if models:
                target.create_indexes(models)
        except OperationFailure as error:
            log.warning("No indexes could be made in %s, so finding will be slow: %s", self.address, error)
        self._prepared.add(name)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OperationFailure as error:
            if error.code == BAD_VALUE:
                raise QueryError(f"MongoDB refuses this query: {(error.details or {}).get('errmsg', error)}") from error
            if error.code in STOPPED:
                raise QueryError(
                    f"MongoDB stopped this query: its regular expression takes more than {LIMIT_MS // 1000} seconds, "
                    "or backtracks without end, as (a+)+ does. Write it otherwise, or narrow the query by other "
                    "fields: "
                    f"{(error.details or {}).get('errmsg', error)}"
                ) from error
            raise IndexUnavailableError(_explained(error, self.address)) from error
        except PyMongoError as error:
            raise IndexUnavailableError(_explained(error, self.address)) from error


def _check_url(url: str, address: str) -> None:
    """Refuse what is no URL before anything is saved; the hosts behind ``mongodb+srv`` are asked for only when used."""
    if url.startswith("mongodb://"):
        from pymongo.uri_parser import parse_uri

        try:
            parse_uri(url)
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise ConfigError(f"The index {address} is not a MongoDB URL: {hide_words(str(error), url)}") from error


def index_models(collection: str) -> list[IndexModel]:
    """List MongoDB's indexes of one collection: one a path, and one for a lake's newest artifacts."""
    paths = INDEXED_PATHS.get(collection, ())
    models = [
        IndexModel([(f"{path[:-1]}$**" if path.endswith(".*") else path, ASCENDING)])
        for path in paths
        if path != "lake_id"
    ]
    if "lake_id" in paths:
        models.append(IndexModel([("lake_id", ASCENDING), ("creation_time", DESCENDING), ("_id", DESCENDING)]))
    return models


def _aware(value: Any) -> Any:
    """Give datetimes their zone: mongomock hands out naive ones, which are UTC."""
    if isinstance(value, dict):
        return {name: _aware(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_aware(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _explained(error: PyMongoError, address: str) -> str:
    if isinstance(error, ServerSelectionTimeoutError):
        # The driver's reason is followed by how long it waited, and by what it knows of each server.
        reason = re.sub(r" \(configured timeouts: [^)]*\)", "", str(error).partition(", Timeout: ")[0])
        return (
            f"The index {address} cannot be reached: {hide_password(reason)}. "
            "Is the server up, and the address right (host, port, tls, replicaSet)?"
        )
    if isinstance(error, OperationFailure) and error.code in (13, 18, 8000):
        return (
            f"The index {address} refused: {(error.details or {}).get('errmsg', error)}. Check the user and its roles."
        )
    return f"The index {address} failed: {hide_password(str(error))}"
