"""Tell lakes apart: the identity that each keeps beside its files."""

from __future__ import annotations

import json
import logging

from elliptio import naming
from elliptio.documents import NewerFormatError
from elliptio.errors import FormatError, StoreError
from elliptio.lake.json_files import FROM_BACKUP, read_json
from elliptio.protocols import Store
from elliptio.system.os_errors import damage_named

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
"""Version of the files of a lake, but those beside an artifact, that this elliptio writes."""


def read(store: Store, *, create: bool) -> str | None:
    """Read the identity of a lake; where it has none, make one, or return None.

    Raises
    ------
    FormatError
        If it is damaged, or a newer elliptio wrote it.

    """
    if store.stat(naming.LAKE_IDENTITY) is None:
        if not create:
            return None
        restore(store, naming.new_id("lake")[0])
    # Read back in every case: of two processes that made it at once, one won.
    found = read_json(store, naming.LAKE_IDENTITY)
    with damage_named(f"{store.root}/{naming.LAKE_IDENTITY}", FROM_BACKUP):
        if not isinstance(found["lake_id"], str):
            raise TypeError("lake_id is no text")
    return str(found["lake_id"])


def restore(store: Store, lake_id: str) -> None:
    """Write the identity of a lake that has none; one that is there stays."""
    moment = naming.moment_of(lake_id)
    identity = {"lake_id": lake_id, "creation_time": moment and moment.isoformat(), "version": FORMAT_VERSION}
    store.create(naming.LAKE_IDENTITY, json.dumps(identity, indent=1).encode() + b"\n")


def check_format(store: Store) -> None:
    """Refuse a lake of a newer elliptio; where its identity cannot be read, what can be read is not held up.

    Raises
    ------
    FormatError
        If a newer elliptio wrote it.

    """
    try:
        read_json(store, naming.LAKE_IDENTITY)
    except NewerFormatError:
        raise
    except (StoreError, FormatError) as error:
        log.debug("%s", error)
