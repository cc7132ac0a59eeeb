"""The benchmarks keep working, and what the documentation says of speed is what they measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import elliptio as eio
from benchmarks import model, report
from benchmarks.jobs import jobs
from benchmarks.place import Place
from elliptio.flows.testing import redis_program, redis_server
from elliptio.testing.servers import S3Server

ROOT = Path(__file__).parents[2]
TINY = jobs(model.SCALES["tiny"])
INSTALLED = ("ours", "floors", "pipelines", "flows", "models", "model_floors", "ui")


def of(need: str) -> list[model.Job]:
    return [job for job in TINY if job.needs == need]


def do(job: model.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **servers: str) -> None:
    """Let every side that is installed here do a job twice, in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shared").mkdir()
    for number, side in enumerate(side for side in job.sides if side.module in INSTALLED):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        here = {name: f"{address}/{number}" if name == "s3" else address for name, address in servers.items()}
        place = Place(folder, tmp_path / "shared", job.size, job.count, job.documents, **here)
        actions = getattr(import_module(f"benchmarks.sides.{side.module}"), side.function)(place)
        for _ in range(2):
            next(actions)()
        next(actions)
        actions.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:The processor .* is implemented once more")
@pytest.mark.parametrize("job", of(""), ids=lambda job: job.name)
def test_jobs_can_be_done(job: model.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do(job, tmp_path, monkeypatch)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("job", of("s3"), ids=lambda job: job.name)
def test_jobs_on_s3_can_be_done(
    job: model.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_root: str, s3_environment: S3Server
) -> None:
    do(job, tmp_path, monkeypatch, s3=s3_root)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_jobs_on_mongodb_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mongodb_url: str) -> None:
    (job,) = of("mongodb")
    do(job, tmp_path, monkeypatch, mongodb=f"{mongodb_url.rstrip('/')}/bench")


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")
@pytest.mark.skipif(redis_program() is None, reason="there is no Redis server here")
@pytest.mark.parametrize("job", of("redis"), ids=lambda job: job.name)
def test_jobs_on_redis_can_be_done(job: model.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as server:
        do(job, tmp_path, monkeypatch, redis=server.url)


@pytest.mark.slow
def test_the_runner_writes_what_it_measured(tmp_path: Path) -> None:
    output = tmp_path / "tiny.json"
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--jobs", "^(import|get-small)$", "--output", str(output)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    results = json.loads(output.read_text())
    assert [job["name"] for job in results["jobs"]] == ["import", "get-small"]
    for job in results["jobs"]:
        assert {side["name"] for side in job["sides"]} >= {"elliptio"}
        assert all(side["seconds"] > 0 and side["peak_mb"] > 0 for side in job["sides"])
        assert job["bars"]
        assert job["machine"]["cores"] > 0
        assert job["versions"]["python"]
    assert "| **elliptio** |" in report.page(results["jobs"])


@pytest.mark.slow
def test_a_side_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    from benchmarks.running import run

    sides = [model.ours("get_and_read"), model.floor("broken", "no_such_job")]
    job = model.Job("x", "x", tuple(sides), (model.Bar("twice as broken", 2, ("broken",)),), size=10, rounds=1)
    found = run(job, sides, tmp_path, tmp_path)
    assert "no_such_job" in found["sides"][1]["error"]
    assert found["sides"][0]["seconds"] > 0
    assert found["bars"] == []  # nothing to compare with, so nothing is claimed


def test_names_of_jobs_and_sides_are_unique_and_bars_name_sides() -> None:
    for scale in model.SCALES.values():
        found = jobs(scale)
        assert len({job.name for job in found}) == len(found)
        for job in found:
            names = [side.name for side in job.sides]
            assert len(set(names)) == len(names)
            assert {name for bar in job.bars for name in (*bar.against, bar.who)} <= set(names)
            assert job.limit is None or job.limit.side in names


@pytest.mark.parametrize("path", [report.PAGE, report.PICTURE], ids=lambda path: path.name)
def test_the_page_is_what_the_committed_results_make(path: Path) -> None:
    made = {report.PAGE: report.page, report.PICTURE: report.chart}[path](report.load())
    assert path.read_text() == made, "run python -m benchmarks.report"


def test_results_name_no_machine_and_no_path() -> None:
    for path in report.RESULTS.glob("*.json"):
        text = path.read_text()
        assert not re.search(r"/(?:home|root|tmp|work|Users)/", text)
        assert not re.search(r"https?://(?!127\.0\.0\.1)", text)


def test_a_profile_counts_who_waits_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on only where somebody waits: twice in the store, as often in the benchmark."""
    from benchmarks.profiling import STEP, profile

    now = asked = 0

    def clock() -> int:
        nonlocal asked
        asked += 1
        return now

    def wait(*_: object) -> None:
        nonlocal now
        now += 1
        before = asked
        while asked == before:  # the profile has not looked yet
            time.sleep(STEP)

    with eio.Handler(tmp_path / "lake", progress=False) as h:
        source = tmp_path / "one.txt"
        source.write_text("x")
        h.upload(source)
        monkeypatch.setattr("elliptio.stores.local.store.flush", lambda *_: wait())
        actions = iter(lambda: lambda: (h.upload(source), wait(), wait()), None)
        shares = profile(next(actions), actions, 40, clock)
    found = {place: share for place, share in shares.items() if share}
    assert found == {"the benchmark": 0.5, "stores/local/store.py LocalStaging.publish": 0.5}


def test_the_page_says_what_stands_in_the_way_of_an_aim() -> None:
    sides = [{"name": "elliptio", "seconds": 2.0, "profile": {"a.py f": 0.5}}, {"name": "bare", "seconds": 1.5}]
    bar = {"text": "1 s", "share": 2.0, "allowed": 1.0, "seconds": 2.0}
    job = {"name": "x", "title": "do it", "sides": sides, "bars": [bar], "limit": {"side": "bare", "because": "So."}}
    page = "".join(report.limits([job]))
    assert "| do it: 1 s | 1.00 s | 2.00 s | bare | 1.50 s |" in page
    assert "**Do it.** So. Of elliptio's time: `a.py f` 50%." in page
    bar["share"] = 1.0
    assert list(report.limits([job])) == []
