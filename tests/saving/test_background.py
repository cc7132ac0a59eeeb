"""``h.upload(..., wait=False)``: the program goes on, and nothing that fails is missed."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.saving import transfer
from elliptio.saving.transfer import _CountingReader

SAVE = transfer.save


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One small file."""
    path = tmp_path / "x.txt"
    path.write_text("x")
    return path


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Saves wait until it is set."""
    event = threading.Event()

    def save(*arguments: object, **options: object) -> object:
        assert event.wait(120)
        return SAVE(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer, "save", save)
    return event


def test_the_program_goes_on(h: eio.Handler, data: Path, gate: threading.Event) -> None:
    future = h.upload(data, labels={"step": 1}, wait=False)
    assert isinstance(future, Future)
    assert not future.done()
    assert len(h.find()) == 0
    gate.set()
    artifact = future.result(120)
    assert h.get(artifact.artifact_id).file.download_string() == "x"
    assert artifact.labels["step"] == 1


def test_closing_waits_and_keeps_the_order(local: eio.Handler, data: Path) -> None:
    with local:
        futures = [local.upload(data, labels={"step": step}, wait=False) for step in range(20)]
    assert all(future.done() for future in futures)
    assert list(local.find(sort="creation_time")["labels"].str["step"]) == list(range(20))
    # It goes on working after that.
    assert local.upload(data, wait=False).result(120).artifact_id


def test_who_and_from_what_are_those_of_the_call(local: eio.Handler, data: Path, gate: threading.Event) -> None:
    gate.set()
    parent, later = local.upload(data), local.upload(data)
    gate.clear()
    local.get(parent)
    with eio.mock_username("andy"):
        future = local.upload(data, wait=False)
    local.get(later)
    gate.set()
    artifact = future.result(120)
    assert artifact.metadata.username == "andy"
    assert artifact.metadata.based_on == [parent.artifact_id]


def test_bad_paths_and_labels_are_refused_at_once(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    with pytest.raises(eio.SourceNotFoundError):
        local.upload(tmp_path / "nowhere", wait=False)
    with pytest.raises(eio.MetadataError):
        local.upload(data, labels={"a": object()}, wait=False)


def test_a_file_that_changes_before_it_was_copied_is_an_error(
    local: eio.Handler, data: Path, gate: threading.Event
) -> None:
    future = local.upload(data, wait=False)
    data.write_text("something else")
    gate.set()
    with pytest.raises(eio.SourceError, match="changed while it was being saved"):
        future.result(120)
    assert len(local.find()) == 0
    local.close()


def test_closing_raises_what_nobody_asked_for(
    local: eio.Handler, data: Path, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, asked, worse = (data.with_name(name) for name in ("good", "bad", "asked", "worse"))
    futures = {}
    for path in (good, bad, asked, worse):
        path.write_text("x")
        futures[path] = local.upload(path, wait=False)
    for path in (bad, asked, worse):
        path.unlink()
    gate.set()
    assert isinstance(futures[asked].exception(20), eio.SourceError)
    with pytest.raises(eio.SourceError, match="bad cannot be read"):
        local.close()
    assert futures[good].result().artifact_id
    (record,) = caplog.records
    assert re.search("Another save in the background failed: .*worse cannot be read", record.message)
    local.close()


def test_an_error_of_the_block_is_not_hidden(local: eio.Handler, data: Path, gate: threading.Event) -> None:
    with pytest.raises(ZeroDivisionError) as caught, local:
        local.upload(data, wait=False)
        data.unlink()
        gate.set()
        raise ZeroDivisionError
    assert any("A save in the background failed too" in note for note in caught.value.__notes__)


def test_what_is_cancelled_before_it_began_leaves_nothing(
    local: eio.Handler, data: Path, gate: threading.Event
) -> None:
    first, second = local.upload(data, wait=False), local.upload(data, wait=False)
    assert second.cancel()
    gate.set()
    first.result(120)
    local.close()
    assert len(local.find()) == 1
    assert local.gc() == []


SCRIPT = """
    import os, sys
    import elliptio as eio
    h = eio.Handler(sys.argv[1], progress=False)
    for path in sys.argv[2:]:
        h.upload(path, wait=False)
    if len(sys.argv) > 3:
        os.unlink(path)
    """


def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


@pytest.mark.slow
def test_the_end_of_the_program_waits(local: eio.Handler, data: Path) -> None:
    done = run(Path(local.store.root), data)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(local.find()) == 1


@pytest.mark.slow
def test_the_end_of_the_program_shows_what_failed(local: eio.Handler, data: Path) -> None:
    large = data.with_name("large.bin")
    large.write_bytes(bytes(200 << 20))  # until it is saved, the other one is gone
    done = run(Path(local.store.root), large, data)
    assert "A save in the background failed, so nothing was published: " in done.stderr
    assert f"{data} cannot be read" in done.stderr
    assert len(local.find()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_and_copies_have_nothing_to_wait_for(local: eio.Handler, data: Path, gate: threading.Event) -> None:
    future = local.upload(data, wait=False)
    copy = pickle.loads(pickle.dumps(local))
    copy.close()
    child = os.fork()
    if not child:
        transfer.save = SAVE
        local.close()
        local.upload(data, wait=False).result(120)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not future.done()
    gate.set()
    future.result(120)
    assert len(local.find()) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_does_not_wait_for_what_a_thread_of_its_parent_imports(tmp_path: Path) -> None:
    """GitPython is imported by the thread that asks git: a fork in the middle of it left a lock that nobody opens."""
    script = """
        import os, sys, threading
        import elliptio as eio

        began, goes_on = threading.Event(), threading.Event()

        def slowly(event, args):
            if event == "exec" and not began.is_set():
                if str(getattr(args[0], "co_filename", "")).endswith("-packages/git/__init__.py"):
                    began.set()
                    goes_on.wait(2)

        sys.addaudithook(slowly)
        h = eio.Handler(root=sys.argv[1])
        future = h.upload(sys.argv[2], wait=False)
        assert began.wait(60)
        child = os.fork()
        if not child:
            import faulthandler
            faulthandler.dump_traceback_later(20, exit=True)
            import git  # in the thread that forked: one of its own may be taken for that of the parent
            h.upload(sys.argv[2])
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        goes_on.set()
        future.result(60)
        assert len(h.find()) == 2
    """
    repository = tmp_path / "code"
    repository.mkdir()
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    (repository / "program.py").write_text(textwrap.dedent(script))
    command = [sys.executable, "program.py", str(tmp_path / "lake"), "program.py"]
    subprocess.run(command, cwd=repository, check=True, timeout=120)


@pytest.mark.slow
def test_saving_does_not_keep_the_program_waiting(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a byte is read by who called."""
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(20 << 20))
    readers: list[str] = []
    read = _CountingReader.read
    monkeypatch.setattr(
        _CountingReader,
        "read",
        lambda reader, size=-1: (readers.append(threading.current_thread().name), read(reader, size))[1],
    )
    local.upload(large)
    assert set(readers) == {threading.current_thread().name}
    readers.clear()
    large.write_bytes(bytes(20 << 20)[1:])
    local.upload(large, wait=False).result(60)
    assert readers
    assert threading.current_thread().name not in readers
