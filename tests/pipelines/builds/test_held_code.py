"""Code that a craft does not name, but that its inputs and its entries bring along: an edit of it counts too."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from elliptio.pipelines import Snapshot
from elliptio.pipelines.builds.build import Build
from elliptio.pipelines.builds.runners.elsewhere import _differs
from elliptio.pipelines.catalog import held
from elliptio.pipelines.catalog.held import names_in
from tests.pipelines.projects import Project, fates, reasons

CATALOG = """
- {name: raw, type: json, extra: {path: data/raw.json}}
- {name: model, type: pickle}
- {name: report, type: json, extra: {path: data/report.json}}
"""

MODEL = """
from sizes import grown

class Model:
    def __init__(self, size):
        self.size = size
    def predict(self):
        return grown(self.size)

class Unused:
    def predict(self):
        return 0
"""

STEPS = """
from elliptio.pipelines import Artifact, Craft
from model import Model, Unused

@Craft()
def train(raw: Artifact) -> Artifact("model"):
    return {"first": [Model(raw)]} if raw else Unused()

@Craft()
def score(model: Artifact) -> Artifact("report"):
    return model["first"][0].predict()
"""

ALL = "steps.train steps.score"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("data/raw.json", "3")
    project.write("lib/sizes.py", "def grown(size):\n    return size + 1\n")
    project.write("lib/model.py", MODEL)
    project.write("lib/steps.py", STEPS)
    return project


def report(shop: Project) -> str:
    return (shop.root / "data/report.json").read_text().strip()


def test_a_method_of_what_a_pickle_holds(shop: Project) -> None:
    shop.run(ALL)
    assert report(shop) == "4"
    shop.edit("lib/sizes.py", "size + 1", "size + 2")
    # What train makes is the same, byte for byte: a pickle keeps the name of a class.
    build = shop.run(ALL)
    assert (fates(build), report(shop)) == ({"train": "made", "score": "made"}, "5")
    assert reasons(build)["score"] == "model.Model, which input model holds, changed"
    assert fates(shop.run(ALL)) == {"train": "skipped", "score": "skipped"}


def test_a_method_that_only_the_reader_runs(shop: Project) -> None:
    shop.run(ALL)
    shop.edit("lib/sizes.py", "size + 1", "size + 2")
    plan = shop.plan("steps.score")
    assert [(step.status, step.why) for step in plan.rows] == [
        ("make", "model.Model, which input model holds, changed")
    ]


def test_a_class_that_the_pickle_does_not_hold(shop: Project) -> None:
    shop.run(ALL)
    shop.edit("lib/model.py", "return 0", "return 1")
    assert fates(shop.run(ALL)) == {"train": "made", "score": "skipped"}


def test_it_is_the_same_in_another_process_and_at_another_place(shop: Project, tmp_path: Path) -> None:
    shop.run(ALL)
    other = Project(tmp_path / "elsewhere" / "shop")
    other.handler = shop.handler
    for path in ("catalog/all.yaml", "data/raw.json", "lib/sizes.py", "lib/model.py", "lib/steps.py"):
        other.write(path, (shop.root / path).read_text())
    assert fates(other.run(ALL)) == {"train": "skipped", "score": "skipped"}


def test_its_changes_are_accepted_too(shop: Project) -> None:
    shop.run(ALL)
    shop.edit("lib/sizes.py", "size + 1", "1 + size")
    session = shop.session()
    with session:
        pipeline = shop.pipeline(session, ALL)
        first, second = pipeline.accept(reason="the same sum")
        assert (first.craft, first.changes) == ("train", ("helper `grown` in lib/sizes.py:1 changed",))
        assert (second.craft, second.changes) == ("score", ("model.Model, which it is given, changed",))
        assert second.before == second.after
        current = session.catalog.current("report")
        assert second.artifact_ids == (current.artifact_id,)
        assert "the same sum" in str(current.metadata.notes)
        assert fates(pipeline.run()) == {"train": "skipped", "score": "skipped"}
        assert pipeline.accept(reason="again") == []
    shop.edit("lib/sizes.py", "1 + size", "2 + size")
    assert fates(shop.plan(ALL)) == {"train": "make", "score": "make"}
    assert fates(shop.run(ALL)) == {"train": "made", "score": "made"}
    assert report(shop) == "5"


def test_a_process_with_other_code_of_it_makes_nothing(shop: Project) -> None:
    shop.run("steps.train")
    session = shop.session()
    with session:
        craft = shop.pipeline(session, "steps.score").crafts[0]
        held = [f"model:Model {'0' * 64}"]
        recipe = {"code": session.code_of(craft)["digest"], "packages": session.code_of(craft)["packages"]}
        assert _differs(session, craft, {"recipe": recipe}) == ""
        assert _differs(session, craft, {"recipe": {**recipe, "held": held}}).startswith("model.Model, which it is")


def test_snapshots_tell_its_changes(shop: Project) -> None:
    shop.run(ALL)
    before = shop.run("steps.score").snapshot
    before.tag("old")
    assert shop.run("steps.score").snapshot.id == before.id
    shop.edit("lib/sizes.py", "size + 1", "size + 2")
    after = shop.run("steps.score").snapshot
    assert after.id != before.id
    backend = shop.session().backend
    read = Snapshot.from_tag("test", "old", connectable=backend)
    assert read.differences(before) == []
    assert [row[:2] for row in after.differences(read)] == [
        ("craft", "score, given model.Model"),
        ("output", "report"),
    ]
    session = shop.session()
    with session:
        assert shop.pipeline(session, "steps.score").snapshot().id == after.id


SIZES = """
import dataclasses, enum

@dataclasses.dataclass
class Size:
    value: int
    def doubled(self):
        return self.value * 2

class Mode(enum.Enum):
    FAST = 1
    def cost(self):
        return self.value * 10
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("* 2", "* 3", "kinds.Size, which parameter sizes holds, changed"),
        ("* 10", "* 20", "kinds.Mode, which parameter mode holds, changed"),
    ],
)
def test_the_class_of_an_object_that_is_a_parameter(project: Project, old: str, new: str, why: str) -> None:
    project.write("catalog/all.yaml", "- {name: total, type: json}\n")
    project.write("lib/kinds.py", SIZES)
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft
        @Craft()
        def total(sizes, mode) -> Artifact("total"):
            return sizes[0].doubled() + mode.cost()
        """,
    )

    def run() -> Build:
        with project.session() as session:
            from kinds import Mode, Size

            return project.pipeline(session, "steps.total").run({"sizes": [Size(1)], "mode": Mode.FAST})

    assert [fates(run()), fates(run())] == [{"total": "made"}, {"total": "skipped"}]
    project.edit("lib/kinds.py", old, new)
    build = run()
    assert (fates(build), reasons(build)) == ({"total": "made"}, {"total": why})


TYPES = """
from elliptio.pipelines import ArtifactInteractor

class Shouted(ArtifactInteractor, interactor_name="shouted"):
    def load(self, **more):
        raise NotImplementedError
    def save(self, asset, **more):
        return (str(asset) + "!").encode()
"""


def test_the_class_that_saves_an_entry(project: Project) -> None:
    project.write(
        "pyproject.toml", (project.root / "pyproject.toml").read_text() + 'entrypoints = {module = "kinds"}\n'
    )
    project.write("catalog/all.yaml", "- {name: said, type: shouted}\n")
    project.write("lib/kinds.py", TYPES)
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft
        @Craft()
        def say() -> Artifact("said"):
            return "hello"
        """,
    )
    project.run("steps.say")
    assert fates(project.run("steps.say")) == {"say": "skipped"}
    project.edit("lib/kinds.py", '"!"', '"!!"')
    build = project.run("steps.say")
    assert reasons(build) == {"say": "kinds.Shouted, which it loads or saves by, changed"}


class Held:
    """What is pickled below."""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("at_once", [held._AT_ONCE, 300])
def test_names_are_found_in_every_protocol(
    tmp_path: Path, protocol: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "_AT_ONCE", at_once)
    path = tmp_path / "value.pkl"
    path.write_bytes(pickle.dumps([b"x" * 290, Held, 3, Held(), "NotHeld", names_in], protocol))
    assert names_in(path, Path(__file__).parent) == [f"{__name__}:Held"]
    assert names_in(path, Path(held.__file__).parent) == ["elliptio.pipelines.catalog.held:names_in"]


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_names_are_found_in_what_joblib_compressed(tmp_path: Path, compress: int | tuple[str, int]) -> None:
    joblib = pytest.importorskip("joblib")
    path = tmp_path / "value.joblib"
    joblib.dump({"model": Held()}, path, compress=compress)
    assert names_in(path, Path(__file__).parent) == [f"{__name__}:Held"]
