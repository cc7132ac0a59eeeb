"""Save files with one call; find them again by who made them, from what, with which code.

>>> import elliptio as eio
>>> h = eio.Handler()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "1.0.0.dev0"

_HOMES = {
    "Artifact": "elliptio.artifacts.artifact",
    "EmptyIndexWarning": "elliptio.finding.search",
    "ConfigError": "elliptio.errors",
    "DeletedParentWarning": "elliptio.lake.parents",
    "DocumentNotFoundError": "elliptio.errors",
    "ElliptioError": "elliptio.errors",
    "FileKeyError": "elliptio.errors",
    "FormatError": "elliptio.errors",
    "FormatOptionError": "elliptio.errors",
    "Handler": "elliptio.handler",
    "InUseError": "elliptio.errors",
    "IndexUnavailableError": "elliptio.errors",
    "IntegrityError": "elliptio.errors",
    "Labels": "elliptio.labels",
    "LocalFile": "elliptio.artifacts.file",
    "Metadata": "elliptio.metadata",
    "MetadataError": "elliptio.errors",
    "MissingExtraError": "elliptio.errors",
    "MissingKeyError": "elliptio.errors",
    "NotWrittenError": "elliptio.errors",
    "QueryError": "elliptio.errors",
    "RemoteFile": "elliptio.artifacts.file",
    "ReproductionError": "elliptio.errors",
    "S3File": "elliptio.artifacts.file",
    "SourceError": "elliptio.errors",
    "SourceNotFoundError": "elliptio.errors",
    "SpooledWarning": "elliptio.lake.spool",
    "StoreError": "elliptio.errors",
    "TagTakenError": "elliptio.errors",
    "TruncatedWarning": "elliptio.finding.search",
    "UnknownFormatError": "elliptio.errors",
    "ValueRefusedError": "elliptio.errors",
    "WriteOnlyError": "elliptio.errors",
    "mock_username": "elliptio.provenance.collecting",
}

__all__ = [
    "Artifact",
    "ConfigError",
    "DeletedParentWarning",
    "DocumentNotFoundError",
    "ElliptioError",
    "EmptyIndexWarning",
    "FileKeyError",
    "FormatError",
    "FormatOptionError",
    "Handler",
    "InUseError",
    "IndexUnavailableError",
    "IntegrityError",
    "Labels",
    "LocalFile",
    "Metadata",
    "MetadataError",
    "MissingExtraError",
    "MissingKeyError",
    "NotWrittenError",
    "QueryError",
    "RemoteFile",
    "ReproductionError",
    "S3File",
    "SourceError",
    "SourceNotFoundError",
    "SpooledWarning",
    "StoreError",
    "TagTakenError",
    "TruncatedWarning",
    "UnknownFormatError",
    "ValueRefusedError",
    "WriteOnlyError",
    "__version__",
    "mock_username",
]

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.artifacts.file import LocalFile, RemoteFile, S3File
    from elliptio.errors import (
        ConfigError,
        DocumentNotFoundError,
        ElliptioError,
        FileKeyError,
        FormatError,
        FormatOptionError,
        IndexUnavailableError,
        IntegrityError,
        InUseError,
        MetadataError,
        MissingExtraError,
        MissingKeyError,
        NotWrittenError,
        QueryError,
        ReproductionError,
        SourceError,
        SourceNotFoundError,
        StoreError,
        TagTakenError,
        UnknownFormatError,
        ValueRefusedError,
        WriteOnlyError,
    )
    from elliptio.finding.search import EmptyIndexWarning, TruncatedWarning
    from elliptio.handler import Handler
    from elliptio.labels import Labels
    from elliptio.lake.parents import DeletedParentWarning
    from elliptio.lake.spool import SpooledWarning
    from elliptio.metadata import Metadata
    from elliptio.provenance.collecting import mock_username


def __getattr__(name: str) -> Any:
    # Heavy names load when first used, so that the import itself stays fast.
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'elliptio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
