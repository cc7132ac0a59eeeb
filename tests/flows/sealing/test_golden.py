"""What was once sealed is read for ever, and what is sealed today is the same.

If `test_the_same_is_written` fails, what is sealed has changed: raise ``VERSION`` in
``elliptio/flows/sealing/writing.py``, read the old one on, leave ``tests/golden/streams-v1`` as it is, and write a
folder of the new one beside it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.flows import FlowCancelledError, StepFailedError
from elliptio.flows.sealing.values import values_of
from tests.golden import streams as make

GOLDEN = Path(__file__).parents[2] / "golden" / "streams-v1"

BY_LIBRARIES = frozenset({".npy", ".arrow", ".feather"})
"""Files that a library may write otherwise one day."""


@pytest.fixture
def h(tmp_path: Path) -> Iterator[eio.Handler]:
    shutil.copytree(GOLDEN, tmp_path / "golden")
    with eio.Handler(tmp_path / "golden") as opened:
        report = opened.reindex()
        assert (report.artifacts, report.problems) == (len(make.STREAMS), [])
        yield opened


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    return one is other or bool(one == other)


@pytest.mark.parametrize("stream", make.STREAMS)
def test_every_value_is_read(h: eio.Handler, stream: str) -> None:
    (artifact_id,) = h.find({"labels.stream": stream}).index
    read, found = values_of(h.get(artifact_id)), []
    status = make.OUTCOMES.get(stream, {"status": "done"})["status"]
    if status == "done":
        found += read
    else:
        with pytest.raises({"failed": StepFailedError, "cancelled": FlowCancelledError}[status]):
            found.extend(read)
    assert len(found) == len(make.STREAMS[stream])
    assert all(map(same, found, make.STREAMS[stream]))


def test_the_same_is_written(tmp_path: Path) -> None:
    make.write(tmp_path / "fresh")
    old, new = ({path.relative_to(root): path for path in root.rglob("*")} for root in (GOLDEN, tmp_path / "fresh"))
    assert sorted(old) == sorted(new)
    for name in old:
        if old[name].is_dir() or name.suffix in BY_LIBRARIES or ".elliptio" in name.parts:
            continue
        assert _content(new[name]) == _content(old[name]), name


def _content(path: Path) -> Any:
    """Read a file; of what says what lies beside it, all but what libraries may write otherwise."""
    if path.suffix != ".json":
        return path.read_bytes()
    document = json.loads(path.read_bytes())
    for part in (document, document.get("document", {})):
        files = part.get("files", []) + part.get("segments", [])
        if any(Path(one.get("relpath") or one["file"]).suffix in BY_LIBRARIES for one in files):
            part.pop("fingerprint", None)
            part.pop("total_size", None)
            for one in files:
                one.pop("sha256", None)
                one.pop("size", None)
    return document
