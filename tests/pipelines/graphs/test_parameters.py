"""What a run is asked for: parameters and a selection that are none say so."""

from __future__ import annotations

from typing import Any

import pytest

from elliptio.pipelines import Craft, PipelineDefinitionError, SelectionError, Volatile
from elliptio.pipelines.graphs.parameters import distribute
from elliptio.pipelines.graphs.selection import selected


@Craft()
def count(top: int = 1) -> Volatile("number"):
    return top


@pytest.mark.parametrize(
    ("params", "configuration", "says"),
    [
        ([1], None, r"params= takes a mapping from names to values, not \[1\]"),
        ({1: 2}, None, "params= takes names of parameters, which are texts, not 1"),
        (None, 3, "configuration= takes a mapping .*not 3"),
        ({"count": 3}, None, "'count' is a craft"),
    ],
)
def test_what_are_no_parameters_is_said(params: Any, configuration: Any, says: str) -> None:
    with pytest.raises(PipelineDefinitionError, match=says):
        distribute([count], params, configuration)


def test_what_is_no_selection_is_said() -> None:
    with pytest.raises(SelectionError, match="names of crafts, a text or several, not 3"):
        selected([count], 3)  # type: ignore[arg-type]
    assert selected([count], ("count",)) == selected([count], " count ") == {"count"}
