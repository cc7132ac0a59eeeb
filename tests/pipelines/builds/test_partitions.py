"""A craft that runs once for each partition: only what is missing or changed runs."""

from __future__ import annotations

from typing import Any

import pytest

from elliptio.pipelines import CraftError, PipelineDefinitionError, VersionNotFoundError
from tests.pipelines.projects import Project, fates, reasons

CATALOG = """
- {name: sales, type: csv, extra: {path: "raw/!{month}/!{day}.csv"}}
- {name: daily, type: json, extra: {path: "out/!{month}/!{day}.json"}}
- {name: monthly, type: json, extra: {path: "out/!{month}.json"}}
- {name: yearly, type: json}
"""

STEPS = """
from elliptio.pipelines import Artifact, Craft


@Craft(per=("month", "day"))
def daily(sales: Artifact, day) -> Artifact("daily"):
    assert isinstance(day, int), day
    if sales["x"].sum() < 0:
        raise ValueError("negative sales")
    return {"day": day, "sum": int(sales["x"].sum())}


@Craft(per="month")
def monthly(daily: Artifact, month) -> Artifact("monthly"):
    assert list(daily) == sorted(daily)
    return {"sum": sum(one["sum"] for one in daily.values()), "days": list(daily)}


@Craft()
def yearly(monthly: Artifact) -> Artifact("yearly"):
    return {"sum": sum(one["sum"] for one in monthly.values()), "months": list(monthly)}
"""

ALL = "steps.daily steps.monthly steps.yearly"


@pytest.fixture
def year(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    for month in ("01", "02"):
        for day in (1, 2, 3):
            project.write(f"raw/{month}/{day}.csv", f"x\n{day}\n")
    return project


def made(build) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in build.rows:
        if step.status == "made":
            found[step.craft] = found.get(step.craft, 0) + 1
    return found


def test_only_what_is_new_or_changed_runs(year: Project) -> None:
    build = year.run(ALL)
    assert made(build) == {"daily": 6, "monthly": 2, "yearly": 1}
    catalog = year.session().catalog
    assert catalog.load("yearly") == {"sum": 12, "months": ["01", "02"]}
    assert catalog.load("daily", month="01", day=3) == {"day": 3, "sum": 3}
    assert made(year.run(ALL)) == {}

    year.write("raw/02/4.csv", "x\n4\n")
    assert made(year.run(ALL)) == {"daily": 1, "monthly": 1, "yearly": 1}
    year.write("raw/01/1.csv", "x\n10\n")
    plan = year.plan(ALL)
    assert next((step.craft, dict(step.keys)) for step in plan.rows if step.status == "make") == (
        "daily",
        {"month": "01", "day": 1},
    )
    assert made(year.run(ALL)) == {"daily": 1, "monthly": 1, "yearly": 1}
    assert year.session().catalog.load("yearly")["sum"] == 25


def test_days_come_month_by_month_as_the_path_says(year: Project) -> None:
    year.write("raw/01/10.csv", "x\n1\n")
    year.write(
        "lib/more.py",
        """
        from elliptio.pipelines import Artifact, Craft


        @Craft()
        def days(sales: Artifact) -> Artifact("yearly"):
            return [list(keys) for keys in sales]
        """,
    )
    build = year.run("steps.daily")
    wanted = [("01", 1), ("01", 2), ("01", 3), ("01", 10), ("02", 1), ("02", 2), ("02", 3)]
    assert [(step.keys["month"], step.keys["day"]) for step in build.rows] == wanted
    assert [tuple(keys) for keys in year.run("more.days").snapshot.load("yearly")] == wanted
    partitions = year.session().catalog.partitions("sales")
    assert list(zip(partitions["month"], partitions["day"], strict=True)) == wanted


def test_a_removed_file_is_a_removed_partition(year: Project) -> None:
    year.run(ALL)
    (year.root / "raw/02/3.csv").unlink()
    build = year.run(ALL)
    assert made(build) == {"monthly": 1, "yearly": 1}
    assert year.session().catalog.load("monthly", month="02") == {"sum": 3, "days": [1, 2]}
    catalog = year.session().catalog
    assert len(catalog.partitions("daily")) == 5, "what was made of it is gone too, for whoever reads all days"
    assert not (year.root / "out/02/3.json").exists()
    assert len(catalog.versions("daily", month="02", day=3)) == 1, "the lake keeps it"
    assert made(year.run("steps.monthly")) == {}
    year.run("steps.daily", {"month": "01", "day": 1})
    assert len(year.session().catalog.partitions("daily")) == 5, "one partition was asked for: the others stay"
    year.write("raw/02/3.csv", "x\n3\n")
    assert made(year.run(ALL)) == {}, "back again: all of it was made before"


def test_equal_partitions_do_not_cancel_each_other(year: Project) -> None:
    for day in (1, 2, 3):
        year.write(f"raw/01/{day}.csv", "x\n100\n")
    year.run(ALL)
    assert year.session().catalog.load("monthly", month="01")["sum"] == 300


def test_one_partition_fails_and_the_others_go_on(year: Project) -> None:
    year.write("raw/01/2.csv", "x\n-5\n")
    with pytest.raises(CraftError, match=r"daily failed at month=01, day=2.*ValueError: negative sales"):
        year.run(ALL)
    build = year.run(ALL, on_error="return")
    assert not build.ok
    assert build.snapshot is None
    by_keys = {(step.craft, *step.keys.values()): step.status for step in build.rows}
    assert by_keys["daily", "01", 2] == "failed"
    assert by_keys["monthly", "01"] == "not run"
    assert by_keys["monthly", "02"] == "skipped", "the first run made it"
    assert by_keys["yearly",] == "not run"
    year.write("raw/01/2.csv", "x\n2\n")
    assert made(year.run(ALL)) == {"daily": 1, "monthly": 1, "yearly": 1}


def test_a_parameter_restricts_to_one_partition(year: Project) -> None:
    build = year.run("steps.daily", {"month": "02", "day": 1})
    assert [dict(step.keys) for step in build.rows] == [{"month": "02", "day": 1}]


def test_lineage_of_partitions_is_exact(year: Project) -> None:
    year.run(ALL)
    session = year.session()
    month = session.catalog.current("monthly", month="01")
    days = session.catalog.partitions("daily")
    wanted = days.loc[days["month"] == "01", "artifact_id"].tolist()
    assert sorted(month.metadata.based_on) == sorted(wanted)
    day = session.catalog.current("daily", month="01", day=2)
    assert day.metadata.based_on == [session.catalog.current("sales", month="01", day=2).artifact_id]
    found = session.handler.find({"entry.name": "daily", "entry.keys.month": "01", "entry.keys.day": {"$gte": 2}})
    assert len(found) == 2


def test_no_data_at_all_is_an_error_that_names_it(project: Project) -> None:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    with pytest.raises(VersionNotFoundError, match="No data found for 'sales'"):
        project.run(ALL)


def test_a_fresh_project_folder_finds_all_that_was_made(year: Project, tmp_path) -> None:
    year.run(ALL)
    import shutil

    shutil.rmtree(year.root / ".elliptio-project")
    build = year.run(ALL)
    assert made(build) == {}
    assert "unchanged" in set(reasons(build).values())
    assert set(fates(build).values()) == {"skipped"}


def test_letters_of_keys_may_be_of_any_case(project: Project) -> None:
    project.write(
        "catalog/all.yaml",
        """
        - {name: raw, type: json, extra: {path: "raw/!{DAY}.json"}}
        - {name: rate, type: json, extra: {path: "rate/!{day}.json"}}
        - {name: out, type: json, extra: {path: "out/!{Day}.json"}}
        """,
    )
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft

        @Craft(per=("daY",))
        def made(raw: Artifact, rate: Artifact, Day: int) -> Artifact("out"):
            return raw * rate * Day // Day
        """,
    )
    for day in (1, 2):
        project.write(f"raw/{day}.json", str(day))
        project.write(f"rate/{day}.json", "10")
    build = project.run("steps.made")
    assert fates_of(build) == ["made", "made"]
    assert project.session().catalog.load("out", day=2) == build.snapshot.load("out", DAY=2) == 20
    assert fates_of(project.run("steps.made", {"day": 2})) == ["skipped"]


def test_an_entry_named_like_its_own_key(project: Project) -> None:
    project.write(
        "catalog/all.yaml",
        """
        - {name: day, type: json, extra: {path: "day/!{day}.json"}}
        - {name: out, type: json, extra: {path: "out/!{day}.json"}}
        """,
    )
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft

        @Craft(per=("day",))
        def made(day: Artifact) -> Artifact("out"):
            return day + 1
        """,
    )
    for day in (1, 2):
        project.write(f"day/{day}.json", str(10 * day))
    assert fates_of(project.run("steps.made", {"day": 2})) == ["made"]
    assert fates_of(project.run("steps.made")) == ["made", "skipped"]
    session = project.session()
    with session:
        (made,) = project.pipeline(session, "steps.made").crafts
        assert made(day=2) == 21, "the key, not the value"
    assert [session.catalog.load("out", day=day) for day in (1, 2)] == [11, 21]


def fates_of(build: Any) -> list[str]:
    """What became of the steps."""
    return [step.status for step in build.rows]


def test_a_key_that_no_input_has_is_said_with_those_there_are(year: Project) -> None:
    year.edit("lib/steps.py", "@Craft()", '@Craft(per="mnth")')
    with pytest.raises(PipelineDefinitionError) as error:
        year.run("steps.daily steps.monthly steps.yearly")
    says = "The craft yearly runs once per mnth, and its inputs have no 'mnth'; did you mean 'month'?"
    assert str(error.value) == says


@pytest.mark.parametrize("do", [Project.run, Project.plan])
def test_a_result_that_lacks_a_key_of_its_steps_is_refused_before_anything_runs(year: Project, do: Any) -> None:
    year.edit("lib/steps.py", "@Craft()", '@Craft(per="month")')
    with pytest.raises(PipelineDefinitionError) as error:
        do(year, ALL)
    assert str(error.value) == (
        "The craft yearly runs once per month, and 'yearly', which it makes, has no key 'month': each step would hide "
        "what the one before it made. Put !{month} into a path of it, return it as Volatile('yearly'), or pass month=… "
        "to make it for one."
    )
    assert year.session().catalog.versions("daily").empty
    year.edit("catalog/all.yaml", "out/!{month}/!{day}", "out/!{day}")
    with pytest.raises(PipelineDefinitionError, match=r"Put !\{month\} into its path"):
        do(year, "steps.daily")


def test_a_result_without_keys_may_be_made_for_one(year: Project) -> None:
    year.edit("lib/steps.py", "@Craft()", '@Craft(per="month")')
    year.edit(
        "lib/steps.py",
        '"sum": sum(one["sum"] for one in monthly.values()), "months": list(monthly)',
        '"of": monthly["sum"]',
    )
    assert made(year.run(ALL, {"month": "02"}))["yearly"] == 1
    assert year.session().catalog.load("yearly") == {"of": 6}


def test_a_value_that_is_passed_on_for_one_key_alone_is_known_by_its_step(year: Project) -> None:
    year.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft, Volatile

        @Craft(per=("month", "day"))
        def number(sales: Artifact) -> Volatile("sum"):
            return int(sales["x"].sum())

        @Craft(per="month")
        def monthly(sum: Volatile) -> Artifact("monthly"):
            return list(sum.values())
        """,
    )
    for day in (2, 3):
        (year.root / f"raw/02/{day}.csv").unlink()
    assert made(year.run("steps.number steps.monthly", volatiles=False)) == {"number": 4, "monthly": 2}
    assert made(year.run("steps.number steps.monthly", volatiles=False)) == {}
    year.write("raw/02/1.csv", "x\n7\n")
    assert made(year.run("steps.number steps.monthly", volatiles=False)) == {"number": 1, "monthly": 1}
