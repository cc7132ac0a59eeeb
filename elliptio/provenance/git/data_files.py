"""Know which files of a working tree are data that a lake keeps: they are no part of uncommitted changes."""

from __future__ import annotations

import os
import re
import weakref
from typing import Protocol

_IN_LAKE = re.compile(rb"(?:^|/)(?:\.elliptio/|\d{4}/\d\d/\d\d/[^/]+/\d{6}_artifact_[0-9a-f-]{36}/)")
"""Places below the root of a lake, which may be a folder of the working tree."""


class Keeper(Protocol):
    """Keep data at paths of this machine, with versions of its own."""

    def keeps(self, path: str) -> bool:
        """Tell whether it keeps what lies at an absolute path."""


_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()


def register(keeper: Keeper) -> None:
    """Let what somebody keeps be no part of uncommitted changes, as long as it lives."""
    _keepers.add(keeper)


def are_there() -> bool:
    """Tell whether somebody keeps data."""
    return bool(_keepers)


def lies_in_lake(path: bytes) -> bool:
    """Tell whether a path is one that a lake in a working tree makes."""
    return _IN_LAKE.search(path) is not None


def is_kept(toplevel: str, path: bytes) -> bool:
    """Tell whether somebody keeps a file of a working tree."""
    absolute = os.path.join(toplevel, os.fsdecode(path))
    return any(keeper.keeps(absolute) for keeper in list(_keepers))
