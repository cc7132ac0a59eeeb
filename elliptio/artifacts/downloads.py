"""Say by which ways files of a lake come to this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from elliptio.artifacts.cache import Cache


class Downloads(NamedTuple):
    """Ways of the files of a lake to this machine.

    Parameters
    ----------
    cache
        Where copies are kept; None keeps none.
    progress
        Whether long downloads show a bar.
    addressing
        How bucket names go into the URLs of those that are linked on S3.
    read
        Told the identifier of each artifact that a file was read of.

    """

    cache: Cache | None = None
    progress: bool = True
    addressing: str = "auto"
    read: Callable[[str], object] | None = None


PLAIN = Downloads()
