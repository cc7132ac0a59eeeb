"""Where artifacts are shown, those of data models are named as the user named them, not `model.json`."""

from __future__ import annotations

import elliptio as eio
from elliptio.models import DataModel


class Fitted(DataModel, version=1):
    weight: float


def test_a_tree_of_runs(local: eio.Handler) -> None:
    with local.run("train") as run:
        local.save(Fitted(0.5), "first")
    assert str(local.runs.tree(run.run_id)).splitlines()[1].endswith("  first (Fitted)")


def test_a_lineage(local: eio.Handler) -> None:
    first = local.save(Fitted(0.5), "first")
    second = local.save(Fitted(0.25), based_on=first)
    shown = local.lineage(second)
    assert "  first (Fitted)  " in str(shown)
    assert "  Fitted  " in str(shown)
    assert ">first (Fitted)</text>" in (shown._repr_html_() or "")
    assert "model.json" in str(shown._repr_html_())  # the hint has all


def test_an_artifact(local: eio.Handler) -> None:
    artifact = local.save(Fitted(0.5), "first <b>")
    assert "  model     first <b> (Fitted)" in str(artifact)
    assert "first &lt;b&gt; (Fitted)" in str(artifact._repr_html_())
