"""``os.fspath(file)``: a real path with verified content, on every store."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

import elliptio as eio
from elliptio.artifacts import hashing
from elliptio.artifacts import verified_paths as local_paths
from tests.conftest import Team
from tests.lake.upkeep.test_upkeep import flip


def test_other_programs_read_a_file_as_it_is(h: eio.Handler, data: Path) -> None:
    file = h.upload(data).files["test.txt"]
    assert isinstance(file, os.PathLike)
    assert len(pd.read_csv(file)) == 2
    with open(file) as opened:
        assert opened.read() == (data / "test.txt").read_text()
    assert Path(file).name == "test.txt"
    assert subprocess.run(["cat", file], capture_output=True, check=True).stdout == (data / "test.txt").read_bytes()


def test_a_file_of_a_block_is_written_by_its_path(h: eio.Handler) -> None:
    with h.new(["deep/a.csv"]) as new:
        pd.DataFrame({"x": [1, 2]}).to_csv(new.files["deep/a.csv"], index=False)
    assert pd.read_csv(new.file).x.sum() == 3
    assert not os.stat(new.file).st_mode & 0o222


def test_names_and_copies_are_kept_apart(h: eio.Handler, tmp_path: Path) -> None:
    for folder, text in (("one", "1"), ("two", "2"), ("same", "1")):
        (tmp_path / "tree" / folder).mkdir(parents=True)
        (tmp_path / "tree" / folder / "x.csv.gz").write_text(text)
    files = h.upload(tmp_path / "tree").files
    assert [Path(files[name]).read_text() for name in files] == ["1" if "two" not in name else "2" for name in files]
    assert {Path(file).name for file in files.values()} == {"x.csv.gz"}


def test_damage_is_found_before_a_path_is_handed_out(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    damaged = Path(artifact.files["train.txt"].remote_url)
    assert os.fspath(artifact.files["train.txt"]) == str(damaged)
    flip(damaged)
    with pytest.raises(eio.IntegrityError, match=r"train\.txt is damaged"):
        os.fspath(artifact.files["train.txt"])
    shorter = Path(artifact.files["test.txt"].remote_url)
    shorter.chmod(0o644)
    shorter.write_bytes(b"x")
    with pytest.raises(eio.IntegrityError, match=r"test\.txt is damaged"):
        os.fspath(artifact.files["test.txt"])


def test_what_is_gone_is_missing(h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h.lake, "downloads", type(h.lake.downloads)(None))
    file = h.upload(data).files["train.txt"]
    h.store.remove(file.remote_url.removeprefix(h.store.root + "/"))
    with pytest.raises(eio.MissingKeyError, match=r"train\.txt"):
        os.fspath(file)


def test_what_did_not_change_is_verified_once(team: Team, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    artifact = h.upload(data)
    first = os.fspath(artifact.file if len(artifact.files) == 1 else artifact.files["train.txt"])
    monkeypatch.setattr(hashing, "sha256_of", None)
    monkeypatch.setattr(local_paths, "sha256_of", None)
    monkeypatch.setattr(h.store, "open", None)
    assert os.fspath(team.handler().get(artifact.artifact_id).files["train.txt"]) == first


def test_a_copy_that_was_removed_or_changed_is_made_again(team: Team, data: Path) -> None:
    if team.root.startswith("/"):
        pytest.skip("there is no copy")
    file = team.handler().upload(data).files["train.txt"]
    path = Path(file)
    shutil.rmtree(path.parent)
    assert Path(file).read_bytes() == (data / "train.txt").read_bytes()
    path.chmod(0o600)
    path.write_text("changed")
    assert Path(file).read_bytes() == (data / "train.txt").read_bytes()


@pytest.mark.slow
def test_copies_go_with_the_process_that_made_them(s3_root: str, data: Path, tmp_path: Path) -> None:
    artifact = eio.Handler(s3_root).upload(data)
    script = f"""
import os, sys
import elliptio as eio
artifact = eio.Handler({s3_root!r}).get({artifact.artifact_id!r})
path = os.fspath(artifact.files["train.txt"])
child = os.fork()
if child == 0:
    other = os.fspath(artifact.files["test.txt"])
    assert os.path.dirname(os.path.dirname(other)) != os.path.dirname(os.path.dirname(path))
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert open(path).read() == open({str(data / "train.txt")!r}).read()
print(path)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "tmp")
    assert not list((tmp_path / "tmp").glob("elliptio-*"))
    assert tempfile.gettempdir() != str(tmp_path / "tmp")
