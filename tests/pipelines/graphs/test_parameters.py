"""What a run is asked for: parameters and a selection that are none say so."""

from __future__ import annotations

from typing import Any

import pytest

from elliptio.pipelines import (
    Craft,
    Pipeline,
    PipelineDefinitionError,
    SelectionError,
    UnusedParameterWarning,
    Volatile,
)
from elliptio.pipelines.graphs.parameters import check_hints, distribute
from elliptio.pipelines.graphs.selection import selected
from tests.pipelines.projects import Project


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


@Craft()
def show(number: Volatile, step: float | None = None, width: float = 1.0, loud: bool = False) -> None:
    """Take parameters of other types."""


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"tpo": 2}, "The pipeline 'pipeline' takes no parameter 'tpo'; did you mean 'top'"),
        ({"count": {"tpo": 2}}, "The craft count takes no parameter 'tpo'; did you mean 'top'"),
        ({"count": {"width": 2}}, "The craft count takes no parameter 'width'; there is 'top'"),
        ({"cuont": {"top": 2}}, "The pipeline 'pipeline' takes no parameter 'cuont'; did you mean 'count'"),
        ({f"{__name__}.cuont": {"top": 2}}, f"'{__name__}.cuont'; did you mean '{__name__}.count'"),
    ],
)
def test_a_warning_says_which_parameter_or_craft_was_meant(project: Project, params: Any, says: str) -> None:
    with project.session(), pytest.warns(UnusedParameterWarning) as warnings:
        (Pipeline() + count + show).plan(params)
    (warning,) = warnings
    assert says in str(warning.message)


def test_a_configuration_may_name_crafts_of_other_pipelines(project: Project, recwarn: Any) -> None:
    with project.session():
        (Pipeline() + count + show).plan(configuration={"another.craft": {"top": 2}, "count": {"top": 3}})
    assert not recwarn.list


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"top": "one"}, "The craft count takes top: int, not 'one'."),
        ({"top": 1.5}, "The craft count takes top: int, not 1.5."),
        ({"top": True}, "The craft count takes top: int, not True."),
        ({"count": {"top": [1]}}, "The craft count takes top: int, not [1]."),
        ({"width": "wide"}, "The craft show takes width: float, not 'wide'."),
        ({"loud": "yes"}, "The craft show takes loud: bool, not 'yes'."),
        ({"loud": None}, "The craft show takes loud: bool, not None."),
    ],
)
def test_what_was_typed_is_checked_against_a_plain_hint(params: Any, says: str) -> None:
    with pytest.raises(PipelineDefinitionError) as error:
        check_hints([count, show], params)
    assert str(error.value) == says


def test_what_fits_a_hint_or_has_none_that_is_plain_passes() -> None:
    check_hints([count, show], {"top": 2, "width": 2, "loud": True, "step": "wide", "another": "x"})
