"""The verbs of one unit of work: the same for a handler and for a run, and what they give without pandas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.finding.options import Unasked
from elliptio.reading import Reading
from elliptio.run import Run
from elliptio.work import Work


def test_no_verb_is_said_twice() -> None:
    verbs = {name for name in vars(Work) | vars(Reading) if not name.startswith("_")}
    assert {"upload", "new", "save", "link", "get", "show", "latest", "find", "search", "run"} <= verbs
    for kind in (eio.Handler, Run):
        assert issubclass(kind, Work)
        assert not verbs & set(vars(kind))
        assert [base for base in kind.__mro__ if base.__module__.startswith("elliptio.")][-2:] == [Work, Reading]


ASK: dict[str, Callable[[eio.Handler, Run], object]] = {
    "h.find": lambda h, run: h.find(max_docs=Unasked(1)),
    "run.find": lambda h, run: run.find(max_docs=Unasked(1)),
    "h.runs": lambda h, run: h.runs(max_docs=Unasked(1)),
    "h.runs.find": lambda h, run: h.runs.find(max_docs=Unasked(1)),
}


@pytest.mark.parametrize("verb", ASK)
def test_a_truncated_answer_points_at_the_line_that_asked(local: eio.Handler, data: Path, verb: str) -> None:
    for _ in range(2):
        with local.run("train"):
            local.upload(data)
    with local.run("look") as run, pytest.warns(eio.TruncatedWarning) as caught:
        ASK[verb](local, run)
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, ASK[verb].__code__.co_firstlineno)]


def test_rows_say_what_the_frame_says(local: eio.Handler, data: Path) -> None:
    with local.run("train", {"rate": 0.1}) as run:
        run.log(loss=0.5)
        artifact = run.upload(data, {"project": "x"})
    local.tag(artifact, "prod")
    frame, found = local.find({"labels.project": "x"}), local.search({"labels.project": "x"})
    assert (found.ids, list(found.columns)) == (list(frame.index), list(frame.columns))
    (row,) = found.rows()
    assert (row["artifact_id"], row["labels"]) == (artifact.artifact_id, frame.labels.iloc[0])
    assert run.search().ids == [artifact.artifact_id]
    assert [row["run_id"] for row in local.runs.search({"params.rate": 0.1}).rows()] == list(local.runs().index)
    assert [move.tag for move in local.tags.moves()] == list(local.tags().tag) == list(local.tags.list().tag)
    assert [move.artifact_id for move in local.tags.moves("prod")] == list(local.tags.history("prod").artifact_id)
    path = data / "train.txt"
    assert local.owners(path).ids == list(local.identify(path).index) == [artifact.artifact_id]


def test_rows_need_no_pandas(local: eio.Handler, data: Path) -> None:
    local.tag(local.upload(data), "prod")
    code = f"""
import sys, elliptio as eio
h = eio.Handler({local.store.root!r})
h.search().rows(), h.runs.search().rows(), h.tags.moves(), h.owners({str(data / "train.txt")!r}).rows()
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_near_in_the_lineage(local: eio.Handler, data: Path) -> None:
    raw = local.upload(data, based_on=[])
    made = local.upload(data, based_on=raw)
    assert local.search(ancestors_of=made).ids == [raw.artifact_id]
    assert list(local.find(descendants_of=raw.artifact_id).index) == [made.artifact_id]


def test_deleting_says_what_was_deleted(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.tag(artifact, "old")
    assert local.delete("tag:old", force=True) == artifact.artifact_id
