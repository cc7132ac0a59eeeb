"""The task of Celery that makes a step: `elliptio.pipelines.celery` is what apps include."""

from __future__ import annotations

from typing import Any

from elliptio.errors import MissingExtraError

try:
    from celery import shared_task
except ImportError as error:
    raise MissingExtraError("A runner of Celery needs Celery. Run: pip install 'elliptio[celery]'") from error

TASK = "elliptio.step"
"""Name of the task."""


@shared_task(name=TASK, serializer="json")  # type: ignore[untyped-decorator]
def step(data: dict[str, Any], run: dict[str, str | None]) -> dict[str, Any]:
    """Make a step; see `elliptio.pipelines.builds.runners.elsewhere.answered`."""
    from elliptio.pipelines.builds.runners.elsewhere import answered

    return answered(data, run)
