"""Tags where many move them at once, and where something fails in between: no move is lost, and the index agrees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.finding.search import EmptyIndexWarning
from elliptio.lake import tags
from tests.conftest import Team
from tests.lake.test_spool import Failing
from tests.lake.test_tags import named, tagged

# --- many at once ---


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Call all at the same moment; what they return, or their error."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return one()
        except eio.ElliptioError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_of_16_threads_one_wins(team: Team, data: Path) -> None:
    h = team.handler()
    artifacts = [h.upload(data / "train.txt") for _ in range(16)]
    handlers = [team.handler() for _ in range(4)]
    results = at_once([lambda n=n, a=a: handlers[n % 4].tag(a, "prod") for n, a in enumerate(artifacts)])
    (winner,) = [artifact for artifact, result in zip(artifacts, results, strict=True) if result is None]
    for result in results:
        assert result is None or isinstance(result, eio.TagTakenError)
        assert result is None or winner.artifact_id in str(result)
    assert named(h) == {"prod": winner.artifact_id}
    assert tagged(h) == {winner.artifact_id: ["prod"]}
    assert len(h.tags(history="prod")) == 1


@pytest.mark.slow
def test_no_move_of_many_at_once_is_lost_and_the_index_agrees(team: Team, data: Path) -> None:
    h = team.handler()
    artifacts = [h.upload(data / "train.txt") for _ in range(4)]
    handlers = [team.handler() for _ in range(4)]

    def move(number: int) -> None:
        mine = handlers[number % 4]
        for step in range(3):
            mine.tag(artifacts[(number + step) % 4], "shared", overwrite=True)
            mine.tag(artifacts[number % 4], f"own {number}", overwrite=True)
            if step == 1:
                mine.tags.remove(f"own {number}")

    results = at_once([lambda number=number: move(number) for number in range(8)])
    assert results == [None] * 8
    numbers = sorted(tags.parse_key(stored.key) or () for stored in h.store.list(tags.TAGS))
    shared = [number for name, number in numbers if name == "shared"]
    assert shared == list(range(1, len(shared) + 1))
    for number in range(8):
        assert len(h.tags(history=f"own {number}")) == 3
    expected: dict[str, list[str]] = {}
    for name, artifact_id in named(h).items():
        expected.setdefault(artifact_id, []).append(name)
    assert tagged(h) == expected
    assert h.verify().ok


TAGGERS = """
    import os, sys, traceback
    import boto3, obstore, pymongo  # here, instead of in each of them
    import elliptio as eio
    import elliptio.indexes.mongo, elliptio.stores.s3.store

    eio.Handler  # is imported when it is first asked for

    root, index, *ids = sys.argv[1:]
    (ready, tell), (go, wait) = os.pipe(), os.pipe()

    def tag(artifact_id):
        h = eio.Handler(root, index=index or None, progress=False)
        os.write(tell, b".")
        os.close(wait)
        os.read(go, 1)
        try:
            h.tag(artifact_id, "prod")
            said = "won"
        except eio.TagTakenError as error:
            said = str(error)
        h.tag(artifact_id, "moving", overwrite=True)
        h.tag(artifact_id, artifact_id[-6:])
        h.close()
        os.write(1, f"{artifact_id} {said}\\n".encode())

    children = []
    for artifact_id in ids:
        children.append(os.fork())
        if not children[-1]:
            try:
                tag(artifact_id)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
    os.close(tell)
    told = 0
    while told < len(ids) and (found := os.read(ready, len(ids))):
        told += len(found)
    os.close(wait)  # all go on at once
    sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
    """


@pytest.mark.slow
def test_of_16_processes_one_wins(team: Team, data: Path) -> None:
    if "collection" in team.arguments:
        pytest.skip("a mongomock collection belongs to one process")
    h = team.handler()
    ids = [h.upload(data / "train.txt").artifact_id for _ in range(16)]
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(TAGGERS)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [*command, team.root, team.arguments.get("index", ""), *ids],
        env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=120,
    )  # fmt: skip
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    printed = [said[artifact_id] for artifact_id in ids]
    assert printed.count("won") == 1
    winner = ids[printed.index("won")]
    assert all(line == "won" or f"names {winner}" in line for line in printed)
    history = h.tags(history="moving")
    assert sorted(history.artifact_id) == sorted(ids)
    expected = {artifact_id: [artifact_id[-6:]] for artifact_id in ids}
    expected[winner].append("prod")
    expected[history.artifact_id[0]].append("moving")
    assert tagged(h) == {artifact_id: sorted(names) for artifact_id, names in expected.items()}


# --- what fails ---


@pytest.fixture
def switched(team: Team) -> tuple[eio.Handler, Failing]:
    failing = Failing(team.handler().index)
    return eio.Handler(team.root, failing), failing


def test_a_tag_is_set_without_the_index_and_the_index_learns_of_it(
    switched: tuple[eio.Handler, Failing], team: Team, data: Path
) -> None:
    h, index = switched
    artifact, other = h.upload(data), h.upload(data)
    h.tag(other, "prod")
    index.down = True
    with pytest.warns(eio.SpooledWarning, match="'prod' is changed, but h.find does not show it yet") as caught:
        h.tag(artifact, "prod", overwrite=True)
    assert caught[0].filename == __file__
    with pytest.warns(eio.SpooledWarning):
        h.tag(artifact.artifact_id, "best")
    assert named(team.handler()) == {"prod": artifact.artifact_id, "best": artifact.artifact_id}
    with pytest.raises(eio.IndexUnavailableError):
        h.tag("artifact_", "x")
    index.down = False
    assert tagged(h) == {artifact.artifact_id: ["best", "prod"]}
    assert not list(h.store.list(".elliptio/spool"))


def test_an_artifact_that_waits_for_the_index_can_be_tagged(switched: tuple[eio.Handler, Failing], data: Path) -> None:
    h, index = switched
    h.upload(data)
    index.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = h.upload(data)
        h.tag(waiting, "prod")
    index.down = False
    assert h.get("tag:prod") == waiting
    assert h.get("tag:prod").metadata.tags == ["prod"]


def test_reindex_restores_tags(team: Team, data: Path) -> None:
    h = team.handler()
    first, second = h.upload(data), h.upload(data)
    h.tag(first, "prod")
    h.tag(second, "prod", overwrite=True)
    h.tag(first, "old")
    before = tagged(h)
    h.index.delete("artifacts", [first.artifact_id, second.artifact_id])
    with pytest.warns(EmptyIndexWarning):
        assert len(team.handler().find()) == 0
    assert team.handler().reindex().ok
    assert tagged(team.handler()) == before == {first.artifact_id: ["old"], second.artifact_id: ["prod"]}


def test_an_index_that_says_too_much_is_corrected(team: Team, data: Path) -> None:
    h = team.handler()
    artifact = h.upload(data)
    (document,) = h.index.find("artifacts", {"_id": artifact.artifact_id})
    h.index.replace("artifacts", {**document, "tags": ["prod", "x"]})
    h.tag(artifact, "x")
    assert tagged(h) == {artifact.artifact_id: ["x"]}
    h.index.replace("artifacts", {**document, "tags": ["prod"]})
    assert h.reindex().ok
    assert tagged(h) == {artifact.artifact_id: ["x"]}


@pytest.mark.slow
@pytest.mark.parametrize("heals", ["tag", "reindex"])
def test_killed_between_store_and_index(local: eio.Handler, data: Path, heals: str) -> None:
    first, second = local.upload(data), local.upload(data)
    local.tag(first, "prod")
    script = f"""
import os, signal
import elliptio as eio
from elliptio.lake import tags
tags.sync = lambda lake, **options: os.kill(os.getpid(), signal.SIGKILL)
eio.Handler({local.store.root!r}).tag({second.artifact_id!r}, "prod", overwrite=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == -9
    assert named(local) == {"prod": second.artifact_id}
    assert local.get("tag:prod") == second
    assert tagged(local) == {first.artifact_id: ["prod"]}
    if heals == "tag":
        local.tag(first, "other")
        local.tags.remove("other")
    else:
        local.reindex()
    assert tagged(local) == {second.artifact_id: ["prod"]}


def move_of(h: eio.Handler, name: str, number: int) -> Path:
    path = Path(h.store.root, tags.TAGS, tags.encode(name), f"{number:08d}.json")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"artifact_id": "../x", "time": "2026-01-01T00:00:00Z", "username": "a"}',
                '{"artifact_id": null, "time": "2026-01-01", "username": "a"}', "\xff", "x" * 5000]
)  # fmt: skip
def test_a_damaged_move_is_noticed_and_can_be_mended(
    local: eio.Handler, data: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = local.upload(data), local.upload(data)
    local.tag(first, "prod")
    local.tag(first, "fine")
    path = move_of(local, "prod", 1)
    path.write_bytes(content.encode("latin-1"))
    (problem,) = local.verify().problems
    assert (problem.artifact_id, problem.relpath) == ("tag:prod", "00000001.json")
    assert "is damaged" in problem.message
    fresh = eio.Handler(local.store.root)
    with pytest.raises(eio.FormatError, match=r"00000001\.json is damaged"):
        fresh.get("tag:prod")
    with pytest.raises(eio.FormatError, match="is damaged"):
        fresh.tag(second, "prod")
    assert named(fresh) == {"fine": first.artifact_id}
    assert "00000001.json is damaged" in caplog.text
    report = fresh.reindex()
    assert [problem.artifact_id for problem in report.problems] == ["tag:prod"]
    assert tagged(fresh) == {first.artifact_id: ["fine", "prod"]}  # what cannot be read is left as it was
    fresh.tag(second, "prod", overwrite=True)
    assert tagged(fresh) == {first.artifact_id: ["fine"], second.artifact_id: ["prod"]}


def test_verify_finds_what_is_missing_strange_or_names_nothing(local: eio.Handler, data: Path) -> None:
    first, second = local.upload(data), local.upload(data)
    local.tag(first, "prod")
    local.tag(second, "prod", overwrite=True)
    assert local.verify().ok
    move_of(local, "prod", 1).unlink()
    Path(local.store.root, tags.TAGS, "notes.txt").write_text("x")
    shutil.rmtree(second.remote_root)
    local.index.delete("artifacts", [second.artifact_id])
    problems = {(problem.artifact_id, problem.relpath): problem.message for problem in local.verify().problems}
    assert set(problems) == {("tag:", "notes.txt"), ("tag:prod", "00000001.json"), ("tag:prod", "00000002.json")}
    assert problems["tag:prod", "00000001.json"] == "is missing"
    assert "names an artifact that is not there" in problems["tag:prod", "00000002.json"]


def test_a_newer_format_is_refused(local: eio.Handler, data: Path) -> None:
    local.tag(local.upload(data), "prod")
    path = move_of(local, "prod", 1)
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))
    with pytest.raises(eio.FormatError, match="newer elliptio"):
        eio.Handler(local.store.root).get("tag:prod")


def test_a_move_is_stored_in_this_form(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    with eio.mock_username("Zoë"):
        local.tag(artifact, "Prod")
        local.tags.remove("Prod")
    folder = Path(local.store.root, ".elliptio", "tags", "%50rod")
    first, second = (json.loads((folder / f"0000000{number}.json").read_text()) for number in (1, 2))
    assert list(first) == ["artifact_id", "time", "username", "version"]
    assert (first["artifact_id"], first["username"], first["version"]) == (artifact.artifact_id, "Zoë", 1)
    assert second["artifact_id"] is None
    assert datetime.fromisoformat(first["time"]).utcoffset() == timedelta(0)
