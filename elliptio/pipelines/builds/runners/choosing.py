"""Choose what runs steps by what a caller says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from elliptio.pipelines.builds.runners.here import Inline, Threads
from elliptio.pipelines.builds.runners.tasks import Runner
from elliptio.pipelines.errors import PipelineDefinitionError

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

NAMES = ("inline", "threads", "processes")


@contextlib.contextmanager
def runner_of(wanted: Any, session: BaseSession, workers: int | None) -> Iterator[Runner]:
    """Give the runner that is asked for, and close it in the end, unless the caller made it.

    Raises
    ------
    PipelineDefinitionError
        If there is none of this name.
    MissingExtraError
        If it needs a library that is not installed.

    """
    if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool) or workers < 1):
        raise PipelineDefinitionError(f"workers takes a number, 1 or more, not {workers!r}.")
    if not isinstance(wanted, str) and _origin(wanted) is None and callable(getattr(wanted, "submit", None)):
        yield wanted
        return
    runner = _made(wanted, session, workers)
    try:
        yield runner
    finally:
        runner.close()


def _made(wanted: Any, session: BaseSession, workers: int | None) -> Runner:
    if wanted in (None, "inline"):
        return Inline()
    if wanted == "threads":
        return Threads(workers)
    if wanted == "processes":
        from elliptio.pipelines.builds.runners.processes import Processes

        return Processes(session, workers)
    if _origin(wanted) == "distributed" or (isinstance(wanted, str) and wanted.startswith("dask:")):
        from elliptio.pipelines.builds.runners.dask import Dask

        return Dask(session, wanted)
    if _origin(wanted) == "celery":
        from elliptio.pipelines.builds.runners.celery import Celery

        return Celery(session, wanted)
    from elliptio.formats.libraries import meant

    hint = meant(str(wanted), [*NAMES, "dask://host:port"])
    raise PipelineDefinitionError(
        f"There is no runner {wanted!r}; {hint} A client of Dask, an app of Celery or a Runner will do too."
    )


def _origin(wanted: Any) -> str | None:
    """Tell which library an object is of, or that of a class of a user that derives from one of it."""
    modules = [cls.__module__.partition(".")[0] for cls in type(wanted).__mro__]
    return next((name for name in modules if name in ("distributed", "celery")), None)
