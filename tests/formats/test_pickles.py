"""Pickles, by pickle and joblib."""

from __future__ import annotations

import io
from typing import Any

import pytest

import elliptio as eio
from elliptio import formats
from elliptio.protocols import Format
from elliptio.testing import FormatConformance
from elliptio.testing.formats import written


class PickleConformance(FormatConformance):
    name = ""

    @pytest.fixture
    def format(self) -> Format:
        return formats.get(self.name)

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {"tuple": (1, {2}), "class": int}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"function": lambda: 1}


class TestPickle(PickleConformance):
    name = "pickle"


class TestJoblib(PickleConformance):
    name = "joblib"


def test_joblib_takes_its_options() -> None:
    file, options = written(formats.get("joblib"), "x" * 10_000, compress=3)
    assert len(file.getvalue()) < 1000
    assert formats.get("joblib").read(file, **options) == "x" * 10_000
    with pytest.raises(eio.FormatOptionError, match="did you mean 'compress'"):
        formats.get("joblib").write("x", io.BytesIO(), compresss=3)
