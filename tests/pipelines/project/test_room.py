"""The room costs nothing before there is something to read, and reads what anybody may write."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given, settings

import elliptio.pipelines.project
from elliptio.pipelines.project.yaml_files import Reader
from tests.pipelines.project.files import put

HEAVY = {"yaml", "jinja2", "pandas", "numpy", "pymongo", "sqlite3", "git"}
ROOM = Path(elliptio.pipelines.project.__file__).parent
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.dates(), st.binary(max_size=9)
)
KEYS = st.text() | st.integers() | st.booleans()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def test_the_room_loads_nothing_heavy() -> None:
    names = [
        f"elliptio.pipelines.project.{path.stem}"
        for path in ROOM.glob("*.py")
        if path.stem not in ("__init__", "sandbox")
    ]
    script = f"import {', '.join(names)}, sys; print(*({HEAVY | {'elliptio.handler'}!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.slow
@given(value=VALUES, flow=st.sampled_from([True, False, None]))
@settings(max_examples=60, deadline=None)
def test_what_yaml_writes_is_read_as_yaml_reads_it(value: Any, flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    if any(sign in text for sign in ("{{", "{%", "{#")):
        return
    with tempfile.TemporaryDirectory() as name:
        root = put(Path(name), {"a.yml": text})
        for _ in range(2):
            assert repr(Reader(root).read(root / "a.yml").value) == repr(yaml.safe_load(text))
