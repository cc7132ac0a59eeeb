"""Crafts are ordered by what they need, and refused where that cannot be."""

from __future__ import annotations

import pytest

from elliptio.pipelines import Artifact, Craft, Pipeline, Volatile
from elliptio.pipelines.errors import PipelineDefinitionError


@Craft()
def saved() -> Artifact("out"):
    return 1


@Craft()
def passed_on() -> Volatile("out"):
    return 2


@Craft()
def both(x: int = 1) -> [Artifact("other"), Volatile("out")]:
    return x, x


@pytest.mark.parametrize(("one", "two"), [(saved, passed_on), (passed_on, saved), (saved, both), (passed_on, both)])
def test_a_name_has_one_producer_whether_it_is_saved_or_passed_on(one: Craft, two: Craft) -> None:
    pipeline = Pipeline("p") + one
    with pytest.raises(PipelineDefinitionError, match=rf"(?s)make 'out':.*{one.name} ─┐.*{two.name} ─┴→ out"):
        pipeline + two
    assert list(pipeline) == [one], "it did not grow"
