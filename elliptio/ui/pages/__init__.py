"""Pages: what a path answers, from documents to plain values that a template shows."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from elliptio.ui.guard import Kind

if TYPE_CHECKING:
    from elliptio.ui.asked import Answer, Asked
    from elliptio.ui.view import View

    Page: TypeAlias = Callable[[View, Asked], Answer]


def _page(name: str) -> Page:
    """Name a page, which is loaded when it is first asked for: who opens the list waits for no other."""
    module, _, function = name.partition(".")

    def page(view: View, asked: Asked) -> Answer:
        found: Page = getattr(import_module(f"elliptio.ui.pages.{module}"), function)
        return found(view, asked)

    return page


ROUTES = [
    ("GET", "/", _page("overview.show"), Kind.PAGE),
    ("GET", "/artifacts", _page("artifacts.show"), Kind.PAGE),
    ("GET", "/artifacts.json", _page("artifacts.as_json"), Kind.DATA),
    ("GET", "/artifacts.csv", _page("artifacts.as_csv"), Kind.DATA),
    ("GET", "/artifacts.parquet", _page("artifacts.as_parquet"), Kind.DATA),
    ("GET", "/artifacts/{id}", _page("artifact.show"), Kind.PAGE),
    ("GET", "/artifacts/{id}/files/{n}", _page("files.show"), Kind.PAGE),
    ("GET", "/artifacts/{id}/files/{n}/raw", _page("files.raw"), Kind.BYTES),
    ("GET", "/artifacts/{id}/files/{n}/frame", _page("files.frame"), Kind.FRAME),
    ("GET", "/artifacts/{id}/files/{n}/image", _page("files.image"), Kind.BYTES),
    ("GET", "/artifacts/{id}/logs/{n}/raw", _page("files.raw_log"), Kind.BYTES),
    ("GET", "/times", _page("times.show"), Kind.PAGE),
    ("GET", "/lineage/{id}", _page("lineage.show"), Kind.PAGE),
    ("GET", "/tags", _page("tags.show"), Kind.PAGE),
    ("GET", "/tags/{name}", _page("tags.history"), Kind.PAGE),
    ("POST", "/tags/{name}", _page("tags.change"), Kind.PAGE),
    ("GET", "/a/{prefix}", _page("artifact.shortly"), Kind.PAGE),
    ("GET", "/t/{tag}", _page("tags.named"), Kind.PAGE),
    ("GET", "/compare", _page("compare.show"), Kind.PAGE),
    ("GET", "/compare.json", _page("compare.as_json"), Kind.DATA),
    ("GET", "/environments", _page("environments.show"), Kind.PAGE),
    ("GET", "/environments/{id}", _page("environments.one"), Kind.PAGE),
    ("GET", "/identify", _page("identify.show"), Kind.PAGE),
    ("GET", "/problems", _page("problems.show"), Kind.PAGE),
    ("GET", "/pipelines", _page("pipelines.show"), Kind.PAGE),
    ("GET", "/pipelines/{name}", _page("pipelines.pipeline"), Kind.PAGE),
    ("GET", "/catalog", _page("catalog.show"), Kind.PAGE),
    ("GET", "/catalog/{name}", _page("catalog.entry"), Kind.PAGE),
    ("GET", "/snapshots", _page("snapshots.show"), Kind.PAGE),
    ("GET", "/snapshots/{id}", _page("snapshots.snapshot"), Kind.PAGE),
    ("GET", "/runs", _page("runs.show"), Kind.PAGE),
    ("GET", "/runs.json", _page("runs.as_json"), Kind.DATA),
    ("GET", "/runs.csv", _page("runs.as_csv"), Kind.DATA),
    ("GET", "/views", _page("views.show"), Kind.PAGE),
    ("POST", "/views", _page("views.change"), Kind.PAGE),
    ("GET", "/models", _page("models.show"), Kind.PAGE),
    ("GET", "/models/{name}", _page("models.of_class"), Kind.PAGE),
    ("GET", "/models/{name}/{id}", _page("models.model"), Kind.PAGE),
    ("GET", "/flows", _page("flows.show"), Kind.PAGE),
    ("GET", "/flows/{id}", _page("flows.flow"), Kind.PAGE),
    ("GET", "/runs/{id}", _page("run.show"), Kind.PAGE),
    ("GET", "/runs/{id}/metrics.csv", _page("run.metrics_csv"), Kind.DATA),
    ("GET", "/runs/{id}/logs/{name}", _page("run.log"), Kind.DATA),
]
"""Method, path, page, and what kind of answer that is."""
