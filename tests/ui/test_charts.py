"""Curves reduced and drawn: what is least and greatest stays, axes are round, whatever was measured."""

from __future__ import annotations

import itertools
import math
import re
from array import array
from datetime import UTC, datetime
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake import growing, run_points, run_records
from elliptio.ui.curves import FEW_COLUMNS, MOST_POINTS, Curve, Reader, add_rows, plain_number, reduced, seconds_between
from elliptio.ui.pages import charts, parallel
from elliptio.ui.pages.charts import Axis
from elliptio.ui.pages.narrowing import Narrowing

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def curve(values: list[float], steps: list[float] | None = None) -> Curve:
    xs = steps or [float(place) for place in range(len(values))]
    return Curve(array("d", xs), array("d", xs), array("d", values), len(values))


def test_each_column_keeps_its_least_and_greatest() -> None:
    values = [math.sin(place / 50) for place in range(10_000)]
    values[4_321], values[7_777] = 9.0, -9.0
    kept = reduced(list(range(10_000)), values, 100)
    assert {0, 4_321, 7_777, 9_999} <= {*kept}
    assert len(kept) <= 202
    assert kept == sorted(kept)
    for column in range(100):
        part = values[column * 100 : column * 100 + 100]
        shown = [values[place] for place in kept if column * 100 <= place < column * 100 + 100]
        assert min(part) in shown
        assert max(part) in shown


def test_few_points_stay_and_are_put_in_order() -> None:
    assert reduced([3.0, 1.0, 2.0], [0.0, 0.0, 0.0], 10) == [1, 2, 0]
    assert reduced([], [], 10) == []
    assert reduced([5.0] * 100, list(map(float, range(100))), 2) == [0, 99]


def test_a_run_of_millions_of_points_keeps_few() -> None:
    curves: dict[str, Curve] = {}
    for begin in range(0, 50_000, 5_000):
        add_rows(curves, [{"step": begin + place, "values": {"loss": 0.5}} for place in range(5_000)], NOW, 600)
    assert curves["loss"].count == 50_000
    assert len(curves["loss"].values) <= MOST_POINTS
    assert curves["loss"].steps[-1] == 49_999


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.5, 0.5), ({"$numberLong": "9007199254740993"}, 9007199254740992.0), ({"$numberDouble": "NaN"}, None),
     (float("inf"), None), ("x", None), (None, None), ({}, None), ([], None)],
)  # fmt: skip
def test_numbers_of_files(value: object, number: float | None) -> None:
    assert plain_number(value) == number


def test_times_of_files() -> None:
    assert seconds_between(NOW, {"$date": "2026-11-01T12:00:02.5Z"}) == 2.5
    for damaged in ({"$date": 5}, "never", None, "2026-11-01T12:00:00"):
        assert seconds_between(NOW, damaged) == 0.0


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 60, [0, 20, 40, 60]), (3, 3, [3])]
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert charts.ticks(low, high) == pytest.approx(expected)


def test_ticks_of_a_log_axis_are_powers() -> None:
    assert charts.ticks(1e-6, 1, is_log=True) == pytest.approx([1e-6, 1e-4, 1e-2, 1])
    assert charts.ticks(0.1, 1, is_log=True) == pytest.approx([0.1, 0.2, 0.5, 1])
    assert charts.ticks(0.62, 0.99, is_log=True) == pytest.approx([0.7, 0.8, 0.9])


def test_an_axis_takes_what_it_cannot_show() -> None:
    axis = Axis(0.01, 1, 100, 0, is_log=True)
    assert axis.place(0.1) == pytest.approx(50)
    assert axis.place(-5) == 100
    assert -10 < axis.place(1e300) < 0
    assert Axis(1, 1, 0, 100).place(1) == 50


@pytest.mark.parametrize(
    "values", [[], [1.0], [0.0, 0.0], [-1.0, -2.0], [1e300, -1e300], [1e-300, 2e-300], [5.0, 5.0, 5.0]]
)
@pytest.mark.parametrize("x", ["step", "time"])
@pytest.mark.parametrize("y", ["linear", "log"])
def test_whatever_was_measured_is_drawn(values: list[float], x: str, y: str) -> None:
    (one,) = charts.charts({"loss": curve(values)}, {"loss": curve([2.0, 1.0])}, [{"loss": curve([3.0])}], x=x, y=y)
    numbers = re.findall(r"-?[\d.]+(?:e[-+]?\d+)?", f"{one['mine']} {one['best']} {one['others']}")
    assert all(math.isfinite(float(number)) for number in numbers)
    assert all(-200 < float(number) < 1000 for number in numbers)


def test_lines_behind_are_told_by_steps_in_halves() -> None:
    (one,) = charts.charts({"loss": curve([0.0, 1.0])}, None, [{"loss": curve([0.0, 1.0, 0.0])}])
    assert re.fullmatch(r"M\d+ \d+l(-?\d+ ?-?\d+ ?)+", one["others"])


def test_many_lines_take_no_more_room() -> None:
    others = [{"loss": curve([math.sin(place + k) for place in range(5_000)])} for k in range(99)]
    (one,) = charts.charts({"loss": curve([0.0, 1.0])}, None, others)
    assert len(one["others"]) < charts.MOST_BEHIND * 10
    assert one["others"].count("M") == 99


def test_places_say_their_value() -> None:
    (one,) = charts.charts({"loss": curve([0.5, 0.25])}, None, [])
    assert [place["says"] for place in one["pointed"]] == ["step 0: 0.5", "step 1: 0.25"]
    (many,) = charts.charts({"loss": curve([0.5] * 5_000)}, None, [])
    assert len(many["pointed"]) <= charts.POINTED


def test_parallel_coordinates_show_numbers_texts_and_gaps() -> None:
    runs = [
        {"depth": 2, "kind": "a", "loss": 0.5},
        {"depth": 200, "kind": "b", "loss": None},
        {"kind": "a", "loss": 0.1},
    ]
    found = parallel.parallel(runs, runs[0], runs[2], ["depth", "kind", "same", "loss"])
    assert found is not None
    assert [axis["name"] for axis in found["axes"]] == ["depth", "kind", "loss"]
    assert [says for _, says in found["axes"][1]["marks"]] == ["a", "b"]
    assert found["mine"].startswith("M55 176C")
    assert found["best"].startswith("M410")
    assert parallel.parallel(runs[:1], runs[0], None, ["depth", "loss"]) is None


def test_values_at_an_axis_are_not_written_over_one_another() -> None:
    axis, marks = parallel.ladder([0.3, 0.8123, 0.8394, 0.8664, 0.9688])
    places = [place for place, _ in marks]
    assert all(a - b >= parallel.LEAST_APART for a, b in itertools.pairwise(places))
    assert [says for _, says in marks] == ["0.3", "0.8123", "0.9688"]
    assert isinstance(axis, charts.Axis)
    assert parallel.ladder([2, 2])[1][0][1] == "2"


def test_runs_that_are_narrowed_out_are_faint() -> None:
    runs = [{"depth": depth, "kind": kind, "loss": 1 / depth} for depth in (2, 4, 8) for kind in "ab"] + [{"loss": 0.1}]
    names = ["depth", "kind", "loss"]
    whole = parallel.parallel(runs, runs[0], runs[1], names)
    assert whole is not None
    assert (whole["kept"], whole["faint"], [axis["bands"] for axis in whole["axes"][::2]]) == (None, "", [[], []])
    narrowing = Narrowing({"depth": 3}, {"depth": 8}, {"kind": frozenset("b")})
    found = parallel.parallel(runs, runs[0], runs[1], names, narrowing)
    assert found is not None
    assert (found["kept"], found["mine_is_out"], found["best_is_out"]) == (2, True, True)
    assert found["others"].count("M") == 2
    assert found["faint"].count("M") == 2  # and one that is on one axis only has no line
    assert [len(axis["bands"]) for axis in found["axes"]] == [1, 1, 0]
    assert [text for text, _, on in found["axes"][1]["rungs"] if on] == ["b"]
    assert not Narrowing({"depth": 3}).keeps({"depth": "deep"})


# --- reading ---


def test_what_runs_measured_is_read_once(local: eio.Handler) -> None:
    with local.run("train") as run:
        for step in range(300):
            run.log(loss=1 / (step + 1), step=step)
    (document,) = local.lake.find_runs({"_id": run.run_id})
    reader = Reader(local.lake)
    found = reader.of_many([document], 5.0)[run.run_id]["loss"]
    assert found.count == 300
    assert len(found.values) <= 2 * FEW_COLUMNS + 2
    assert reader.of_many([document], 0.0)[run.run_id]["loss"] is found


def test_who_has_no_time_reads_behind(local: eio.Handler) -> None:
    with local.run("train") as run:
        run.log(loss=1)
    (document,) = local.lake.find_runs({"_id": run.run_id})
    reader = Reader(local.lake)
    assert reader.of_many([document], 0.0) == {}
    while reader.is_reading:
        pass
    assert reader.of_many([document], 0.0)[run.run_id]["loss"].values[0] == 1


def test_a_damaged_file_is_left_out(local: eio.Handler) -> None:
    with local.run("train") as run:
        run.log(loss=1)
        run._recorder.flush()
        run.log(loss=2)
    path = local.lake.store.folder + "/" + run_records.key(run.run_id, run_records.log_name(1))
    import os

    os.chmod(path, 0o644)
    with open(path, "w") as file:
        file.write('{"rows": [{"step": 1, "values": {"loss": 1')
    assert list(Reader(local.lake).of(run.run_id, NOW, ended=True)["loss"].values) == [2]


# --- while a run goes on ---


def test_what_was_just_measured_is_seen_and_not_twice(local: eio.Handler) -> None:
    reader = Reader(local.lake)
    with local.run("train") as run:
        recorder = run._recorder
        run.log(loss=3, step=1)
        recorder._show()
        assert list(reader.of(run.run_id, NOW, ended=False)["loss"].values) == [3]
        run.log(loss=2, step=2)
        recorder._show()
        assert list(reader.of(run.run_id, NOW, ended=False)["loss"].values) == [3, 2]
        # Both lie in a file that stays before those that wait are gone.
        rows = run_points.read(local.lake, run.run_id)
        recorder.flush()
        assert run_points.read(local.lake, run.run_id) == []
        run_points.Waiting(local.lake, run.run_id).add(rows)
        for _ in range(2):
            assert list(reader.of(run.run_id, NOW, ended=False)["loss"].values) == [3, 2]
        run.log(loss=1, step=3)
    assert list(reader.of(run.run_id, NOW, ended=True)["loss"].values) == [3, 2, 1]


def test_it_is_gone_when_the_run_ends(local: eio.Handler) -> None:
    with local.run("train") as run:
        run.log(loss=3)
        run._recorder._show()
        path = growing.path_of(local.lake, run.run_id, run_points.PART)
        assert path is not None
        assert Path(path).read_text().count("\n") == 1
    assert run_points.state(local.lake, run.run_id) == (0, 0)


def test_what_a_killed_run_measured_last_is_kept(local: eio.Handler) -> None:
    with local.run("train") as run:
        run.log(loss=3)
        run._recorder.flush()
        run.log(loss=float("nan"), step=2)
        run._recorder._show()
        run_points.keep(local.lake, run.run_id)
        assert [row["step"] for row in run_records.history(local.lake, run.run_id)] == [None, 2]
        run_points.keep(local.lake, run.run_id)
        assert len(run_records.history(local.lake, run.run_id)) == 2
        run._recorder._rows.clear()


def test_a_lake_without_a_folder_has_none(h: eio.Handler) -> None:
    with h.run("train") as run:
        run.log(loss=3)
        run._recorder._show()
        seen = run_points.read(h.lake, run.run_id)
        assert len(seen) == (h.lake.store.folder is not None)
