"""Files that pages need besides themselves: a fixed list, read once. No request names a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).with_name("static")


@dataclass(frozen=True)
class Asset:
    """A file of this package.

    Attributes
    ----------
    content, media
        What it holds, and of what kind that is.
    version
        Stands in its URL, so that a newer one is asked for.

    """

    content: bytes
    media: str

    @property
    def version(self) -> str:
        """Beginning of its hash."""
        return hashlib.sha256(self.content).hexdigest()[:12]


def _read(name: str, media: str) -> Asset:
    return Asset(_FOLDER.joinpath(name).read_bytes(), media)


ASSETS = {
    "style.css": _read("style.css", "text/css; charset=utf-8"),
    "keys.js": _read("keys.js", "text/javascript; charset=utf-8"),
    "drop.js": _read("drop.js", "text/javascript; charset=utf-8"),
    "brush.js": _read("brush.js", "text/javascript; charset=utf-8"),
    "live.js": _read("live.js", "text/javascript; charset=utf-8"),
    "logo.svg": _read("logo.svg", "image/svg+xml"),
}
