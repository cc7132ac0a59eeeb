"""Tell what hangs on an artifact: if it is wrong, what else is, who built on it, and what reads it now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from elliptio.lake import run_records
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.protocols import Document


@dataclass(frozen=True)
class Consequences:
    """All that is wrong if an artifact is.

    Attributes
    ----------
    artifacts
        Identifiers of what was made of it, the nearest first; those of the deleted included.
    tags
        Names that it has, or one of these.
    people
        Who made these, or runs what reads one of them now; those first who come first.
    running
        Identifiers of runs that go on and read it or one of these, or made one.

    """

    artifacts: list[str]
    tags: list[str]
    people: list[str]
    running: list[str]


def consequences(
    nodes: Sequence[Node], links: Iterable[Link], asked: str, *, runs: Iterable[Document] = ()
) -> Consequences:
    """Follow what was made of an artifact.

    Parameters
    ----------
    nodes, links
        What `Lineage.nodes` and `Lineage.links` are, all generations down.
    asked
        The artifact that is wrong.
    runs
        Documents of other runs that may read one of these, such as all that go on.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with eio.mock_username("andy"), h.new(["data.csv"]) as data:
    ...     data.file.upload_string("1,2")
    >>> with eio.mock_username("brenda"), h.new(["model.txt"], based_on=data) as model:
    ...     model.file.upload_string("1.5")
    >>> h.tag(model, "prod")
    >>> lineage = h.lineage(data)
    >>> found = consequences(lineage.nodes(), lineage.links, data.artifact_id)
    >>> len(found.artifacts), found.tags, found.people, found.running
    (1, ['prod'], ['brenda'], [])

    """
    known = {node.artifact_id: node for node in nodes}
    children: dict[str, list[str]] = {}
    for child, parent in links:
        children.setdefault(parent, []).append(child)
    found = {asked: None}
    waiting = [asked]
    for identifier in waiting:
        for child in children.get(identifier, ()):
            if child not in found:
                found[child] = None
                waiting.append(child)
    below = [one for one in waiting[1:] if not isinstance(known.get(one), DeadEnd)]
    made = [known[one] for one in below if one in known]
    tags = {str(tag) for one in (asked, *below) if one in known for tag in known[one].document.get("tags") or ()}
    going = {str(run["_id"]): run for run in _going(made, runs, found.keys())}
    people = [node.document.get("username") for node in made] + [run.get("username") for run in going.values()]
    return Consequences(below, sorted(tags), list(dict.fromkeys(str(who) for who in people if who)), list(going))


def _going(made: Sequence[Node], runs: Iterable[Document], wrong: Iterable[str]) -> Iterable[Document]:
    """Yield the runs that go on and made or read one of these."""
    affected = set(wrong)
    for node in made:
        if node.run is not None and node.run.get("status") == run_records.RUNNING:
            yield node.run
    for run in runs:
        read = [one for name in ("used", "inherited") for one in run.get(name) or ()]
        if run.get("status") == run_records.RUNNING and not affected.isdisjoint(map(str, read)):
            yield run
