"""One turn of a pipeline: decide step by step what has to be made; a plan stops there, a build makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.errors import IntegrityError
from elliptio.pipelines.builds.reasons import Reasons
from elliptio.pipelines.builds.sources import Need, Passed, Pending, Sources
from elliptio.pipelines.builds.steps import Step
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import BUILT, Version, Versions
from elliptio.pipelines.catalog.wholeness import DAMAGED, GONE
from elliptio.pipelines.crafts.binding import Bound, bind
from elliptio.pipelines.crafts.calling import saved_to
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.crafts.execution import Call
from elliptio.pipelines.crafts.recipes import Recipe, Taken, held_by, recipe_of
from elliptio.pipelines.errors import CraftError
from elliptio.pipelines.graphs.parameters import Parameters
from elliptio.provenance.collecting import username

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

UNCHANGED = "unchanged"


class Asked(NamedTuple):
    """Hold what a caller asks of a turn.

    Attributes
    ----------
    parameters
        Of the crafts.
    selected
        Names of the crafts that may run.
    refresh
        Whether to make all again.
    volatiles
        Whether the caller wants the values that are passed on.
    dry
        Whether it is only a plan.

    """

    parameters: Parameters
    selected: frozenset[str]
    refresh: bool = False
    volatiles: bool = True
    dry: bool = False


@dataclass
class Decided:
    """Hold what becomes of one step.

    Attributes
    ----------
    craft, keys, why
        Which, and the reason.
    call
        The call to be made; None where nothing is.
    hit
        What the lake has of it, by the name of the entry.
    status
        ``make``, ``skip``, ``defer`` or ``not run``.
    needs
        What its inputs take that is passed on.
    row
        Which of the rows of a build it is, where nobody has needed it so far.
    again
        Whether it is made although the lake has something of this key.
    error
        With which it failed, where a step that needed it had it made.

    """

    craft: CraftFunction
    keys: Keys
    status: str
    why: str = ""
    call: Call | None = None
    hit: Mapping[str, Version] = field(default_factory=dict)
    needs: Mapping[str, Need] = field(default_factory=dict)
    pending: Pending | None = None
    row: int = -1
    again: bool = False
    error: CraftError | None = None

    @property
    def label(self) -> str:
        """Name of the step while it runs."""
        return f"{self.craft.name} ({self.keys})" if self.keys else self.craft.name


class Turn:
    """One turn of a pipeline.

    Parameters
    ----------
    session
        Where.
    crafts
        Those of the pipeline, in order.
    asked
        What the caller asks.

    Attributes
    ----------
    crafts
        Those that it may run, in order.

    """

    def __init__(self, session: BaseSession, crafts: Sequence[CraftFunction], asked: Asked) -> None:
        self.session = session
        self.catalog = session.catalog
        self.asked = asked
        self.versions = Versions(session.handler.lake, self.catalog.project)
        self.crafts = [craft for craft in crafts if craft.name in asked.selected]
        made = [(output.name, output.volatile) for craft in self.crafts for output in craft.outputs]
        others = (craft for craft in crafts if craft.name not in asked.selected)
        left_out = {output.name: craft.name for craft in others for output in craft.outputs}
        self.sources = Sources(self.catalog, self.versions, made, left_out)
        self.reasons = Reasons(session, self.versions)
        self.versions.load(self._names(crafts))

    def _names(self, crafts: Sequence[CraftFunction]) -> list[str]:
        every = [name for craft in crafts for name in craft.entries]
        return [name for name in every if name in self.catalog]

    def steps_of(self, craft: CraftFunction) -> list[Keys]:
        """List the partitions of a craft, when all that it needs was decided."""
        return self.sources.partitions_of(craft, self.asked.parameters.of(craft))

    def decide(self, craft: CraftFunction, steps: Iterable[Keys] | None = None) -> Iterator[Decided]:
        """Decide what becomes of the steps of a craft, of all or of these; one after the other."""
        given = self.asked.parameters.of(craft)
        for keys in self.steps_of(craft) if steps is None else steps:
            yield self._decide(craft, keys, given)

    def _decide(self, craft: CraftFunction, keys: Keys, given: Mapping[str, Any]) -> Decided:
        bound = bind(craft, given, keys)
        needs, parameters = {}, dict(bound.parameters)
        values = dict(bound.given)
        inputs = {name: Taken(name, given=True) for name in values}
        for one in craft.inputs:
            if one.parameter in values:
                continue
            need = self.sources.need(one, keys, bound.context, craft)
            if need is None:
                parameters[one.parameter] = one.default
            else:
                needs[one.parameter] = need
                inputs[one.parameter] = need.taken
        pending = next((need.pending for need in needs.values() if need.pending), None)
        if pending is not None:
            return self._not_yet(craft, keys, needs, pending)
        context = {**bound.context, **parameters}
        recipe = self._recipe(craft, keys, parameters, inputs, context)
        call = Call(craft, keys, parameters, _from_lake(inputs), values, context, recipe)
        decided = self._fate(Decided(craft, keys, "make", call=call, needs=needs), recipe, bound)
        if decided.status == "skip":
            self._take_all(decided)
        if decided.status == "make":
            self._look_where_it_saves(craft, context)
        return decided

    def _look_where_it_saves(self, craft: CraftFunction, context: Mapping[str, Any]) -> None:
        """Keep what somebody wrote where a step is going to put what it makes, and tell of it."""
        for one in craft.outputs:
            if not one.volatile:
                entry = self.catalog[one.name]
                told = self.catalog.windows.keep(entry, entry.keys_of(context), lambda: self.versions)
                self.sources.news += [f"{one.name}: {told}"] if told else []

    def _recipe(
        self,
        craft: CraftFunction,
        keys: Keys,
        parameters: Mapping[str, Any],
        inputs: Mapping[str, Taken],
        context: Mapping[str, Any],
    ) -> Recipe:
        outputs = saved_to(craft, self.catalog, context, keys)
        entries = {
            taken.name: self.catalog[taken.name]
            for taken in inputs.values()
            if not taken.volatile and taken.name in self.catalog
        }
        code = self.session.code_of(craft)
        names = held_by(inputs, outputs, entries, parameters)
        held = self.session.codes.held(craft, names) if names else {}
        return recipe_of(craft, code, parameters, keys, inputs, outputs, entries, context, held)

    def _not_yet(self, craft: CraftFunction, keys: Keys, needs: Mapping[str, Need], pending: Pending) -> Decided:
        if pending.failed:
            return Decided(craft, keys, "not run", f"{pending.craft} failed", pending=pending)
        why = f"{pending.craft} is made first: run only if what it makes changes"
        return Decided(craft, keys, "make", why, needs=needs, pending=Pending(craft.name))

    def _fate(self, decided: Decided, recipe: Recipe, bound: Bound) -> Decided:
        """Decide between making, skipping and waiting until somebody needs it."""
        craft = decided.craft
        saved = [one.name for one in craft.outputs if not one.volatile]
        if self.asked.refresh:
            decided.why = "refresh"
        elif not craft.outputs:
            decided.why = "it has no outputs, so it always runs"
        elif not craft.cache:
            decided.why = "cache=False"
        elif not saved:
            decided.why = "its values are not kept"
            if not self.asked.volatiles:
                decided.status, decided.why = "defer", "run only where a step that runs needs it"
        elif recipe.step is None:
            decided.why = recipe.unknown
        else:
            return self._looked_up(decided, recipe.step, saved, bound)
        return decided

    def _looked_up(self, decided: Decided, step: str, saved: Sequence[str], bound: Bound) -> Decided:
        found = self.versions.made_by(step)
        faults = {name: self.catalog.fault_of(name, found[name]) for name in saved if name in found}
        whole = {name: found[name] for name, fault in faults.items() if not fault}
        others = self._others(whole) if len(whole) == len(saved) else ""
        if others:
            decided.why, decided.again = f"{others}, which it loads by itself, changed", True
        elif len(whole) == len(saved):
            passes = len(saved) < len(decided.craft.outputs)
            decided.hit = whole
            if passes:
                assert decided.call is not None
                decided.call = replace(decided.call, there=whole)
            if passes and self.asked.volatiles:
                decided.why = "the values that it passes on are not kept"
            else:
                decided.status, decided.why = ("defer" if passes else "skip"), UNCHANGED
        elif found:
            lost = next(name for name in saved if name not in whole)
            decided.why = f"what it made of {lost!r} is {faults.get(lost, GONE)}"
        else:
            keys = {name: self._keys_of(name, bound) for name in saved}
            decided.why = self.reasons.of(decided.craft, decided.call, keys)
        return decided

    def _others(self, versions: Mapping[str, Version]) -> str:
        """Tell what changed since of that which a craft loaded by itself."""
        ids = [identifier for version in versions.values() for identifier in version.loads]
        if not ids:
            return ""
        for document in self.session.handler.lake.find({"_id": {"$in": ids}}, sort=(), limit=0):
            entry = document.get("entry")
            if entry is None or entry["project"] != self.catalog.project:
                continue
            name, keys = str(entry["name"]), Keys(entry.get("keys"))
            if name in versions or name not in self.catalog:
                continue  # what it adds to is another one each time
            now: Any = self.sources.made().get(name, {}).get(keys)
            if now is None:
                self.sources.of(name, before=True)  # what somebody wrote at its path counts
                now = self.versions.current(name, keys)
            if getattr(now, "fingerprint", None) != document["fingerprint"]:
                return f"{name} ({keys})" if keys else name
        return ""

    def _keys_of(self, name: str, bound: Bound) -> Keys:
        return self.catalog[name].keys_of(bound.context)

    # --- what came of it ---

    def skipped(self, decided: Decided) -> Step:
        """Note that the lake has what a step would make."""
        return self._step(decided, "skip" if self.asked.dry else "skipped")

    def _take_all(self, decided: Decided) -> None:
        """Take what the lake has: make it current, and put it at its path; what is damaged there is made again."""
        for name, version in decided.hit.items():
            try:
                self._take(name, version)
            except IntegrityError:
                decided.status, decided.why = "make", f"what it made of {name!r} is {DAMAGED}"
                decided.hit, decided.again = {}, True
                return

    def _take(self, name: str, version: Version) -> None:
        current = self.versions.current(name, version.keys)
        if not self.asked.dry and (current is None or current.artifact_id != version.artifact_id):
            self.versions.take_up(name, version.keys, version, username=username(), why="made before, of the same")
        told = self.catalog.windows.sync(self.catalog[name], version.keys, self.versions, made=True, dry=self.asked.dry)
        self.sources.news += [f"{name}: {told}"] if told else []
        self.sources.add(name, version.keys, version)

    def planned(self, decided: Decided) -> Step:
        """Note that a step would be made, and that what it makes is still to come."""
        pending = decided.pending or Pending(decided.craft.name)
        self._mark(decided, pending)
        return self._step(decided, "make")

    def failed(self, decided: Decided, seconds: float | None = None) -> Step:
        """Note that a step failed, or was not run as one before it failed."""
        self._mark(decided, Pending(decided.craft.name, failed=True))
        status = "not run" if decided.status == "not run" else "failed"
        return self._step(decided, status, seconds)

    def _mark(self, decided: Decided, pending: Pending) -> None:
        context = {**self.asked.parameters.of(decided.craft), **decided.keys}
        context = {**decided.craft.defaults, **context}
        call = decided.call if decided.craft.cache and not pending.failed else None
        step = None if call is None else call.recipe.step
        for output in decided.craft.outputs:
            if output.volatile:  # one is known by the step that makes it, before it is there
                self.sources.pass_on(output.name, decided.keys, Passed(step, pending=None if step else pending))
            else:
                self.sources.add(output.name, self.catalog[output.name].keys_of(context), pending)

    def deferred(self, decided: Decided) -> Step:
        """Note that the values of a step are made where somebody needs them."""
        assert decided.call is not None
        for name, version in decided.hit.items():
            self._take(name, version)
        for output in decided.craft.outputs:
            if output.volatile:
                passed = Passed(decided.call.recipe.step, deferred=decided)
                self.sources.pass_on(output.name, decided.keys, passed)
        return self._step(decided, "skip" if self.asked.dry else "skipped")

    def shared(self, versions: Mapping[str, Version]) -> None:
        """Take what another process made meanwhile."""
        for name, version in versions.items():
            self.versions.add(name, version)
            self._take(name, version)

    def made(
        self, decided: Decided, versions: Mapping[str, Version], values: Mapping[str, Any], loaded: Sequence[str]
    ) -> None:
        """Add what a step made."""
        assert decided.call is not None
        for name, version in versions.items():
            if name in decided.hit and decided.hit[name].artifact_id == version.artifact_id:
                self._take(name, version)
                continue
            self.versions.add(name, version)
            self.sources.add(name, version.keys, version)
        unasked = _unasked(decided, loaded) if values else []
        for name, value in values.items():
            known = self.sources.values().get(name, {}).get(decided.keys)
            # Of a craft that is no function of its inputs nobody can tell whether it gives the same.
            passed = known or Passed(decided.call.recipe.step if decided.craft.cache else None)
            passed.value, passed.ready, passed.deferred = value, True, None
            passed.behind, passed.unasked = loaded, unasked
            self.sources.pass_on(name, decided.keys, passed)

    def retire(self, craft: CraftFunction) -> None:
        """Let partitions that a craft's inputs do not have any more be current ones no more; the lake keeps them."""
        per = {name.lower() for name in craft.per}
        if not per or any(name.lower() in per for name in self.asked.parameters.of(craft)):
            return
        for name in (one.name for one in craft.outputs if not one.volatile):
            entry, made = self.catalog[name], self.sources.made().get(name, {})
            if entry.is_custom or {each.lower() for each in entry.keys} != per:
                continue
            for keys, version in self.versions.partitions(name).items():
                if keys not in made and version.origin == BUILT:
                    why = "its inputs have no such partition any more"
                    self.versions.take_up(name, keys, None, username=username(), why=why)
                    self.catalog.windows.withdraw(entry, keys)

    def _step(self, decided: Decided, status: str, seconds: float | None = None) -> Step:
        found = {name: version.artifact_id for name, version in decided.hit.items()} if status != "make" else {}
        return Step(decided.craft.name, decided.keys, status, decided.why, seconds, found)


def _unasked(decided: Decided, loaded: Sequence[str]) -> list[str]:
    """List what a step loaded by itself, and what those did that made the values that it was given."""
    assert decided.call is not None
    found, known = list[str](), set[str]()
    for need in decided.needs.values():
        for passed in need.passed.values():
            found += passed.unasked
            known.update(passed.behind)
    if len(known) < len(loaded):  # else it loaded nothing but what its values were made from
        known.update(one.artifact_id for taken in decided.call.inputs.values() for one in taken.versions.values())
        found += [identifier for identifier in loaded if identifier not in known]
    return list(dict.fromkeys(found)) if found else found


def _from_lake(inputs: Mapping[str, Taken]) -> dict[str, Taken]:
    return {name: taken for name, taken in inputs.items() if taken.versions}
