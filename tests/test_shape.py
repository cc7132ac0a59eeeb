"""Holds the shape of the house: how long its parts are, what its doors show, how far a call goes.

Where a change makes a figure smaller, lower it here: they only go down.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import elliptio as eio
import elliptio.flows
import elliptio.models
import elliptio.models.db
import elliptio.models.serializer
import elliptio.models.storage.aws
import elliptio.models.sync
import elliptio.pipelines
import elliptio.testing

PACKAGE = Path(eio.__file__).parent
LONGEST_FILE, LONGEST_CLASS, LONGEST_FUNCTION = 400, 250, 40
"""In lines; docstrings do not count in classes and functions: what is well described is not long."""

DOORS = {
    eio: [
        "Artifact", "ConfigError", "DeletedParentWarning", "DocumentNotFoundError", "ElliptioError",
        "EmptyIndexWarning", "FileKeyError", "FormatError", "FormatOptionError",
        "Handler", "InUseError", "IndexUnavailableError", "IntegrityError", "Labels", "LocalFile",
        "Metadata", "MetadataError", "MissingExtraError", "MissingKeyError", "NotWrittenError", "QueryError",
        "RemoteFile", "ReproductionError", "S3File", "SourceError", "SourceNotFoundError", "SpooledWarning",
        "StoreError", "TagTakenError", "TruncatedWarning", "UnknownFormatError", "ValueRefusedError",
        "WriteOnlyError", "__version__", "mock_username",
    ],
    elliptio.flows: [
        "FROM_FIRST", "FROM_LATEST", "IO", "ONLY_NEW", "BrokerUnavailableError", "CeleryExecutor", "Checkpoint",
        "CyclicFlowError", "Depends", "DuplicateIOError", "EmptyStreamError", "Execution", "Executor",
        "FloatingIOError", "Flow", "FlowCancelledError", "FlowExecutionAdvancementTimeout", "FlowNotFoundError",
        "HeldUpError", "IOStreamTimeout", "IOVal", "IOVals", "LeaseLostError", "LocalExecutor", "MemoryBroker",
        "MismatchedIOError", "NobodyRunsError", "PositionError", "Processor", "ProcessorError", "ReadOnlyIOError",
        "RedisBroker", "ReplayError", "Serializer", "Status", "StepFailedError", "StepLostError", "StreamEndedError",
        "StreamFullError", "Supervisor", "SupervisorError", "TamperedDataError", "Topology", "UnevenStreamsError",
        "UnrecordedFlowError", "UnregisteredProcessorError", "UnresolvedFlowError", "UnserializableValueError",
        "WorkerExecutor",
    ],
    elliptio.models: [
        "DamagedModelError", "DataModel", "Described", "DuplicateModelError", "FieldTypeError", "FileSystemStorage",
        "MigrationError", "ModelComparison", "ModelDefinitionError", "NoCurrentNodeError", "Node",
        "NodeNotFoundError", "NotAModelError", "Record", "S3Storage", "Serializer", "Storage", "UnfitValueError",
        "UnknownSerializerError", "array_serializer", "bytes_serializer", "compare_models", "create_current",
        "create_model", "current_engine", "current_node", "current_node_id", "current_session",
        "dataframe_serializer", "datetime_serializer", "delete_artifact", "delete_model", "delete_node",
        "delete_span", "describe", "engine_context", "feather_serializer", "field", "find_models", "json_serializer",
        "json_sorted_serializer", "load_model", "migrate_models", "migration", "model_field", "models_from",
        "node_function", "numpy_serializer", "parquet_serializer", "peek", "polars_serializer", "read_ancestor_nodes",
        "read_ancestor_spans", "read_child_artifacts", "read_child_models", "read_child_nodes", "read_child_spans",
        "read_descendant_artifacts", "read_descendant_nodes", "read_descendant_spans", "read_model", "read_node",
        "read_node_exists", "read_node_models", "read_nodes", "read_nodes_exist", "read_parent_node",
        "read_parent_span", "read_span", "read_span_exists", "read_span_models", "read_spans", "read_spans_exist",
        "s3_client_context", "session_context", "set_engine", "set_s3_client", "string_serializer",
        "timedelta_serializer", "write_child_models", "write_model", "write_models", "write_node",
        "write_node_models", "write_nodes", "write_parent_child_relationships", "write_span", "write_span_models",
        "write_spans",
    ],
    elliptio.models.db: [
        "AsyncSession", "current_engine", "current_session", "engine_context", "session_context", "set_engine",
    ],
    elliptio.models.sync: [
        "Node", "Session", "create_current", "create_model", "current_node", "current_node_id", "current_session",
        "delete_artifact", "delete_model", "delete_node", "delete_span", "engine_context", "node_function",
        "read_ancestor_nodes", "read_ancestor_spans", "read_child_artifacts", "read_child_models", "read_child_nodes",
        "read_child_spans", "read_descendant_artifacts", "read_descendant_nodes", "read_descendant_spans",
        "read_model", "read_node", "read_node_exists", "read_node_models", "read_nodes", "read_nodes_exist",
        "read_parent_node", "read_parent_span", "read_span", "read_span_exists", "read_span_models", "read_spans",
        "read_spans_exist", "session_context", "set_engine", "write_child_models", "write_model", "write_models",
        "write_node", "write_node_models", "write_nodes", "write_parent_child_relationships", "write_span",
        "write_span_models", "write_spans",
    ],
    elliptio.models.serializer: [
        "Serializer", "get", "of_value",
    ],
    elliptio.models.storage: [
        "FileSystemStorage", "Storage", "delete", "fetch", "place_of", "put",
    ],
    elliptio.models.storage.aws: [
        "S3Storage", "s3_client_context", "set_s3_client",
    ],
    elliptio.pipelines: [
        "Acceptance", "ArgumentError", "Artifact", "ArtifactInteractor", "Audit", "BaseSession", "Build", "Catalog",
        "Connection", "Craft",
        "CraftDefinitionError", "CraftError", "DuplicateNameError", "Entry", "EntryError", "Fingerprint", "Graph",
        "LakeBackend", "MemoryBackend", "MissingKeysError", "NoSessionError", "Partition", "Pipeline",
        "PipelineDefinitionError", "Plan", "ProjectError", "ProjectNotFoundError", "Runner", "SelectionError",
        "Session", "ShadowedModuleWarning", "Snapshot", "SnapshotNotFoundError", "SnapshotTagTakenError",
        "TemplateError", "UnknownNameError", "UnusedParameterWarning", "ValidationError", "VersionNotFoundError",
        "Volatile",
    ],
    elliptio.testing: [
        "BackendConformance", "BrokerConformance", "FormatConformance", "IndexConformance", "RunnerConformance",
        "S3Server", "ServerError", "StoreConformance", "mongodb_server", "s3_server",
    ],
}  # fmt: skip

VERBS = [
    "based_on", "close", "compare", "current_run", "delete", "find", "flush", "gc", "get", "hash", "identify", "index",
    "latest", "lineage", "link", "new", "note", "owners", "reindex", "reproduce", "run", "run_id", "runs", "save",
    "save_many", "search", "show", "store", "tag", "tags", "ui", "upload", "verify",
]  # fmt: skip

BUDGET = {
    "upload": {"calls": 141, "functions": 108, "files": 26, "depth": 9},
    "new": {"calls": 190, "functions": 133, "files": 30, "depth": 9},
    "get": {"calls": 67, "functions": 53, "files": 18, "depth": 7},
    "find": {"calls": 76, "functions": 54, "files": 16, "depth": 8},
    "download": {"calls": 48, "functions": 41, "files": 12, "depth": 11},
    "run": {"calls": 230, "functions": 124, "files": 32, "depth": 12},
    "tag": {"calls": 246, "functions": 101, "files": 24, "depth": 14},
    "tag among 100": {"calls": 250, "functions": 101, "files": 24, "depth": 14},
}
"""What a call may take inside the package when it is made the second time, on a small local lake; see `tests.hops`."""


def sources() -> list[tuple[str, str]]:
    """Each file of the package with its text."""
    return [(str(path.relative_to(PACKAGE)), path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))]


DESCRIBED = ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def lines_of(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a class or a function, without its docstring and those of what is defined in it."""
    texts = [
        part.body[0]
        for part in ast.walk(node)
        if isinstance(part, DESCRIBED) and ast.get_docstring(part, clean=False) is not None
    ]
    return lines(node) - sum(map(lines, texts))


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def test_files_are_short() -> None:
    assert not [name for name, text in sources() if text.count("\n") > LONGEST_FILE]


def test_classes_and_functions_are_short() -> None:
    found = {
        f"{name}: {node.name}"
        for name, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, DESCRIBED)
        if lines_of(node) > (LONGEST_CLASS if isinstance(node, ast.ClassDef) else LONGEST_FUNCTION)
    }
    assert not found


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_door_shows_what_it_should(door: object) -> None:
    assert vars(door)["__all__"] == DOORS[door]


def test_every_warning_is_shown() -> None:
    found = {
        node.name
        for _, text in sources()
        if "Warning(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Warning")
    }
    assert found <= {*eio.__all__, *elliptio.pipelines.__all__}


def test_the_handler_has_these_verbs() -> None:
    assert [name for name, _ in inspect.getmembers(eio.Handler) if not name.startswith("_")] == VERBS


@pytest.fixture(scope="module")
def hops() -> dict[str, dict[str, int]]:
    """What the main verbs take, in a new process, so that no other test has a part in it."""
    root = PACKAGE.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ELLIPTIO_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.hops"],
        cwd=root, env={**environment, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("verb", BUDGET)
def test_a_verb_keeps_to_its_budget(verb: str, hops: dict[str, dict[str, int]]) -> None:
    over = {what: number for what, number in hops[verb].items() if number > BUDGET[verb][what]}
    assert not over, f"{verb} may take {BUDGET[verb]}. `python -m tests.hops` shows what it takes."
