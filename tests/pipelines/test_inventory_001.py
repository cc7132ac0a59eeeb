"""The cases E1 to E13 of arti's backends, by name; E8 and more of E13 are in `snapshots` and `builds`."""

from __future__ import annotations

import pytest

import elliptio as eio
from elliptio.pipelines import Fingerprint, Partition, Snapshot
from elliptio.pipelines.backends import Backend, LakeBackend, MemoryBackend
from tests.pipelines.projects import Project, fates

CATALOG = """
- {name: a, type: json, extra: {path: a.json}}
- {name: b, type: json}
- {name: transactions, type: csv, extra: {path: "transactions/!{day}.csv"}}
- {name: spend, type: json}
- {name: total, type: json, extra: {path: "made/!{day}.json"}}
"""

STEPS = """
from elliptio.pipelines import Artifact, Craft


@Craft()
def inc(a: Artifact) -> Artifact("b"):
    return a + 1


def refuse(value):
    return False, "This is junk data!"


@Craft(validate=refuse)
def junk(a: Artifact) -> Artifact("b"):
    return a


@Craft(per="day")
def sum_day(transactions: Artifact) -> Artifact("total"):
    return float(transactions["amount"].sum())


@Craft()
def sum_all(total: Artifact) -> Artifact("spend"):
    return round(sum(total.values()), 2)
"""


@pytest.fixture
def arti(project: Project) -> Project:
    """The graph g: raw a → inc → b; and transactions of days → a total a day → spend."""
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    project.write("a.json", "0")
    return project


@pytest.fixture(params=["memory", "lake"])
def backend(request: pytest.FixtureRequest, arti: Project) -> Backend:
    if request.param == "memory":
        return MemoryBackend()
    return LakeBackend(arti.handler)


def snapshots(arti: Project) -> tuple[Snapshot, Snapshot]:
    """Two snapshots of one graph."""
    first = arti.run("steps.inc").snapshot
    arti.write("a.json", "1")
    return first, arti.run("steps.inc").snapshot


def part(text: str, made_from: str = "input") -> Partition:
    return Partition({}, Fingerprint.from_string(made_from), Fingerprint.from_string(text))


def test_e1_a_connection_connects_to_itself(backend: Backend) -> None:
    with backend.connect() as connection, connection.connect() as same:
        assert same is connection


def test_e2_graphs_and_snapshots_are_read_as_they_were_written(arti: Project, backend: Backend) -> None:
    snapshot, other = snapshots(arti)
    with backend.connect() as connection:
        for read in (connection.read_graph, connection.read_snapshot):
            with pytest.raises(KeyError, match="'test'") as unknown:
                read("test", Fingerprint.from_string("nothing"))
            assert isinstance(unknown.value, eio.ElliptioError)
        connection.write_graph(snapshot.graph)
        connection.write_snapshot(snapshot)
        connection.write_snapshot(snapshot)
        assert connection.read_graph("test", snapshot.graph.fingerprint) == snapshot.graph
        assert connection.read_snapshot("test", snapshot.fingerprint) == snapshot != other


def test_e3_a_tag_moves_when_it_is_told_to(arti: Project, backend: Backend) -> None:
    first, second = snapshots(arti)
    with backend.connect() as connection:
        for one in (first, second):
            connection.write_snapshot(one)
        connection.write_snapshot_tag(first, "prod")
        assert connection.read_snapshot_tag("test", "prod") == first
        with pytest.raises(ValueError, match=r"'prod'.*'test'"):
            connection.write_snapshot_tag(second, "prod")
        connection.write_snapshot_tag(second, "prod", overwrite=True)
        assert connection.read_snapshot_tag("test", "prod") == second
        with pytest.raises(ValueError, match="'fake'"):
            connection.read_snapshot_tag("test", "fake")


def test_e4_partitions_of_an_entry_are_known_once_and_by_what_they_are_made_from(backend: Backend) -> None:
    one, other = part("one", "this"), part("other", "that")
    with backend.connect() as connection:
        connection.write_artifact_partitions("b", [one])
        connection.write_artifact_partitions("b", [one, other])
        assert set(connection.read_artifact_partitions("b")) == {one, other}
        assert len(connection.read_artifact_partitions("b")) == 2
        assert connection.read_artifact_partitions("b", {one.keys: Fingerprint.from_string("this")}) == (one,)
        assert connection.read_artifact_partitions("b", {one.keys: Fingerprint.from_string("none")}) == ()


def test_e5_partitions_of_a_snapshot_are_its_own(arti: Project, backend: Backend) -> None:
    first, second = snapshots(arti)
    one = part("one")
    with backend.connect() as connection:
        connection.write_snapshot(first)
        connection.write_artifact_and_graph_partitions(first, "more.b", "elsewhere", [one])
        assert connection.read_snapshot_partitions(first, "more.b", "elsewhere") == (one,)
        assert connection.read_artifact_partitions("elsewhere") == (one,)
        assert connection.read_snapshot_partitions(second, "more.b", "elsewhere") == ()


def test_e6_raw_data_that_is_not_there_is_named(arti: Project) -> None:
    (arti.root / "a.json").unlink()
    session = arti.session()
    with session, pytest.raises(FileNotFoundError, match="No data found for 'a'"):
        arti.pipeline(session, "steps.inc").snapshot()


def test_e7_only_what_changed_is_made_and_going_back_has_the_first_id(arti: Project) -> None:
    builds = []
    for value in (0, 0, 1, 0):
        arti.write("a.json", str(value))
        builds.append(arti.run("steps.inc"))
    assert [fates(one)["inc"] for one in builds] == ["made", "skipped", "made", "skipped"]
    assert [one.snapshot.load("b") for one in builds] == [1, 1, 2, 1]
    assert len({one.snapshot.id for one in builds}) == 2
    assert builds[3].snapshot.id == builds[0].snapshot.id


def test_e9_a_day_more_is_a_day_more(arti: Project) -> None:
    def run() -> tuple[int, str, float]:
        build = arti.run("steps.sum_day steps.sum_all")
        days = sum(step.craft == "sum_day" and step.status == "made" for step in build.rows)
        (total,) = (step.status for step in build.rows if step.craft == "sum_all")
        return days, total, build.snapshot.load("spend")

    arti.write("transactions/2026-01-01.csv", "amount\n1\n")
    arti.write("transactions/2026-01-02.csv", "amount\n2\n")
    assert run() == (2, "made", 3)
    arti.write("transactions/2026-01-03.csv", "amount\n3\n")
    assert run() == (1, "made", 6)
    arti.write("transactions/2026-01-01.csv", "amount\n10\n")
    assert run() == (1, "made", 15)
    assert run() == (0, "skipped", 15)


def test_e10_whoever_comes_new_to_what_is_there_makes_nothing(arti: Project, tmp_path) -> None:
    arti.run("steps.inc")
    newcomer = Project(tmp_path / "elsewhere", lake=arti.root.parent / "shop-lake")
    for name in ("catalog/all.yaml", "lib/steps.py", "a.json"):
        newcomer.write(name, (arti.root / name).read_text())
    build = newcomer.run("steps.inc")
    assert fates(build) == {"inc": "skipped"}
    assert build.snapshot.load("b") == 1
    with newcomer.session().backend.connect() as connection:
        assert len(connection.read_artifact_partitions("a")) == 1
        assert len(connection.read_artifact_partitions("b")) == 1
    newcomer.handler.close()


def test_e11_what_is_refused_is_not_there(arti: Project) -> None:
    build = arti.run("steps.junk", on_error="return")
    with pytest.raises(ValueError, match="This is junk data!"):
        raise build.error.__cause__
    with pytest.raises(FileNotFoundError, match="No data"):
        arti.session().catalog.load("b")


def test_e12_the_demo_gives_42(arti: Project) -> None:
    days = {"2026-10-01": [9.95], "2026-10-02": [7.5, 5.0], "2026-10-03": [12.0], "2026-10-04": [7.55]}
    for day, amounts in days.items():
        arti.write(f"transactions/{day}.csv", "amount\n" + "".join(f"{one}\n" for one in amounts))
    build = arti.run("steps.sum_day steps.sum_all")
    assert build.snapshot.load("spend") == 42.0
    assert build.snapshot.load("total", day="2026-10-02") == 12.5


def test_e13_equal_days_do_not_cancel_each_other(arti: Project) -> None:
    arti.write("transactions/2026-01-01.csv", "amount\n7\n")
    first = arti.run("steps.sum_day steps.sum_all").snapshot
    assert first.load("spend") == 7
    for day in ("2026-01-02", "2026-01-03"):
        arti.write(f"transactions/{day}.csv", "amount\n100\n")
    second = arti.run("steps.sum_day steps.sum_all").snapshot
    assert second.load("spend") == 207
    assert first.load("spend") == 7
    assert len(first.inputs["transactions"]) == 1
    assert first.id != second.id
