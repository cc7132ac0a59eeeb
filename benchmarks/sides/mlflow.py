"""MLflow with its SQLite store, artifacts in a folder or on S3. It keeps no hash of a file."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.place import Action, Place, remove, whole_process

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")


def import_it(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import mlflow")


def opened(place: Place, database: Path | None = None):
    import mlflow

    if place.s3:
        os.environ["MLFLOW_S3_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"]
    mlflow.set_tracking_uri(f"sqlite:///{database or place.folder / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("bench") is None:
        mlflow.create_experiment("bench", artifact_location=place.s3 or str(place.folder / "artifacts"))
    mlflow.set_experiment("bench")
    return mlflow


def save_new_file(place: Place) -> Iterator[Action]:
    mlflow = opened(place)

    def action() -> None:
        with mlflow.start_run():
            mlflow.log_artifact(str(source))

    while True:
        source = place.file()
        yield action
        forget(place)


def save_files(place: Place) -> Iterator[Action]:
    mlflow = opened(place)

    def action() -> None:
        with mlflow.start_run():
            mlflow.log_artifacts(str(source))

    while True:
        source = place.files()
        yield action
        forget(place)


s3_upload_large, s3_upload_small = save_new_file, save_files


def forget(place: Place) -> None:
    if place.size * max(1, place.count) >= 1 << 20:
        remove(place.folder / "artifacts")


def get_and_read(place: Place) -> Iterator[Action]:
    mlflow = opened(place)
    ids = []
    for _ in range(50):
        source = place.file()
        with mlflow.start_run() as run:
            mlflow.log_artifact(str(source))
        ids.append(run.info.run_id)

    def action(run_id: str) -> bytes:
        path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=source.name)
        return Path(path).read_bytes()

    while True:
        for run_id in ids:
            yield lambda run_id=run_id: action(run_id)


def s3_download_large(place: Place) -> Iterator[Action]:
    mlflow = opened(place)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(place.file()))
    return downloads(place, mlflow, run.info.run_id)


def s3_download_small(place: Place) -> Iterator[Action]:
    mlflow = opened(place)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(place.files()))
    return downloads(place, mlflow, run.info.run_id)


def downloads(place: Place, mlflow, run_id: str) -> Iterator[Action]:
    for target in place.new_targets():
        yield lambda target=target: mlflow.artifacts.download_artifacts(run_id=run_id, dst_path=str(target))


def filled(place: Place):
    """Open a store of many runs: one real run, and copies of its rows."""
    database = place.shared / f"mlflow-{place.documents}.db"
    mlflow = opened(place, database)
    experiment = mlflow.get_experiment_by_name("bench")
    if mlflow.search_runs(max_results=1).empty:
        with mlflow.start_run() as run:
            mlflow.log_params({"project": "p", "ticket": "T", "username": "user"})
        with sqlite3.connect(database) as connection:
            copy_run(connection, run.info.run_id, place.documents - 1)
    assert len(mlflow.search_runs([experiment.experiment_id], max_results=7)) == 7
    return mlflow


def copy_run(connection: sqlite3.Connection, run_id: str, count: int) -> None:
    ids = [uuid.uuid4().hex for _ in range(count)]
    for table in ("runs", "tags", "params"):
        cursor = connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run_id,))
        names = [column[0] for column in cursor.description]
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        marks = ", ".join("?" * len(names))
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
            (tuple(copied(record, ids[number], number).values()) for number in range(count) for record in records),
        )


def copied(record: dict[str, Any], run_id: str, number: int) -> dict[str, Any]:
    """Return a row of another run, with the columns in the same order."""
    changes: dict[str, Any] = {"run_uuid": run_id, "start_time": 1_700_000_000_000 + number * 1000}
    if "key" in record:
        changes["value"] = {"project": f"p{number % 100}", "ticket": f"T-{number}",
                            "username": f"user{number % 20}"}.get(record["key"], record["value"])  # fmt: skip
    return record | {name: value for name, value in changes.items() if name in record}


def find_newest(place: Place) -> Iterator[Action]:
    mlflow = filled(place)
    while True:
        yield lambda: mlflow.search_runs(max_results=7)


def find_all(place: Place) -> Iterator[Action]:
    mlflow = filled(place)
    while True:
        yield lambda: mlflow.search_runs(max_results=place.documents)


def first_page(place: Place) -> Iterator[Action]:
    """From the start of its server to what its page of 100 runs is made of."""
    mlflow = filled(place)
    experiment = mlflow.get_experiment_by_name("bench").experiment_id
    wanted = {"experiment_ids": [experiment], "max_results": 100, "order_by": ["attributes.start_time DESC"]}
    started: list[subprocess.Popen[bytes]] = []

    def action(port: int) -> None:
        store = f"sqlite:///{place.shared / f'mlflow-{place.documents}.db'}"
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--workers", "1"]
        # One worker, and none for what pages do not show, is what starts soonest.
        started.append(
            subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                start_new_session=True,
            )
        )
        while True:
            with contextlib.suppress(OSError):
                asked(port, "GET", "/")
                break
            time.sleep(0.01)
        found = asked(port, "POST", "/ajax-api/2.0/mlflow/runs/search", json.dumps(wanted))
        assert len(json.loads(found)["runs"]) == min(100, place.documents)

    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        yield lambda port=port: action(port)
        server = started.pop()
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def asked(port: int, method: str, path: str, body: str | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status)
    return answer.read()
