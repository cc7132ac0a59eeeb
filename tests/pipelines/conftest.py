"""Fixtures of the pipelines' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project, and a lake beside it."""
    made = Project(tmp_path / "shop")
    yield made
    made.handler.close()
