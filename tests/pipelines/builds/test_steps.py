"""Tables of steps are good to look at in 80 columns."""

from __future__ import annotations

from elliptio.pipelines.builds.plan import Plan
from elliptio.pipelines.builds.steps import MOST_NOTES, Step, Steps, table
from elliptio.pipelines.catalog.keys import Keys

LONG = (
    "helper `clean` in lib/tables.py:12 changed; parameter top: 5 → 6; input masterFile changed; pandas 2.2.3 → 3.1.1"
)


def test_reasons_are_wrapped_beside_the_rest() -> None:
    assert Steps([Step("clean", why="never made"), Step("train", why=LONG)]).text().splitlines() == [
        "make  clean  never made",
        "make  train  helper `clean` in lib/tables.py:12 changed; parameter top: 5 → 6;",
        "             input masterFile changed; pandas 2.2.3 → 3.1.1",
    ]


def test_where_names_are_long_reasons_stand_below() -> None:
    name = "preprocess_everything_that_there_is_about_shuttles_and_companies"
    lines = Steps([Step(name, why=LONG), Step("short", why="never made")]).text().splitlines()
    assert lines[0] == f"make  {name}"
    assert lines[1].startswith("      helper `clean`")
    assert all(len(line) <= 80 for line in lines)
    assert lines[-2:] == ["make  short", "      never made"]


def test_steps_of_one_craft_with_one_fate_are_a_line() -> None:
    days = [Step("clean", Keys({"day": day}), "made", "never made", 0.5) for day in range(1, 366)]
    more = [Step("clean", Keys({"day": 400}), "skipped", "unchanged")]
    assert Steps(days + more).text().splitlines() == [
        "made     clean  day=1 … day=365 (365)  182.5 s  never made",
        "skipped  clean  day=400                         unchanged",
    ]


def test_nothing_is_cut_where_there_is_room_for_all() -> None:
    assert Steps([Step("train", why=LONG)]).text(10_000) == f"make  train  {LONG}"
    assert Steps([]).text() == "nothing to do"
    assert table([]) == []


def test_a_plan_says_what_is_not_followed_and_what_somebody_did_at_paths() -> None:
    plan = Plan("nightly", Steps([Step("train", why=LONG)]), ["`getattr` in lib/a.py:3 " * 6] * 7, ["raw: overwritten"])
    lines = str(plan).splitlines()
    assert lines[0] == "nightly: 1 to make, 0 to skip"
    assert sum(line.startswith("not followed:  `getattr`") for line in lines) == MOST_NOTES
    assert "not followed: … and 2 more" in lines
    assert lines[-1] == "note:  raw: overwritten"
    assert all(len(line) <= 80 for line in lines)
