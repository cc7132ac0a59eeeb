"""`elliptio pipelines accept`: a change of code that does not change results is no reason to run."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.pipelines import Session
from elliptio.pipelines.errors import SelectionError
from tests.pipelines.cli.conftest import Run, edit
from tests.pipelines.projects import Project, fates

RENAMED = ("* (1 - discount)", "* (1 - 1 * discount)")


def test_accepted_changes_are_skipped_and_told_with_what_was_made(cli: Run, shop: Path, tmp_path: Path) -> None:
    made = cli("pipelines", "run", "report", "--json").json
    edit(shop / "lib/shop/crafts.py", *RENAMED)
    done = cli("pipelines", "accept", "report", "--reason", "the same number")
    assert done.out.splitlines() == [
        "add_turnover: accepted, 1 artifact noted",
        "  helper `worth` in lib/shop/crafts.py:19 changed",
    ]
    plan = cli("pipelines", "plan", "report", "--json").json
    assert [(step["status"], step["why"]) for step in plan["steps"]] == [("skip", "unchanged")] * 2
    identifier = made["steps"][0]["artifact_ids"]["turnover"]
    assert "helper `worth` in lib/shop/crafts.py:19 changed): the same number" in cli("show", identifier).out
    with eio.Handler(tmp_path / "lake", progress=False) as h:
        assert h.find({"notes.text": {"$regex": "the same number"}}).index.tolist() == [identifier]
        lineage = h.lineage(identifier)
        assert "noted" in str(lineage)
        assert "the same number" in lineage.to_svg()
        assert "the same number" in lineage.to_dot()


def test_nothing_to_accept_is_said(cli: Run, shop: Path) -> None:
    cli("pipelines", "run", "report")
    done = cli("pipelines", "accept", "report", "--reason", "x")
    assert (done.code, done.out) == (0, "")
    assert "Nothing to accept" in done.err
    assert cli("pipelines", "accept", "report", "--reason", "x", "--json").json == []


def test_accepting_needs_a_reason(cli: Run, shop: Path) -> None:
    assert cli("pipelines", "accept", "report").code == 2
    assert cli("pipelines", "accept", "report", "--reason", " ").code == 1


CATALOG = """
- {name: one, type: json}
- {name: two, type: json}
"""
STEPS = """
from elliptio.pipelines import Artifact, Craft, Volatile

@Craft()
def first() -> Volatile("value"):
    return 1

@Craft()
def one(value: Volatile) -> Artifact("one"):
    return value

@Craft()
def two(one: Artifact, top: int = 1) -> Artifact("two"):
    return [one]
"""
ALL = "steps.first steps.one steps.two"


@pytest.fixture
def steps(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    assert project.run(ALL, volatiles=False).ok
    return project


def accept(project: Project, craft: str | None = None) -> list[str]:
    session: Session = project.session()
    with session:
        return [one.craft for one in project.pipeline(session, ALL).accept(craft, reason="the same")]


def test_only_the_named_craft_is_accepted(steps: Project) -> None:
    steps.edit("lib/steps.py", "return value", "return value + 0")
    steps.edit("lib/steps.py", "return [one]", "return [one + 0]")
    assert accept(steps, "two") == ["two"]
    assert fates(steps.plan(ALL, volatiles=False)).items() >= {"one": "make", "two": "make"}.items()
    assert accept(steps) == ["one"]
    assert fates(steps.plan(ALL, volatiles=False)).items() >= {"one": "skip", "two": "skip"}.items()


def test_a_craft_whose_values_are_kept_nowhere_is_accepted(steps: Project) -> None:
    steps.edit("lib/steps.py", "return 1", "return 0 + 1")
    assert fates(steps.plan(ALL, volatiles=False))["one"] == "make"
    assert accept(steps) == ["first"]
    assert fates(steps.plan(ALL, volatiles=False)).items() >= {"one": "skip", "two": "skip"}.items()


def test_several_changes_one_after_the_other_are_accepted_and_a_real_one_is_made(steps: Project) -> None:
    for before, after in (("[one]", "[one + 0]"), ("[one + 0]", "[0 + one]")):
        steps.edit("lib/steps.py", before, after)
        assert accept(steps) == ["two"]
        assert fates(steps.plan(ALL, volatiles=False))["two"] == "skip"
    steps.edit("lib/steps.py", "[0 + one]", "[7 + one]")
    assert fates(steps.run(ALL, volatiles=False))["two"] == "made"
    steps.edit("lib/steps.py", "[7 + one]", "[one]")
    assert fates(steps.plan(ALL, volatiles=False))["two"] == "skip"


def test_what_else_changed_still_counts(steps: Project) -> None:
    steps.edit("lib/steps.py", "[one]", "[one + 0]")
    assert accept(steps) == ["two"]
    plan = steps.plan(ALL, {"top": 2}, volatiles=False)
    assert [step.why for step in plan.rows if step.craft == "two"] == ["parameter top: 1 → 2"]


def test_an_unknown_craft_is_refused(steps: Project) -> None:
    with pytest.raises(SelectionError, match="did you mean 'two'"):
        accept(steps, "tow")
