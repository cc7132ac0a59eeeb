"""From settings and arguments to an open lake."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elliptio.artifacts.cache import Cache
from elliptio.artifacts.downloads import Downloads
from elliptio.config import NoHomeError, Setting, lake_root, size_in_bytes, user_cache_folder, user_data_folder
from elliptio.errors import ConfigError
from elliptio.indexes.opening import open_index
from elliptio.lake.lake import Lake
from elliptio.lake.project_places import notice_of
from elliptio.masking import hide_login
from elliptio.naming import LAKE_FOLDER
from elliptio.protocols import Index, Store
from elliptio.stores.opening import open_store

if TYPE_CHECKING:
    from elliptio.artifacts.file import RemoteFile

log = logging.getLogger(__name__)


def open_lake(
    settings: Mapping[str, Setting],
    root: str | os.PathLike[str] | Store | None = None,
    index: str | Index | None = None,
    *,
    collection: Any = None,
    remote_file_cls: type[RemoteFile] | None = None,
) -> Lake:
    """Open a lake: at `root` or where the settings say, over the given index, that of the settings, or its own.

    See `Handler` for the parameters.

    Raises
    ------
    ConfigError
        If the arguments contradict each other or the settings.

    """
    if collection is not None and (index is not None or settings["index"].origin == "argument"):
        raise ConfigError("Give either index= or collection=, not both.")
    index = None if isinstance(index, str) else index  # which the settings have
    _check_kinds(index, collection)
    if remote_file_cls is None:
        store = _open_store(settings, lake_root(settings) if root is None else root)
    else:
        store = _open_store_of(remote_file_cls, settings, root)
    if collection is not None:
        from elliptio.indexes.mongo import MongoIndex

        index = MongoIndex(collection=collection)
    downloads = Downloads(open_cache(settings), settings["progress"].value, settings["s3_addressing"].value)
    durable = settings["durability"].value == "full"
    if index is None and settings["index"].value:
        index = open_index(settings["index"].value, durable=durable)
    shared = index is not None
    lake = Lake(store, index or _own_index(store, settings, durable), shared=shared, downloads=downloads)
    lake.named = root is not None or remote_file_cls is not None or settings["root"].origin != "default"
    lake.notice = notice_of(settings, lake, root_given=root is not None)
    return lake


def open_cache(settings: Mapping[str, Setting]) -> Cache | None:
    """Find the cache that the settings ask for. Touches no disk."""
    cap = size_in_bytes(settings["cache_size"].value)
    try:
        return Cache(user_cache_folder(settings), cap) if cap else None
    except NoHomeError as error:
        log.info("There is no cache: %s", error)
        return None


def chosen_root(settings: Mapping[str, Setting], kind: type[RemoteFile]) -> str:
    """Choose the root of a lake that holds this kind of files by the settings.

    Raises
    ------
    ConfigError
        If a bucket is asked for and none is set.

    """
    from elliptio.artifacts.file import S3File

    root = settings["root"].value
    if kind is S3File:
        bucket = settings["s3_bucket_name"].value
        if bucket:
            return bucket if "://" in bucket else f"s3://{bucket}"
        if root and root.lower().startswith("s3://"):
            return str(root)
        raise ConfigError("No bucket is set: set ELLIPTIO_S3_BUCKET_NAME, or ELLIPTIO_ROOT=s3://bucket/prefix.")
    root = settings["local_root"].value or (root if root and "://" not in root else user_data_folder(settings) / "lake")
    return str(root)


def _check_kinds(index: Any, collection: Any) -> None:
    """Refuse now what would fail at the first use, with a message about something else."""
    if index is not None and not isinstance(index, Index):
        raise ConfigError(
            f"index= is a URL such as mongodb://host/db or sqlite:///path, or an Index, not {hide_login(repr(index))}."
        )
    # Asked of the type: a MongoDB database claims to have every attribute.
    kind = type(collection)
    if collection is not None and not (hasattr(kind, "find") and hasattr(kind, "insert_one")):
        raise ConfigError(f"collection= is a pymongo or mongomock collection, not {collection!r}.")


def _open_store_of(
    kind: type[RemoteFile], settings: Mapping[str, Setting], root: str | os.PathLike[str] | Store | None
) -> Store:
    """Open a store that holds this kind of files."""
    from elliptio.artifacts.file import FILE_CLASSES

    if kind not in FILE_CLASSES.values():
        raise ConfigError(f"remote_file_cls is eio.LocalFile or eio.S3File, not {kind!r}.")
    store = _open_store(settings, chosen_root(settings, kind) if root is None else root)
    if kind is not FILE_CLASSES.get(store.scheme):
        raise ConfigError(f"remote_file_cls does not go with the root {store.root!r}, which is {store.scheme}://.")
    return store


def _open_store(settings: Mapping[str, Setting], root: str | os.PathLike[str] | Store) -> Store:
    address = os.fspath(root) if isinstance(root, os.PathLike) else root
    if not isinstance(address, str):
        if isinstance(address, Store):
            return address
        raise ConfigError(
            f"The root is a folder, a URL such as s3://bucket/prefix, or a Store, not {hide_login(repr(root))}."
        )
    if address.lower().startswith("s3://"):
        lock = settings["s3_object_lock"].value
        return open_store(address, addressing=settings["s3_addressing"].value, object_lock=lock)
    return open_store(address, durable=settings["durability"].value == "full")


def _own_index(store: Store, settings: Mapping[str, Setting], durable: bool) -> Index:
    from elliptio.indexes.sqlite.index import SqliteIndex

    return SqliteIndex(_own_index_path(store, settings), durable=durable)


def _own_index_path(store: Store, settings: Mapping[str, Setting]) -> Path:
    """Choose where a lake's own index lies: inside a local lake; for others in the user's data folder, one a root."""
    if store.folder is not None:
        return Path(store.folder, LAKE_FOLDER, "index.sqlite")
    name = hashlib.sha256(store.root.encode()).hexdigest()[:16]
    return user_data_folder(settings) / "indexes" / f"{store.scheme}_{name}.sqlite"
