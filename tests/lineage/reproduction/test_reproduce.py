"""``h.reproduce``: what is told, what is run, and what becomes of it. The environment is real, and made once."""

from __future__ import annotations

import dataclasses
import os
import platform
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from tests import kernels
from tests.conftest import Team
from tests.lineage.reproduction.conftest import Clone, Desk, git

pytestmark = [pytest.mark.usefixtures("shared"), pytest.mark.slow]  # the environment is made first

SAVE = """\
import sys, time, elliptio as eio
h = eio.Handler()
for name in ("a.csv", "b.csv"):
    with h.new([name]) as new:
        new.file.upload_string("n,value\\n1,0.5\\n2,{}\\n".format(VALUE))
print("saved")
"""


@pytest.fixture
def code(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of Andy's, in which he is."""
    folder = clone("andy")
    (folder / "save.py").write_text(SAVE.replace("VALUE", "0.25"))
    (folder / "differs.py").write_text(SAVE.replace("VALUE", "time.time_ns()"))
    (folder / "fails.py").write_text(f"{SAVE.replace('VALUE', '0.25')}sys.exit(sys.path[0] != sys.argv[1])\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    git(folder, "push", "-q", "origin", "HEAD")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def h(desk: Desk) -> eio.Handler:
    return eio.Handler(desk.lake)


def made(desk: Desk, h: eio.Handler, code: Path, *words: str, file: str = "b.csv") -> eio.Artifact:
    desk.run("python", *words, cwd=code)
    return h.latest({"file_relpaths": file}, track=False)


def state(code: Path) -> tuple[str, str, set[str]]:
    files = {str(path.relative_to(code)) for path in code.rglob("*") if "reproduction_" not in str(path)}
    return git(code, "status", "--porcelain"), git(code, "rev-parse", "HEAD"), files


def test_the_same(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "save.py")
    before = state(code)
    found = h.reproduce(artifact, run=True)
    assert state(code) == before
    assert found.same
    assert found.obstacles == []
    assert found.command == "python save.py"
    assert found.folder == code / f"reproduction_{artifact.artifact_id}"
    (result,) = found.results
    assert [(file.relpath, file.state) for file in result.files] == [("b.csv", "identical")]
    new = h.get(result.made, track=False)
    assert new.metadata.reproduces == artifact.artifact_id
    assert f"reproduces {artifact.artifact_id}" in str(new)
    # The command made another one besides, which records what it is of, too.
    again = h.find({"reproduces": {"$exists": True}})
    assert len(again) == 2
    assert set(again.reproduces) == set(h.find({"reproduces": {"$exists": False}}).index)
    assert (found.folder / "output-1.log").read_text() == "saved\n"
    assert "identical  b.csv" in str(found)
    assert "identical" in found._repr_html_()
    tree = h.runs.tree(new.metadata.run_id)
    assert (tree.name, tree.status) == ("reproduce", "finished")
    assert h.based_on == []


def test_without_run_nothing_is_run(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "save.py")
    before = len(h.find())
    found = h.reproduce(artifact, tmp_path / "out")
    assert (found.same, found.results) == (None, None)
    assert (tmp_path / "out" / "code" / "save.py").exists()
    assert len(h.find()) == before
    assert h.runs().empty
    h.reproduce(artifact, tmp_path / "none", dry_run=True)
    assert not (tmp_path / "none").exists()
    with pytest.raises(eio.ReproductionError, match=r"out is a reproduction that was prepared before.*Remove it, or"):
        h.reproduce(artifact, tmp_path / "out")
    (tmp_path / "out" / ".gitignore").unlink()
    with pytest.raises(eio.ReproductionError, match=r"is not empty.*into= \(`--into`\)"):
        h.reproduce(artifact, tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(eio.ReproductionError, match="cannot be used: Not a directory"):
        h.reproduce(artifact, tmp_path / "file")


def test_what_is_not_identical_is_told(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    found = h.reproduce(made(desk, h, code, "differs.py"), tmp_path / "out", run=True)
    assert found.same is False
    (result,) = found.results
    assert [file.state for file in result.files] == ["different"]
    assert result.comparison.table("b.csv").differing == 1
    assert "different  b.csv" in str(found)
    assert "differing  1 of 4 values" in str(found)


def test_a_command_that_fails(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "fails.py", str(code))
    assert artifact.metadata.repository_root == str(code)
    shown: list[str] = []
    found = h.reproduce(artifact, tmp_path / "out")
    (tmp_path / "out/code/fails.py").write_text(
        "print('oh')\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    found.run(shown.append)
    (result,) = found.results
    assert (result.made, result.status, result.output) == (None, -9, ("oh",))
    assert [file.state for file in result.files] == ["missing"]
    assert found.same is False
    assert shown[1:] == ["oh"]
    assert f"{artifact.artifact_id}: not made, and the command was killed by signal 9\n" in str(found)
    assert "  the end of its output:\n    oh\n" in str(found)
    assert h.runs().status.tolist() == ["failed"]


def test_a_command_that_fails_after_it_has_saved(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "fails.py", str(code))
    found = h.reproduce(artifact, tmp_path / "out")
    program = tmp_path / "out/code/fails.py"
    program.write_text(f"{program.read_text()}sys.exit(7)\n".replace("sys.exit(sys.path", "(sys.path"))
    found.run()
    assert found.same
    assert f"{artifact.artifact_id}: identical, but the command ended with 7\n" in str(found)
    assert str(found).count("ended with") == 1


def test_what_others_see_stays(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    """Of a program that tags what it made, and deletes what was there before."""
    (code / "promote.py").write_text(
        "import sys, elliptio as eio\nh = eio.Handler()\nold = h.get('tag:prod')\n"
        "with h.new(['out.txt']) as new:\n    new.file.upload_string(old.file.download_string())\n"
        "h.tag(new, 'prod', overwrite=True)\nh.tag(new, 'release')\nassert eio.Handler().get('tag:release') == new\n"
        "h.delete(sys.argv[1])\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("old")
    old, unused = h.upload(source), h.upload(source)
    h.tag(old, "prod")
    artifact = made(desk, h, code, "promote.py", unused.artifact_id, file="out.txt")
    h.tag(artifact, "seen")
    precious = h.upload(source)
    before = h.tags()
    found = h.reproduce(artifact, tmp_path / "out", run=True)
    assert found.same, str(found)
    assert found.results[0].status == 0
    assert h.tags().equals(before)
    assert h.get(precious.artifact_id, track=False) == precious
    said = (tmp_path / "out/output-1.log").read_text()
    assert "'prod' is not set in the lake: this process only reproduces" in said
    assert f"{unused.artifact_id} was not deleted: this process only reproduces {artifact.artifact_id}." in said


def test_it_says_what_it_does(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "save.py")
    said: list[str] = []
    found = h.reproduce(artifact, tmp_path / "out", dry_run=True)
    found.prepare(said.append)
    packages = len(artifact.metadata.python_packages) - 1
    assert said == [
        "Restoring the code of 1 commit …",
        f"Making the environment with Python {platform.python_version()} and {packages} packages by pip …",
    ]
    shown: list[str] = []
    found.run(shown.append, say=said.append)
    assert len(said) == 2
    assert [shown[0][:2], shown[1]] == ["$ ", "saved"]


def test_without_git(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = made(desk, h, code, "save.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    (obstacle,) = h.reproduce(artifact, tmp_path / "out", dry_run=True).obstacles
    commit = artifact.metadata.git["commit"][:12]
    assert (obstacle.about, obstacle.prevents) == ("code", True)
    assert obstacle.message == f"commit {commit} cannot be had: git is not installed."


def test_absolute_paths_lead_into_the_checkout(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, str(code / "fails.py"), str(code))
    found = h.reproduce(artifact, tmp_path / "out", run=True)
    assert found.results[0].status == 0
    assert found.same


def test_what_was_newest_then(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    (code / "derive.py").write_text(
        "import elliptio as eio\nh = eio.Handler()\nfound = h.find({'file_relpaths': 'in.txt'})\n"
        "files = h.get(found.index[0]).file, h.latest({'file_relpaths': 'in.txt'}).file\n"
        "text = ''.join(file.download_string() for file in files)\n"
        "with h.new(['out.txt']) as new:\n    new.file.upload_string(text + str(len(found)))\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("old")
    old = h.upload(source)
    artifact = made(desk, h, code, "derive.py", file="out.txt")
    source.write_text("new")
    h.upload(source)
    found = h.reproduce(artifact, tmp_path / "out", run=True)
    assert found.same
    assert h.get(found.results[0].made, track=False).metadata.based_on == [old.artifact_id]


def test_other_inputs_are_told(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    (code / "derive.py").write_text(
        "import elliptio as eio\nh = eio.Handler()\ntext = h.get(open('which.txt').read()).file.download_string()\n"
        "with h.new(['out.txt']) as new:\n    new.file.upload_string(text)\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("old")
    old, twin = h.upload(source), h.upload(source)
    (code / "which.txt").write_text(old.artifact_id)
    artifact = made(desk, h, code, "derive.py", file="out.txt")
    found = h.reproduce(artifact, tmp_path / "out")
    (tmp_path / "out/code/which.txt").write_text(twin.artifact_id)
    found.run()
    assert found.same
    assert found.results[0].inputs == [
        f"based on {twin.artifact_id} instead of {old.artifact_id}; their content is the same"
    ]


@pytest.mark.parametrize("loss", ["deleted", "damaged", "missing"])
def test_inputs_that_are_lost(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path, loss: str) -> None:
    source = tmp_path / "in.txt"
    source.write_text("old")
    old = h.upload(source)
    (code / "derive.py").write_text(
        f"import elliptio as eio\nh = eio.Handler()\nh.get({old.artifact_id!r})\n"
        "with h.new(['out.txt']) as new:\n    new.file.upload_string('x')\n"
    )
    artifact = made(desk, h, code, "derive.py", file="out.txt")
    path = Path(old.file.remote_url)
    if loss == "deleted":
        h.delete(old, force=True)
    elif loss == "damaged":
        path.chmod(0o644)
        path.write_text("bad")
    else:
        path.unlink()
    (obstacle,) = h.reproduce(artifact, tmp_path / "none", dry_run=True).obstacles
    said = {"deleted": "was deleted by", "damaged": "files/in.txt is damaged", "missing": "files/in.txt is missing"}
    assert said[loss] in obstacle.message
    assert (obstacle.about, obstacle.prevents) == ("inputs", True)
    with pytest.raises(eio.ReproductionError, match=r"cannot be run\. inputs: "):
        h.reproduce(artifact, tmp_path / "out", run=True)
    assert not (tmp_path / "out").exists()
    assert h.runs().empty


def test_what_cannot_be_run_is_prepared(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    artifact = made(desk, h, code, "save.py", "--token", "hunter2-hunter2")
    assert "hunter2" not in artifact.metadata.argv
    found = h.reproduce(artifact, tmp_path / "out")
    assert [(obstacle.about, obstacle.prevents) for obstacle in found.obstacles] == [("command", True)]
    assert (tmp_path / "out" / "code" / "save.py").exists()
    with pytest.raises(eio.ReproductionError, match="secrets are masked"):
        found.run()


def test_an_ancestor_that_cannot_be_made_is_used(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("old")
    desk.run("elliptio", "upload", tmp_path / "in.txt", cwd=code)
    (code / "derive.py").write_text(
        "import elliptio as eio\nh = eio.Handler()\ntext = h.get('in.txt:latest').file.download_string()\n"
        "with h.new(['out.txt']) as new:\n    new.file.upload_string(text)\n"
    )
    artifact = made(desk, h, code, "derive.py", file="out.txt")
    found = h.reproduce(artifact, tmp_path / "out", run=True, ancestors=True)
    assert found.same
    assert [result.artifact_id for result in found.results] == [artifact.artifact_id]
    assert [(obstacle.about, obstacle.prevents) for obstacle in found.obstacles] == [("command", True)]
    assert "used as it is" in str(found)


def test_a_collection_cannot_be_handed_on(desk: Desk, code: Path, tmp_path: Path) -> None:
    import mongomock

    h = eio.Handler(tmp_path / "other", collection=mongomock.MongoClient().db.artifacts)
    (tmp_path / "in.txt").write_text("old")
    found = h.reproduce(h.upload(tmp_path / "in.txt"), tmp_path / "out", dry_run=True)
    assert any("given as an object" in obstacle.message for obstacle in found.obstacles)


@pytest.mark.parametrize("team", ["local-sqlite", "local-mongodb", "s3-sqlite", "s3-mongodb"], indirect=True)
def test_on_every_lake_that_another_process_can_open(team: Team, desk: Desk, code: Path, tmp_path: Path) -> None:
    """Also if the index is named by a URL with all that belongs to it."""
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    index = {"ELLIPTIO_INDEX": team.arguments["index"]} if team.arguments else {}
    user = {"ELLIPTIO_USER_DIR": os.environ["ELLIPTIO_USER_DIR"]}
    there = dataclasses.replace(desk, lake=team.root, variables={**aws, **index, **user})
    h = team.handler()
    found = h.reproduce(made(there, h, code, "save.py"), tmp_path / "out", run=True)
    assert found.same
    assert h.get(found.results[0].made, track=False).metadata.reproduces == found.artifact_id


CELLS = (
    "%%capture out\nfrom helper import TEXT",
    "class Model: pass\nimport pickle\npickle.dumps(Model())",
    "undefined",
    "text = !echo shell",
    "import elliptio as eio\nwith eio.Handler().new(['a.txt']) as new:\n    new.file.upload_string(TEXT + text[0])",
    "TEXT = 'changed since'",
)


@pytest.fixture
def study(code: Path) -> Path:
    """A folder with a module that the cells of a notebook import, in which the user is."""
    folder = code / "study"
    folder.mkdir()
    (folder / "helper.py").write_text("TEXT = 'from '\n")
    return folder


def executed(desk: Desk, study: Path, own: Path, cells: tuple[str, ...]) -> None:
    own.mkdir()
    environ = kernels.own_environment(own, ELLIPTIO_ROOT=str(desk.lake), PYTHONDONTWRITEBYTECODE="1")
    with kernels.running(study, environ) as kernel:
        for cell in cells:
            kernel.run(cell, fails="undefined" in cell)


def test_a_notebook(desk: Desk, h: eio.Handler, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose cells a real kernel has executed, one of which failed."""
    executed(desk, study, tmp_path / "kernel", CELLS)
    artifact = h.latest(track=False)
    assert artifact.logs["cells.ipynb"].download_string().count('"cell_type": "code"') == len(CELLS) - 1
    monkeypatch.setenv("HOME", str(desk.home))
    found = h.reproduce(artifact, tmp_path / "out", run=True)
    assert found.command == "python -m elliptio.lineage.reproduction.run_cells cells.ipynb"
    assert found.results is not None
    assert found.results[0].status == 0
    assert found.same
    assert list(desk.home.iterdir()) == []


def test_a_notebook_whose_last_cell_fails_now(desk: Desk, h: eio.Handler, study: Path, tmp_path: Path) -> None:
    cell = "import os, elliptio as eio\nassert os.path.exists('flag')\neio.Handler().upload('flag')"
    (study / "flag").touch()
    (study / ".gitignore").write_text("flag")
    executed(desk, study, tmp_path / "kernel", (cell,))
    found = h.reproduce(h.latest(track=False), tmp_path / "out", run=True)
    assert found.results is not None
    assert found.results[0].status == 1
    assert "AssertionError" in "".join(found.results[0].output)
    assert not found.same


def test_not_there(h: eio.Handler, tmp_path: Path) -> None:
    with pytest.raises(eio.DocumentNotFoundError):
        h.reproduce("artifact_nobody_has", tmp_path / "out")


def test_as_plain_values(desk: Desk, h: eio.Handler, code: Path, tmp_path: Path) -> None:
    found: dict[str, Any] = h.reproduce(made(desk, h, code, "save.py"), tmp_path / "out", run=True).to_dict()
    assert found["same"] is True
    assert found["results"][0]["files"] == [
        {"relpath": "b.csv", "state": "identical", "size_then": 21, "size_now": 21, "difference": ""}
    ]
