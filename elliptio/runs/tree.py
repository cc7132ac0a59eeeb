"""A run, those around it and in it, and what each of them made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from elliptio.artifacts.display import duration, error_of, model_name, parts_html, printable
from elliptio.artifacts.showing import ShownAsText
from elliptio.errors import DocumentNotFoundError
from elliptio.lake import dead_runs, run_records, spool
from elliptio.lake.lake import Lake
from elliptio.protocols import Document
from elliptio.runs.differing import differing

AT_ONCE = 1000
"""Runs whose artifacts are asked for in one query."""

MOST_FILES = 3

LOST = (run_records.FAILED, run_records.DEAD)
"""Statuses that are red where there are colours."""


@dataclass(eq=False)
class RunTree(ShownAsText):
    """A run with its place among others; ``print`` shows it with all that it holds.

    Of parameters it shows those by which runs of one name differ; a notebook shows in red what failed or was killed.

    Attributes
    ----------
    run_id, name, status
        What it is, and how it is: running, finished, failed, killed, or recorded. A handler's own run has no name and
        no status.
    document
        All that is recorded of it.
    parent
        The run around it.
    children
        The runs directly in it, the oldest first.
    artifacts
        Documents of the artifacts that it made itself, the oldest first; deleted ones have a field ``deleted``.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.run("search") as search, h.run("train"):
    ...     pass
    >>> print(h.runs.tree(search.run_id))
    run_...  search  finished  ...
    └─ run_...  train  finished  ...

    """

    document: Document = field(repr=False)
    parent: RunTree | None = field(default=None, repr=False)
    children: list[RunTree] = field(default_factory=list, repr=False)
    artifacts: list[Document] = field(default_factory=list, repr=False)
    run_id: str = field(init=False)
    name: str = field(init=False)
    status: str = field(init=False)

    def __post_init__(self) -> None:
        self.run_id, self.name, self.status = (str(self.document.get(name, "")) for name in ("_id", "name", "status"))

    @property
    def ancestors(self) -> list[RunTree]:
        """The runs around it, the nearest first."""
        found, one = [], self.parent
        while one is not None:
            found.append(one)
            one = one.parent
        return found

    @property
    def descendants(self) -> list[RunTree]:
        """All runs in it, as a tree shows them from top to bottom."""
        return [one for one, _, _ in self._walk()][1:]

    def _walk(self) -> Iterator[tuple[RunTree, str, str]]:
        """Yield it and all in it, each with what stands before its line, and before what is listed below it."""
        waiting = [(self, "", "")]
        while waiting:
            one, before, below = waiting.pop()
            yield one, before, below
            for number, child in enumerate(reversed(one.children)):
                corner, bar = ("├─ ", "│  ") if number else ("└─ ", "   ")
                waiting.append((child, below + corner, below + bar))

    def __str__(self) -> str:
        return "\n".join(before + status + after for before, status, after in self._lines())

    def _repr_html_(self) -> str:
        return parts_html(
            (before, status, after) if status in LOST else (before + status, "", after)
            for before, status, after in self._lines()
        )

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        """Yield each line: what stands before the status, the status, and what stands behind it."""
        params = differing(one.document for one, _, _ in self._walk())
        for one, before, below in self._walk():
            name = "  ".join(part for part in (one.run_id, one.name) if part)
            facts = "".join(f"  {fact}" for fact in one._facts(params[one.run_id]) if fact)
            yield printable(f"{before}{name}{'  ' if one.status else ''}"), printable(one.status), printable(facts)
            bar = "│  " if one.children else "   "
            for document in one.artifacts:
                yield printable(f"{below}{bar}{_artifact_line(document)}"), "", ""

    def _facts(self, params: str) -> list[str]:
        metrics = self.document.get("metrics")
        numbers = metrics.items() if isinstance(metrics, dict) else ()
        measured = [f"{name}={value:.4g}" for name, value in numbers if isinstance(value, int | float)]
        return [*error_of(self.document), duration(self.document), params, *measured]


def _artifact_line(document: Document) -> str:
    listed = document.get("file_relpaths")
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    names = [model_name(document)] if model_name(document) else names
    more = f" +{len(names) - MOST_FILES:,}" if len(names) > MOST_FILES else ""
    deleted = "(deleted)" if "deleted" in document else ""
    return "  ".join(part for part in (document["_id"], ", ".join(names[:MOST_FILES]) + more, deleted) if part)


def run_tree(lake: Lake, run_id: str, *, artifacts: bool = True) -> RunTree:
    """Put together the tree that a run is part of, and return its place in it. Who died meanwhile is recorded first.

    A handler's own run, outside of ``with h.run(…)``, is only known by what it made.

    Raises
    ------
    DocumentNotFoundError
        If there is no such run.
    IndexUnavailableError
        If the index cannot be reached.

    """
    spool.flush_if_any(lake)
    dead_runs.bury(lake)
    try:
        asked = run_records.get(lake, run_id)
    except DocumentNotFoundError:
        made = list(_artifacts(lake, [run_id])) if isinstance(run_id, str) else []
        if not made:
            raise
        return RunTree({"_id": run_id}, artifacts=made if artifacts else [])
    known = {document["_id"]: RunTree(document) for document in run_records.siblings(lake, str(asked.get("root")))}
    found = known.setdefault(asked["_id"], RunTree(asked))
    for one in known.values():
        parent = known.get(str(one.document.get("parent")))
        if parent is not None and one not in (parent, *parent.ancestors):
            one.parent = parent
            parent.children.append(one)
    if artifacts:
        wanted = [one.run_id for one in [found, *found.ancestors, *found.descendants]]
        for document in _artifacts(lake, wanted):
            known[document["run_id"]].artifacts.append(document)
    return found


def _artifacts(lake: Lake, run_ids: Sequence[str]) -> Iterator[Document]:
    for start in range(0, len(run_ids), AT_ONCE):
        wanted = {"run_id": {"$in": list(run_ids[start : start + AT_ONCE])}}
        yield from lake.find(wanted, sort=[("creation_time", 1)], limit=0, deleted=True)
