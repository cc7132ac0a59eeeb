"""Accept changes of code that do not change results: what was made before them is taken as if made now."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elliptio.lake import records
from elliptio.pipelines import code
from elliptio.pipelines.builds.reasons import CODE
from elliptio.pipelines.catalog.versions import Versions
from elliptio.pipelines.coding import accept
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.recipes import held_codes
from elliptio.pipelines.errors import PipelineDefinitionError
from elliptio.pipelines.graphs.selection import selected
from elliptio.protocols import Document

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession


@dataclass(frozen=True)
class Acceptance:
    """A change of a craft's code that was accepted.

    Attributes
    ----------
    craft
        Name of the craft.
    changes
        What changed, in sentences.
    before, after
        Digests of its code.
    artifact_ids
        What was made before, and got a note of it.

    """

    craft: str
    changes: tuple[str, ...]
    before: str
    after: str
    artifact_ids: tuple[str, ...]


def accept_changes(
    session: BaseSession, crafts: Sequence[CraftFunction], names: str | Iterable[str] | None, reason: str
) -> list[Acceptance]:
    """Accept the changes of the code of some crafts, and of what they are given, since their outputs were made.

    Parameters
    ----------
    session, crafts
        Where, and those of the pipeline.
    names
        Which of them, as `select`; all without it.
    reason
        Why their results stay the same.

    Raises
    ------
    PipelineDefinitionError
        If there is no reason.
    SelectionError
        If the pipeline has no such craft.

    """
    if not isinstance(reason, str) or not reason.strip():
        raise PipelineDefinitionError(
            "Accepting a change of code needs a reason, a text: reason='only renamed a variable'."
        )
    wanted = selected(crafts, names)
    session.begin()
    versions = session.catalog.new_versions()
    found = []
    for craft in crafts:
        if craft.name in wanted and craft.cache and craft.outputs:
            one = _accepted(session, craft, versions, reason.strip())
            found += [one] if one is not None else []
    session.begin()
    return found


def _accepted(session: BaseSession, craft: CraftFunction, versions: Versions, reason: str) -> Acceptance | None:
    documents = _made(session, craft, versions)
    before = str(documents[0]["recipe"].get("code")) if documents else _before(session, craft)
    now, after = str(session.code_of(craft)["digest"]), session.whole_code_of(craft).digest
    changes: list[str] = []
    if before is None or before == now:
        before = now
    else:
        accept(session, craft, before, after, reason)
        changes += _changes(session, craft, before)
    held = _held(session, craft, documents)
    for name, old in held.items():
        accept(session, craft, old, session.codes.whole_held([name])[name], reason)
        changes.append(f"{name.replace(':', '.')}, which it is given, changed")
    if before == now and not held:
        return None
    noted = [one["_id"] for one in documents if before == one["recipe"].get("code") != now or _holds(one, held)]
    what = f" ({'; '.join(changes)})" if changes else ""
    note = f"Still what the craft {craft.name} makes, whose code changed since{what}: {reason}"
    for identifier in noted:
        session.handler.note(identifier, note)
    return Acceptance(craft.name, tuple(changes), before, after, tuple(noted))


def _held(session: BaseSession, craft: CraftFunction, documents: Iterable[Document]) -> dict[str, str]:
    """Find the code that a craft was given, in a pickle or by the class of a parameter, and that changed since."""
    before: dict[str, str] = {}
    for document in documents:
        for name, digest in held_codes(document["recipe"].get("held", ())).items():
            before.setdefault(name, digest)
    now = session.codes.held(craft, before)
    return {name: digest for name, digest in before.items() if name in now and now[name] != digest}


def _holds(document: Document, held: Mapping[str, str]) -> bool:
    return not held.items().isdisjoint(held_codes(document["recipe"].get("held", ())).items())


def _made(session: BaseSession, craft: CraftFunction, versions: Versions) -> list[Document]:
    """Read the documents of the current versions that a craft made, the newest first."""
    names = [one.name for one in craft.outputs if not one.volatile and one.name in session.catalog]
    current = [version for name in names for version in versions.partitions(name).values() if version.step is not None]
    ids = [version.artifact_id for version in sorted(current, key=lambda one: one.moment, reverse=True)]
    found = {
        document["_id"]: document for document in session.handler.lake.find({"_id": {"$in": ids}}, sort=(), limit=0)
    }
    documents = [found[identifier] for identifier in ids if identifier in found]
    return [one for one in documents if (one.get("recipe") or {}).get("craft") == craft.qualified]


def _before(session: BaseSession, craft: CraftFunction) -> str | None:
    """Find the code that a craft had when it last ran: what it makes is kept nowhere, its code is."""
    if not craft.is_volatile:
        return None
    query = {"about.craft": craft.qualified, "about.project": session.catalog.project}
    known = [str(document["record_id"]) for document in records.find(session.handler.lake, CODE, query)]
    return known[0] if known and session.whole_code_of(craft).digest not in known else None


def _changes(session: BaseSession, craft: CraftFunction, before: str) -> list[str]:
    documents = records.find(session.handler.lake, CODE, {"record_id": before}, limit=1)
    content: Any = next((document["content"] for document in itertools.islice(documents, 1)), None)
    if content is None:
        return []
    now = session.whole_code_of(craft)
    return [one for one in code.changes(content, now) if not _is_of_packages(one, now)]


def _is_of_packages(change: str, now: code.Code) -> bool:
    """Tell whether a sentence is of a package: its version is not part of the code, and is not accepted with it."""
    return change.partition(" ")[0] in now.distributions
