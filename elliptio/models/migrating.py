"""Save what older versions of a class wrote as what it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elliptio.models.finding import find_models
from elliptio.models.loading import load_model
from elliptio.models.nodes.engine import current_engine
from elliptio.models.schemas import known_of
from elliptio.saving import values

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.handler import Handler
    from elliptio.models.model import DataModel


def migrate_models(model: type[DataModel], *, handler: Handler | None = None) -> list[Artifact]:
    """Save each model that another version of a class wrote once more, as what the class is now.

    The new artifacts have the labels of the old ones and are based on them; those stay. What was saved so before is
    not saved again.

    Returns
    -------
    list of Artifact
        The new ones, in the order in which the old ones were made.

    Raises
    ------
    MigrationError
        If one cannot be migrated; none is saved then.

    Examples
    --------
    >>> import elliptio as eio
    >>> from elliptio.models import DataModel, migrate_models
    >>> class Training(DataModel, version=1):
    ...     rate: float
    >>> h = eio.Handler("lake")
    >>> artifact = h.save(Training(0.1), "slow")
    >>> migrate_models(Training, handler=h)
    []

    """
    handler = current_engine(handler)
    now = known_of(model).hash
    found = find_models(model, handler=handler, exact=True, max_docs=0, columns=["artifact.model"])
    old = [artifact_id for artifact_id, stored in found["artifact.model"].items() if stored["schema"] != now]
    artifacts = [handler.show(str(artifact_id)) for artifact_id in reversed(old)]
    todo = [artifact for artifact in artifacts if not _is_done(handler, artifact, now)]
    made = [(load_model(artifact, strict=True), artifact.metadata.model["label"]) for artifact in todo]  # type: ignore[index]
    planned = values.plan_many(made, handler.lake)
    saved = values.save_all(
        [(plan, handler._publishing(old.metadata.labels, old)) for plan, old in zip(planned, todo, strict=True)]
    )
    return [handler._artifact(metadata) for metadata in saved]


def _is_done(handler: Handler, artifact: Artifact, now: str) -> bool:
    children = {"based_on": artifact.artifact_id, "model.schema": now}
    return bool(handler.search(children, max_docs=1, columns=["model"]).ids)
