"""Choosing formats, and reading by them."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from elliptio.formats import choosing, registry


def test_no_cycles_are_searched_for_while_a_value_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1]")
    seen = []

    def read(file: Any, **options: Any) -> None:
        seen.append(gc.isenabled())

    monkeypatch.setattr(registry.get("json"), "read", read)
    choosing.read(path, "a.json", None, None, {})
    assert (seen, gc.isenabled()) == ([False], True)
