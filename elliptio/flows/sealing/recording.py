"""Record a flow while it goes on: it is a run, each step a run below it, and each stream that ends an artifact."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from elliptio.artifacts.artifact import Artifact
from elliptio.errors import ElliptioError
from elliptio.finding.loading import artifact_of, metadata_of
from elliptio.flows.brokers.defining import CONTROL, Channel, Outcome
from elliptio.flows.errors import FlowCancelledError, StepFailedError
from elliptio.flows.sealing import planning
from elliptio.flows.sealing.writing import About, StreamWriter
from elliptio.naming import shorten
from elliptio.provenance import collecting
from elliptio.provenance.collecting import Provenance
from elliptio.runs import scopes
from elliptio.runs.facts import note
from elliptio.runs.recording import Recording
from elliptio.runs.running import begin
from elliptio.runs.scopes import Scope
from elliptio.work import Work

log = logging.getLogger(__name__)

Got = TypeVar("Got")

AT_ONCE = 1_000
"""Values that are asked for at once."""

PAUSE = 0.02
"""Seconds between two questions, so that values come many at once: nobody waits for a segment."""

MOST_LETTERS = 60
"""Letters of the name of a flow that has no other name."""

THREADS = 4
"""Threads that write for one flow."""


@dataclass(frozen=True)
class Plan:
    """A flow, as far as it is recorded.

    Attributes
    ----------
    flow_id, name
        Identifier of the execution, and the name of the flow.
    steps
        By the name of each: the streams that it reads, and those that it writes.
    given
        Artifacts that input streams are the values of: these are not sealed again.
    params
        What the run says it depends on.
    failed
        Whether streams of steps that failed or were cancelled are sealed too.

    """

    flow_id: str
    name: str
    steps: Mapping[str, tuple[Collection[str], Collection[str]]]
    given: Mapping[str, Artifact] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False

    @classmethod
    def of(cls, flow_id: str, document: Mapping[str, Any], name: str = "", **more: Any) -> Plan:
        """Make it of the plan of a flow; unless it is named, it is called as its processors are."""
        processors = document["processors"]
        steps = {one["name"]: (one["inputs"], one["outputs"]) for one in processors}
        return cls(flow_id, name or shorten("-".join(steps), MOST_LETTERS), steps, **more)

    @property
    def writers(self) -> dict[str, str]:
        """The step that writes each stream; empty for one that comes from outside."""
        found = {name: "" for reads, _ in self.steps.values() for name in reads}
        return found | {name: step for step, (_, writes) in self.steps.items() for name in writes}


class FlowRecorder:
    """Records one execution of a flow: `begin` it, `follow` it beside its steps, and ask for `sealed` in the end.

    It reads the streams like anybody else and holds none of them up.

    Parameters
    ----------
    work
        The handler or the run in whose lake it is recorded.
    channel
        The streams.
    plan
        What is recorded.
    wait
        Seconds that one question for values waits.

    """

    def __init__(self, work: Work, channel: Channel, plan: Plan, *, wait: float = 1.0) -> None:
        self._work = work
        self._channel = channel
        self._plan = plan
        self._wait = wait
        self._threads = anyio.CapacityLimiter(THREADS)
        self._beginning, self._sealing = anyio.Lock(), anyio.Lock()
        self._scopes: dict[str, tuple[Scope, Recording]] = {}
        self._seen: Provenance | None = None
        self._settled = {stream: anyio.Event() for stream in plan.writers}
        self._done = anyio.Event()
        self._artifacts: dict[str, Artifact] = {}
        self._errors: dict[str, Exception] = {}
        self._failure: Exception | None = None
        self._ended: set[str] = set()

    @property
    def run_id(self) -> str:
        """Identifier of the flow's run."""
        return self._scopes[""][0].run_id

    async def begin(self) -> None:
        """Record that the flow begins.

        Raises
        ------
        MetadataError
            If its parameters cannot be stored.
        StoreError
            If the store cannot be written.

        """
        await self._scope("")

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Be in the run of a step: what is saved in the block belongs to it, what is read counts for its streams."""
        scope, _ = await self._scope(name)
        with scopes.entered(scope):
            yield

    async def follow(self) -> None:
        """Seal each stream when it ends, and end the runs; returns when all have ended, and raises nothing of that."""
        error: Exception | None = None
        try:
            await self.begin()
            async with anyio.create_task_group() as group:
                for stream in self._settled:
                    group.start_soon(self._follow, stream)
                for step in self._plan.steps:
                    group.start_soon(self._watch, step)
        except BaseException as raised:
            error = raised if isinstance(raised, Exception) else FlowCancelledError("The flow was cancelled.")
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._finish(error)

    async def sealed(self, *, failed: bool = False) -> dict[str, Artifact]:
        """Wait for the end, and give the artifact of each stream that was sealed.

        Parameters
        ----------
        failed
            Also seal, now, the streams that failed or were cancelled.

        Raises
        ------
        ElliptioError
            If a stream could not be sealed.

        """
        await self._done.wait()
        if failed:
            async with self._sealing:
                for stream in self._settled:
                    if stream not in self._artifacts and stream not in self._errors:
                        await self._seal(stream, failed=True)
        for stream, error in self._errors.items():
            said = f"So the stream {stream!r} was not sealed; those that were: {list(self._artifacts)}."
            if said not in getattr(error, "__notes__", ()):
                error.add_note(said)
            raise error
        return dict(self._artifacts)

    # --- streams ---

    async def _follow(self, stream: str) -> None:
        try:
            if stream in self._plan.given:
                self._artifacts[stream] = self._plan.given[stream]
            else:
                await self._seal(stream, failed=self._plan.failed)
        except Exception as error:
            self._errors[stream] = error
            log.warning("The stream %r is not sealed: %s", stream, error)
        finally:
            self._settled[stream].set()

    async def _seal(self, stream: str, *, failed: bool) -> None:
        writer: StreamWriter | None = None
        try:
            position, outcome = 0, None
            while outcome is None:
                values, outcome = await self._channel.read(stream, position, AT_ONCE, self._wait)
                position += len(values)
                if writer is None and (values or outcome):
                    writer = await self._writer(stream)
                if writer is not None and values:
                    await self._in_thread(partial(writer.add, list(values)))
                if outcome is None and len(values) < AT_ONCE:
                    await anyio.sleep(PAUSE)
            assert writer is not None
            if outcome["status"] == "done" or failed:
                based_on = await self._based_on(stream)
                self._artifacts[stream] = await self._in_thread(partial(writer.publish, based_on, outcome))
                writer = None
        finally:
            if writer is not None:
                with anyio.CancelScope(shield=True):
                    await self._in_thread(writer.discard)

    async def _writer(self, stream: str) -> StreamWriter:
        scope, _ = await self._scope(self._plan.writers[stream])
        assert self._seen is not None
        labels = {"flow": self._plan.name, "stream": stream, "flow_id": self._plan.flow_id}
        about = About(stream, scope.run_id, labels, self._seen)
        return await self._in_thread(lambda: StreamWriter(self._work, about))

    async def _based_on(self, stream: str) -> list[str]:
        """List what a stream was made from, as soon as all of that has its artifact: what its step read and loaded."""
        step = self._plan.writers[stream]
        reads = sorted(self._plan.steps[step][0]) if step else ()
        for name in reads:
            await self._settled[name].wait()
        sealed = [self._artifacts[name].artifact_id for name in reads if name in self._artifacts]
        return list(dict.fromkeys([*sealed, *self._scopes[step][0].loaded()]))

    # --- runs ---

    async def _watch(self, step: str) -> None:
        """End the run of a step with it."""
        outcome, error = None, None
        try:
            while outcome is None:
                _, outcome = await self._channel.read(f"{CONTROL}{step}", 0, 1, self._wait)
            error = _error_of(outcome)
        except ElliptioError as failure:
            error = failure
        self._failure = self._failure or error
        _, recording = await self._scope(step)
        await self._end(step, recording, error)

    async def _scope(self, step: str) -> tuple[Scope, Recording]:
        """Give the run of a step, or of the flow; it begins when it is first asked for."""
        async with self._beginning:
            for name in ("", step):
                if name not in self._scopes:
                    around = self._scopes[""][0] if name else self._work._scope
                    self._scopes[name] = await self._in_thread(partial(self._begin, name, around))
            return self._scopes[step]

    def _begin(self, step: str, around: Scope) -> tuple[Scope, Recording]:
        git_diff = self._work._settings["git_diff"].value
        if self._seen is None:
            if self._work.lake.notice is not None:
                self._work.lake.notice()
            self._seen = collecting.collect(git_diff=git_diff)
        name = step or self._plan.name
        labels = {"flow": self._plan.name, "flow_id": self._plan.flow_id}
        params = None if step else self._plan.params
        found = begin(  # what was loaded before is in the inputs of a step, if it is in its values
            self._work.lake, around, name, params, labels, git_diff=git_diff, inherits=not step, seen=self._seen
        )
        if not step:
            about = {**labels, "run_id": found[0].run_id}
            planning.keep(self._work.lake, about, self._plan.steps, username=self._seen.username)
        return found

    async def _end(self, step: str, recording: Recording, error: Exception | None) -> None:
        self._ended.add(step)
        self._scopes[step][0].ended = True
        try:
            with anyio.CancelScope(shield=True):  # what is counted as ended must not stay one that runs
                await self._in_thread(lambda: recording.finish(error))
        except ElliptioError as failure:
            log.warning("How a run of the flow %s ended is not recorded: %s", self._plan.flow_id, failure)

    async def _finish(self, error: Exception | None) -> None:
        """End the runs that have not ended, that of the flow last."""
        for event in self._settled.values():
            event.set()
        causes = await self._causes() if isinstance(error, FlowCancelledError) else {}
        self._failure = self._failure or next((cause for cause in causes.values() if cause is not None), None)
        for step in causes if self._scopes else ():
            with contextlib.suppress(ElliptioError):
                await self._scope(step)
        for step, (_, recording) in reversed(self._scopes.items()):
            for stream, problem in {} if step else self._errors.items():
                recording.note(note(f"The stream {stream!r} is not sealed: {problem}"))
            if step not in self._ended:
                await self._end(step, recording, causes.get(step, error) if step else self._failure or error)
        self._done.set()

    async def _causes(self) -> dict[str, Exception | None]:
        """Ask how the steps ended that were not seen to: where one fails, who waits for its values ends all others."""
        found: dict[str, Exception | None] = {}
        with anyio.move_on_after(self._wait), contextlib.suppress(ElliptioError, OSError):
            for step in self._plan.steps:
                if step not in self._ended:
                    _, outcome = await self._channel.read(f"{CONTROL}{step}", 0, 1, 0.0)
                    if outcome is not None:
                        found[step] = _error_of(outcome)
        return found

    async def _in_thread(self, call: Callable[[], Got]) -> Got:
        # In a copy of the context, as a thread that works for this one: what is begun there is begun in the same run.
        return await anyio.to_thread.run_sync(scopes.carried().run, call, limiter=self._threads)


def _error_of(outcome: Outcome) -> Exception | None:
    if outcome["status"] == "done":
        return None
    if outcome["status"] == "cancelled":
        return FlowCancelledError("The flow was cancelled.")
    cause = outcome.get("cause") or {}
    error = StepFailedError(f"The step {cause.get('step')!r} failed: {cause.get('kind')}: {cause.get('text')}", cause)
    if error.traceback:
        error.add_note(error.traceback)
    return error


def find_sealed(work: Work, flow_id: str) -> dict[str, Artifact]:
    """Find the artifacts of the streams of an execution in the lake, by stream."""
    wanted = {"labels.flow_id": flow_id, "labels.stream": {"$exists": True}}
    found = work.lake.find(wanted, sort=[("creation_time", 1)], limit=0)
    loaded = [artifact_of(work.lake, metadata_of(work.lake, document), track=True) for document in found]
    return {one.labels["stream"]: one for one in loaded}
