"""Lakes for nodes; where it does not matter what a model is, tests write plain values, which are wrapped in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import elliptio as eio
from elliptio.artifacts.artifact import Artifact
from elliptio.models import DataModel
from elliptio.models.nodes import engine, models
from elliptio.models.nodes.engine import set_engine


class Plain(DataModel, version=1):
    """A model of any value."""

    value: Any


save, load = models.save, models.load


def save_wrapped(h: eio.Handler, given: Mapping[str, Any], run_id: str | None) -> dict[str, Artifact]:
    return save(
        h, {label: value if isinstance(value, DataModel) else Plain(value) for label, value in given.items()}, run_id
    )


def load_unwrapped(artifact: Artifact, *, strict: bool = False) -> Any:
    found = load(artifact, strict=strict)
    return found.value if isinstance(found, Plain) else found


@pytest.fixture(autouse=True)
def wrapped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.module.__name__.endswith("test_models"):
        monkeypatch.setattr(models, "save", save_wrapped)
        monkeypatch.setattr(models, "load", load_unwrapped)


@pytest.fixture(autouse=True)
def own_engine() -> Iterator[None]:
    """No test leaves an engine to others."""
    before, usual = list(engine._of_process), list(engine._usual)
    yield
    engine._of_process[:], engine._usual[:] = before, usual


@pytest.fixture
def h(local: eio.Handler) -> eio.Handler:
    """The handler of the nodes of a test."""
    set_engine(local)
    return local
