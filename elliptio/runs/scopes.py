"""Tell which run the code at hand belongs to: by its context, else the main thread's, else the environment.

A scope is what a run is to the code inside it: an identifier, and what was loaded. A handler has one from the start;
each ``with h.run(…)`` enters another.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol

from elliptio.masking import Later
from elliptio.protocols import Staging
from elliptio.system.forking import Lock

log = logging.getLogger(__name__)

RUN_ID, LAKE, BASED_ON = "ELLIPTIO_RUN_ID", "ELLIPTIO_RUN_LAKE", "ELLIPTIO_RUN_BASED_ON"
"""Variables that tell a child process which run it is part of, on which lake, and what was loaded so far."""

MOST_TOLD = 2000
"""So many loaded artifacts are told to child processes: a variable holds 128 KiB."""

_IDENTIFIER = Later(r"run_[0-9a-f-]{36}")
_ARTIFACT_ID = Later(r"artifact_[0-9a-f-]{36}")


class Recorder(Protocol):
    """Records a run, as far as a scope and what is done in it know of it."""

    @property
    def root(self) -> str:
        """Identifier of the outermost run around this one."""

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the run so far."""

    def add_params(self, values: Mapping[str, Any]) -> None:
        """Keep more parameters."""

    def note(self, remark: dict[str, Any]) -> None:
        """Keep a remark."""

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        """Keep what was measured."""

    def flush(self) -> None:
        """Write what was measured and loaded since it was last written."""

    def finish(self, error: BaseException | None) -> None:
        """Record that the run ended: failed if there is an error, else finished."""


class Scope:
    """A unit of work to the code inside it: artifacts belong to it, and are based on what it loaded.

    Parameters
    ----------
    lake
        Root of the lake.
    run_id
        Identifier of the run.
    based_on
        What counts as loaded from the start.
    outer
        The scope that encloses this one, of any lake.
    home
        The scope of the handler that it was begun with.

    Attributes
    ----------
    based_on
        Identifiers of what was loaded, in order, once each: what the next artifact is based on.
    used
        Those of them that were loaded in this scope itself.
    run
        What records the run; None for a handler's own scope.
    changed
        Called when something was loaded.
    saving
        Called before something is saved in it, if there is anything to do then.
    publishing
        Called instead, with what is staged, before the last that is saved in it is published.

    """

    def __init__(
        self,
        lake: str,
        run_id: str,
        based_on: Iterable[str] = (),
        outer: Scope | None = None,
        home: Scope | None = None,
    ) -> None:
        self.lake = lake
        self.run_id = run_id
        self.based_on = list(based_on)
        self.used: list[str] = []
        self.outer = outer
        self.home = home
        self.run: Recorder | None = None
        self.changed: Callable[[], object] = _nothing
        self.saving: Callable[[], object] | None = None
        self.publishing: Callable[[Staging], object] | None = None
        self.ended = False
        self.of_main_thread = False

    def __reduce__(self) -> tuple[type[Scope], tuple[str, str, list[str]]]:
        here = self.here()
        return type(self), (here.lake, here.run_id, here.loaded())

    def here(self) -> Scope:
        """Find the scope that what is done in this one counts for: where it has ended, the one around it."""
        return next((one for one in self.enclosing() if not one.ended and one.lake == self.lake), self.home or self)

    def load(self, artifact_id: str) -> None:
        """Remember that an artifact was loaded."""
        with _lock:
            if artifact_id not in self.based_on:
                self.based_on.append(artifact_id)
                if _active:
                    _show()
            if artifact_id not in self.used:
                self.used.append(artifact_id)
        self.changed()

    def loaded(self) -> list[str]:
        """List what was loaded so far; later loads do not change it."""
        with _lock:
            return list(self.based_on)

    def environment(self) -> dict[str, str | None]:
        """Variables that make a child process part of it."""
        with _lock:
            if len(self.based_on) == MOST_TOLD + 1:
                log.warning("Child processes are told only of the last %d artifacts that were loaded.", MOST_TOLD)
            return {RUN_ID: self.run_id, LAKE: self.lake, BASED_ON: ",".join(self.based_on[-MOST_TOLD:])}

    def enclosing(self) -> Iterator[Scope]:
        """Yield this scope, then those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


class HandlerScope(Scope):
    """Scope of a handler: what is done with it counts for the run that the code is in, if it is in one."""

    def __init__(self, lake: str, run_id: str, based_on: Iterable[str] = ()) -> None:
        super().__init__(lake, run_id, based_on)
        _handlers.add(self)
        for artifact_id in _waiting.pop(lake, ()):
            self.load(artifact_id)

    def here(self) -> Scope:
        """Find the run of this lake that the code at hand is in, else this scope."""
        return (current(self.lake) if _active else None) or self


def _nothing() -> None:
    pass


_lock = Lock()
_active: list[Scope] = []
"""Those that were entered in this process, or in the one it was forked from, and not left."""

_before: dict[str, str | None] = {}
"""Values of the variables before the first of them was entered."""

_handlers: weakref.WeakSet[HandlerScope] = weakref.WeakSet()
"""Those of the handlers of this process."""

_waiting: dict[str, list[str]] = {}
"""Artifacts read, by lake, while there was no handler: a worker was given one. The next handler is told of them."""

_current: ContextVar[Scope | None] = ContextVar("elliptio_run", default=None)

_of_main_thread: ContextVar[bool] = ContextVar("elliptio_of_main_thread", default=False)
"""True in a thread that works for a task of the main thread: that is in what its context says, or in nothing."""


def current(lake: str) -> Scope | None:
    """Scope that this thread or task is in; in a thread that nobody told, the one that the main thread is in.

    What other threads are in does not matter to it: whether it was in theirs would depend on who is quicker. Where
    tasks of the main thread are in several side by side, it is what encloses them all, if anything does.
    """
    scope = _current.get()
    for one in scope.enclosing() if scope else ():
        if not one.ended and one.lake == lake:
            return one
    if threading.current_thread() is threading.main_thread() or _of_main_thread.get():
        return None
    with _lock:
        return _shared(one for one in _active if one.lake == lake)


def carried() -> Context:
    """Copy the context for a thread that works for this one: it is in the same run, and guesses as little."""
    context = copy_context()
    if threading.current_thread() is threading.main_thread():
        context.run(_of_main_thread.set, True)
    return context


def read(lake: str, artifact_id: str) -> None:
    """Count a file of an artifact as read, by whatever object: in the run that the code is in, else for each handler.

    Outside of a run nothing tells which handler of the lake will save what is made of it.
    """
    within = current(lake)
    scopes = [within] if within else [one for one in _handlers if one.lake == lake]
    for scope in scopes:
        scope.load(artifact_id)
    if not scopes:
        _waiting.setdefault(lake, []).append(artifact_id)


def _shared(among: Iterable[Scope]) -> Scope | None:
    scopes = [one for one in among if one.of_main_thread]
    if not scopes or {*scopes} <= {*scopes[-1].enclosing()}:  # as it mostly is
        return scopes[-1] if scopes else None
    chains = {one: [*one.enclosing()] for one in scopes}
    fits = [one for one in scopes if all(one in chains[other] or other in chains[one] for other in scopes)]
    return max(fits, key=lambda one: len(chains[one]), default=None)


@contextlib.contextmanager
def entered(scope: Scope, *, ends: bool = True) -> Iterator[None]:
    """Be in a scope, in this thread or task; in the main thread, child processes that are started meanwhile are too.

    Where it does not end with the block it may be entered again, by several threads at once.
    """
    scope.of_main_thread = threading.current_thread() is threading.main_thread()
    before = _current.get()
    try:
        with _lock:
            if not _active:
                _before.update({name: os.environ.get(name) for name in (RUN_ID, LAKE, BASED_ON)})
            _active.append(scope)
            _show()
        _current.set(scope)
        yield
    finally:
        scope.ended = ends
        # A generator or a fixture may leave the block in another context than it entered it in, or before one that
        # was entered later: that goes on.
        if _current.get() is scope:
            _current.set(before)
        with _lock:
            if scope in _active:
                _active.remove(scope)
            _show()


def around(scope: Scope) -> Scope | None:
    """Find the scope that encloses a run begun in another, of any lake: the innermost that has not ended."""
    inside = _current.get() if isinstance(scope, HandlerScope) else scope
    here = scope.here()
    going_on = (one for one in inside.enclosing() if not one.ended) if inside else iter(())
    return next(going_on, here if here in active() else None)


def active() -> list[Scope]:
    """Scopes that were entered and not left."""
    with _lock:
        return list(_active)


def _show() -> None:
    """Tell child processes."""
    scope = _shared(_active)
    values = _before if scope is None else scope.environment()
    _set(values)
    _send_along()


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        elif os.environ.get(name) != value:
            os.environ[name] = value


class _Environment:
    """The variables of this process; where it is unpickled they are set.

    A process that a fork server of multiprocessing makes has else those of the moment at which the server was started.
    """

    def __reduce__(self) -> tuple[Callable[..., _Environment], tuple[dict[str, str | None]]]:
        return _taken_over, ({name: os.environ.get(name) for name in (RUN_ID, LAKE, BASED_ON)},)


def _taken_over(values: Mapping[str, str | None]) -> _Environment:
    _set(values)
    return _Environment()


def _send_along() -> None:
    """Let multiprocessing send the variables to each process that it starts from now on.

    Where nobody has imported it there is no fork server yet: one that is started later has the variables themselves,
    until they are others, and then this is called again.
    """
    module = sys.modules.get("multiprocessing.process")
    if module is not None:
        with contextlib.suppress(AttributeError):
            module.current_process()._config.setdefault("elliptio", _Environment())


def inherited(lake: str) -> HandlerScope | None:
    """Scope that a parent process was in when it started this one, if it was one of this lake."""
    with _lock:
        found = _before if _active else {name: os.environ.get(name) for name in (RUN_ID, LAKE, BASED_ON)}
        run_id, where, loaded = (found.get(name) or "" for name in (RUN_ID, LAKE, BASED_ON))
    if not run_id or where not in ("", lake):
        return None
    if not _IDENTIFIER.fullmatch(run_id):
        log.warning("%s=%r is not the identifier of a run, so it does not count.", RUN_ID, run_id)
        return None
    return HandlerScope(lake, run_id, list(filter(_ARTIFACT_ID.fullmatch, loaded.split(","))))


def _after_fork() -> None:
    """Go on in a child of a fork, which has one thread: what others were in does not go on here."""
    here = _current.get()
    chain = [*here.enclosing()] if here else [one for one in _active if one.of_main_thread]
    _active[:] = [one for one in _active if one in chain]
    for one in _active:
        one.of_main_thread = True
    if _before:
        _show()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
