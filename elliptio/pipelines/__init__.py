"""Catalog, crafts, pipelines, snapshots: name data sets once, join plain functions, run only what changed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Acceptance": "accepting",
    "ArgumentError": "errors",
    "Artifact": "crafts.hints",
    "ArtifactInteractor": "catalog.interactors",
    "Audit": "builds.auditing",
    "BaseSession": "session",
    "Build": "builds.build",
    "Catalog": "catalog.catalog",
    "Connection": "snapshots.connections",
    "Craft": "pipeline",
    "CraftDefinitionError": "errors",
    "CraftError": "errors",
    "DuplicateNameError": "errors",
    "Entry": "catalog.entries",
    "EntryError": "errors",
    "Fingerprint": "crafts.fingerprints",
    "Graph": "graphs.graph",
    "LakeBackend": "snapshots.lake",
    "MemoryBackend": "snapshots.memory",
    "MissingKeysError": "errors",
    "NoSessionError": "errors",
    "Partition": "snapshots.partitions",
    "Pipeline": "pipeline",
    "PipelineDefinitionError": "errors",
    "Plan": "builds.plan",
    "ProjectError": "errors",
    "ProjectNotFoundError": "errors",
    "Runner": "builds.runners.tasks",
    "SelectionError": "errors",
    "ShadowedModuleWarning": "project.importing",
    "Session": "session",
    "Snapshot": "snapshots.snapshot",
    "SnapshotNotFoundError": "errors",
    "SnapshotTagTakenError": "errors",
    "TemplateError": "errors",
    "UnknownNameError": "errors",
    "UnusedParameterWarning": "crafts.binding",
    "ValidationError": "errors",
    "VersionNotFoundError": "errors",
    "Volatile": "crafts.hints",
}

__all__ = [
    "Acceptance", "ArgumentError", "Artifact", "ArtifactInteractor", "Audit", "BaseSession", "Build", "Catalog",
    "Connection", "Craft", "CraftDefinitionError", "CraftError", "DuplicateNameError", "Entry", "EntryError",
    "Fingerprint", "Graph", "LakeBackend", "MemoryBackend", "MissingKeysError", "NoSessionError", "Partition",
    "Pipeline", "PipelineDefinitionError", "Plan", "ProjectError", "ProjectNotFoundError", "Runner", "SelectionError",
    "Session", "ShadowedModuleWarning", "Snapshot", "SnapshotNotFoundError", "SnapshotTagTakenError",
    "TemplateError", "UnknownNameError", "UnusedParameterWarning", "ValidationError", "VersionNotFoundError",
    "Volatile",
]  # fmt: skip

if TYPE_CHECKING:
    from elliptio.pipelines.accepting import Acceptance
    from elliptio.pipelines.builds.auditing import Audit
    from elliptio.pipelines.builds.build import Build
    from elliptio.pipelines.builds.plan import Plan
    from elliptio.pipelines.builds.runners.tasks import Runner
    from elliptio.pipelines.catalog.catalog import Catalog
    from elliptio.pipelines.catalog.entries import Entry
    from elliptio.pipelines.catalog.interactors import ArtifactInteractor
    from elliptio.pipelines.crafts.binding import UnusedParameterWarning
    from elliptio.pipelines.crafts.fingerprints import Fingerprint
    from elliptio.pipelines.crafts.hints import Artifact, Volatile
    from elliptio.pipelines.errors import (
        ArgumentError,
        CraftDefinitionError,
        CraftError,
        DuplicateNameError,
        EntryError,
        MissingKeysError,
        NoSessionError,
        PipelineDefinitionError,
        ProjectError,
        ProjectNotFoundError,
        SelectionError,
        SnapshotNotFoundError,
        SnapshotTagTakenError,
        TemplateError,
        UnknownNameError,
        ValidationError,
        VersionNotFoundError,
    )
    from elliptio.pipelines.graphs.graph import Graph
    from elliptio.pipelines.pipeline import Craft, Pipeline
    from elliptio.pipelines.project.importing import ShadowedModuleWarning
    from elliptio.pipelines.session import BaseSession, Session
    from elliptio.pipelines.snapshots.connections import Connection
    from elliptio.pipelines.snapshots.lake import LakeBackend
    from elliptio.pipelines.snapshots.memory import MemoryBackend
    from elliptio.pipelines.snapshots.partitions import Partition
    from elliptio.pipelines.snapshots.snapshot import Snapshot


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that the import itself stays fast.
    if name in _HOMES:
        value = getattr(import_module(f"elliptio.pipelines.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'elliptio.pipelines' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
