"""What runs again after which edit: nothing stale, nothing needless; and why, as the plan says before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pipelines.projects import Project, fates, reasons

CATALOG = """
- {name: raw, type: csv, extra: {path: data/raw.csv}}
- {name: clean, type: csv, extra: {path: data/clean.csv}}
- {name: total, type: json, extra: {path: data/total.json}}
"""

STEPS = '''
from elliptio.pipelines import Artifact, Craft
from tables import tidy

RATE = 2


def unrelated():
    return 1


def scaled(value):
    return value * RATE


@Craft()
def clean(raw: Artifact, top: int = 5) -> Artifact("clean"):
    """Clean."""
    found = tidy(raw)  # a comment
    return found.head(top)


@Craft()
def total(clean: Artifact) -> Artifact("total"):
    return {"total": int(scaled(clean["x"].sum()))}
'''

TABLES = """
def tidy(frame):
    return frame.dropna()


def never_called():
    return 0
"""

ALL = "steps.clean steps.total"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    project.write("lib/tables.py", TABLES)
    project.write("data/raw.csv", "x\n1\n2\n3\n")
    build = project.run(ALL)
    assert fates(build) == {"clean": "made", "total": "made"}
    assert build.ok
    return project


def nothing(shop: Project) -> None:
    pass


def touched(shop: Project) -> None:
    (shop.root / "data/raw.csv").touch()


def comment(shop: Project) -> None:
    shop.edit("lib/steps.py", "# a comment", "# another comment")


def formatted(shop: Project) -> None:
    shop.edit("lib/steps.py", "value * RATE", "(value\n            * RATE)")


def docstring(shop: Project) -> None:
    shop.edit("lib/steps.py", "Clean.", "Clean it.")


def renamed_local(shop: Project) -> None:
    shop.edit("lib/steps.py", "found", "result")


def moved(shop: Project) -> None:
    shop.edit("lib/steps.py", "RATE = 2", "\n\n\nRATE = 2")


def unrelated_function(shop: Project) -> None:
    shop.edit("lib/steps.py", "return 1", "return 2")


def unrelated_in_helper_file(shop: Project) -> None:
    shop.edit("lib/tables.py", "return 0", "return 1")


@pytest.mark.parametrize(
    "edit",
    [
        nothing, touched, comment, formatted, docstring, renamed_local, moved, unrelated_function,
        unrelated_in_helper_file,
    ],
)  # fmt: skip
def test_what_changes_no_result_runs_nothing(shop: Project, edit: Callable[[Project], None]) -> None:
    edit(shop)
    assert fates(shop.plan(ALL)) == {"clean": "skip", "total": "skip"}
    assert fates(shop.run(ALL)) == {"clean": "skipped", "total": "skipped"}


def body(shop: Project) -> None:
    shop.edit("lib/steps.py", "found.head(top)", "found.head(top - 4)")


def helper_here(shop: Project) -> None:
    shop.edit("lib/steps.py", "value * RATE", "value * RATE + 1")


def helper_elsewhere(shop: Project) -> None:
    shop.edit("lib/tables.py", "frame.dropna()", "frame.dropna().tail(1)")


def constant(shop: Project) -> None:
    shop.edit("lib/steps.py", "RATE = 2", "RATE = 3")


def data(shop: Project) -> None:
    shop.write("data/raw.csv", "x\n1\n2\n4\n")


@pytest.mark.parametrize(
    ("edit", "made", "why"),
    [
        (body, {"clean", "total"}, {"clean": "clean"}),
        (helper_here, {"total"}, {"total": "helper `scaled` in lib/steps.py:"}),
        (helper_elsewhere, {"clean", "total"}, {"clean": "helper `tidy` in lib/tables.py:1 changed"}),
        (constant, {"total"}, {"total": "`RATE`"}),
        (data, {"clean", "total"}, {"clean": "input raw changed"}),
    ],
)
def test_what_changes_a_result_runs_what_depends_on_it(
    shop: Project, edit: Callable[[Project], None], made: set[str], why: dict[str, str]
) -> None:
    edit(shop)
    plan = shop.plan(ALL)
    assert {craft for craft, fate in fates(plan).items() if fate == "make"} == made
    build = shop.run(ALL)
    assert {craft for craft, fate in fates(build).items() if fate == "made"} == made
    for craft, text in why.items():
        assert text in reasons(plan)[craft]
        assert text in reasons(build)[craft]
    assert fates(shop.run(ALL)) == {"clean": "skipped", "total": "skipped"}


def test_a_parameter_is_a_reason(shop: Project) -> None:
    assert reasons(shop.plan(ALL, {"top": 6}))["clean"] == "parameter top: 5 → 6"
    build = shop.run(ALL, {"top": 6})
    assert fates(build) == {"clean": "made", "total": "skipped"}, "the table is the same, so the total is"


def test_an_explicit_default_is_no_change_and_types_count(shop: Project) -> None:
    assert fates(shop.plan(ALL, {"top": 5})) == {"clean": "skip", "total": "skip"}
    assert "5 → 5.0" in reasons(shop.plan(ALL, {"top": 5.0}))["clean"]


def test_an_equal_result_stops_there(shop: Project) -> None:
    shop.edit("lib/tables.py", "frame.dropna()", "frame.dropna().copy()")
    assert fates(shop.run(ALL)) == {"clean": "made", "total": "skipped"}


def test_what_was_deleted_or_overwritten_at_its_path_is_put_right(shop: Project) -> None:
    before = (shop.root / "data/total.json").read_bytes()
    (shop.root / "data/total.json").unlink()
    assert fates(shop.run(ALL)) == {"clean": "skipped", "total": "skipped"}
    assert (shop.root / "data/total.json").read_bytes() == before
    shop.write("data/total.json", "{}")
    plan = shop.plan(ALL)
    assert any("overwritten" in one for one in plan.news)
    shop.run(ALL)
    assert (shop.root / "data/total.json").read_bytes() == before
    versions = shop.session().catalog.versions("total")
    assert sorted(versions["origin"]) == ["built", "taken in"], "what somebody wrote there is kept"
    assert versions.loc[versions["current"], "origin"].tolist() == ["built"]


def test_plan_and_build_both_say_what_was_overwritten(shop: Project) -> None:
    shop.run(ALL)
    path = shop.root / "data/clean.csv"
    good = path.read_bytes()
    path.write_text("x\n-1\n")
    for _ in range(2):
        assert [note.partition(":")[0] for note in shop.plan(ALL).news] == ["clean"]
        assert path.read_text() == "x\n-1\n", "a plan puts nothing"
    build = shop.run(ALL)
    assert [note.partition(":")[0] for note in build.news] == ["clean"]
    assert "made" not in fates(build).values()
    assert path.read_bytes() == good
    assert shop.run(ALL).news == []
    assert len(shop.session().catalog.versions("clean")) == 2


def test_going_back_is_a_hit(shop: Project) -> None:
    ids = {step.craft: dict(step.artifact_ids) for step in shop.run(ALL).rows}
    constant(shop)
    shop.run(ALL)
    shop.edit("lib/steps.py", "RATE = 3", "RATE = 2")
    build = shop.run(ALL)
    assert fates(build) == {"clean": "skipped", "total": "skipped"}
    assert {step.craft: dict(step.artifact_ids) for step in build.rows} == ids
    session = shop.session()
    assert session.catalog.load("total") == {"total": 12}
    assert len(session.catalog.versions("total")) == 2, "a line of history, no copy"
    assert (shop.root / "data/total.json").read_text().replace(" ", "").replace("\n", "") == '{"total":12}'


def test_data_changed_and_back_is_a_hit(shop: Project) -> None:
    data(shop)
    shop.run(ALL)
    shop.write("data/raw.csv", "x\n1\n2\n3\n")
    assert fates(shop.run(ALL)) == {"clean": "skipped", "total": "skipped"}


def test_another_version_of_a_package_is_a_reason(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.edit("lib/tables.py", "def tidy", "import pandas\n\n\ndef tidy")
    shop.edit("lib/tables.py", "frame.dropna()", "pandas.DataFrame(frame).dropna()")
    shop.run(ALL)
    from elliptio.pipelines.code.distributions import Distributions

    real = Distributions.version
    monkeypatch.setattr(Distributions, "version", lambda self, name: "99.9" if name == "pandas" else real(self, name))
    assert "→ 99.9" in reasons(shop.plan(ALL))["clean"]


def test_a_package_that_comes_or_goes_with_an_edit_is_said_once(shop: Project) -> None:
    shop.run(ALL)
    shop.edit("lib/steps.py", "return value * RATE", "import yaml\n\n    return value * len(yaml.dump(RATE))")
    for edit in ("is used now", "is not used any more"):
        why = reasons(shop.plan(ALL))["total"].split("; ")
        (said,) = [one for one in why if "yaml" in one.lower()]
        assert said.endswith(edit)
        shop.run(ALL)
        if edit == "is used now":
            shop.edit("lib/steps.py", "import yaml\n\n    return value * len(yaml.dump(RATE))", "return value * 3")


def test_the_entry_and_the_option_that_changed_are_named(shop: Project) -> None:
    for old, new, why in (
        ("raw.csv}}", "raw.csv}, load_options: {nrows: 2}}", "input raw: option nrows: 2 is new"),
        ("nrows: 2", "nrows: 2.0", "input raw: option nrows: 2 → 2.0"),
        ("nrows: 2.0", "sep: ;", "input raw: option nrows is gone; input raw: option sep: ';' is new"),
        ("clean, type: csv", "clean, type: parquet", "output clean: csv → parquet"),
    ):
        shop.edit("catalog/all.yaml", old, new)
        assert reasons(shop.plan(ALL))["clean"] == why
        assert reasons(shop.run(ALL))["clean"] == why


def test_what_was_too_long_to_be_recorded_is_named(shop: Project) -> None:
    shop.edit("lib/steps.py", "top: int = 5", "top: int = 5, names: tuple = ()")
    shop.run(ALL, {"names": [*range(100)]})
    assert (
        reasons(shop.plan(ALL, {"names": [*range(101)]}))["clean"] == "parameter names: in what is too long to be shown"
    )


def test_refresh_runs_all(shop: Project) -> None:
    build = shop.run(ALL, refresh=True)
    assert fates(build) == {"clean": "made", "total": "made"}
    assert reasons(build)["clean"] == "refresh"


def test_another_checkout_of_the_same_lake_makes_nothing_again(shop: Project, tmp_path) -> None:
    import shutil

    shutil.copytree(
        shop.root, tmp_path / "elsewhere/shop", ignore=shutil.ignore_patterns(".elliptio-project", "clean.csv")
    )
    other = Project.__new__(Project)
    other.root, other.handler = tmp_path / "elsewhere/shop", shop.handler
    assert fates(other.run(ALL)) == {"clean": "skipped", "total": "skipped"}
    assert (other.root / "data/clean.csv").exists()


def test_without_history_what_was_overwritten_is_made_again(project: Project) -> None:
    project.write(
        "catalog/all.yaml",
        """
        - {name: raw, type: json, extra: {path: raw.json}}
        - {name: big, type: json, extra: {path: big.json, history: false}}
        """,
    )
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft


        @Craft()
        def big(raw: Artifact) -> Artifact("big"):
            return raw + 1
        """,
    )
    project.write("raw.json", "1")
    assert fates(project.run("steps.big")) == {"big": "made"}
    assert fates(project.run("steps.big")) == {"big": "skipped"}
    project.write("big.json", "77")
    plan = project.plan("steps.big")
    assert fates(plan) == {"big": "make"}
    assert fates(project.run("steps.big")) == {"big": "made"}
    assert project.session().catalog.load("big") == 2
    project.write("raw.json", "5")
    project.run("steps.big")
    project.write("raw.json", "1")
    assert fates(project.run("steps.big")) == {"big": "made"}, "the lake has no copy of what it was"


def test_a_linked_window_stays_a_link(project: Project, tmp_path) -> None:
    project.write("catalog/all.yaml", "- {name: a, type: json, extra: {path: a.json}}")
    (tmp_path / "disk.json").write_text("0")
    (project.root / "a.json").symlink_to(tmp_path / "disk.json")
    catalog = project.session().catalog
    assert catalog.load("a") == 0
    catalog.save("a", 3)
    assert (project.root / "a.json").is_symlink()
    assert (tmp_path / "disk.json").read_text() == "3"


def test_what_is_made_of_the_value_of_a_craft_that_is_never_skipped_is_made_too(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: total, type: json}")
    project.write(
        "lib/steps.py",
        """
        from pathlib import Path
        from elliptio.pipelines import Artifact, Craft, Volatile

        @Craft(cache=False)
        def now() -> Volatile("moment"):
            path = Path(__file__).with_name("count")
            path.write_text(path.read_text() + "1" if path.exists() else "1")
            return int(path.read_text())

        @Craft()
        def later(moment: Volatile) -> Volatile("doubled"):
            return moment * 2

        @Craft()
        def total(doubled: Volatile) -> Artifact("total"):
            return doubled
        """,
    )
    every = "steps.now steps.later steps.total"
    for wanted in (2, 22, 222):
        build = project.run(every)
        assert fates(build) == dict.fromkeys(("now", "later", "total"), "made")
        assert build.volatiles["doubled"] == project.session().catalog.load("total") == wanted
    assert "'doubled'" in reasons(build)["total"]
    project.run(every, volatiles=False)
    assert project.session().catalog.load("total") == 2222


def test_a_value_that_nobody_needs_is_a_row_too(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: total, type: json}")
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft, Volatile

        @Craft()
        def counted(x: int = 1) -> Volatile("count"):
            return x

        @Craft()
        def total(count: Volatile) -> Artifact("total"):
            return count
        """,
    )
    every = "steps.counted steps.total"
    assert fates(project.run(every, volatiles=False)) == {"counted": "made", "total": "made"}
    build = project.run(every, volatiles=False)
    assert fates(build) == {"counted": "skipped", "total": "skipped"}
    assert fates(project.plan(every, volatiles=False)) == {"counted": "skip", "total": "skip"}
    plan = project.plan(every, {"x": 2}, volatiles=False)
    build = project.run(every, {"x": 2}, volatiles=False)
    assert [step.craft for step in build.rows] == ["counted", "total"]
    assert fates(plan) == {"counted": "make", "total": "make"}
    assert reasons(plan) == reasons(build)
    assert reasons(plan)["counted"] == "a step that runs needs what it passes on"


def test_a_plan_tells_which_values_a_step_needs_and_no_others(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: total, type: json}\n- {name: raw, type: json, extra: {path: raw.json}}")
    project.write("raw.json", "1")
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft, Volatile

        @Craft()
        def first(raw: Artifact) -> Volatile("a"):
            return raw

        @Craft()
        def second(a: Volatile) -> Volatile("b"):
            return a

        @Craft()
        def aside(a: Volatile) -> Volatile("c"):
            return a

        @Craft()
        def total(b: Volatile) -> Artifact("total"):
            return b
        """,
    )
    every = "steps.first steps.second steps.aside steps.total"
    plan = project.plan(every, volatiles=False)
    build = project.run(every, volatiles=False)
    assert reasons(project.plan(every))["total"] == reasons(project.run(every))["total"] == "unchanged"
    assert fates(build) == {"first": "made", "second": "made", "aside": "skipped", "total": "made"}
    assert fates(plan) == {"first": "make", "second": "make", "aside": "skip", "total": "make"}
    assert reasons(plan) == reasons(build)


def test_a_result_without_an_entry_is_told_before_anything_runs(shop: Project) -> None:
    shop.edit("lib/steps.py", 'Artifact("total")', 'Artifact("totals")')
    before = len(shop.session().catalog.versions("clean"))
    with pytest.raises(KeyError, match=r"'totals'.*total"):
        shop.run(ALL, {"top": 1})
    assert len(shop.session().catalog.versions("clean")) == before


def test_what_a_craft_loads_by_itself_counts(project: Project) -> None:
    project.write(
        "catalog/all.yaml", "- {name: rate, type: json, extra: {path: rate.json}}\n- {name: total, type: json}"
    )
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft, Session

        @Craft()
        def total() -> Artifact("total"):
            return Session.get_session().catalog.load("rate") + 1
        """,
    )
    for rate, fate in ((1, "made"), (1, "skipped"), (2, "made"), (2, "skipped"), (1, "made"), (1, "skipped")):
        project.write("rate.json", str(rate))
        planned, build = project.plan("steps.total"), project.run("steps.total")
        assert fates(build)["total"] == fate
        assert fates(planned)["total"] == {"made": "make", "skipped": "skip"}[fate]
        catalog = project.session().catalog
        assert catalog.load("total") == rate + 1
        assert list(catalog.current("total").metadata.based_on) == [catalog.current("rate").artifact_id]
    project.write("rate.json", "3")
    assert reasons(project.run("steps.total"))["total"] == "rate, which it loads by itself, changed"
