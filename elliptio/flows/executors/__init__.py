"""Run the steps of flows: in this process, in worker processes, or by Celery."""
