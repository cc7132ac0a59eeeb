"""What is recorded of a save in a repository, and that nothing about it can make a save fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.provenance import collecting as provenance


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    (folder / "jobs").mkdir(parents=True)
    (folder / "train.py").write_text("a = 1\n")

    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=Andy", "-c", "user.email=andy@example.org", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    git("init", "--initial-branch=feature")
    git("add", ".")
    git("commit", "--message=first")
    git("remote", "add", "origin", "https://andy:" + "s3cr3t" + "@example.org/team/project.git")
    monkeypatch.chdir(folder / "jobs")
    return folder


def test_a_clean_repository(h: eio.Handler, repository: Path, data: Path) -> None:
    artifact = h.upload(data)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    git = artifact.metadata.git
    assert git is not None
    assert (git["commit"], git["branch"], git["dirty"]) == (commit, "feature", False)
    assert git["remote"].endswith("example.org/team/project.git")
    assert "s3cr3t" not in git["remote"]
    assert artifact.metadata.working_directory == "jobs"
    assert len(artifact.logs) == 0
    assert list(h.find({"git.commit": commit}).index) == [artifact.artifact_id]


def test_what_was_not_committed_is_kept_as_a_patch(h: eio.Handler, repository: Path, data: Path) -> None:
    (repository / "train.py").write_text("a = 2\n")
    (repository / "helper.py").write_text("b = 3\n")
    artifact = h.get(h.upload(data).artifact_id)
    assert artifact.metadata.git is not None
    assert artifact.metadata.git["dirty"] is True
    assert artifact.metadata.log_relpaths == ["git.diff"]
    patch = artifact.logs["git.diff"].download(repository.parent / "patch")
    subprocess.run(["git", "stash", "--include-untracked"], cwd=repository, check=True, capture_output=True)
    subprocess.run(["git", "apply", str(patch)], cwd=repository, check=True)
    assert (repository / "train.py").read_text() == "a = 2\n"
    assert (repository / "helper.py").read_text() == "b = 3\n"


@pytest.mark.parametrize(("choice", "kept"), [("all", {"train", "helper"}), ("tracked", {"train"}), ("none", set())])
def test_what_of_the_changes_is_kept_can_be_chosen(
    repository: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, kept: set[str]
) -> None:
    (repository / "train.py").write_text("a = 2\n")
    (repository / "helper.py").write_text("b = 3\n")
    monkeypatch.setenv("ELLIPTIO_GIT_DIFF", choice)
    logs = eio.Handler(tmp_path / "lake").upload(data).logs
    text = logs["git.diff"].download_string() if logs else ""
    assert {name for name, line in (("train", "a = 2"), ("helper", "b = 3")) if line in text} == kept


def test_a_change_between_two_saves_shows_in_the_second(local: eio.Handler, repository: Path, data: Path) -> None:
    before = local.upload(data)
    (repository / "train.py").write_text("a = 9\n")
    after = local.upload(data)
    assert (len(before.logs), len(after.logs)) == (0, 1)


def test_a_package_installed_between_two_saves_shows_in_the_second(
    local: eio.Handler, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "site").mkdir()
    before = local.upload(data)
    metadata = tmp_path / "site" / "My_Package-1.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\n")
    after = local.upload(data)
    assert "my-package" not in before.metadata.python_packages
    assert after.metadata.python_packages["My.Package"] == "1.2"
    assert before.metadata.environment_id != after.metadata.environment_id
    assert list(local.find({"python_packages.my-package": "1.2"}).index) == [after.artifact_id]


def test_no_probe_can_make_a_save_fail(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("broken probe")

    for name in ("environment_facts", "notebook_path", "_git_state"):
        monkeypatch.setattr(provenance, name, broken)
    monkeypatch.setattr(provenance.packages, "snapshot", broken)
    monkeypatch.setattr(provenance, "_environment", None)
    monkeypatch.setenv("PATH", "/nowhere")
    artifact = local.upload(data)
    metadata = local.get(artifact.artifact_id).metadata
    assert metadata.notebook is None
    assert metadata.git is None
    assert metadata.python_packages == {}


@pytest.mark.slow
def test_no_git_on_the_path(local: eio.Handler, repository: Path, data: Path) -> None:
    code = f"""
import os, elliptio as eio
os.environ["PATH"] = "/nowhere"
print(eio.Handler({local.store.root!r}).upload({str(data)!r}).metadata.git)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
