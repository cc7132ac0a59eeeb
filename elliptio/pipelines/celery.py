"""Make steps in the workers of an app of Celery that includes this module.

::

    app = Celery("shop", broker="redis://…", backend="redis://…", include=["elliptio.pipelines.celery"])
"""

from __future__ import annotations

from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.builds.runners.celery import TASK

try:
    from celery import shared_task
except ImportError as error:
    raise MissingExtraError("A runner of Celery needs Celery. Run: pip install 'elliptio[celery]'") from error


@shared_task(name=TASK, serializer="json")  # type: ignore[untyped-decorator]
def step(data: dict[str, Any], run: dict[str, str | None]) -> dict[str, Any]:
    """Make a step; see `elliptio.pipelines.builds.runners.elsewhere.answered`."""
    from elliptio.pipelines.builds.runners.elsewhere import answered

    return answered(data, run)
