"""`elliptio pipelines audit`: what is not deterministic is named, and nothing is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from elliptio.pipelines.builds.auditing import count_of
from elliptio.pipelines.errors import PipelineDefinitionError
from tests.pipelines.cli.conftest import Run, edit
from tests.pipelines.projects import Project


def audit(project: Project, names: str, **options: object) -> dict[tuple[str, str, str], str]:
    session = project.session()
    with session:
        found = project.pipeline(session, names).audit(**options)
    return {(row.craft, str(row.keys), row.entry): row.status for row in found.rows}


def test_what_is_made_again_alike_is_the_same(cli: Run, shop: Path) -> None:
    cli("pipelines", "run", "report")
    done = cli("pipelines", "audit", "report", "--sample", "100%", "--seed", "1")
    assert done.code == 0
    assert done.out.splitlines() == [
        "report: 2 of 2 steps run again: 2 same (seed 1)",
        "same  add_turnover → turnover             220 bytes",
        "same  choose_best → best_products  top=2  40 bytes",
    ]
    assert len(cli("pipelines", "audit", "report", "--json").json["steps"]) == 1


def test_what_differs_is_named_and_ends_with_1_and_nothing_is_published(cli: Run, shop: Path) -> None:
    crafts = shop / "lib/shop/crafts.py"
    edit(crafts, "return sales.assign(", "import time\n    return sales.assign(now=time.time_ns(), ")
    cli("pipelines", "run", "report")
    before = cli("find", "--limit", "0", "--json").json, (shop / "data/made/turnover.csv").read_bytes()
    done = cli("pipelines", "audit", "report", "--sample", "2", "--json")
    assert done.code == 1
    found = {row["entry"]: row for row in done.json["steps"]}
    assert (found["turnover"]["craft"], found["turnover"]["status"]) == ("add_turnover", "differs")
    assert "differs  add_turnover → turnover" in cli("pipelines", "audit", "report", "--sample", "2").out
    # Of what is in the lake, the same is made.
    assert found["best_products"]["status"] == "same"
    after = cli("find", "--limit", "0", "--json").json, (shop / "data/made/turnover.csv").read_bytes()
    assert after == before


def test_what_was_not_made_is_not_audited(cli: Run, shop: Path) -> None:
    done = cli("pipelines", "audit", "report")
    assert (done.code, done.json if "{" in done.out else done.out.splitlines()[0].split(" (seed")[0]) == (
        0,
        "report: 0 of 0 steps run again: nothing compared",
    )
    assert cli("pipelines", "audit", "report", "--sample", "half").code == 1


@pytest.mark.parametrize(
    ("sample", "steps", "count"),
    [("5%", 100, 5), ("5%", 3, 1), ("0.5%", 1000, 5), ("100%", 7, 7), ("3", 10, 3), (30, 10, 10), ("5 %", 0, 0)],
)
def test_a_sample_is_a_part_or_a_number(sample: str | int, steps: int, count: int) -> None:
    assert count_of(sample, steps) == count


@pytest.mark.parametrize("sample", ["", "0", "0%", "101%", "-1", "many", 1.5])
def test_other_samples_are_refused(sample: str | int) -> None:
    with pytest.raises(PipelineDefinitionError, match="sample takes"):
        count_of(sample, 10)


STEPS = """
import os
from elliptio.pipelines import Artifact, Craft, Volatile

@Craft(per=("day",))
def clean(raw: Artifact, day) -> Artifact("clean"):
    return [day, os.urandom(8).hex() if day == 2 else ""]

@Craft()
def value(clean: Artifact) -> Volatile("value"):
    return len(clean)

@Craft()
def grown(count: Artifact, value: Volatile) -> Artifact("count"):
    return count + value

@Craft()
def fails(raw: Artifact) -> Artifact("failed"):
    if os.environ.get("FAIL"):
        raise ValueError("not today")
    return len(raw)
"""
CATALOG = """
- {name: raw, type: json, extra: {path: "raw/!{day}.json"}}
- {name: clean, type: json, extra: {path: "clean/!{day}.json"}}
- {name: count, type: json}
- {name: failed, type: json}
"""
ALL = "steps.clean steps.value steps.grown steps.fails"


@pytest.fixture
def steps(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    for day in (1, 2, 3):
        project.write(f"raw/{day}.json", f"[{day}]")
    project.session().catalog.save("count", 10)
    assert project.run(ALL, volatiles=False).ok
    return project


def test_partitions_values_and_entries_that_grow_are_audited(steps: Project) -> None:
    assert audit(steps, ALL, sample="100%") == {
        ("clean", "day=1", "clean"): "same",
        ("clean", "day=2", "clean"): "differs",
        ("clean", "day=3", "clean"): "same",
        ("grown", "", "count"): "same",
        ("fails", "", "failed"): "same",
    }


def test_a_step_that_fails_now_is_named(steps: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")
    assert audit(steps, ALL, sample="100%", select="fails") == {("fails", "", "failed"): "failed"}


def test_a_seed_chooses_the_same_steps(steps: Project) -> None:
    chosen = [sorted(audit(steps, ALL, sample=2, seed=seed)) for seed in (1, 1, 2, 3, 4)]
    assert chosen[0] == chosen[1]
    assert len({str(each) for each in chosen}) > 1


TYPES = """
import dataclasses, os, pathlib
from elliptio.pipelines import ArtifactInteractor

@dataclasses.dataclass
class Extra:
    path: str = ""

class Kind(ArtifactInteractor):
    Extra = Extra
    def __init__(self, artifact, *args, session, **more):
        self.path = artifact.extra.path
    def load(self, **more):
        return pathlib.Path(self.path).read_text()

class Bytes(Kind, interactor_name="of bytes"):
    def save(self, asset, **more):
        return asset.encode()

class Path(Kind, interactor_name="of a path"):
    def save(self, asset, **more):
        pathlib.Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(self.path).write_text(asset)
        return self.path
"""
CUSTOM = """
- {name: same, type: of bytes, extra: {path: out/same.txt}}
- {name: other, type: of bytes, extra: {path: out/other.txt}}
- {name: written, type: of a path, extra: {path: PLACE/written.txt}}
- {name: nowhere, type: of bytes}
"""
CUSTOM_STEPS = """
import os
from elliptio.pipelines import Artifact, Craft

@Craft()
def make() -> Artifact.of("same", "other", "written", "nowhere"):
    return "a", os.urandom(8).hex(), os.urandom(8).hex(), "b"
"""


def test_entries_of_classes_of_users_are_audited_and_nothing_is_written(project: Project) -> None:
    project.write(
        "pyproject.toml", (project.root / "pyproject.toml").read_text() + 'entrypoints = {module = "kinds"}\n'
    )
    project.write("catalog/all.yaml", CUSTOM.replace("PLACE", str(project.root / "out")))
    project.write("lib/kinds.py", TYPES)
    project.write("lib/steps.py", CUSTOM_STEPS)
    assert project.run("steps.make").ok
    written = (project.root / "out/written.txt").read_text()
    assert audit(project, "steps.make", sample="100%") == {
        ("make", "", "same"): "same",
        ("make", "", "other"): "differs",
        ("make", "", "written"): "differs",
        ("make", "", "nowhere"): "not compared",
    }
    assert (project.root / "out/written.txt").read_text() == written
