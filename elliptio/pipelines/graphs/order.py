"""Order crafts by what they need, else as given; the same every time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import PipelineDefinitionError

Made = tuple[str, bool]
"""Name of what a craft makes, and whether it is volatile."""


def producers(crafts: Sequence[CraftFunction]) -> dict[Made, int]:
    """Tell which craft, by its number, makes what.

    Raises
    ------
    PipelineDefinitionError
        If two make the same, or have the same name.

    """
    found: dict[Made, int] = {}
    names: dict[str, CraftFunction] = {}
    # One name means one thing, whether it is saved or passed on.
    makers: dict[str, int] = {}
    for number, craft in enumerate(crafts):
        other = names.setdefault(craft.name, craft)
        if other is not craft:
            raise PipelineDefinitionError(
                f"Two crafts are named {craft.name!r}: {other.qualified} and {craft.qualified}. Rename one: "
                "@Craft(name=…)."
            )
        for output in craft.outputs:
            found[output.name, output.volatile] = number
            maker = makers.setdefault(output.name, number)
            if maker != number:
                raise PipelineDefinitionError(
                    f"Two crafts make {output.name!r}:\n    {crafts[maker].name} ─┐\n    {craft.name} ─┴→ "
                    f"{output.name}\nLeave one out, or let one make something else."
                )
    return found


def dependencies(crafts: Sequence[CraftFunction]) -> list[list[int]]:
    """Tell which crafts, by number, each one needs; itself is none of them: it reads the version before."""
    made = producers(crafts)
    found = []
    for number, craft in enumerate(crafts):
        needed = {made[one.name, one.volatile] for one in craft.inputs if (one.name, one.volatile) in made}
        found.append(sorted(needed - {number}))
    return found


def ordered(crafts: Sequence[CraftFunction]) -> list[CraftFunction]:
    """Order crafts: each after those that it needs, else as given.

    Raises
    ------
    PipelineDefinitionError
        If some need each other in a circle; the message draws it.

    """
    needs = dependencies(crafts)
    followers: list[list[int]] = [[] for _ in crafts]
    left = [len(one) for one in needs]
    for number, needed in enumerate(needs):
        for one in needed:
            followers[one].append(number)
    ready = [number for number, count in enumerate(left) if not count]
    found = []
    while ready:
        number = heapq.heappop(ready)
        found.append(crafts[number])
        for follower in followers[number]:
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(ready, follower)
    if len(found) < len(crafts):
        raise PipelineDefinitionError(_circle(crafts, needs, {number for number, count in enumerate(left) if count}))
    return found


def _circle(crafts: Sequence[CraftFunction], needs: Sequence[Sequence[int]], stuck: set[int]) -> str:
    way: list[int] = []
    number = min(stuck)
    while number not in way:
        way.append(number)
        number = next(one for one in needs[number] if one in stuck)
    circle = [*way[way.index(number) :], number]
    names = [crafts[one].name for one in reversed(circle)]
    return f"These crafts need each other in a circle: {' → '.join(names)}. Let one of them read something else."


def stages(crafts: Sequence[CraftFunction]) -> list[list[CraftFunction]]:
    """Group ordered crafts: all of a stage need only earlier stages."""
    needs = {craft.name: needed for craft, needed in zip(crafts, dependencies(crafts), strict=True)}
    level: dict[int, int] = {}
    numbers = {craft.name: number for number, craft in enumerate(crafts)}
    found: list[list[CraftFunction]] = []
    for craft in ordered(crafts):
        at = 1 + max((level[one] for one in needs[craft.name]), default=-1)
        level[numbers[craft.name]] = at
        if at == len(found):
            found.append([])
        found[at].append(craft)
    return found
