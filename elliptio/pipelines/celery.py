"""Let the workers of an app of Celery make steps.

::

    app = Celery("shop", broker="redis://…", backend="redis://…", include=["elliptio.pipelines.celery"])
"""

from __future__ import annotations

from elliptio.pipelines.builds.runners.celery_task import TASK, step

__all__ = ["TASK", "step"]
