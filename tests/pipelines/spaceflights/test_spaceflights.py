"""Kedro's spaceflights story, whose numbers are known: told by a project of elliptio, on its own data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.projects import Project, fates, reasons

DATA = Path("/work/shared/data/spaceflights")

if not DATA.exists():
    pytest.skip("the data of the spaceflights story are not here", allow_module_level=True)

pytestmark = pytest.mark.slow

MADE = {"preprocess_companies", "preprocess_shuttles", "create_model_input_table", "train_model", "evaluate_model"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, object]]:
    """The project, run once: to read the table of Excel takes seconds."""
    root = tmp_path_factory.mktemp("moon") / "spaceflights"
    project = Project(root)
    shutil.copytree(Path(__file__).with_name("project"), root, dirs_exist_ok=True)
    for name in ("companies.csv", "reviews.csv", "shuttles.xlsx"):
        target = root / "data/01_raw" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(DATA / name, target)
    yield project, run(project)
    project.handler.close()


def run(project: Project, **options: object) -> object:
    session = project.session()
    with session:
        return session.pipelines_definitions["everything"].run(configuration="base", volatiles=False, **options)


def made(build: object) -> set[str]:
    return {name for name, status in fates(build).items() if status == "made"}


@pytest.fixture
def flights(built: tuple[Project, object]) -> Iterator[Project]:
    """The project, whose files are put back after the test."""
    project, _ = built
    parser = project.root / "lib/spaceflights/parsing.py"
    before = parser.read_text()
    yield project
    parser.write_text(before)


def test_the_numbers_are_those_of_the_story(built: tuple[Project, object]) -> None:
    _, first = built
    assert first.ok
    assert made(first) == MADE | {"split_data"}
    load = first.snapshot.load  # the current versions may be those of another test
    assert len(load("companies")) == 10_019
    assert len(load("shuttles")) == 15_531
    assert len(load("model_input_table")) == 6_027
    metrics = load("metrics")
    assert round(metrics["r2"], 6) == 0.386983
    assert round(metrics["mae"], 3) == 553.544
    assert round(metrics["max_error"], 2) == 11_857.12


def test_a_second_run_makes_nothing(flights: Project) -> None:
    assert made(run(flights)) == set()


def test_another_way_to_the_same_prices_runs_that_step_alone(flights: Project) -> None:
    flights.edit(
        "lib/spaceflights/parsing.py",
        'texts.str.replace(r"[$,]", "", regex=True).astype(float)',
        'texts.str.lstrip("$").str.replace(",", "").astype(float)',
    )
    build = run(flights)
    assert made(build) == {"preprocess_shuttles"}
    assert reasons(build)["preprocess_shuttles"] == "helper `parse_price` in lib/spaceflights/parsing.py:6 changed"


def test_other_prices_run_what_depends_on_them(flights: Project) -> None:
    flights.edit(
        "lib/spaceflights/parsing.py",
        ".astype(float)\n\n\ndef parse_percent",
        ".astype(float) * 2\n\n\ndef parse_percent",
    )
    build = run(flights)
    assert made(build) >= MADE - {"preprocess_companies"}
    assert "preprocess_companies" not in made(build)
    assert round(flights.session().catalog.load("metrics")["mae"], 2) == 1107.09


def test_a_comment_in_the_parser_runs_nothing(flights: Project) -> None:
    flights.edit("lib/spaceflights/parsing.py", "def parse_price", "# prices are in dollars\ndef parse_price")
    assert made(run(flights)) == set()


def test_what_the_metrics_were_made_from(flights: Project) -> None:
    handler = flights.handler
    catalog = flights.session().catalog
    lineage = handler.lineage(catalog.current("metrics").artifact_id)
    files = {path for node in lineage.nodes() for path in node.document["file_relpaths"]}
    assert {"companies.csv", "reviews.csv", "shuttles.xlsx", "model_input_table.parquet", "metrics.json"} <= files
