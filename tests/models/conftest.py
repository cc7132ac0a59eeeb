"""Fixtures of the tests of data models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from elliptio.models import identity
from elliptio.models.serializer.defining import SERIALIZERS
from elliptio.models.storage.defining import STORAGES
from tests.models.modules import modules

__all__ = ["modules"]


@pytest.fixture(autouse=True)
def own_names() -> Iterator[None]:
    """No test leaves classes, serializers or storages to others, nor sees classes that examples of pages defined."""
    known = [SERIALIZERS._known, STORAGES._known, identity._defined]
    before = [dict(one) for one in known]
    for path in [path for path in identity._defined if not path.startswith("tests.")]:
        del identity._defined[path]
    yield
    for one, then in zip(known, before, strict=True):
        one.clear()
        one.update(then)
