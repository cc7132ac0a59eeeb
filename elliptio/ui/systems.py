"""Tell which of the later systems a lake has something of: only those are in the navigation."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elliptio.errors import ElliptioError
from elliptio.lake import records

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.lake.lake import Lake

AGAIN = 5.0
"""Seconds after which it is asked again for what was not there."""

SOME = {"$gt": ""}


@dataclass(frozen=True)
class System:
    """One of the later systems: its name in addresses and on pages, the key that leads to it, whether there is any."""

    name: str
    title: str
    key: str
    has: Callable[[Lake], bool] = field(repr=False)


def _records(kind: str) -> Callable[[Lake], bool]:
    return lambda lake: next(records.find(lake, kind, {}, sort=(), limit=1), None) is not None


SYSTEMS = (
    System("pipelines", "Pipelines", "p", lambda lake: bool(lake.count_runs({"labels.pipeline": SOME}, limit=1))),
    System("catalog", "Catalog", "c", lambda lake: bool(lake.count({"entry.name": SOME}, limit=1))),
    System("snapshots", "Snapshots", "s", _records("snapshot")),
    System("models", "Models", "m", _records("models")),
    System("flows", "Flows", "f", lambda lake: bool(lake.count_runs({"labels.flow_id": SOME}, limit=1))),
)


@dataclass
class Systems:
    """Memory of those that were found: what is there once stays."""

    _found: set[str] = field(default_factory=set)
    _asked: float = float("-inf")

    def there(self, h: Handler) -> list[System]:
        """List those that the lake has something of; each is asked for by one question that ends at the first."""
        now = time.monotonic()
        if len(self._found) < len(SYSTEMS) and now - self._asked >= AGAIN:
            self._asked = now
            with contextlib.suppress(ElliptioError):  # the page itself says what is wrong
                self._found |= {one.name for one in SYSTEMS if one.name not in self._found and one.has(h.lake)}
        return [one for one in SYSTEMS if one.name in self._found]
