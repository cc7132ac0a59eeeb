"""Say what a page would show, and how to begin, where a lake has nothing of that yet."""

from __future__ import annotations

from elliptio.ui.asked import Answer, Asked
from elliptio.ui.view import View

_PIPELINE = "elliptio new shop        # a small project that works\ncd shop\nelliptio pipelines run report"
_TEXTS = {
    "pipelines": (
        "Pipelines",
        "This page shows each pipeline with its last build: what each step did, and why. No build is in this lake yet.",
        "docs/pipelines.md",
        _PIPELINE,
    ),
    "catalog": (
        "Catalog",
        "This page shows the entries of catalogs: their versions, their partitions, and which of these are missing. "
        "No entry has a version in this lake yet.",
        "docs/catalog.md",
        f"{_PIPELINE}\n\n# or from Python, in the project\nfrom elliptio.pipelines import Session\n\n"
        'Session().catalog.save("rates", {"EUR": 1.0})',
    ),
    "snapshots": (
        "Snapshots",
        "This page shows snapshots: a pipeline's definition with its parameters and the exact artifacts that it took "
        "and made, and what differs between two of them. Each whole build takes one. There is none in this lake yet.",
        "docs/pipelines.md",
        _PIPELINE,
    ),
    "models": (
        "Models",
        "This page shows data models: each class, its newest objects, and their fields. No model is in this lake yet.",
        "docs/models.md",
        "import elliptio as eio\nfrom elliptio.models import DataModel\n\n\nclass Score(DataModel, version=1):\n"
        '    value: float\n\n\neio.Handler().save(Score(0.7), "fold 1")',
    ),
    "flows": (
        "Flows",
        "This page shows recorded flows: their steps, their streams with counts, rates and bytes, and the artifacts "
        "that these were sealed as. No flow was recorded in this lake yet; one that goes on in Redis and is not "
        "recorded is not seen here.",
        "docs/flows.md",
        "async with Supervisor(executor=LocalExecutor()) as supervisor:\n"
        '    execution = await supervisor.start_flow(flow, inputs={"upto": 3}, record=eio.Handler())\n'
        "    await execution.sealed()",
    ),
}


def not_yet(view: View, asked: Asked, name: str) -> Answer:
    """Answer with how to begin."""
    title, says, guide, code = _TEXTS[name]
    return view.page("not_yet.html", asked, here=name, title=title, says=says, guide=guide, code=code)
