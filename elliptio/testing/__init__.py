"""Help to test code that uses elliptio, and to test new stores, indexes and formats.

`StoreConformance`, `IndexConformance` and `FormatConformance` hold a store, an index and a format to the contract in
`elliptio.protocols`, one test for each promise: a test class subclasses one of them, and has one fixture.
`RunnerConformance` and `BackendConformance` do so for what runs the steps of pipelines, and for what keeps snapshots,
`BrokerConformance` for what keeps the state of flows.
`mongodb_server` and `s3_server` run real servers for as long as a ``with`` block.
``pytest_plugins = ["elliptio.testing.fixtures"]`` offers them as fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elliptio.testing.backends import BackendConformance
    from elliptio.testing.brokers import BrokerConformance
    from elliptio.testing.formats import FormatConformance
    from elliptio.testing.indexes import IndexConformance
    from elliptio.testing.runners import RunnerConformance
    from elliptio.testing.servers import S3Server, ServerError, mongodb_server, s3_server
    from elliptio.testing.stores import StoreConformance

_HOMES = {
    "BackendConformance": "backends",
    "BrokerConformance": "brokers",
    "FormatConformance": "formats",
    "IndexConformance": "indexes",
    "RunnerConformance": "runners",
    "S3Server": "servers",
    "ServerError": "servers",
    "StoreConformance": "stores",
    "mongodb_server": "servers",
    "s3_server": "servers",
}

__all__ = [
    "BackendConformance",
    "BrokerConformance",
    "FormatConformance",
    "IndexConformance",
    "RunnerConformance",
    "S3Server",
    "ServerError",
    "StoreConformance",
    "mongodb_server",
    "s3_server",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
