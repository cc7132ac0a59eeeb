"""Very many files in one artifact: every verb takes them, in little memory a file and in calls that grow as they do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LONG = "ELLIPTIO_TORTURE" in os.environ
FILES = 200_000 if LONG else 20_000
BYTES_A_FILE = 1800
"""Of memory, at the most; what 20,000 files take besides is granted too."""
FEW = 500
"""Files of which the calls are counted, and of four times as many: to count makes what is counted slow."""

SCRIPT = """
import json, os, resource, sys, threading, time
from pathlib import Path
import elliptio as eio

many, folder, counting = int(sys.argv[2]), Path(sys.argv[1]), "count" in sys.argv
h = eio.Handler(folder / "lake", progress=False, durability="fast")
names = [f"part{number // 1000:03}/measurement_{number:06}.txt" for number in range(many)]
steps = {}

def source():
    for name in names:
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder / "source"

calls = 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

def step(name, do):
    global calls
    calls, started = 0, (time.process_time(), time.perf_counter())
    if counting:
        threading.setprofile(count)
        sys.setprofile(count)
    found = do()
    sys.setprofile(None)
    threading.setprofile(None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    steps[name] = time.process_time() - started[0], time.perf_counter() - started[1], peak, calls
    return found

def reindex():
    h.close()
    for path in (folder / "lake/.elliptio").glob("index.sqlite*"):
        path.unlink()
    report = h.reindex()
    assert (report.ok, report.artifacts) == (True, 1), report

def get():
    loaded = h.get(saved.artifact_id)
    assert (loaded.metadata.file_count, len(loaded.files)) == (many, many)
    for name in names[:: many // 100]:
        assert loaded.files[name].download_string() == name
    assert loaded.files[names[-1]].download(folder / "to").read_text() == names[-1]
    assert "and " in str(loaded)

def verify():
    report = h.verify()
    assert report.ok and report.files >= many, report

def block():
    with h.new(names) as new:
        for name in names:
            new.files[name].local_path.write_text(name)
    return new

# What is imported and cached by then is not theirs.
(folder / "one").write_text("one")
h.delete(h.upload(folder / "one"))
h.find(); h.verify(); h.reindex(); h.gc()
source()
step("start", lambda: None)
if sys.argv[3] == "block":
    saved = step("block", block)
else:
    saved = step("upload", lambda: h.upload(folder / "source"))
    step("get", get)
    step("verify", verify)
    step("reindex", reindex)
    assert list(step("find", h.find).file_count) == [many]
    assert step("gc", h.gc) == []
print(json.dumps(steps))
"""


def steps_of(folder: Path, files: int, *how: str) -> dict[str, tuple[float, float, int, int]]:
    """Let a process of its own do it: what each verb takes of a processor, of time, of memory, and in calls."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SCRIPT, str(folder), str(files), *how]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", ["upload", "block"])
def test_very_many_files(tmp_path: Path, way: str) -> None:
    steps = steps_of(tmp_path, FILES, way)
    before = steps.pop("start")[2]
    for name, (processor, seconds, peak, _) in steps.items():
        print(
            f"{FILES:,} files, {name}: {seconds:.1f} s, {seconds / FILES * 1e6:.0f} us a file "
            f"({processor / FILES * 1e6:.0f} us of a processor), {(peak - before) / FILES:.0f} bytes of memory a file"
        )
        assert peak - before < BYTES_A_FILE * (FILES + 5_000), name


@pytest.mark.slow
@pytest.mark.parametrize("way", ["upload", "block"])
def test_calls_grow_as_files_do(tmp_path: Path, way: str) -> None:
    few, many = (steps_of(tmp_path / str(files), files, way, "count") for files in (FEW, 4 * FEW))
    for name in few:
        assert many[name][3] < 5 * few[name][3] + 1000, name
