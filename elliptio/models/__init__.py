"""Data models and nodes: save your own class, get your own class back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "comparing": ("ModelComparison", "compare_models",),
    "errors": (
        "DamagedModelError", "DuplicateModelError", "FieldTypeError", "MigrationError", "ModelDefinitionError",
        "NoCurrentNodeError", "NodeNotFoundError", "NotAModelError", "UnfitValueError",
        "UnknownSerializerError",
    ),
    "finding": ("find_models",),
    "identity": ("models_from",),
    "loading": ("load_model",),
    "looking": ("Described", "describe", "peek",),
    "migrating": ("migrate_models",),
    "migrations": ("migration",),
    "model": ("DataModel", "field", "model_field",),
    "nodes.awaited": (
        "create_model", "delete_artifact", "delete_model", "delete_node", "delete_span", "read_ancestor_nodes",
        "read_ancestor_spans", "read_child_artifacts", "read_child_models", "read_child_nodes",
        "read_child_spans", "read_descendant_artifacts", "read_descendant_nodes", "read_descendant_spans",
        "read_model", "read_node", "read_node_exists", "read_node_models", "read_nodes", "read_nodes_exist",
        "read_parent_node", "read_parent_span", "read_span", "read_span_exists", "read_span_models",
        "read_spans", "read_spans_exist", "write_child_models", "write_model", "write_models", "write_node",
        "write_node_models", "write_nodes", "write_parent_child_relationships", "write_span",
        "write_span_models", "write_spans",
    ),
    "nodes.current": ("current_node_id",),
    "nodes.engine": ("current_engine", "engine_context", "set_engine",),
    "nodes.entering": ("create_current",),
    "nodes.functions": ("node_function",),
    "nodes.node": ("Node",),
    "nodes.sessions": ("current_session", "session_context",),
    "record": ("Record",),
    "serializer.bytes": ("bytes_serializer",),
    "serializer.datetime": ("datetime_serializer", "timedelta_serializer",),
    "serializer.defining": ("Serializer",),
    "serializer.json": ("json_serializer", "json_sorted_serializer",),
    "serializer.numpy": ("array_serializer", "numpy_serializer",),
    "serializer.pandas": ("dataframe_serializer",),
    "serializer.polars": ("polars_serializer",),
    "serializer.pyarrow": ("feather_serializer", "parquet_serializer",),
    "serializer.string": ("string_serializer",),
    "storage.aws": ("S3Storage", "s3_client_context", "set_s3_client",),
    "storage.defining": ("Storage",),
    "storage.file": ("FileSystemStorage",),
    "sync": ("current_node",),
}  # fmt: skip
"""Names by the module that has them."""

_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DamagedModelError", "DataModel", "Described", "DuplicateModelError", "FieldTypeError", "FileSystemStorage",
    "MigrationError", "ModelComparison", "ModelDefinitionError", "NoCurrentNodeError", "Node",
    "NodeNotFoundError", "NotAModelError", "Record", "S3Storage", "Serializer", "Storage", "UnfitValueError",
    "UnknownSerializerError", "array_serializer", "bytes_serializer", "compare_models", "create_current",
    "create_model", "current_engine", "current_node", "current_node_id", "current_session",
    "dataframe_serializer", "datetime_serializer", "delete_artifact", "delete_model", "delete_node",
    "delete_span", "describe", "engine_context", "feather_serializer", "field", "find_models",
    "json_serializer", "json_sorted_serializer", "load_model", "migrate_models", "migration", "model_field",
    "models_from", "node_function", "numpy_serializer", "parquet_serializer", "peek", "polars_serializer",
    "read_ancestor_nodes", "read_ancestor_spans", "read_child_artifacts", "read_child_models",
    "read_child_nodes", "read_child_spans", "read_descendant_artifacts", "read_descendant_nodes",
    "read_descendant_spans", "read_model", "read_node", "read_node_exists", "read_node_models", "read_nodes",
    "read_nodes_exist", "read_parent_node", "read_parent_span", "read_span", "read_span_exists",
    "read_span_models", "read_spans", "read_spans_exist", "s3_client_context", "session_context", "set_engine",
    "set_s3_client", "string_serializer", "timedelta_serializer", "write_child_models", "write_model",
    "write_models", "write_node", "write_node_models", "write_nodes", "write_parent_child_relationships",
    "write_span", "write_span_models", "write_spans",
]  # fmt: skip

if TYPE_CHECKING:
    from elliptio.models.comparing import ModelComparison, compare_models
    from elliptio.models.errors import (
        DamagedModelError,
        DuplicateModelError,
        FieldTypeError,
        MigrationError,
        ModelDefinitionError,
        NoCurrentNodeError,
        NodeNotFoundError,
        NotAModelError,
        UnfitValueError,
        UnknownSerializerError,
    )
    from elliptio.models.finding import find_models
    from elliptio.models.identity import models_from
    from elliptio.models.loading import load_model
    from elliptio.models.looking import Described, describe, peek
    from elliptio.models.migrating import migrate_models
    from elliptio.models.migrations import migration
    from elliptio.models.model import DataModel, field, model_field
    from elliptio.models.nodes.awaited import (
        create_model,
        delete_artifact,
        delete_model,
        delete_node,
        delete_span,
        read_ancestor_nodes,
        read_ancestor_spans,
        read_child_artifacts,
        read_child_models,
        read_child_nodes,
        read_child_spans,
        read_descendant_artifacts,
        read_descendant_nodes,
        read_descendant_spans,
        read_model,
        read_node,
        read_node_exists,
        read_node_models,
        read_nodes,
        read_nodes_exist,
        read_parent_node,
        read_parent_span,
        read_span,
        read_span_exists,
        read_span_models,
        read_spans,
        read_spans_exist,
        write_child_models,
        write_model,
        write_models,
        write_node,
        write_node_models,
        write_nodes,
        write_parent_child_relationships,
        write_span,
        write_span_models,
        write_spans,
    )
    from elliptio.models.nodes.current import current_node_id
    from elliptio.models.nodes.engine import current_engine, engine_context, set_engine
    from elliptio.models.nodes.entering import create_current
    from elliptio.models.nodes.functions import node_function
    from elliptio.models.nodes.node import Node
    from elliptio.models.nodes.sessions import current_session, session_context
    from elliptio.models.record import Record
    from elliptio.models.serializer.bytes import bytes_serializer
    from elliptio.models.serializer.datetime import datetime_serializer, timedelta_serializer
    from elliptio.models.serializer.defining import Serializer
    from elliptio.models.serializer.json import json_serializer, json_sorted_serializer
    from elliptio.models.serializer.numpy import array_serializer, numpy_serializer
    from elliptio.models.serializer.pandas import dataframe_serializer
    from elliptio.models.serializer.polars import polars_serializer
    from elliptio.models.serializer.pyarrow import feather_serializer, parquet_serializer
    from elliptio.models.serializer.string import string_serializer
    from elliptio.models.storage.aws import S3Storage, s3_client_context, set_s3_client
    from elliptio.models.storage.defining import Storage
    from elliptio.models.storage.file import FileSystemStorage
    from elliptio.models.sync import current_node


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
