"""Follow what an artifact was made from, and what was made of it, over all generations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import DocumentNotFoundError, QueryError
from elliptio.finding.fields import DELETED
from elliptio.lake import dead_runs
from elliptio.lake.lake import ARTIFACTS, TOMBSTONES, Lake, beginning_with
from elliptio.lineage.drawing import notation
from elliptio.lineage.drawing.nodes import Link, Node
from elliptio.lineage.drawing.svg import picture_html, svg
from elliptio.lineage.drawing.tree import tree
from elliptio.lineage.lost_runs import lost_runs
from elliptio.protocols import Document, Query
from elliptio.system.collector import uncollected

if TYPE_CHECKING:
    import networkx
    import pandas as pd

Direction = Literal["both", "up", "down"]

AT_ONCE = 1000
"""Documents read in one query."""

MOST_BOXES = 300


@dataclass(frozen=True)
class Lineage(ShownAsText):
    """The artifacts that one was made from, and those that were made of it.

    Attributes
    ----------
    artifact_id
        The artifact that was asked about.
    ancestors, descendants
        Identifiers, nearest first, those of the deleted included.
    links
        (child, parent) pairs of identifiers.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as data:
    ...     data.file.upload_string("1,2")
    >>> with h.new(["model.txt"], based_on=data) as model:
    ...     model.file.upload_string("1.5")
    >>> lineage = h.lineage(model)
    >>> lineage.ancestors == [data.artifact_id]
    True
    >>> print(lineage)
    ┌─ artifact_...  data.csv  ...
    ▶ artifact_...  model.txt  ...

    """

    artifact_id: str
    ancestors: list[str]
    descendants: list[str]
    links: list[Link] = field(repr=False)
    _lake: Lake = field(repr=False, compare=False)
    _depth: int | None = field(default=0, repr=False, compare=False)
    """So many generations of what was made of it were followed; None: all."""

    def __len__(self) -> int:
        return len(self.ancestors) + 1 + len(self.descendants)

    def nodes(self) -> list[Node]:
        """List all artifacts of the lineage, oldest generation first."""
        generations = _generations(self.artifact_id, self.links, up=False)
        above = _generations(self.artifact_id, self.links, up=True)
        generations |= {identifier: -above[identifier] for identifier in self.ancestors}
        wanted = [*reversed(self.ancestors), self.artifact_id, *self.descendants]
        known = _read(partial(self._lake.find, sort=(), limit=0, deleted=True), wanted)
        run_ids = {str(document.get("run_id")) for document in known.values()}
        runs = _read(self._lake.find_runs, sorted(run_ids))

        def node(identifier: str) -> Node:
            document = known.get(identifier)
            facts = document or {}
            run = runs.get(str(facts.get("run_id")))
            return Node(identifier, generations.get(identifier, 0), _state(document), facts, run)

        return [node(identifier) for identifier in wanted]

    def drawn(self) -> tuple[list[Node], list[Link]]:
        """List artifacts and links, and as dead ends the runs that loaded one of them but failed or were killed."""
        if self._depth == 0:
            return self.nodes(), self.links
        dead_runs.bury(self._lake)
        nodes = self.nodes()
        ends = lost_runs(self._lake, nodes, self._depth)
        return [*nodes, *(end for end, _ in ends)], [*self.links, *(link for _, links in ends for link in links)]

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row an artifact, oldest generation first.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``artifact_id``; columns ``generation``, ``state``, ``creation_time`` (UTC), ``username``,
            ``file_relpaths``, ``labels``, ``run_id``, ``based_on``.

        """
        import pandas as pd

        from elliptio.finding.table import Table

        nodes = self.nodes()
        names = ("username", "file_relpaths", "labels", "run_id", "based_on")
        times = [node.document.get("creation_time") for node in nodes]
        data: dict[str, Any] = {
            "generation": pd.Series([node.generation for node in nodes], dtype="int64"),
            "state": pd.Series([node.state for node in nodes], dtype="object"),
            "creation_time": pd.Series(times, dtype="datetime64[ms, UTC]"),
        }
        data |= {name: pd.Series([node.document.get(name) for node in nodes], dtype="object") for name in names}
        frame = Table(data, index=range(len(nodes)))
        frame.index = pd.Index([node.artifact_id for node in nodes], dtype="object", name="artifact_id")
        return frame

    def to_networkx(self) -> networkx.DiGraph[str]:
        """Make a graph for algorithms: edges lead from parents to children. Needs the extra ``lineage``.

        Returns
        -------
        networkx.DiGraph
            Nodes are identifiers, with ``generation``, ``state``, ``creation_time``, ``username``, ``file_relpaths``,
            ``labels`` and ``run_id``.

        Raises
        ------
        MissingExtraError
            If networkx is not installed.

        """
        return notation.graph(self.nodes(), self.links)

    def to_mermaid(self) -> str:
        """Write a flowchart that GitHub, GitLab and JupyterLab draw in Markdown."""
        return notation.mermaid(*self.drawn(), self.artifact_id)

    def to_dot(self) -> str:
        """Write a graph for Graphviz."""
        return notation.dot(*self.drawn(), self.artifact_id)

    def to_svg(self, *, most: int = MOST_BOXES) -> str:
        """Draw a picture from left to right; a notebook shows it by itself.

        Runs of ``with h.run(…)`` stand, with round ends, between what they loaded and what they made, with those
        parameters by which they differ. Those that failed or were killed are red, also if they made nothing.
        The middle of long chains is folded, and so are many artifacts with the same neighbours.

        Parameters
        ----------
        most
            So many boxes are drawn, of the artifacts nearest to the one that was asked about.

        """
        return svg(*self.drawn(), self.artifact_id, most)

    def __str__(self) -> str:
        return tree(*self.drawn(), self.artifact_id)

    def __repr__(self) -> str:
        ancestors, descendants = len(self.ancestors), len(self.descendants)
        return f"<Lineage of {self.artifact_id}: {ancestors:,} ancestors, {descendants:,} descendants>"

    # Without _repr_svg_: notebooks would store the picture twice, and show this one.
    def _repr_html_(self) -> str:
        nodes, links = self.drawn()
        picture = svg(nodes, links, self.artifact_id, MOST_BOXES)
        return picture_html(picture, tree(nodes, links, self.artifact_id))


def lineage(lake: Lake, artifact_id: str, *, direction: Direction = "both", depth: int | None = None) -> Lineage:
    """Follow what artifacts are based on, both ways, in a query or two.

    Raises
    ------
    QueryError
        If the direction or the depth is none.
    DocumentNotFoundError
        If there is and was no such artifact.

    """
    if direction not in ("both", "up", "down"):
        raise QueryError(f"direction is 'both', 'up' or 'down', not {direction!r}.")
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise QueryError(f"depth is a number of generations, from 1, or None for all, not {depth!r}.")
    found = _identify(lake, artifact_id)
    links = partial(lake.index.links, (ARTIFACTS, TOMBSTONES), [found], depth=depth or 0)
    with uncollected():
        up = links(up=True) if direction != "down" else []
        down = links(up=False) if direction != "up" else []
        ancestors = dict.fromkeys([parent for _, parent in up])
        ancestors.pop(found, None)
        descendants = dict.fromkeys(child for child, _ in down if child != found and child not in ancestors)
        every = list(dict.fromkeys([*up, *down])) if up and down else up or down
    return Lineage(found, list(ancestors), list(descendants), every, lake, 0 if direction == "up" else depth)


def relatives(lake: Lake, *, ancestors_of: str | None, descendants_of: str | None) -> list[str] | None:
    """Identify all that an artifact was made from, or that was made of one, or both; None if not asked for."""
    found = []
    if ancestors_of is not None:
        found.append(set(lineage(lake, ancestors_of, direction="up").ancestors))
    if descendants_of is not None:
        found.append(set(lineage(lake, descendants_of, direction="down").descendants))
    return sorted(set.intersection(*found)) if found else None


def _identify(lake: Lake, artifact_id: str) -> str:
    """Find the identifier of an artifact, deleted or not, by a unique beginning of it."""
    try:
        return str(lake.get(artifact_id)["_id"])
    except DocumentNotFoundError:
        tombstone = lake.tombstone(artifact_id) if isinstance(artifact_id, str) and artifact_id else None
        # A beginning that artifacts have too is none of a deleted one alone.
        if tombstone is None or (tombstone["_id"] != artifact_id and _is_begun(lake, artifact_id)):
            raise
        return str(tombstone["_id"])


def _is_begun(lake: Lake, beginning: str) -> bool:
    """Tell whether the identifier of an artifact begins so."""
    return any(True for _ in lake.find(beginning_with(beginning), sort=[], limit=1))


def _read(find: Callable[[Query], Iterator[Document]], ids: Sequence[str]) -> dict[str, Document]:
    """Read documents by identifier, many in one query."""
    parts = (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
    return {document["_id"]: document for part in parts for document in find({"_id": {"$in": part}})}


def _state(document: Document | None) -> Literal["here", "deleted", "unknown"]:
    if document is None:
        return "unknown"
    return "deleted" if DELETED in document else "here"


def _generations(start: str, links: Iterable[Link], *, up: bool) -> dict[str, int]:
    """Measure the distance from an artifact to all that it reaches."""
    following: dict[str, list[str]] = {}
    for link in links:
        following.setdefault(link[not up], []).append(link[up])
    reached = {start: 0}
    waiting = [start]
    for identifier in waiting:
        for other in following.get(identifier, ()):
            if other not in reached:
                reached[other] = reached[identifier] + 1
                waiting.append(other)
    return reached
