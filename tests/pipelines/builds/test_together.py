"""Several runs at once, and runs that are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.sessions import project, python

pytestmark = pytest.mark.slow

STEPS = 20

TIMES = 10 if "ELLIPTIO_TORTURE" in os.environ else 1
"""How many times as many runs are killed as usual: some 250 with `make torture`, each project anew."""

CRAFTS = """
import os, time
from elliptio.pipelines import Artifact, Craft, Pipeline

def executed(what):
    with open("executed.log", "a") as file:
        file.write(what + "\\n")

def step(number):
    takes = "raw" if number % 4 == 1 else f"s{number - 1}"
    def run(value: Artifact(takes)) -> Artifact(f"s{number}"):
        executed(f"s{number}")
        time.sleep(float(os.environ.get("STEP_SECONDS", "0.05")))
        return {"number": number, "value": [value, "x" * 20000]}
    run.__name__ = run.__qualname__ = f"s{number}"
    run.__module__ = __name__
    return Craft(name=f"s{number}")(run)

pipeline = Pipeline("together")
for number in range(1, 21):
    globals()[f"s{number}"] = step(number)
    pipeline + globals()[f"s{number}"]
"""

RUN = """
import json, sys
import elliptio as eio
from elliptio.pipelines import Session
with Session(handler=eio.Handler(sys.argv[1], progress=False)) as sess:
    from together_crafts import pipeline
    build = pipeline.run(runner=sys.argv[2], workers=2)
    ids = {name: sess.catalog.current(name).artifact_id for name in sess.catalog if name != "raw"}
    print(json.dumps([ids, build.steps["status"].value_counts().to_dict(), build.snapshot.id]))
"""


def shop(tmp_path: Path) -> Path:
    names = ["raw", *(f"s{number}" for number in range(1, STEPS + 1))]
    entries = [{"name": name, "type": "json", "extra": {"path": f"out/{name}.json"}} for name in names]
    root = project(tmp_path / "shop", *entries, modules={"together_crafts": CRAFTS})
    (root / "run.py").write_text(RUN)
    (root / "out").mkdir()
    (root / "out" / "raw.json").write_text("0")
    return root


def started(root: Path, lake: str, runner: str = "inline", seconds: float = 0.05) -> subprocess.Popen[str]:
    return python("run.py", lake, runner, cwd=root, STEP_SECONDS=str(seconds))


def finished(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return json.loads(out.splitlines()[-1])


def executions(root: Path) -> Counter[str]:
    path = root / "executed.log"
    return Counter(path.read_text().split() if path.exists() else [])


def check_windows(root: Path) -> int:
    """Nothing torn lies at a window; return how many there are."""
    found = [path for path in (root / "out").iterdir() if not path.name.startswith(".")]
    for path in found:
        assert json.loads(path.read_text()) is not None
    return len(found)


def run_together(root: Path, lake: str, runner: str) -> None:
    both = [started(root, lake, runner) for _ in range(2)]
    first, second = (finished(one) for one in both)
    assert executions(root) == {f"s{number}": 1 for number in range(1, STEPS + 1)}
    assert (first[0], first[2]) == (second[0], second[2])
    assert check_windows(root) == STEPS + 1


@pytest.mark.parametrize("runner", ["inline", "processes"])
def test_two_runs_share_on_a_folder(tmp_path: Path, runner: str) -> None:
    run_together(shop(tmp_path), str(tmp_path / "lake"), runner)


def test_two_runs_share_on_s3(tmp_path: Path, s3_root: str) -> None:
    run_together(shop(tmp_path), s3_root, "inline")


def kill_at_random(folder: Path, lake: str, runner: str, kills: int, longest: float) -> None:
    """Run a project again and again, each time killed, and then to its end; `TIMES` times."""
    for number in range(TIMES):
        root, chosen = shop(folder / str(number)), random.Random(4 + number)
        for _ in range(kills):
            process = started(root, f"{lake}/{number}", runner, seconds=0.15)
            time.sleep(chosen.uniform(0.3, longest))
            process.kill()
            process.communicate()
            check_windows(root)
        check_the_end(root, f"{lake}/{number}", runner, kills)


def check_the_end(root: Path, lake: str, runner: str, kills: int) -> None:
    before = executions(root)
    ids, statuses, _ = finished(started(root, lake, runner))
    after = executions(root)
    print(f"{kills} kills, {runner}: {STEPS} steps took {sum(after.values())} executions")
    assert set(ids) == set(after) == {f"s{number}" for number in range(1, STEPS + 1)}
    # Each kill interrupts what is being made at that moment, and nothing else is made twice.
    at_once = 1 if runner == "inline" else 2
    assert sum(after.values()) <= STEPS + kills * at_once
    assert sum(after.values()) - sum(before.values()) == statuses.get("made", 0)
    assert finished(started(root, lake))[1] == {"skipped": STEPS}
    assert check_windows(root) == STEPS + 1


def test_killed_runs_go_on_where_they_were(tmp_path: Path) -> None:
    kill_at_random(tmp_path, str(tmp_path / "lake"), "inline", kills=17, longest=1.6)


def test_killed_runs_with_processes(tmp_path: Path) -> None:
    kill_at_random(tmp_path, str(tmp_path / "lake"), "processes", kills=4, longest=2.5)


def test_killed_runs_on_s3(tmp_path: Path, s3_root: str) -> None:
    kill_at_random(tmp_path, s3_root, "inline", kills=4, longest=3.0)
