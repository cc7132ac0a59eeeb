"""Run a pipeline, or tell what a run would do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elliptio.pipelines import active
from elliptio.pipelines.builds import recorded, snapshotting
from elliptio.pipelines.builds.build import Build
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.plan import NEEDED, Plan, told
from elliptio.pipelines.builds.progress import Progress
from elliptio.pipelines.builds.reasons import keep_codes
from elliptio.pipelines.builds.runners import Runner, Task, runner_of
from elliptio.pipelines.builds.sources import Passed
from elliptio.pipelines.builds.steps import Step, Steps
from elliptio.pipelines.builds.turn import Asked, Decided, Turn
from elliptio.pipelines.catalog.keys import NONE
from elliptio.pipelines.catalog.keywords import giving
from elliptio.pipelines.crafts.binding import require_all, taken_names, takes_any, warn_of_unused
from elliptio.pipelines.crafts.craft import CraftFunction
from elliptio.pipelines.errors import CraftError, reason
from elliptio.pipelines.graphs.graph import Graph, graph_of
from elliptio.pipelines.graphs.order import dependencies
from elliptio.pipelines.graphs.parameters import Parameters, distribute
from elliptio.pipelines.graphs.selection import selected, with_values
from elliptio.system.collector import collected, uncollected
from elliptio.system.progress import NamedProgress

if TYPE_CHECKING:
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.crafts.execution import Call
    from elliptio.pipelines.pipeline import Pipeline
    from elliptio.pipelines.session import BaseSession
    from elliptio.pipelines.snapshots.snapshot import Snapshot

log = logging.getLogger(__name__)


class Engine:
    """Runs one pipeline in one session.

    Parameters
    ----------
    pipeline, session
        Which, where.

    """

    def __init__(self, pipeline: Pipeline, session: BaseSession) -> None:
        self._pipeline = pipeline
        self.session = session
        session.begin()
        self._crafts = pipeline.crafts

    @property
    def name(self) -> str:
        """Name of the pipeline."""
        return self._pipeline.name

    @property
    def graph(self) -> Graph:
        """The definition of the pipeline."""
        codes = {craft.name: str(self.session.code_of(craft)["digest"]) for craft in self._crafts}
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
            turn = self.turn(params, configuration, refresh, select, volatiles, dry=True)
            with giving(turn.asked.parameters.shared):
                steps = told(turn, turn.crafts)
            self.session.catalog.windows.memory.write()
            return Plan(self._pipeline.name, Steps(steps), _unfollowed(self.session, self._crafts), turn.sources.news)

    def snapshot(self, params: Mapping[str, Any]) -> Snapshot:
        """Take a snapshot without running."""
        turn = self.turn(params, None, False, None, True, dry=True)
        with giving(turn.asked.parameters.shared):
            return snapshotting.of_inputs(self.session, self.graph, self._crafts, turn)

    def turn(
        self,
        params: Mapping[str, Any] | None,
        configuration: Mapping[str, Any] | str | None,
        refresh: bool,
        select: str | Iterable[str] | None,
        volatiles: bool,
        *,
        dry: bool,
    ) -> Turn:
        """Begin a turn with what a caller asks."""
        if isinstance(configuration, str):
            configuration = self.session.parameters[configuration]
        parameters = distribute(self._crafts, params, configuration)
        _warn(self.name, self.session.catalog, self._crafts, parameters)
        names = with_values(self._crafts, selected(self._crafts, select))
        # Before anything runs: the last one may come after hours.
        require_all([craft for craft in self._crafts if craft.name in names], parameters, self.session.catalog)
        return Turn(self.session, self._crafts, Asked(parameters, frozenset(names), refresh, volatiles, dry))

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
        pipeline, session = self._pipeline, self.session
        turn = self.turn(params, configuration, refresh, select, volatiles, dry=False)
        given = {**turn.asked.parameters.shared, **turn.asked.parameters.own}
        _run_hooks(pipeline, "pre_run", given)
        shown = {name: snapshotting.recorded(value) for name, value in given.items()}
        build: Build | None = None
        try:
            with contextlib.ExitStack() as block:
                block.enter_context(active.inside(session))
                block.enter_context(giving(turn.asked.parameters.shared))  # an entry is read once, for all crafts
                run = block.enter_context(session.handler.run(pipeline.name, shown, labels={"pipeline": pipeline.name}))
                bar = NamedProgress(len(turn.asked.selected), pipeline.name, enabled=session.handler.progress)
                progress = Progress(block.enter_context(bar))
                with runner_of(runner, session, workers) as chosen:
                    self._build(turn, chosen, progress)
                session.catalog.windows.memory.write()
                build = recorded.keep(self, self._built(turn, progress, run.run_id))
                if build.error is not None:
                    raise build.error  # so that its run is one that failed
        except CraftError as error:
            if build is None or error is not build.error:
                raise
        _run_hooks(pipeline, "on_error" if build.error else "post_run", build.error or build.volatiles)
        return build

    def _built(self, turn: Turn, progress: Progress, run_id: str) -> Build:
        snapshot = None
        if progress.error is None and turn.asked.selected == {craft.name for craft in self._crafts}:
            made = any(step.status == "made" for step in progress.steps)
            snapshot = snapshotting.of_build(self.session, self.graph, self._crafts, turn, made=made)
        return Build(
            self._pipeline.name,
            run_id,
            Steps(progress.steps),
            _values(turn),
            snapshot,
            progress.error,
            unfollowed=_unfollowed(self.session, self._crafts),
            news=turn.sources.news,
        )

    def _build(self, turn: Turn, runner: Runner, progress: Progress) -> None:
        """Begin each craft when all that it needs is done, and wait for what is being made."""
        crafts = turn.crafts
        needs = [set(one) for one in dependencies(crafts)]
        left, open_steps = list(range(len(crafts))), [0] * len(crafts)
        number_of = {craft.name: number for number, craft in enumerate(crafts)}
        done: set[int] = set()
        while left or progress.waiting:
            started = self._start(crafts, left, needs, done, open_steps, turn, runner, progress)
            if progress.waiting:
                for decided, future in progress.over():
                    self._finish(turn, decided, future, progress)
                    number = number_of[decided.craft.name]
                    open_steps[number] -= 1
                    if not open_steps[number]:
                        done.add(number)
            elif not started:
                break
        for craft in crafts if progress.error is None else ():
            turn.retire(craft)

    def _start(
        self,
        crafts: Sequence[CraftFunction],
        left: list[int],
        needs: Sequence[set[int]],
        done: set[int],
        open_steps: list[int],
        turn: Turn,
        runner: Runner,
        progress: Progress,
    ) -> bool:
        """Begin the crafts whose needs are done; tell whether there were any."""
        before, waiting = list(left), []
        for place, number in enumerate(before):
            if not needs[number] <= done:
                if getattr(runner, "one_by_one", False):
                    waiting = before[place:]
                    break
                waiting.append(number)
                continue
            steps = turn.steps_of(crafts[number])
            progress.shown.expect(len(steps) - 1)
            for decided in turn.decide(crafts[number], steps):
                open_steps[number] += self._begin(turn, decided, runner, progress)
            if not open_steps[number]:
                done.add(number)
        left[:] = waiting
        return len(waiting) < len(before)

    def _begin(self, turn: Turn, decided: Decided, runner: Runner, progress: Progress) -> int:
        """Do what was decided; return 1 where a step is being made now."""
        if decided.status != "make":
            progress.shown.end()
        if decided.status == "skip":
            progress.steps.append(turn.skipped(decided))
        elif decided.status == "defer":
            decided.row = len(progress.steps)
            progress.steps.append(turn.deferred(decided))
        elif decided.status == "not run":
            progress.steps.append(turn.failed(decided))
        else:
            progress.shown.begin(decided.label)
            with collected():
                try:
                    task = self._task(turn, decided, progress)
                except CraftError as error:  # of a step that it needs
                    progress.error = progress.error or error
                    progress.shown.end(decided.label)
                    decided.status = "not run"
                    progress.steps.append(turn.failed(decided))
                    return 0
                future = runner.submit(task)
            if future.done():
                self._finish(turn, decided, future, progress)
                return 0
            progress.wait_for(decided, future)
            return 1
        return 0

    def _task(self, turn: Turn, decided: Decided, progress: Progress) -> Task:
        """Complete a call with the values that are passed on to it; make those that nobody needed before."""
        assert decided.call is not None
        for need in decided.needs.values():
            for passed in need.passed.values():
                self._realize(turn, passed, decided, progress)
        keep_codes(self.session, decided.craft, turn.crafts)
        again = turn.asked.refresh or decided.again or not decided.craft.cache
        return Task(completed(decided), self.session, again=again)

    def _realize(self, turn: Turn, passed: Passed, asker: Decided, progress: Progress) -> None:
        """Make a value that is passed on to a step, and those that it needs, the first ones first."""
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
            if decided.error is not None:
                asker.why = f"{decided.craft.name} failed"
                raise decided.error
            decided.why = NEEDED
            keep_codes(self.session, decided.craft, turn.crafts)
            try:
                outcome = Task(completed(decided), self.session, again=True).run()
            except CraftError as error:
                decided.error, decided.why = error, reason(error)
                progress.steps[decided.row] = turn.failed(decided)
                asker.why = f"{decided.craft.name} failed"
                raise
            turn.made(decided, outcome.versions, outcome.values, outcome.loaded)
            progress.steps[decided.row] = _made(decided, outcome)
            stack.pop()

    def _finish(self, turn: Turn, decided: Decided, future: Future[Any], progress: Progress) -> None:
        try:
            given = future.result()
            outcome = given if given.__class__ is Outcome else _read(given, self.session)
        except CraftError as error:
            self._failed(turn, decided, error, progress)
            return
        if outcome.shared:
            turn.shared(outcome.versions)
        turn.made(decided, outcome.versions, outcome.values, outcome.loaded)
        progress.shown.end(decided.label)
        progress.steps.append(_made(decided, outcome))

    def _failed(self, turn: Turn, decided: Decided, error: CraftError, progress: Progress) -> None:
        progress.error = progress.error or error
        progress.shown.end(decided.label)
        decided.why = reason(error)
        progress.steps.append(turn.failed(decided))


def _read(answer: Any, session: BaseSession) -> Outcome:
    """Read what the future of a runner gave that leaves the reading to the build, as one of the command does."""
    from elliptio.pipelines.builds.runners.answers import outcome_of

    return outcome_of(answer, session)


def _run_hooks(pipeline: Pipeline, moment: str, what: Any) -> None:
    """Run the user's functions, if there are any: else the search for cycles would walk all that a build holds."""
    if pipeline._hooks_of(moment):
        with collected():
            pipeline._run_hooks(moment, pipeline, what)


def _unfollowed(session: BaseSession, crafts: Sequence[CraftFunction]) -> list[str]:
    """List what of the code of crafts could not be followed, each once."""
    return list(dict.fromkeys(one for craft in crafts for one in session.whole_code_of(craft).unfollowed))


def _warn(name: str, catalog: Catalog, crafts: Sequence[CraftFunction], parameters: Parameters) -> None:
    """Warn of parameters that nothing takes."""
    if not (parameters.shared or parameters.own or parameters.elsewhere):
        return
    taken = {craft.name: taken_names(craft, catalog) for craft in crafts}
    any_taken = {craft.name for craft in crafts if takes_any(craft, catalog)}
    for craft in [one for one in parameters.own if one not in any_taken]:
        warn_of_unused(parameters.own[craft], taken[craft], f"The craft {craft}")
    if not any_taken:
        names = set[str]().union(*taken.values())
        plain = [one for one, value in parameters.shared.items() if not isinstance(value, Mapping)]
        warn_of_unused(plain, names, f"The pipeline {name!r}")
        # What has a mapping may be meant for a craft.
        names.update(taken, (craft.qualified for craft in crafts if parameters.elsewhere))
        mappings = [one for one in parameters.shared if one not in plain]
        warn_of_unused([*mappings, *parameters.elsewhere], names, f"The pipeline {name!r}")


def completed(decided: Decided) -> Call:
    """Complete the call of a step with the values that are passed on to it, which are ready."""
    assert decided.call is not None
    if not any(need.taken.volatile for need in decided.needs.values()):
        return decided.call
    unasked: list[str] = []
    values, behind = dict(decided.call.values), list(decided.call.behind)
    for parameter, need in decided.needs.items():
        if not need.taken.volatile:
            continue
        for passed in need.passed.values():
            behind += passed.behind
            unasked += passed.unasked
        alone = need.passed.get(NONE) if len(need.passed) == 1 else None
        values[parameter] = alone.value if alone is not None else _by_keys(need.passed)
    return replace(decided.call, values=values, behind=list(dict.fromkeys(behind)), unasked=unasked)


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
