"""Bring types of entries and places of your own; the names are those of Statisfactory."""

from elliptio.pipelines.catalog.interactors import ArtifactInteractor, Backend

__all__ = ["ArtifactInteractor", "Backend"]
