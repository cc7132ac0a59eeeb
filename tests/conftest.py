"""Every combination of store and index that elliptio promises to behave the same on."""

from __future__ import annotations

import functools
import gc
import itertools
import os
import platform
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

import elliptio as eio
from elliptio.testing import S3Server
from elliptio.testing.weather import Weather, weather_proxy

pytest_plugins = ["elliptio.testing.fixtures", "tests.quick", "tests.edited"]

# The same examples each time: whether a change is fine must not depend on luck, nor on the bugs of a test server that
# chance finds. Nor on how busy the machine is. To look for new ones: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: thousands of tests are found, and all stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, lakes or repositories of whoever runs it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("ELLIPTIO_USER_DIR", str(tmp_path / "user-dir"))
    monkeypatch.setenv("ELLIPTIO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ELLIPTIO_CONFIG_FILE", os.devnull)
    for name in (
        "ROOT",
        "INDEX",
        "LOCAL_ROOT",
        "S3_BUCKET_NAME",
        "S3_ADDRESSING",
        "DURABILITY",
        "PROGRESS",
        "S3_OBJECT_LOCK",
        "GIT_DIFF",
        "CACHE_SIZE",
    ):
        monkeypatch.delenv(f"ELLIPTIO_{name}", raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder outside any repository with the two files of the user story."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.txt").write_text("path,class\n/path/to/image2.png,1\n")
    (folder / "test.txt").write_text("path,class\n/path/to/image0.png,0\n/path/to/image1.png,1\n")
    return folder


STORES = ("local", "s3")
INDEXES = ("sqlite", "mongodb", "mongomock")
LEFT_OUT = ("s3", "mongomock")


class Team:
    """Makes handlers on one lake, as several people or processes would."""

    def __init__(self, root: str, arguments: dict[str, Any]) -> None:
        self.root = root
        self.arguments = arguments
        self.handlers: list[eio.Handler] = []

    def handler(self) -> eio.Handler:
        self.handlers.append(eio.Handler(self.root, **self.arguments))
        return self.handlers[-1]


@functools.cache
def _kept(_where: tuple[object, ...], make: Callable[..., Any], *asked: Any) -> Any:
    return make(*asked)


@pytest.fixture
def s3_connected(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A root on S3, to which every store of the process has the same connection: to make one takes longer than a test.

    How they are made is tested by the stores of `s3_root`, in `tests/stores/test_s3.py`.
    """
    from elliptio.stores.s3 import clients, store

    def connect(*asked: Any) -> Any:
        return _kept((os.getpid(), os.environ["AWS_ENDPOINT_URL"]), clients.connect, *asked)

    obstore = clients.Connection.obstore
    monkeypatch.setattr(store, "connect", connect)
    monkeypatch.setattr(clients.Connection, "obstore", lambda *asked: _kept((), obstore, *asked))
    return s3_root


# A collection of mongomock goes through the same `MongoIndex` as a server: one store says what there is to say of it.
COMBINED = [f"{store}-{index}" for store, index in itertools.product(STORES, INDEXES) if (store, index) != LEFT_OUT]


@pytest.fixture(params=COMBINED)
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """A new lake on each combination of store and index that differs from the others."""
    store, index = request.param.split("-")
    root = str(tmp_path / "lake") if store == "local" else request.getfixturevalue("s3_connected")
    arguments: dict[str, Any] = {}
    if index == "mongodb":
        base = request.getfixturevalue("mongodb_url").rstrip("/")
        arguments["index"] = f"{base}/test_{uuid4().hex}"
    elif index == "mongomock":
        import mongomock

        arguments["collection"] = mongomock.MongoClient().db.artifacts
    team = Team(root, arguments)
    yield team
    for handler in team.handlers:
        handler.close()


@pytest.fixture
def h(team: Team) -> eio.Handler:
    """A handler on a new lake, on each combination of store and index."""
    return team.handler()


@pytest.fixture
def local(tmp_path: Path) -> eio.Handler:
    """A handler on a new lake of the embedded default."""
    return eio.Handler(tmp_path / "lake")


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for packages, which takes minutes: all are taken for available."""
    from elliptio.lineage.reproduction import plan
    from elliptio.lineage.reproduction.obstacles import FoundPackages

    found = FoundPackages(platform.python_version())
    monkeypatch.setattr(plan, "look", lambda *_: (sys.executable, found))


@pytest.fixture
def no_cache(own_home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download asks the store."""
    monkeypatch.setenv("ELLIPTIO_CACHE_SIZE", "0")


@pytest.fixture
def sky(s3_root: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weather]:
    """What goes to S3 and comes from it: requests are counted, and can be made to fail."""
    with weather_proxy(s3_server.endpoint_url) as weather:
        monkeypatch.setenv("AWS_ENDPOINT_URL", weather.endpoint_url)
        yield weather


@pytest.fixture
def remote(s3_root: str, sky: Weather) -> eio.Handler:
    """A lake on S3, under that sky."""
    return eio.Handler(s3_root, progress=False)
