"""Steps in processes of this machine."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import textwrap
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio.pipelines import CraftError, Pipeline, Session
from tests.pipelines.sessions import git_init, project, python, session

pytestmark = pytest.mark.slow

CATALOG = [
    {"name": name, "type": "json", "extra": {"path": f"out/{name}.json"}}
    for name in ("raw", "one", "two", "three", "four")
]


def shop(tmp_path: Path, **modules: str) -> Path:
    return project(tmp_path / "shop", *CATALOG, modules={name: textwrap.dedent(text) for name, text in modules.items()})


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=120)
    return process.returncode, out


SCRIPT = """
import os
import elliptio as eio
from elliptio.pipelines import Artifact, Craft, Pipeline, Session

print("imported")

@Craft()
def one() -> Artifact("one"):
    return os.getpid()

@Craft()
def two(one: Artifact) -> Artifact("two"):
    return [one, os.getpid()]
"""
RUN = """
with Session(handler=eio.Handler("../lake", progress=False)) as sess:
    build = (Pipeline("p") + one + two).run(runner="processes", workers=2, on_error="return")
    print(build.steps.to_string(), build.error)
    found = sess.catalog.load("two") if build.ok else []
    print("ELSEWHERE" if build.ok and os.getpid() not in found else "HERE" if build.ok else "FAILED")
"""


def test_crafts_of_a_script(tmp_path: Path) -> None:
    root = shop(tmp_path)
    (root / "script.py").write_text(SCRIPT + 'if __name__ == "__main__":\n' + textwrap.indent(RUN, "    "))
    code, out = finished(python("script.py", cwd=root))
    assert (code, "ELSEWHERE" in out) == (0, True), out
    code, out = finished(python("script.py", cwd=root))
    assert out.count("skipped") == 2, out


def test_crafts_of_a_script_without_a_guard(tmp_path: Path) -> None:
    root = shop(tmp_path)
    (root / "script.py").write_text(SCRIPT + RUN)
    code, out = finished(python("script.py", cwd=root))
    assert code == 0, out
    assert "FAILED" in out
    assert 'if __name__ == "__main__":' in out


def test_a_script_needs_no_guard_for_crafts_of_modules(tmp_path: Path) -> None:
    root = shop(tmp_path, crafts_without_guard=SCRIPT)
    (root / "script.py").write_text(
        "import os, elliptio as eio\nfrom elliptio.pipelines import Pipeline, Session\n"
        "Session()\nfrom crafts_without_guard import one, two\n" + RUN
    )
    code, out = finished(python("script.py", cwd=root))
    assert (code, "ELSEWHERE" in out) == (0, True), out


def test_crafts_of_a_notebook_are_made_here(tmp_path: Path) -> None:
    root = shop(tmp_path)
    logs = "import logging\nlogging.basicConfig(level=logging.INFO)\n"
    code, out = finished(python("-c", logs + SCRIPT + RUN, cwd=root))
    assert (code, "HERE" in out) == (0, True), out
    assert "is made in this process: it is defined in a notebook or at a prompt" in out


# --- what goes wrong ---

FAILING = """
import os, signal, sys, time
from pathlib import Path
from elliptio.pipelines import Artifact, Craft

class Odd(Exception):
    def __init__(self, code, place):
        super().__init__(f"{code} at {place}")

@Craft()
def one() -> Artifact("one"):
    if not Path("mended").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return 1

@Craft()
def two(one: Artifact) -> Artifact("two"):
    return one + 1

@Craft()
def three() -> Artifact("three"):
    if not Path("mended").exists():
        raise Odd(7, "the end")
    return 3

@Craft()
def four() -> Artifact("four"):
    return 4
"""


def test_a_process_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shop(tmp_path, failing_crafts=FAILING)
    monkeypatch.chdir(root)
    with session(root) as sess:
        import failing_crafts as crafts

        pipeline = Pipeline("p") + crafts.one + crafts.two + crafts.three + crafts.four
        build = pipeline.run(runner="processes", workers=2, on_error="return")
        found = build.steps.set_index("craft")
        assert found["status"].to_dict() == {"one": "failed", "two": "not run", "three": "failed", "four": "made"}
        assert "was killed by the signal SIGKILL" in found.loc["one", "why"]
        with pytest.raises(CraftError, match="SIGKILL"):
            (Pipeline("q") + crafts.one).run(runner="processes")
        Path("mended").touch()
        again = pipeline.run(runner="processes", workers=2)
        statuses = again.steps.set_index("craft")["status"].to_dict()
        assert statuses == {"one": "made", "two": "made", "three": "made", "four": "skipped"}
        assert sess.catalog.load("two") == 2


def test_an_error_that_cannot_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shop(tmp_path, failing_crafts_again=FAILING)
    monkeypatch.chdir(root)
    with session(root):
        import failing_crafts_again as crafts

        with pytest.raises(CraftError, match="Odd: 7 at the end") as raised:
            (Pipeline("p") + crafts.three).run(runner="processes")
    cause = raised.value.__cause__
    assert str(cause) == "Odd: 7 at the end"
    note = "\n".join(cause.__notes__)
    assert "failing_crafts_again.py" in note
    assert 'raise Odd(7, "the end")' in note


ENDING = """
import sys, threading, time
from elliptio.pipelines import Artifact, Craft

@Craft()
def one() -> Artifact("one"):
    sys.exit(3)

@Craft()
def two() -> Artifact("two"):
    threading.Thread(target=time.sleep, args=(600,)).start()
    print("printed by a craft", flush=True)
    return sys.stdin.read()
"""


def test_a_craft_that_ends_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    seconds = "elliptio.pipelines.builds.runners.processes.END_SECONDS"
    monkeypatch.setattr(seconds, 120)
    with session(shop(tmp_path, ending_crafts=ENDING)) as sess:
        import ending_crafts as crafts

        with pytest.raises(CraftError, match="ended with the code 3"):
            (Pipeline("p") + crafts.one).run(runner="processes")
        monkeypatch.setattr(seconds, 1)
        # A thread that stays behind holds nobody up, and there is nothing to read on its standard input.
        assert (Pipeline("p") + crafts.two).run(runner="processes").ok
        assert sess.catalog.load("two") == ""
    assert "printed by a craft" in capfd.readouterr().out


# --- handlers, provenance ---

PLAIN = """
import os
from elliptio.pipelines import Artifact, Craft

@Craft()
def one(raw: Artifact) -> Artifact("one"):
    return raw + 1

@Craft()
def two(one: Artifact) -> Artifact("two"):
    return [one, os.getpid(), os.environ.get("ELLIPTIO_RUN_ID")]
"""


@pytest.mark.server
def test_a_handler_on_s3_and_mongodb(tmp_path: Path, s3_root: str, mongodb_url: str) -> None:
    root = shop(tmp_path, plain_crafts_far=PLAIN)
    handler = eio.Handler(s3_root, f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}", progress=False)
    with Session(root, handler=handler) as sess:
        import plain_crafts_far as crafts

        sess.catalog.save("raw", 1)
        build = (Pipeline("p") + crafts.one + crafts.two).run(runner="processes", workers=2)
        assert build.ok
        one, pid, run_id = sess.catalog.load("two")
        assert one == 2
        assert pid != os.getpid()
        assert run_id == sess.catalog.current("two").metadata.run_id
        assert set(handler.runs({"parent": build.run_id})["name"]) == {"one", "two"}
    handler.close()


def test_an_index_that_no_other_process_has(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import mongomock

    caplog.set_level(logging.INFO, logger="elliptio.pipelines")
    root = shop(tmp_path, plain_crafts_mock=PLAIN)
    handler = eio.Handler(tmp_path / "lake", collection=mongomock.MongoClient().db.artifacts, progress=False)
    with Session(root, handler=handler) as sess:
        import plain_crafts_mock as crafts

        sess.catalog.save("raw", 1)
        assert (Pipeline("p") + crafts.one + crafts.two).run(runner="processes").ok
        assert sess.catalog.load("two")[:2] == [2, os.getpid()]
    assert "All steps are made in this process: A handler on a given collection" in caplog.text


RECORDED = """
import json, sys
import elliptio as eio
from elliptio.pipelines import Pipeline, Session
with Session(handler=eio.Handler(f"../lake-{sys.argv[1]}", progress=False)) as sess:
    import plain_crafts_git as crafts
    sess.catalog.save("raw", 1)
    assert (Pipeline("p") + crafts.one).run(runner=sys.argv[1]).ok
    found = sess.catalog.current("one").metadata
    print(json.dumps([found.entry, found.recipe, found.git, found.username, found.fingerprint]))
"""


def test_what_is_recorded_is_the_same(tmp_path: Path) -> None:
    root = shop(tmp_path, plain_crafts_git=PLAIN)
    (root / "script.py").write_text(RECORDED)
    git_init(root)
    recorded = []
    for runner in ("inline", "processes"):
        code, out = finished(python("script.py", runner, cwd=root))
        assert code == 0, out
        recorded.append(json.loads(out.splitlines()[-1]))
    assert recorded[0] == recorded[1]
    entry, _, repository, *_ = recorded[0]
    assert entry["step"]
    assert repository["commit"]
