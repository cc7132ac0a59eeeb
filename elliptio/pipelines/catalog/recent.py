"""Read the newest versions of an entry from a lake, for who only looks at them: no more than so many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from elliptio.lake import records
from elliptio.lake.lake import Lake
from elliptio.lake.view import view_of
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import MOVE, History, Version, move_of, version_of
from elliptio.protocols import Document

MOST_MOVES = 2000


@dataclass
class Recent:
    """Versions of one entry.

    Attributes
    ----------
    documents
        Of their artifacts, the newest first.
    histories
        By their keys.
    is_cut
        Whether there are older ones.

    """

    documents: list[Document] = field(default_factory=list)
    histories: dict[Keys, History] = field(default_factory=dict)
    is_cut: bool = False

    def partitions(self) -> dict[Keys, Version]:
        """Return the current version of each combination of keys that has one, in their order."""
        found = {keys: history.current() for keys, history in self.histories.items()}
        return {keys: one for keys, one in sorted(found.items(), key=lambda pair: pair[0].order) if one is not None}


def recent(lake: Lake, project: str, name: str, most: int) -> Recent:
    """Read the newest versions of an entry, and which of them are current."""
    asked = view_of(lake).newest({"entry.name": name, "entry.project": project}, made_again=False)
    found = Recent()
    for document in lake.find(asked, sort=[("creation_time", -1)], limit=most + 1):
        if len(found.documents) == most:
            found.is_cut = True
            break
        found.documents.append(document)
        version = version_of(document)
        found.histories.setdefault(version.keys, History()).versions.append(version)
    query = {"about.entry": name, "about.project": project}
    for record in records.find(lake, MOVE, query, limit=MOST_MOVES):
        move = move_of(record)
        if move.keys in found.histories:
            found.histories[move.keys].moves += (move,)
    return found


def entries(lake: Lake, *, at_once: int, rounds: int) -> Iterator[Document]:
    """Yield the newest version of each entry, of the projects of a lake; of very many the newest."""
    known: dict[str, set[str]] = {}
    for _ in range(rounds):
        others = [
            {"$nor": [{"entry.project": project, "entry.name": {"$in": sorted(names)}}]}
            for project, names in known.items()
        ]
        query = {"$and": [{"entry.name": {"$gt": ""}}, *others]}
        asked = view_of(lake).newest(query, made_again=False)
        found = list(lake.find(asked, sort=[("creation_time", -1)], limit=at_once))
        for document in found:
            entry = document["entry"]
            if entry["name"] not in known.setdefault(entry["project"], set()):
                known[entry["project"]].add(entry["name"])
                yield document
        if len(found) < at_once:
            return
