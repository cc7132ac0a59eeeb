"""Run steps: here, in threads, in processes, on a cluster."""

from elliptio.pipelines.builds.runners.choosing import runner_of
from elliptio.pipelines.builds.runners.tasks import Runner, Task

__all__ = ["Runner", "Task", "runner_of"]
