"""Make one step: once, of all processes that would make it at the same time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elliptio.lake.claims import claimed
from elliptio.pipelines.catalog.versions import Version, Versions
from elliptio.pipelines.crafts.execution import Call, execute

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.provenance.collecting import Provenance

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """Hold what came of a step.

    Attributes
    ----------
    versions, values
        What it made, by name.
    loaded
        Identifiers of what it was made from.
    seconds
        How long it took.
    shared
        True where another process had made it meanwhile.

    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    seconds: float = 0.0
    shared: bool = False


def make(call: Call, catalog: Catalog, *, again: bool, seen: Provenance | None = None) -> Outcome:
    """Make a step, or take what another process makes of the same at the same time.

    Parameters
    ----------
    call
        The call.
    catalog
        Where its entries are.
    again
        True: make it, whatever is there.
    seen
        Code and environment, where a run around it has seen them a moment ago.

    """
    start = time.perf_counter()
    step = call.recipe.step
    saved = [one.name for one in call.craft.outputs if not one.volatile]
    if step is None or not saved or again:
        return _executed(call, catalog, start, seen)
    with claimed(catalog.handler.lake, step):
        versions = Versions(catalog.handler.lake, catalog.project)
        found = versions.made_by(step, fresh=True)
        whole = {name: found[name] for name in saved if name in found and not catalog.fault_of(name, found[name])}
        if len(whole) == len(saved) == len(call.craft.outputs):
            return Outcome(whole, seconds=time.perf_counter() - start, shared=True)
        return _executed(call, catalog, start, seen)


def _executed(call: Call, catalog: Catalog, start: float, seen: Provenance | None) -> Outcome:
    made = execute(call, catalog, seen)
    return Outcome(made.versions, made.volatiles, made.loaded, time.perf_counter() - start)
