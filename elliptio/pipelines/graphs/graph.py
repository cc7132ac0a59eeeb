"""The definition of a pipeline as a value, with a fingerprint."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.fingerprints import Fingerprint


class GraphCraft(NamedTuple):
    """A craft in a graph: what it takes and gives, and the digest of its code."""

    name: str
    function: str
    inputs: tuple[tuple[str, str, bool], ...]
    outputs: tuple[tuple[str, bool], ...]
    per: tuple[str, ...]
    cache: bool
    code: str


@dataclass(frozen=True)
class Graph:
    """The definition of a pipeline.

    Attributes
    ----------
    name
        That of the pipeline.
    crafts
        Its crafts, in order.

    Examples
    --------
    >>> from elliptio.pipelines import Craft, Pipeline, Volatile
    >>> @Craft()
    ... def one() -> Volatile("one"):
    ...     return 1
    >>> graph = (Pipeline("counting") + one).graph
    >>> graph.name, len(str(graph.fingerprint)), Graph.from_record(graph.as_record()) == graph
    ('counting', 64, True)

    """

    name: str
    crafts: tuple[GraphCraft, ...]

    @functools.cached_property
    def fingerprint(self) -> Fingerprint:
        """Fingerprint of all of it, the code of the crafts included; not of the folder where that lies."""
        return Fingerprint.from_string(json.dumps(self.as_record(), sort_keys=True))

    @property
    def inputs(self) -> list[str]:
        """Names of the entries that it reads and does not make, or makes of what they were before."""
        found: dict[str, None] = {}
        made = set(self.outputs)
        for craft in self.crafts:
            own = {name for name, volatile in craft.outputs if not volatile}
            names = [name for _, name, volatile in craft.inputs if not volatile]
            found.update({name: None for name in names if name not in made or name in own})
        return list(found)

    @property
    def outputs(self) -> list[str]:
        """Names of the entries that it makes."""
        names = [name for craft in self.crafts for name, volatile in craft.outputs if not volatile]
        return list(dict.fromkeys(names))

    def as_record(self) -> dict[str, Any]:
        """Shape it as it is kept."""
        return {
            "name": self.name,
            "crafts": [
                {
                    "name": craft.name,
                    "function": craft.function,
                    "inputs": [list(one) for one in craft.inputs],
                    "outputs": [list(one) for one in craft.outputs],
                    "per": list(craft.per),
                    "cache": craft.cache,
                    "code": craft.code,
                }
                for craft in self.crafts
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(
            record["name"],
            tuple(
                GraphCraft(
                    one["name"],
                    one["function"],
                    tuple((parameter, name, volatile) for parameter, name, volatile in one["inputs"]),
                    tuple((name, volatile) for name, volatile in one["outputs"]),
                    tuple(one["per"]),
                    one["cache"],
                    one["code"],
                )
                for one in record["crafts"]
            ),
        )


def graph_of(name: str, crafts: Sequence[CraftFunction], codes: Mapping[str, str]) -> Graph:
    """Make the graph of some crafts, given in their order; `codes` has the digest of each one's code."""
    return Graph(
        name,
        tuple(
            GraphCraft(
                craft.name,
                craft.qualified,
                tuple((one.parameter, one.name, one.volatile) for one in craft.inputs),
                tuple((one.name, one.volatile) for one in craft.outputs),
                craft.per,
                craft.cache,
                codes[craft.name] if craft.version is None else _versioned(codes[craft.name], craft.version),
            )
            for craft in crafts
        ),
    )


def _versioned(code: str, version: str) -> str:
    """Add the version that a user gave to the digest of a craft's code, as it counts as part of it."""
    return hashlib.sha256(f"{code} {version}".encode()).hexdigest()
