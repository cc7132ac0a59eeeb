"""Collect the facts of what is compared: of an artifact, a run, or here and now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile
from elliptio.lake import dead_runs, run_output, run_records
from elliptio.lake.lake import Lake
from elliptio.lineage.comparison.differences import flattened
from elliptio.naming import DIFF_LOG
from elliptio.provenance import collecting

HERE = "here and now"

_MACHINE = ("platform", "cpu", "memory", "gpus", "container")
_WHO_WHEN = ("username", "hostname", "creation_time", "argv", "working_directory", "notebook")
_OF_RUN = ("name", "status", "end_time")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: facts by section and dotted name, and file objects."""

    name: str
    facts: Mapping[str, Mapping[str, Any]]
    git: Mapping[str, Any]
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    is_model: bool = False


def of_artifact(artifact: Artifact) -> Side:
    """Collect the facts of an artifact, and of the run that made it."""
    metadata = artifact.metadata
    diff = next((record.sha256 for record in metadata.logs if record.relpath == DIFF_LOG), None)
    environment = metadata.environment
    who_when = {name: getattr(metadata, name) for name in _WHO_WHEN}
    facts = {
        "files": {record.relpath: (record.size, record.sha256 or record.stamp) for record in metadata.files},
        "labels": flattened(metadata.labels),
        **environment_facts(environment, metadata.python_packages),
        "who_when": flattened({**who_when, "scheduler": environment.get("scheduler")}),
    }
    if (run := artifact.run) is not None:
        facts |= {name: flattened(run.get(name) or {}) for name in ("params", "metrics")}
    git = {**metadata.git, "diff": diff} if metadata.git else {"commit": None, "dirty": False}
    return Side(artifact.artifact_id, facts, git, artifact.files, is_model=metadata.model is not None)


def of_run(lake: Lake, run_id: str) -> Side:
    """Collect the facts of a run, as they were when it began.

    Raises
    ------
    DocumentNotFoundError
        If there is no such run, or the beginning of its identifier fits several.
    StoreError, IndexUnavailableError
        If the store or the index cannot be read.

    """
    dead_runs.bury(lake)
    run = run_records.get(lake, run_id)
    environment = lake.environment(run.get("environment_id"))
    diff = run_output.read_logs(lake, run["_id"]).get(DIFF_LOG)
    facts = {
        **{name: flattened(run.get(name) or {}) for name in ("labels", "params", "metrics")},
        **environment_facts(environment, environment.get("python_packages", {})),
        "who_when": flattened({name: run.get(name) for name in (*_OF_RUN, *_WHO_WHEN)}),
    }
    return Side(run["_id"], facts, _git(run.get("git"), diff))


def of_here(git_diff: str) -> Side:
    """Collect the facts of this process; `git_diff` says what is seen of uncommitted changes."""
    seen = collecting.collect(git_diff=git_diff)
    who_when = {name: getattr(seen, name) for name in _WHO_WHEN if name != "creation_time"}
    who_when |= {"creation_time": datetime.now(tz=UTC), "scheduler": seen.environment.get("scheduler")}
    facts = {
        **environment_facts(seen.environment, seen.environment["python_packages"]),
        "who_when": flattened(who_when),
    }
    return Side(HERE, facts, _git(seen.git, seen.diff))


def _git(git: Any, diff: str | None) -> dict[str, Any]:
    digest = None if diff is None else hashlib.sha256(diff.encode("utf-8", "replace")).hexdigest()
    return {**git, "diff": digest} if isinstance(git, Mapping) else {"commit": None, "dirty": False}


def environment_facts(environment: Mapping[str, Any], packages: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Sort what is recorded of an environment into the sections that are compared."""
    python = environment.get("python")
    return {
        "packages": dict(packages),
        "python": flattened(python if isinstance(python, Mapping) else {"python": python}),
        "machine": flattened({name: environment.get(name) for name in _MACHINE}),
    }
