"""Take the snapshot of a turn: its graph, its parameters, and the exact artifacts that it took and made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.lake.view import view_of
from elliptio.pipelines.builds.sources import Pending
from elliptio.pipelines.builds.turn import Turn
from elliptio.pipelines.catalog.keys import Keys, canonical
from elliptio.pipelines.catalog.types import USUAL, class_of
from elliptio.pipelines.catalog.versions import Version
from elliptio.pipelines.crafts.binding import bind
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.fingerprints import Fingerprint, UnknownValueError
from elliptio.pipelines.crafts.recipes import PLAIN, classes_in, shown
from elliptio.pipelines.errors import CraftDefinitionError
from elliptio.pipelines.graphs.graph import Graph
from elliptio.pipelines.snapshots.partitions import Partition, partition_of
from elliptio.pipelines.snapshots.snapshot import Snapshot
from elliptio.provenance.redaction import redact_values

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.session import BaseSession


def recorded(value: Any) -> Any:
    """Shape a parameter as a run records it."""
    if isinstance(value, Mapping):
        return {str(name): recorded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [recorded(one) for one in value]
    return shown(value)


class _Made(Mapping[str, Sequence[Partition]]):
    """Partitions of what a build made, by the name of the entry: shaped when they are asked for, which is seldom."""

    def __init__(self, versions: Mapping[str, Mapping[Keys, Version | Pending]]) -> None:
        self._versions = versions

    def __getitem__(self, name: str) -> list[Partition]:
        return [partition_of(version) for version in self._versions[name].values() if isinstance(version, Version)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)


def of_build(
    session: BaseSession, graph: Graph, crafts: Sequence[CraftFunction], turn: Turn, *, made: bool
) -> Snapshot:
    """Take the snapshot of a build, and keep it; `made` tells whether the build made anything."""
    return _kept(session, graph, crafts, turn, _Made(turn.sources.made()), unless_known=not made)


def of_inputs(session: BaseSession, graph: Graph, crafts: Sequence[CraftFunction], turn: Turn) -> Snapshot:
    """Take the snapshot of what a build would take, and keep it."""
    return _kept(session, graph, crafts, turn, {}, unless_known=True)


def _kept(
    session: BaseSession,
    graph: Graph,
    crafts: Sequence[CraftFunction],
    turn: Turn,
    outputs: Mapping[str, Sequence[Partition]],
    *,
    unless_known: bool,
) -> Snapshot:
    holds: dict[str, set[str]] = {}
    inputs = {name: _inputs(turn, crafts, name, holds) for name in graph.inputs}
    parameters = {craft.name: _parameters(turn, craft) for craft in crafts}
    held = {
        craft.name: code
        for craft, names in _held(crafts, parameters, holds, _classes(crafts, turn.catalog))
        if (code := session.codes.held(craft, names))
    }
    snapshot = Snapshot(
        graph,
        {name: redact_values(recorded(values)) for name, values in parameters.items()},
        inputs,
        _fingerprint(graph, parameters, inputs, held),
        session.catalog,
        session.backend,
        outputs,
        held=held,
    )
    if view_of(session.handler.lake).until is None:
        snapshot.keep(unless_known=unless_known)
    return snapshot


def _parameters(turn: Turn, craft: CraftFunction) -> dict[str, Any]:
    """Values that a craft has: those that it is given, for inputs too, or has by default, and of its entries' keys."""
    given = turn.asked.parameters.of(craft)
    try:
        bound = bind(craft, given, dict.fromkeys(craft.per))
        found = {**bound.parameters, **bound.given}
    except CraftDefinitionError:
        found = {name: value for name, value in given.items() if name in craft.parameters}
    found = {
        name: value
        for name, value in found.items()
        if name not in craft.per and name not in craft.keys_otherwise_spelled
    }
    entries = [turn.catalog[entry] for entry in craft.entries if entry in turn.catalog]
    keys = {name.lower(): name for entry in entries for name in entry.keys}
    more = {name: value for name, value in given.items() if name not in found and name.lower() in keys}
    return {**found, **{keys[name.lower()]: canonical(value) for name, value in more.items()}}


def _classes(crafts: Sequence[CraftFunction], catalog: Catalog) -> dict[str, list[str]]:
    """Name the users' classes that load and save entries, ``module:Class``, by the names of the entries."""
    types = {name: catalog[name].type for craft in crafts for name in craft.entries if name in catalog}
    own = {name: class_of(type) for name, type in types.items() if type not in USUAL}
    return {name: [f"{cls.__module__}:{cls.__qualname__}" for cls in some] for name, some in own.items() if some}


def _held(
    crafts: Sequence[CraftFunction],
    parameters: Mapping[str, Mapping[str, Any]],
    holds: Mapping[str, set[str]],
    classes: Mapping[str, Sequence[str]],
) -> Iterator[tuple[CraftFunction, list[str]]]:
    """Name the code that crafts are given: in pickles among the inputs, by classes of parameters and of entries."""
    for craft in crafts:
        found: list[str] = []
        # Plain loops without a call: this is asked of every craft, and mostly there is nothing.
        if holds:
            for one in craft.inputs:
                found += holds.get(one.name, ())
        if classes:
            for entry in craft.entries:
                found += classes.get(entry, ())
        values = parameters[craft.name]
        for name in values:
            if values[name].__class__ not in PLAIN:
                found += [f"{cls.__module__}:{cls.__qualname__}" for cls in classes_in(values[name])]
        if found:
            yield craft, sorted({*found})


def _inputs(turn: Turn, crafts: Sequence[CraftFunction], name: str, holds: dict[str, set[str]]) -> list[Partition]:
    """List the partitions of an input that the crafts can take: all that fit the keys that are given.

    What pickles among them hold of the project's code is added to `holds`.
    """
    if name not in turn.catalog or turn.catalog[name].is_custom:
        return []
    found: dict[Keys, Version] = {}
    for craft in crafts:
        given = turn.asked.parameters.of(craft)
        values = given.keys() - set(craft.per)
        taken = [one for one in craft.inputs if one.name == name and not one.volatile and one.parameter not in values]
        if not taken:
            continue
        needed = any(one.is_needed for one in taken)
        known = {each.lower(): value for each, value in {**craft.defaults, **given}.items()}
        entry = turn.catalog[name]
        fixed = Keys({each: known[each.lower()] for each in entry.keys if each.lower() in known})
        if entry.is_query and entry.keys:
            turn.sources.ask(entry, fixed)
        some = {
            keys: version
            for keys, version in turn.sources.of(name, before=True).items()
            if isinstance(version, Version) and all(keys[each] == value for each, value in fixed.items())
        }
        if not some and needed:
            raise turn.sources.no_data(entry, fixed)
        found.update(some)
    for version in found.values():
        if version.holds:
            holds.setdefault(name, set()).update(version.holds)
    return [partition_of(version) for _, version in sorted(found.items())]


def _fingerprint(
    graph: Graph,
    parameters: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, Sequence[Partition]],
    held: Mapping[str, Mapping[str, str]],
) -> Fingerprint:
    parts = [Fingerprint.from_string("snapshot"), graph.fingerprint]
    for craft in sorted(parameters):
        for name in sorted(parameters[craft]):
            value = parameters[craft][name]
            try:
                parts.append(Fingerprint.of((craft, name, value)))
            except UnknownValueError:
                parts.append(Fingerprint.of((craft, name, repr(value))))
    for name in sorted(inputs):
        for one in inputs[name]:
            parts.append(Fingerprint.of((name, dict(one.keys.items()), str(one.content_fingerprint))))
    parts += [Fingerprint.of((craft, dict(codes))) for craft, codes in sorted(held.items())]
    return parts[0].combine(*parts[1:])
