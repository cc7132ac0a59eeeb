"""Snapshots read what they were made from, for ever; equal definitions over equal data have equal ids."""

from __future__ import annotations

import importlib

import pytest

from elliptio.pipelines import Snapshot, VersionNotFoundError
from elliptio.pipelines.errors import SnapshotNotFoundError, SnapshotTagTakenError, ValidationError
from tests.pipelines.projects import Project, fates, reasons

CATALOG = """
- {name: a, type: json, extra: {path: a.json}}
- {name: b, type: json}
- {name: x, type: json, extra: {path: x.json}}
- {name: y, type: json, extra: {path: y.json}}
- {name: phase, type: json, extra: {path: phase.json}}
- {name: z, type: json}
- {name: wave, type: json}
"""

STEPS = """
from elliptio.pipelines import Artifact, Craft


@Craft()
def inc(a: Artifact, step: int = 1) -> Artifact("b"):
    return a + step


@Craft()
def div(x: Artifact, y: Artifact) -> Artifact("z"):
    return x // y


@Craft()
def shifted(z: Artifact, phase: Artifact) -> Artifact("wave"):
    return z + phase


def check(value):
    return False, "This is junk data!"


@Craft(validate=check)
def junk(a: Artifact) -> Artifact("b"):
    return a
"""


@pytest.fixture
def graph(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    project.write("a.json", "0")
    return project


def snapshot(project: Project, names: str, **params) -> Snapshot:
    session = project.session()
    with session:
        return project.pipeline(session, names).snapshot(**params)


def test_building_again_makes_nothing_and_going_back_has_the_first_id(graph: Project) -> None:
    first = graph.run("steps.inc")
    assert fates(first) == {"inc": "made"}
    assert first.snapshot.load("b") == 1
    assert fates(graph.run("steps.inc")) == {"inc": "skipped"}
    graph.write("a.json", "1")
    second = graph.run("steps.inc")
    assert fates(second) == {"inc": "made"}
    assert second.snapshot.load("b") == 2
    graph.write("a.json", "0")
    third = graph.run("steps.inc")
    assert fates(third) == {"inc": "skipped"}
    assert third.snapshot.id == first.snapshot.id != second.snapshot.id
    assert third.snapshot.load("b") == 1


def test_an_old_snapshot_reads_the_old_data(graph: Project) -> None:
    old = graph.run("steps.inc").snapshot
    graph.write("a.json", "41")
    new = graph.run("steps.inc").snapshot
    assert (old.load("a"), old.load("b")) == (0, 1)
    assert (new.load("a"), new.load("b")) == (41, 42)
    assert set(old.diff(new)["what"]) == {"input", "output"}
    with pytest.raises(TypeError, match="compared with another one, not with 'prod'"):
        old.diff("prod")
    read = Snapshot.from_tag
    old.tag("prod")
    assert read("test", "prod", connectable=graph.session().backend).load("a") == 0


def test_swapped_inputs_are_another_step(graph: Project) -> None:
    graph.write("x.json", "10")
    graph.write("y.json", "5")
    assert graph.run("steps.div").snapshot.load("z") == 2
    graph.write("x.json", "5")
    graph.write("y.json", "10")
    build = graph.run("steps.div")
    assert fates(build) == {"div": "made"}
    assert build.snapshot.load("z") == 0


def test_an_unrelated_input_makes_another_snapshot_and_runs_only_what_reads_it(graph: Project) -> None:
    for name, value in (("x", 10), ("y", 5), ("phase", 1)):
        graph.write(f"{name}.json", str(value))
    first = graph.run("steps.div steps.shifted")
    graph.write("phase.json", "2")
    second = graph.run("steps.div steps.shifted")
    assert fates(second) == {"div": "skipped", "shifted": "made"}
    assert second.snapshot.id != first.snapshot.id
    graph.write("y.json", "2")
    graph.run("steps.div steps.shifted")
    assert len(graph.session().catalog.versions("z")) == 2


CLOCK = """
from pathlib import Path
from elliptio.pipelines import Artifact, Craft


@Craft(cache=False)
def ticked(a: Artifact) -> Artifact("b"):
    return Path("clock.txt").read_text()


@Craft(version="1")
def versioned(a: Artifact) -> Artifact("b"):
    return a
"""


def test_what_is_made_again_of_the_same_is_not_in_the_way(graph: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(graph.root)
    graph.write("lib/clocks.py", CLOCK)
    graph.write("clock.txt", "first")
    first = graph.run("clocks.ticked").snapshot
    first.tag("old")
    graph.write("clock.txt", "second")
    second = graph.run("clocks.ticked").snapshot
    second.tag("new")
    graph.write("clock.txt", "third")
    graph.run("clocks.ticked")
    assert first.id == second.id
    backend = graph.session().backend
    old, new = (Snapshot.from_tag("test", tag, connectable=backend) for tag in ("old", "new"))
    assert [one.load("b") for one in (first, old, second, new)] == ["first", "first", "second", "second"]
    assert [len(one.artifacts) for one in (old, new)] == [2, 2]
    new.tag("newer")
    assert Snapshot.from_tag("test", "newer", connectable=backend).load("b") == "second"
    with backend.connect() as connection:
        assert connection.read_snapshot("test", first.fingerprint).load("b") == "first"


def test_the_version_of_a_craft_is_part_of_its_definition(graph: Project) -> None:
    graph.write("lib/clocks.py", CLOCK)
    first = graph.run("clocks.versioned").snapshot
    graph.edit("lib/clocks.py", 'version="1"', 'version="2"')
    assert [row[:2] for row in graph.run("clocks.versioned").snapshot.differences(first)] == [("craft", "versioned")]


def test_a_snapshot_without_running(graph: Project) -> None:
    before = snapshot(graph, "steps.inc")
    assert before.load("a") == 0
    with pytest.raises(VersionNotFoundError, match="'b'"):
        before.load("b")
    assert len(graph.session().catalog.versions("b")) == 0
    build = graph.run("steps.inc")
    assert build.snapshot.id == before.id == snapshot(graph, "steps.inc", step=1).id
    assert snapshot(graph, "steps.inc", step=2).id != before.id
    assert before.fingerprint == build.snapshot.fingerprint
    assert [one.content_fingerprint for one in before.inputs["a"]]


def test_a_missing_input_is_named(graph: Project) -> None:
    (graph.root / "a.json").unlink()
    with pytest.raises(FileNotFoundError, match="No data found for 'a'"):
        snapshot(graph, "steps.inc")


def test_tags_move_only_when_told_to(graph: Project) -> None:
    first = graph.run("steps.inc").snapshot
    second = graph.run("steps.inc", {"step": 2}).snapshot
    backend = graph.session().backend
    first.tag("prod")
    with pytest.raises(ValueError, match=r"'prod'.*'test'") as taken:
        second.tag("prod")
    assert isinstance(taken.value, SnapshotTagTakenError)
    assert Snapshot.from_tag("test", "prod", connectable=backend) == first
    second.tag("prod", overwrite=True)
    with backend.connect() as connection:
        assert Snapshot.from_tag("test", "prod", connectable=connection) == second
        assert len(connection.moves("test", "prod")) == 2
    with pytest.raises(ValueError, match="'fake'") as unknown:
        Snapshot.from_tag("test", "fake", connectable=backend)
    assert isinstance(unknown.value, KeyError)
    assert isinstance(unknown.value, SnapshotNotFoundError)
    found = graph.session().snapshots({"tags": "prod"})
    assert found.index.tolist() == [second.id]


def test_what_validate_refuses_is_not_published(graph: Project) -> None:
    build = graph.run("steps.junk", on_error="return")
    assert isinstance(build.error.__cause__, ValidationError)
    assert str(build.error.__cause__) == "This is junk data!"
    assert len(graph.session().catalog.versions("b")) == 0


def test_another_validate_looks_at_what_was_made_before(graph: Project) -> None:
    graph.edit("lib/steps.py", 'False, "This', 'value == 0, "This')
    assert fates(graph.run("steps.junk")) == {"junk": "made"}
    assert fates(graph.run("steps.junk")) == {"junk": "skipped"}
    graph.edit("lib/steps.py", "value == 0", "value > 0")
    reason = "helper `check` in lib/steps.py:19 changed"
    assert reasons(graph.plan("steps.junk")) == {"junk": reason}
    build = graph.run("steps.junk", on_error="return")
    assert fates(build) == {"junk": "failed"}
    assert isinstance(build.error.__cause__, ValidationError)
    graph.edit("lib/steps.py", "value > 0", "value == 0")
    assert fates(graph.run("steps.junk")) == {"junk": "skipped"}
    graph.edit("lib/steps.py", "@Craft(validate=check)\ndef junk", "@Craft()\ndef junk")
    assert reasons(graph.plan("steps.junk")) == {"junk": "helper `lib.steps.check` is not used any more"}


def test_all_of_it_survives_the_loss_of_the_index(graph: Project) -> None:
    made = graph.run("steps.inc")
    made.snapshot.tag("prod")
    graph.write("a.json", "1")
    graph.run("steps.inc")
    graph.write("a.json", "0")
    graph.run("steps.inc")  # a move
    graph.handler.close()
    for path in (graph.root.parent / "shop-lake/.elliptio").glob("index*"):
        path.unlink()
    import elliptio as eio

    graph.handler = eio.Handler(graph.root.parent / "shop-lake", progress=False)
    assert graph.handler.reindex().ok
    assert fates(graph.run("steps.inc")) == {"inc": "skipped"}
    session = graph.session()
    assert session.catalog.load("b") == 1
    assert Snapshot.from_tag("test", "prod", connectable=session.backend).load("b") == 1


def test_a_value_that_the_caller_gives_needs_no_data_and_counts(graph: Project) -> None:
    (graph.root / "a.json").unlink()
    builds = [graph.run("steps.inc", {"a": value}) for value in (7, 8, 8)]
    assert [fates(build) for build in builds] == [{"inc": "made"}] * 3, "nobody can tell where it comes from"
    assert graph.session().catalog.load("b") == 9
    first, second, third = (build.snapshot for build in builds)
    assert first.id != second.id == third.id == snapshot(graph, "steps.inc", a=8).id
    assert first.parameters == {"inc": {"a": 7, "step": 1}}
    with pytest.raises(VersionNotFoundError, match="No data found for 'a'"):
        snapshot(graph, "steps.inc")


def test_the_class_that_loads_an_input_is_part_of_the_id(project: Project) -> None:
    sizes = """
    from elliptio.pipelines import ArtifactInteractor

    class Sizes(ArtifactInteractor, interactor_name="sizes-in-ids"):
        def load(self, **more):
            return {size}

        def save(self, asset, **more): ...
    """
    project.write("lib/sizes.py", sizes.format(size=1))
    project.session()
    importlib.import_module("sizes")
    project.write("catalog/all.yaml", "- {name: size, type: sizes-in-ids}\n- {name: b, type: json}")
    project.write(
        "lib/steps.py",
        """
        import sizes
        from elliptio.pipelines import Artifact, Craft

        @Craft()
        def copied(size: Artifact) -> Artifact("b"):
            return size
        """,
    )
    found = []
    for size in (1, 2, 1):
        project.write("lib/sizes.py", sizes.format(size=size))
        found.append(snapshot(project, "steps.copied"))
    assert found[0].id == found[2].id != found[1].id
    (change,) = found[0].diff(found[1]).itertuples()
    assert (change.what, change.name) == ("craft", "copied, given sizes.Sizes")
