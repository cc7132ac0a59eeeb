"""A snapshot: a graph plus the exact artifacts of its inputs and outputs. It reads those for ever."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from elliptio.pipelines.arguments import check_name, keys_in, refused
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.crafts.fingerprints import Fingerprint
from elliptio.pipelines.crafts.recipes import held_codes, held_lines
from elliptio.pipelines.errors import MissingKeysError, UnknownNameError, VersionNotFoundError
from elliptio.pipelines.graphs.graph import Graph
from elliptio.pipelines.snapshots.partitions import Partition, first_of

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.snapshots.connections import Backend, Connection


class Snapshot:
    """A graph plus the exact artifacts of its inputs and outputs.

    Attributes
    ----------
    graph
        The definition of the pipeline.
    parameters
        Values that each craft had, defaults included, by its name.
    inputs
        Partitions of its inputs, by the name of the entry.
    fingerprint
        Stands for graph, parameters and inputs, with the code that they hold; `id` is its text.
    held
        Digests of the code that crafts are given by the name of the craft: in pickles, by the classes of parameters.
    tagged
        Partitions of outputs that it had when it was given the tag that it was read by, where others were made first.

    """

    def __init__(
        self,
        graph: Graph,
        parameters: Mapping[str, Mapping[str, Any]],
        inputs: Mapping[str, Sequence[Partition]],
        fingerprint: Fingerprint,
        catalog: Catalog | None = None,
        backend: Backend | None = None,
        outputs: Mapping[str, Sequence[Partition]] | None = None,
        entries: Mapping[str, Mapping[str, Any]] | None = None,
        held: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.graph = graph
        self.parameters = {name: dict(values) for name, values in parameters.items()}
        self.inputs = {name: tuple(partitions) for name, partitions in inputs.items()}
        self.fingerprint = fingerprint
        self._catalog = catalog
        self._backend = backend
        self._made = outputs
        self._entries = entries
        self.held = {name: dict(codes) for name, codes in (held or {}).items()}
        self.tagged: Mapping[str, Sequence[Partition]] = {}

    @functools.cached_property
    def _outputs(self) -> dict[str, tuple[Partition, ...]] | None:
        return None if self._made is None else {name: tuple(some) for name, some in self._made.items()}

    @functools.cached_property
    def entries(self) -> dict[str, Mapping[str, Any]]:
        """Types and options of entries as they were then, by name: a catalog may say something else later."""
        if self._entries is not None or self._catalog is None:
            return dict(self._entries or {})
        names = [*self.inputs, *self.graph.outputs]
        return {
            name: {"type": self._catalog[name].type, "load_options": dict(self._catalog[name].load_options)}
            for name in dict.fromkeys(names)
            if name in self._catalog and not self._catalog[name].is_custom
        }

    @property
    def id(self) -> str:
        """Its fingerprint as a text."""
        return str(self.fingerprint)

    @property
    def name(self) -> str:
        """Name of its graph."""
        return self.graph.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and (other.name, other.fingerprint) == (self.name, self.fingerprint)

    def __hash__(self) -> int:
        return hash((self.name, self.fingerprint))

    def __repr__(self) -> str:
        return f"Snapshot({self.name!r}, {self.id[:12]})"

    # --- what it holds ---

    @property
    def outputs(self) -> Mapping[str, tuple[Partition, ...]]:
        """Partitions of what was made, by the name of the entry; those that the backend knows of.

        Of what was made again of the same, as ``refresh=True`` and ``cache=False`` do, it holds what was made first.
        """
        if self._outputs is not None and (self._outputs or self._backend is None):
            return self._outputs
        if self._backend is None:
            return {}
        with self._backend.connect() as connection:
            found = {name: connection.read_snapshot_partitions(self, name, name) for name in self.graph.outputs}
        return {name: first_of([*self.tagged.get(name, ()), *some]) for name, some in found.items() if some}

    def load(self, name: str, *, keys: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Load the value of an input or an output, as it was then; it counts as loaded.

        Parameters
        ----------
        name
            Of the entry.
        keys, more
            Values of its keys.

        Raises
        ------
        UnknownNameError
            If the graph has no such entry.
        VersionNotFoundError
            If it was not made.
        MissingKeysError
            If it has several partitions.

        """
        check_name("name", name)
        found = self._partition(name, {**more, **keys_in("keys=", keys)})
        catalog = self._at()
        entry = self.entries.get(name)
        assert found.artifact_id is not None
        if entry is None:
            return catalog.handler.get(found.artifact_id).file.load()
        known = Entry(name, entry["type"], {}, entry["load_options"])
        from elliptio.pipelines.catalog import types

        artifact = catalog.handler.get(found.artifact_id)
        return artifact.file.load(format=types.format_of(known.type), **known.load_options)

    def _at(self) -> Catalog:
        if self._catalog is None:
            from elliptio.pipelines import active

            self._catalog = active.session().catalog
        return self._catalog

    def _partition(self, name: str, keys: Mapping[str, Any]) -> Partition:
        known = {**self.outputs, **{each: some for each, some in self.inputs.items() if each not in self.graph.outputs}}
        if name not in known:
            from elliptio.formats.libraries import meant

            every = [*self.inputs, *self.graph.outputs]
            if name in every:
                raise VersionNotFoundError(
                    f"No data found for {name!r}: it was not made in the snapshot {self.id[:12]}."
                )
            raise UnknownNameError(f"The snapshot {self.id[:12]} has no {name!r}; {meant(name, every)}")
        names = {each.lower(): each for one in known[name] for each in one.keys}
        wanted = Keys({names.get(each.lower(), each): value for each, value in keys.items()})
        fits = [one for one in known[name] if all(one.keys.get(each) == value for each, value in wanted.items())]
        if not fits:
            raise VersionNotFoundError(f"No data found for {name!r} ({wanted}) in the snapshot {self.id[:12]}.")
        if len(fits) > 1:
            left = [each for each in fits[0].keys if each not in wanted]
            raise MissingKeysError(f"{name!r} has {len(fits)} partitions in this snapshot: pass {', '.join(left)}.")
        return fits[0]

    @property
    def artifacts(self) -> pd.DataFrame:
        """List all artifacts: ``entry``, ``keys``, ``role`` (input, output), ``artifact_id``, ``fingerprint``."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["entry", "keys", "role", "artifact_id", "fingerprint"])

    def rows(self) -> list[dict[str, Any]]:
        """List all artifacts as plain values."""
        return [
            {
                "entry": name,
                "keys": dict(one.keys),
                "role": role,
                "artifact_id": one.artifact_id,
                "fingerprint": str(one.content_fingerprint),
            }
            for role, some in (("input", self.inputs), ("output", self.outputs))
            for name, partitions in some.items()
            for one in partitions
        ]

    def diff(self, other: Snapshot) -> pd.DataFrame:
        """Tell what differs from another one.

        Returns
        -------
        pandas.DataFrame
            A row each: ``what`` (craft, parameter, input, output), ``name``, ``here``, ``there``.

        Raises
        ------
        TypeError
            If the other is no snapshot.

        """
        if not isinstance(other, Snapshot):
            raise TypeError(
                f"A snapshot is compared with another one, not with {other!r}: build.snapshot, p.snapshot() or "
                "Snapshot.from_tag(…) gives one."
            )
        import pandas as pd

        return pd.DataFrame(self.differences(other), columns=["what", "name", "here", "there"])

    def differences(self, other: Snapshot) -> list[tuple[str, str, Any, Any]]:
        """List what differs from another one: what it is, its name, here, there."""
        rows: list[tuple[str, str, Any, Any]] = []
        rows += _unequal("craft", *(_codes(one) for one in (self, other)))
        values = [
            {f"{craft}.{name}": value for craft, some in one.parameters.items() for name, value in some.items()}
            for one in (self, other)
        ]
        rows += _unequal("parameter", *values)
        for what in ("inputs", "outputs"):
            some = [_by_name(getattr(one, what)) for one in (self, other)]
            rows += _unequal(what[:-1], *some)
        return rows

    # --- keeping it ---

    def tag(self, name: str, overwrite: bool = False) -> None:
        """Give it a name that can move to another snapshot of the same graph later.

        Raises
        ------
        SnapshotTagTakenError
            If the tag names one already, unless `overwrite`.

        """
        with self._connectable().connect() as connection:
            connection.write_snapshot_tag(self, name, overwrite)

    @classmethod
    def from_tag(cls, graph_name: str, tag: str, connectable: Backend | Connection | None = None) -> Snapshot:
        """Read the snapshot of a graph that a tag names.

        Raises
        ------
        SnapshotNotFoundError
            If there is no such tag.

        """
        if connectable is None:
            from elliptio.pipelines import active

            connectable = active.session().backend
        if not callable(getattr(connectable, "connect", None)):
            raise refused("connectable", "a Backend or a Connection, such as sess.backend", connectable)
        with connectable.connect() as connection:
            return connection.read_snapshot_tag(graph_name, tag)

    def keep(self, *, unless_known: bool = False) -> None:
        """Write it, its graph and its partitions; what is there already stays.

        Parameters
        ----------
        unless_known
            Nothing was made: if it is known, so are its partitions.

        """
        with self._connectable().connect() as connection:
            connection.write_built(self, self._made or {}, unless_known=unless_known)

    def _connectable(self) -> Backend:
        if self._backend is None:
            from elliptio.pipelines import active

            self._backend = active.session().backend
        return self._backend

    def as_record(self) -> dict[str, Any]:
        """Shape it as it is kept, without its outputs."""
        record = {
            "graph": str(self.graph.fingerprint),
            "fingerprint": self.id,
            "parameters": self.parameters,
            "entries": self.entries,
            "inputs": {name: [one.as_record() for one in some] for name, some in self.inputs.items()},
        }
        if self.held:
            record["held"] = {name: held_lines(codes) for name, codes in self.held.items()}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any], graph: Graph, backend: Backend, catalog: Catalog | None) -> Self:
        """Read it back."""
        inputs = {name: [Partition.from_record(one) for one in some] for name, some in record["inputs"].items()}
        fingerprint = Fingerprint.from_hex(record["fingerprint"])
        held = {name: held_codes(some) for name, some in record.get("held", {}).items()}
        return cls(graph, record["parameters"], inputs, fingerprint, catalog, backend, None, record["entries"], held)


def _codes(snapshot: Snapshot) -> dict[str, str]:
    """Digest the code of each craft, and that which it is given."""
    found = {craft.name: craft.code[:12] for craft in snapshot.graph.crafts}
    for craft, codes in snapshot.held.items():
        found |= {f"{craft}, given {name.replace(':', '.')}": code[:12] for name, code in codes.items()}
    return found


def _unequal(what: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
    names = sorted({*here, *there})
    return [(what, name, here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)]


def _by_name(partitions: Mapping[str, Sequence[Partition]]) -> dict[str, str]:
    return {
        f"{name} ({one.keys})" if one.keys else name: str(one.content_fingerprint)[:12]
        for name, some in partitions.items()
        for one in some
    }
