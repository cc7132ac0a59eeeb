"""Many processes and threads that save into one new lake at once: everything is there, and nobody fails."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import elliptio as eio

LONG = "ELLIPTIO_TORTURE" in os.environ
PROCESSES, THREADS, UPLOADS = (16, 8, 50) if LONG else (8, 8, 15)

SAVER = """
    import pathlib, sys
    import elliptio as eio
    root, index, source, count = sys.argv[1:]
    h = eio.Handler(root, index=index or None, progress=False)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        print(h.upload(pathlib.Path(source), labels={"number": number}).artifact_id)
    h.close()
    """


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_many_processes_and_threads_start_a_lake_together(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    index = ""
    if kind == "mongodb":
        index = f"{request.getfixturevalue('mongodb_url').rstrip('/')}/test_{uuid.uuid4().hex}"
    root, source = tmp_path / "lake", tmp_path / "x.bin"
    source.write_bytes(os.urandom(1024))
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SAVER), str(root), index, str(source), str(UPLOADS)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, cwd=tmp_path,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        h = eio.Handler(root, index=index or None, progress=False)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        with ThreadPoolExecutor(THREADS) as pool:
            artifacts = list(pool.map(lambda _: h.upload(source), range(THREADS * UPLOADS)))
        saved = [artifact.artifact_id for artifact in artifacts]
        for process in processes:
            printed, complaints = process.communicate(timeout=600)
            assert (process.returncode, complaints) == (0, "")
            saved += printed.split()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert len(set(saved)) == (PROCESSES + THREADS) * UPLOADS
    found = h.find(max_docs=0)
    assert sorted(found.index) == sorted(saved)
    assert set(found["lake_id"]) == {h.lake.lake_id} if "lake_id" in found else True
    assert h.verify().ok
    assert h.gc() == []
    h.close()
