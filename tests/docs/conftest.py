"""A reader of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from elliptio.cli.demo.story import load_penguins, split
from elliptio.flows import registry as processors
from elliptio.formats import registry as formats
from elliptio.pipelines import BaseSession, Craft, Pipeline

BUILT_IN = dict(formats._formats)


@pytest.fixture
def home(tmp_path: Path, nothing_registered: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of Andy, who has prepared two files and has just installed elliptio: the defaults hold."""
    home = tmp_path / "andy"
    (home / "project").mkdir(parents=True)
    for table, name in zip(split(load_penguins()), ("train.csv", "test.csv"), strict=True):
        table.to_csv(home / "project" / name, index=False)
    for name in ("ELLIPTIO_USER_DIR", "ELLIPTIO_CONFIG_FILE", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "andy")
    monkeypatch.chdir(home / "project")
    for cls in (BaseSession, Craft, Pipeline):  # what a page registers is gone with its reader
        monkeypatch.setattr(cls, "_hooks", {})
    return home


@pytest.fixture
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No format but those of elliptio, and no processor: what other readers have registered is not there."""
    monkeypatch.setattr(formats, "_formats", dict(BUILT_IN))
    monkeypatch.setattr(processors, "_IMPLEMENTED", {})


@pytest.fixture
def in_a_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import pandas as pd

    monkeypatch.setenv("COLUMNS", "120")
    with pd.option_context("display.width", 140, "display.max_columns", 20):
        yield
