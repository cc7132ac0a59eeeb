"""What an index on MongoDB says when it cannot be reached."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio.indexes.mongo import MongoIndex

QUICK = "serverSelectionTimeoutMS=300"


@pytest.fixture
def plain_server() -> Iterator[int]:
    """The port of a server that is there and speaks neither TLS nor MongoDB's protocol."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(100)
                    client.sendall(b"no TLS here\n")

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def said_by(url: str) -> str:
    with pytest.raises(eio.IndexUnavailableError) as error:
        list(MongoIndex(url).find("artifacts", {}))
    return str(error.value)


@pytest.mark.slow
def test_the_reason_of_tls(plain_server: int) -> None:
    said = said_by(f"mongodb://andy:hunter2@127.0.0.1:{plain_server}/db?tls=true&{QUICK}")
    assert "SSL" in said
    assert "hunter2" not in said
    assert "Topology" not in said


@pytest.mark.slow
def test_the_reason_of_a_name() -> None:
    said = said_by(f"mongodb://no-such-host.invalid/db?{QUICK}")
    assert "no-such-host.invalid:27017: [Errno " in said


@pytest.mark.slow
def test_the_reason_of_a_port() -> None:
    assert "Connection refused" in said_by(f"mongodb://127.0.0.1:1/db?{QUICK}")


@pytest.mark.slow
def test_the_reason_of_a_replica_set() -> None:
    from elliptio.testing import mongodb_server

    with mongodb_server() as url:
        said = said_by(f"{url.rstrip('/')}/db?replicaSet=nosuch&{QUICK}")
    assert "replica" in said.replace("replicaSet)", "").replace("replicaSet=nosuch", "").lower()


def test_a_regular_expression_has_a_limit_on_the_server_too(mongodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.indexes.mongo.LIMIT_MS", 1)
    index = MongoIndex(f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}")
    for number in range(50):
        index.insert("artifacts", {"_id": str(number), "a": "b" * 50_000})
    for ask in (lambda query: list(index.find("artifacts", query)), lambda query: index.count("artifacts", query)):
        with pytest.raises(eio.QueryError, match="MongoDB stopped this query: its regular expression takes more than"):
            ask({"a": {"$regex": "a.*c"}})
        ask({"a": "b"})
    index.close()
