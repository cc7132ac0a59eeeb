"""Run a pipeline, or tell what a run would do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elliptio.pipelines import active
from elliptio.pipelines.builds import snapshotting
from elliptio.pipelines.builds.build import Build
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.plan import Plan
from elliptio.pipelines.builds.reasons import keep_code
from elliptio.pipelines.builds.runners import Runner, Task, runner_of
from elliptio.pipelines.builds.sources import Passed
from elliptio.pipelines.builds.steps import Step, Steps
from elliptio.pipelines.builds.turn import Asked, Decided, Turn
from elliptio.pipelines.catalog.keys import NONE
from elliptio.pipelines.crafts.binding import warn_of_unused
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import CraftError
from elliptio.pipelines.graphs.graph import Graph, graph_of
from elliptio.pipelines.graphs.order import dependencies
from elliptio.pipelines.graphs.parameters import Parameters, distribute, names_of
from elliptio.pipelines.graphs.selection import selected
from elliptio.system.collector import collected, uncollected

if TYPE_CHECKING:
    from elliptio.pipelines.pipeline import Pipeline
    from elliptio.pipelines.session import BaseSession
    from elliptio.pipelines.snapshots.snapshot import Snapshot

log = logging.getLogger(__name__)


@dataclass
class _Progress:
    """Count how far a build has come.

    Attributes
    ----------
    steps
        What became of the steps so far.
    waiting
        Futures of steps that are being made.
    error
        The first error.

    """

    steps: list[Step] = field(default_factory=list)
    waiting: dict[Future[Outcome], Decided] = field(default_factory=dict)
    error: CraftError | None = None


class Engine:
    """Runs one pipeline in one session.

    Parameters
    ----------
    pipeline, session
        Which, where.

    """

    def __init__(self, pipeline: Pipeline, session: BaseSession) -> None:
        self._pipeline = pipeline
        self._session = session
        session.begin()
        self._crafts = pipeline.crafts

    @property
    def graph(self) -> Graph:
        """The definition of the pipeline."""
        codes = {craft.name: str(self._session.code_of(craft)["digest"]) for craft in self._crafts}
        return graph_of(self._pipeline.name, self._crafts, codes)

    # --- telling ---

    def plan(
        self,
        params: Mapping[str, Any] | None,
        configuration: Mapping[str, Any] | str | None,
        *,
        refresh: bool,
        select: str | Iterable[str] | None,
        volatiles: bool,
    ) -> Plan:
        """Tell what a run would do."""
        with uncollected():
            return self._planned(self._turn(params, configuration, refresh, select, volatiles, dry=True))

    def _planned(self, turn: Turn) -> Plan:
        steps = []
        for craft in self._selected(turn):
            for decided in turn.decide(craft):
                if decided.status == "defer":
                    turn.deferred(decided)
                    steps.append(turn.skipped(decided))
                elif decided.status == "skip":
                    steps.append(turn.skipped(decided))
                else:
                    steps.append(turn.planned(decided))
        self._session.catalog.windows.memory.write()
        return Plan(self._pipeline.name, Steps(steps), self._unfollowed(), turn.sources.news)

    def snapshot(self, params: Mapping[str, Any]) -> Snapshot:
        """Take a snapshot without running."""
        turn = self._turn(params, None, False, None, True, dry=True)
        return snapshotting.of_inputs(self._session, self.graph, self._crafts, turn)

    def _unfollowed(self) -> list[str]:
        every = [one for craft in self._crafts for one in self._session.whole_code_of(craft).unfollowed]
        return list(dict.fromkeys(every))

    def _turn(
        self,
        params: Mapping[str, Any] | None,
        configuration: Mapping[str, Any] | str | None,
        refresh: bool,
        select: str | Iterable[str] | None,
        volatiles: bool,
        *,
        dry: bool,
    ) -> Turn:
        if isinstance(configuration, str):
            configuration = self._session.parameters[configuration]
        parameters = distribute(self._crafts, params, configuration)
        self._warn(parameters)
        names = self._with_values(selected(self._crafts, select))
        return Turn(self._session, self._crafts, Asked(parameters, frozenset(names), refresh, volatiles, dry))

    def _with_values(self, names: set[str]) -> set[str]:
        """Add the crafts that pass on what the selected ones need: it is not kept anywhere."""
        makers = {one.name: craft for craft in self._crafts for one in craft.outputs if one.volatile}
        by_name = {craft.name: craft for craft in self._crafts}
        ahead = list(names)
        while ahead:
            for one in by_name[ahead.pop()].inputs:
                maker = makers.get(one.name) if one.volatile else None
                if maker is not None and maker.name not in names:
                    names.add(maker.name)
                    ahead.append(maker.name)
        return names

    def _warn(self, parameters: Parameters) -> None:
        """Warn of parameters that nothing takes, unless classes of users are there that may."""
        catalog = self._session.catalog
        entries = [catalog[name] for craft in self._crafts for name in craft.entries if name in catalog]
        if any(entry.is_custom or "://" in str(entry._extra("path") or "") for entry in entries):
            return
        taken = {name for craft in self._crafts for name in (*craft.parameters, *craft.per)}
        taken |= {one.parameter for craft in self._crafts for one in craft.inputs}
        taken |= {name for entry in entries for name in entry.keys}
        if not any(craft.takes_more for craft in self._crafts):
            warn_of_unused(names_of(parameters), taken, f"The pipeline {self._pipeline.name!r}")

    def _selected(self, turn: Turn) -> list[CraftFunction]:
        return [craft for craft in self._crafts if craft.name in turn.asked.selected]

    # --- running ---

    def run(
        self,
        params: Mapping[str, Any] | None,
        configuration: Mapping[str, Any] | str | None,
        *,
        refresh: bool,
        select: str | Iterable[str] | None,
        volatiles: bool,
        runner: Any,
        workers: int | None,
    ) -> Build:
        """Run what changed."""
        pipeline, session = self._pipeline, self._session
        with uncollected():
            turn = self._turn(params, configuration, refresh, select, volatiles, dry=False)
        given = {**turn.asked.parameters.shared, **turn.asked.parameters.own}
        pipeline._run_hooks("pre_run", pipeline, given)
        shown = {name: snapshotting.recorded(value) for name, value in given.items()}
        with contextlib.ExitStack() as block:
            block.enter_context(active.inside(session))
            run = block.enter_context(session.handler.run(pipeline.name, shown, labels={"pipeline": pipeline.name}))
            progress = _Progress()
            with runner_of(runner, session, workers) as chosen:
                self._build(turn, chosen, progress)
            session.catalog.windows.memory.write()
            with uncollected():
                build = self._built(turn, progress, run.run_id)
            if progress.error is not None:
                run.note(f"{progress.error}"[:1000])
        pipeline._run_hooks("on_error" if build.error else "post_run", pipeline, build.error or build.volatiles)
        return build

    def _built(self, turn: Turn, progress: _Progress, run_id: str) -> Build:
        snapshot = None
        if progress.error is None and turn.asked.selected == {craft.name for craft in self._crafts}:
            made = any(step.status == "made" for step in progress.steps)
            snapshot = snapshotting.of_build(self._session, self.graph, self._crafts, turn, made=made)
        return Build(
            self._pipeline.name,
            run_id,
            Steps(progress.steps),
            _values(turn),
            snapshot,
            progress.error,
            unfollowed=self._unfollowed(),
            news=turn.sources.news,
        )

    def _build(self, turn: Turn, runner: Runner, progress: _Progress) -> None:
        """Begin each craft when all that it needs is done, and wait for what is being made."""
        crafts = self._selected(turn)
        needs = [set(one) for one in dependencies(crafts)]
        left, open_steps = list(range(len(crafts))), [0] * len(crafts)
        number_of = {craft.name: number for number, craft in enumerate(crafts)}
        done: set[int] = set()
        while left or progress.waiting:
            started = self._start(crafts, left, needs, done, open_steps, turn, runner, progress)
            if progress.waiting:
                finished, _ = wait(progress.waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    decided = progress.waiting.pop(future)
                    self._finish(turn, decided, future, progress)
                    number = number_of[decided.craft.name]
                    open_steps[number] -= 1
                    if not open_steps[number]:
                        done.add(number)
            elif not started:
                break

    def _start(
        self,
        crafts: Sequence[CraftFunction],
        left: list[int],
        needs: Sequence[set[int]],
        done: set[int],
        open_steps: list[int],
        turn: Turn,
        runner: Runner,
        progress: _Progress,
    ) -> bool:
        """Begin the crafts whose needs are done; tell whether there were any."""
        before, waiting = list(left), []
        with uncollected():
            for place, number in enumerate(before):
                if not needs[number] <= done:
                    if runner.one_by_one:
                        waiting = before[place:]
                        break
                    waiting.append(number)
                    continue
                for decided in turn.decide(crafts[number]):
                    open_steps[number] += self._begin(turn, decided, runner, progress)
                if not open_steps[number]:
                    done.add(number)
        left[:] = waiting
        return len(waiting) < len(before)

    def _begin(self, turn: Turn, decided: Decided, runner: Runner, progress: _Progress) -> int:
        """Do what was decided; return 1 where a step is being made now."""
        if decided.status == "skip":
            progress.steps.append(turn.skipped(decided))
        elif decided.status == "defer":
            turn.deferred(decided)
        elif decided.status == "not run":
            progress.steps.append(turn.failed(decided))
        else:
            with collected():
                try:
                    task = self._task(turn, decided, progress)
                except CraftError as error:
                    self._failed(turn, decided, error, progress)
                    return 0
                future = runner.submit(task)
            if future.done():
                self._finish(turn, decided, future, progress)
                return 0
            progress.waiting[future] = decided
            return 1
        return 0

    def _task(self, turn: Turn, decided: Decided, progress: _Progress) -> Task:
        """Complete a call with the values that are passed on to it; make those that nobody needed before."""
        assert decided.call is not None
        for need in decided.needs.values():
            for passed in need.passed.values():
                self._realize(turn, passed, progress)
        keep_code(self._session, decided.craft, self._session.kept_codes)
        return Task(_completed(decided), self._session, again=turn.asked.refresh or not decided.craft.cache)

    def _realize(self, turn: Turn, passed: Passed, progress: _Progress) -> None:
        """Make a value that is passed on, and those that it needs, the first ones first."""
        stack = [passed]
        while stack:
            one = stack[-1]
            decided = one.deferred
            if one.ready or decided is None:
                stack.pop()
                continue
            missing = [each for need in decided.needs.values() for each in need.passed.values() if not each.ready]
            if missing:
                stack += missing
                continue
            decided.why = "a step that runs needs what it passes on"
            keep_code(self._session, decided.craft, self._session.kept_codes)
            outcome = Task(_completed(decided), self._session, again=True).run()
            turn.made(decided, outcome.versions, outcome.values, outcome.loaded)
            progress.steps.append(_made(decided, outcome))
            stack.pop()

    def _finish(self, turn: Turn, decided: Decided, future: Future[Outcome], progress: _Progress) -> None:
        try:
            outcome = future.result()
        except CraftError as error:
            self._failed(turn, decided, error, progress)
            return
        turn.made(decided, outcome.versions, outcome.values, outcome.loaded)
        progress.steps.append(_made(decided, outcome))

    def _failed(self, turn: Turn, decided: Decided, error: CraftError, progress: _Progress) -> None:
        progress.error = progress.error or error
        decided.why = str(error.__cause__ or error)
        progress.steps.append(turn.failed(decided))


def _completed(decided: Decided) -> Any:
    import dataclasses

    assert decided.call is not None
    values, behind = dict(decided.call.values), list(decided.call.behind)
    for parameter, need in decided.needs.items():
        if not need.taken.volatile:
            continue
        for passed in need.passed.values():
            behind += passed.behind
        alone = need.passed.get(NONE) if len(need.passed) == 1 else None
        values[parameter] = alone.value if alone is not None else _by_keys(need.passed)
    return dataclasses.replace(decided.call, values=values, behind=list(dict.fromkeys(behind)))


def _by_keys(passed: Mapping[Any, Passed]) -> dict[Any, Any]:
    """Give several values by their keys, as partitions of an entry are."""
    found = {}
    for keys, one in passed.items():
        values = tuple(keys.values())
        found[values[0] if len(values) == 1 else values] = one.value
    return found


def _made(decided: Decided, outcome: Outcome) -> Step:
    ids = {name: version.artifact_id for name, version in outcome.versions.items()}
    if outcome.shared:
        return Step(decided.craft.name, decided.keys, "skipped", "another run made it meanwhile", outcome.seconds, ids)
    return Step(decided.craft.name, decided.keys, "made", decided.why, outcome.seconds, ids)


def _values(turn: Turn) -> dict[str, Any]:
    found = {}
    for name, passed in turn.sources.values().items():
        ready = {keys: one for keys, one in passed.items() if one.ready}
        if len(ready) == 1 and NONE in ready:
            found[name] = ready[NONE].value
        elif ready:
            found[name] = _by_keys(ready)
    return found
