"""Select crafts of a pipeline, as dbt does: ``train``, ``+train``, ``train+``, ``tag:nightly``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import SelectionError
from elliptio.pipelines.graphs.order import dependencies


def selected(crafts: Sequence[CraftFunction], select: str | Iterable[str] | None) -> set[str]:
    """Return the names of the selected crafts, all without a selection.

    Parameters
    ----------
    crafts
        Those of the pipeline.
    select
        Names with ``+`` before (and what they need) or after (and what needs them), ``tag:NAME``; several in a list, or
        with spaces between them.

    Raises
    ------
    SelectionError
        If it names nothing.

    """
    if select is None:
        return {craft.name for craft in crafts}
    try:
        words = " ".join([select] if isinstance(select, str) else select).split()
    except TypeError as error:
        raise SelectionError(f"select= takes names of crafts, a text or several, not {select!r}.") from error
    if not words:
        raise SelectionError("select= names no craft: leave it out to run all.")
    needs = dependencies(crafts)
    needed_by: list[list[int]] = [[] for _ in crafts]
    for number, needed in enumerate(needs):
        for one in needed:
            needed_by[one].append(number)
    found: set[int] = set()
    for word in words:
        some = _named(crafts, word)
        found |= some
        if word.startswith("+"):
            found |= _reached(some, needs)
        if word.endswith("+"):
            found |= _reached(some, needed_by)
    return {crafts[number].name for number in found}


def with_values(crafts: Sequence[CraftFunction], names: Iterable[str]) -> set[str]:
    """Add to some crafts those that pass on what they need: it is kept nowhere."""
    found = set(names)
    makers = {one.name: craft for craft in crafts for one in craft.outputs if one.volatile}
    by_name = {craft.name: craft for craft in crafts}
    ahead = list(found)
    while ahead:
        for one in by_name[ahead.pop()].inputs:
            maker = makers.get(one.name) if one.volatile else None
            if maker is not None and maker.name not in found:
                found.add(maker.name)
                ahead.append(maker.name)
    return found


def _named(crafts: Sequence[CraftFunction], word: str) -> set[int]:
    from elliptio.formats.libraries import meant

    name = word.strip("+")
    if name.startswith("tag:"):
        tag = name.removeprefix("tag:")
        found = {number for number, craft in enumerate(crafts) if tag in craft.tags}
        if not found:
            tags = sorted({tag for craft in crafts for tag in craft.tags})
            raise SelectionError(f"No craft has the tag {tag!r}; {meant(tag, tags)}")
        return found
    found = {number for number, craft in enumerate(crafts) if name in (craft.name, craft.qualified)}
    if not found:
        raise SelectionError(f"There is no craft {name!r} to select; {meant(name, [craft.name for craft in crafts])}")
    return found


def _reached(some: set[int], edges: Sequence[Sequence[int]]) -> set[int]:
    found: set[int] = set()
    ahead = list(some)
    while ahead:
        for one in edges[ahead.pop()]:
            if one not in found:
                found.add(one)
                ahead.append(one)
    return found
