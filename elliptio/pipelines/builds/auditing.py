"""Audit a pipeline: run steps again at random, and compare the bytes of what they make with what the lake has."""

from __future__ import annotations

import dataclasses
import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from elliptio.naming import shorten
from elliptio.pipelines.builds.engine import completed
from elliptio.pipelines.builds.sources import Passed
from elliptio.pipelines.builds.steps import table
from elliptio.pipelines.catalog.entries import Entry
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import Version
from elliptio.pipelines.catalog.weighing import Weight, weigh, weigh_custom
from elliptio.pipelines.crafts.execution import Made, execute
from elliptio.pipelines.errors import CraftError, PipelineDefinitionError

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines.builds.engine import Engine
    from elliptio.pipelines.builds.turn import Decided, Turn
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.session import BaseSession

SAME, DIFFERS, FAILED, NOT_COMPARED = "same", "differs", "failed", "not compared"
"""Fates of an entry that was made again."""

_COLUMNS = ("craft", "keys", "entry", "status", "why", "artifact_id")


@dataclasses.dataclass(frozen=True)
class Compared:
    """One entry that a step made again.

    Attributes
    ----------
    craft, keys, entry
        Which.
    status, why
        What became of it.
    artifact_id
        What the lake has.

    """

    craft: str
    keys: Keys
    entry: str
    status: str
    why: str
    artifact_id: str | None


class Audit:
    """Hold what came of running steps again.

    Attributes
    ----------
    rows
        A `Compared` for each entry.
    tried, of
        How many steps were run again, and of how many that could be.
    seed
        Chooses the same steps again.

    """

    def __init__(self, name: str, rows: Sequence[Compared], tried: int, of: int, seed: int) -> None:
        self.name = name
        self.rows = list(rows)
        self.tried = tried
        self.of = of
        self.seed = seed

    @property
    def ok(self) -> bool:
        """True where nothing differs and nothing failed."""
        return not any(row.status in (DIFFERS, FAILED) for row in self.rows)

    @property
    def steps(self) -> pd.DataFrame:
        """Rows as a DataFrame: ``craft``, ``keys``, ``entry``, ``status``, ``why``, ``artifact_id``."""
        import pandas as pd

        return pd.DataFrame(self.plain(), columns=list(_COLUMNS))

    def plain(self) -> list[dict[str, Any]]:
        """Rows as plain values."""
        return [
            {name: dict(row.keys) if name == "keys" else getattr(row, name) for name in _COLUMNS} for row in self.rows
        ]

    def text(self, width: int) -> str:
        """Write it as lines of at most so many columns."""
        counts = {status: sum(row.status == status for row in self.rows) for status in (SAME, DIFFERS, FAILED)}
        told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        head = (
            f"{self.name}: {self.tried} of {self.of} steps run again: {told or 'nothing compared'} (seed {self.seed})"
        )
        cells = [(row.status, f"{row.craft} → {row.entry}", str(row.keys), row.why) for row in self.rows]
        return "\n".join([head, *table(cells, width)])

    def __str__(self) -> str:
        return self.text(80)

    __repr__ = __str__


class _Weighed:
    """Stands for a version that is not published, and never will be."""

    sha256 = None

    def __init__(self) -> None:
        self.staged = self
        self.staging = None

    def discard(self) -> None:
        """Do nothing: nothing was written."""


class _Weighing:
    """Stands for the values of a catalog: loads them, and weighs what is to be saved."""

    def __init__(self, catalog: Catalog) -> None:
        self._assets = catalog.assets
        self.load = self._assets.load
        self.weights: dict[str, Weight | None] = {}

    def stage(
        self, entry: Entry, keys: Keys, value: Any, origin: str, options: Mapping[str, Any] | None = None, **facts: Any
    ) -> _Weighed:
        """Weigh a value."""
        weighed = weigh_custom(self._assets, entry, keys, value, options) if entry.is_custom else None
        self.weights[entry.name] = weighed or weigh(entry, value, options)
        return _Weighed()

    def publish(self, new: _Weighed) -> None:
        """Do nothing."""


class _Aside:
    """Stands for a catalog that nothing is saved to."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.handler = catalog.handler
        self.assets = _Weighing(catalog)

    def __getitem__(self, name: str) -> Entry:
        return self._catalog[name]


def audit(
    engine: Engine,
    params: Mapping[str, Any] | None,
    configuration: Mapping[str, Any] | str | None,
    *,
    sample: str | int,
    select: str | Iterable[str] | None,
    seed: int | None,
) -> Audit:
    """Run steps again at random, and compare; see `Pipeline.audit`."""
    turn = engine.turn(params, configuration, False, select, False, dry=True)
    there = _there(engine, turn)
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    chosen = set(random.Random(seed).sample(range(len(there)), count_of(sample, len(there))))
    session = engine.session
    rows: list[Compared] = []
    if chosen:
        with session.handler.run(f"audit {engine.name}", labels={"pipeline": engine.name, "audit": True}):
            for number in sorted(chosen):
                rows += _compared(session, turn, there[number])
    return Audit(engine.name, rows, len(chosen), len(there), seed)


def count_of(sample: str | int, steps: int) -> int:
    """Tell how many steps a sample is: ``"5%"`` of them, rounded up, or a number.

    Raises
    ------
    PipelineDefinitionError
        If it is none of both.

    """
    text = str(sample).strip()
    percent = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", text)
    if percent is not None and 0 < float(percent[1]) <= 100:
        return math.ceil(steps * float(percent[1]) / 100)
    if re.fullmatch("[0-9]+", text) and int(text) > 0:
        return min(int(text), steps)
    raise PipelineDefinitionError(f"sample takes a part such as '5%', or a number of steps from 1, not {sample!r}.")


def _there(engine: Engine, turn: Turn) -> list[Decided]:
    """List the steps whose outputs the lake has."""
    found = []
    for craft in turn.crafts:
        for decided in turn.decide(craft):
            if decided.status == "skip":
                turn.skipped(decided)
            elif decided.status == "defer":
                turn.deferred(decided)
            else:
                turn.planned(decided)
            if decided.hit and decided.call is not None:
                found.append(decided)
    return found


def _compared(session: BaseSession, turn: Turn, decided: Decided) -> list[Compared]:
    def row(entry: str, version: Version, status: str, why: str) -> Compared:
        return Compared(decided.craft.name, version.keys, entry, status, why, version.artifact_id)

    try:
        weights = _again(session, turn, decided)
    except CraftError as error:
        why = shorten(f"{type(error.__cause__ or error).__name__}: {error.__cause__ or error}", 300)
        return [row(name, version, FAILED, why) for name, version in decided.hit.items()]
    found = []
    for name, version in decided.hit.items():
        weight = weights.get(name)
        if weight is None:
            found.append(row(name, version, NOT_COMPARED, "a class of a user saves it, at no path of this machine"))
        elif weight.sha256 == version.sha256:
            found.append(row(name, version, SAME, f"{weight.size:,} bytes"))
        else:
            size = f"{version.size:,} → {weight.size:,} bytes" if version.size is not None else f"{weight.size:,} bytes"
            same = weight.size == version.size
            found.append(row(name, version, DIFFERS, f"other content in {weight.size:,} bytes" if same else size))
    return found


def _again(session: BaseSession, turn: Turn, decided: Decided) -> dict[str, Weight | None]:
    """Run a step, after those that pass on values to it, and weigh what it makes."""
    for need in decided.needs.values():
        for passed in need.passed.values():
            _realize(session, turn, passed)
    aside = _Aside(session.catalog)
    _run(session, turn, decided, aside)
    return aside.assets.weights


def _realize(session: BaseSession, turn: Turn, passed: Passed) -> None:
    """Make a value that is passed on, and those that it needs, the first ones first."""
    stack = [passed]
    while stack:
        decided = stack[-1].deferred
        if stack[-1].ready or decided is None:
            stack.pop()
            continue
        missing = [each for need in decided.needs.values() for each in need.passed.values() if not each.ready]
        if missing:
            stack += missing
        else:
            _run(session, turn, decided, _Aside(session.catalog))
            stack.pop()


def _run(session: BaseSession, turn: Turn, decided: Decided, aside: _Aside) -> Made:
    call = completed(decided)
    inputs = {
        # What reads and writes an entry began with an earlier version of it.
        name: taken if taken.base is None else dataclasses.replace(taken, versions=taken.base)
        for name, taken in call.inputs.items()
    }
    try:
        made = execute(dataclasses.replace(call, inputs=inputs), cast("Catalog", aside), session.seen)
    except CraftError:
        raise
    except Exception as error:
        raise CraftError(f"The craft {call.craft.name} could not be run: {error}") from error
    turn.made(decided, {}, made.volatiles, made.loaded)
    return made
