"""Where the code comes from: a clone, a remote, or nowhere; with real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lineage.reproduction.repository_code import CodeFinder, check_out
from tests.lineage.reproduction.conftest import Clone, git


def commit(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def pushed(clone: Clone) -> tuple[Path, str]:
    """A clone with a commit that is at the remote too, and is no tip there."""
    folder = clone("andy")
    found = commit(folder, a="x = 1\n")
    commit(folder, a="x = 2\n")
    git(folder, "push", "-q", "origin", "HEAD")
    return folder, found


def test_only_in_the_clone(clone: Clone, tmp_path: Path) -> None:
    folder = clone("andy")
    found = commit(folder, a="x = 1\n")
    finder = CodeFinder(folder)
    repository, code = finder.find(found, str(tmp_path / "origin.git"))
    assert (repository, code.problem) == (folder, "")
    assert code.files == {"a.py"}
    check_out(repository, found, "https://example.org/x.git", None, tmp_path / "out")
    assert (tmp_path / "out" / "a.py").read_text() == "x = 1\n"
    assert git(tmp_path / "out", "config", "remote.origin.url").strip() == "https://example.org/x.git"


def test_only_at_the_remote(pushed: tuple[Path, str], tmp_path: Path, origin: Path) -> None:
    _, found = pushed
    finder = CodeFinder(tmp_path)
    repository, code = finder.find(found, str(origin))
    assert repository is not None
    assert code.files == {"a.py"}
    check_out(repository, found, str(origin), None, tmp_path / "out")
    assert git(tmp_path / "out", "rev-parse", "HEAD").strip() == found
    assert git(tmp_path / "out", "status", "--porcelain") == ""
    finder.close()
    assert not repository.exists()


def test_a_remote_that_is_gone(pushed: tuple[Path, str], tmp_path: Path, origin: Path) -> None:
    origin.rename(tmp_path / "moved.git")
    repository, code = CodeFinder(tmp_path).find(pushed[1], str(origin))
    assert repository is None
    assert code.problem.startswith(f"commit {pushed[1][:12]} cannot be had: there is no clone around this folder, and")
    assert "does not appear to be a git repository" in code.problem or "not exist" in code.problem


def test_a_commit_that_nobody_has(pushed: tuple[Path, str], origin: Path, tmp_path: Path) -> None:
    folder, _ = pushed
    repository, code = CodeFinder(folder).find("1" * 40, str(origin))
    assert repository is None
    assert f"the clone {folder} does not have it" in code.problem
    assert "it is not there" in code.problem
    assert CodeFinder(tmp_path).find(pushed[1], None, str(tmp_path / "nowhere"))[0] is None
    assert CodeFinder(tmp_path).find(pushed[1], None, str(folder))[0] == folder
    assert "no remote was recorded" in CodeFinder(folder).find("1" * 40, None)[1].problem


@pytest.mark.parametrize("commit", ["--upload-pack=touch x", "HEAD", "main", "", "1" * 39])
def test_nothing_but_a_hash_reaches_git(commit: str, pushed: tuple[Path, str], origin: Path) -> None:
    assert "is no commit" in CodeFinder(pushed[0]).find(commit, str(origin))[1].problem


@pytest.mark.parametrize(
    "remote", ["ext::sh -c 'touch PWNED'", "--upload-pack=touch PWNED", "-oProxyCommand=touch PWNED", "a\0b"]
)
def test_a_remote_runs_no_program(remote: str, tmp_path: Path) -> None:
    remote = remote.replace("PWNED", str(tmp_path / "pwned"))
    repository, code = CodeFinder(tmp_path).find("1" * 40, remote)
    assert repository is None
    assert code.problem
    assert not (tmp_path / "pwned").exists()


def test_git_is_not_installed(pushed: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _, code = CodeFinder(pushed[0]).find(pushed[1], None)
    assert code.problem == f"commit {pushed[1][:12]} cannot be had: git is not installed."
    with pytest.raises(eio.ReproductionError, match="git is not installed"):
        check_out(None, None, None, None, tmp_path / "out")


def test_no_hook_is_run(pushed: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    hook = template / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'pwned'}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    check_out(pushed[0], pushed[1], None, None, tmp_path / "out")
    assert not (tmp_path / "pwned").exists()


def test_what_was_not_committed(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = clone("andy")
    commit(folder, a="x = 1\n", gone="y = 1\n")
    (folder / "a.py").write_text("x = 2\n")
    (folder / "gone.py").unlink()
    (folder / "new dir").mkdir()
    (folder / "new dir" / "hälper.py").write_text("z = 1")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    monkeypatch.chdir(folder)
    before = git(folder, "status", "--porcelain", "--ignored"), _files(folder)
    artifact = eio.Handler(tmp_path / "lake").upload(folder / "a.py")
    repository, _ = CodeFinder(folder).find(artifact.metadata.git["commit"], None)
    diff = artifact.logs["git.diff"].download_string()
    out = tmp_path / "out"
    check_out(repository, artifact.metadata.git["commit"], None, diff, out)
    assert (out / "a.py").read_text() == "x = 2\n"
    assert not (out / "gone.py").exists()
    assert (out / "new dir" / "hälper.py").read_text() == "z = 1"
    assert (out / "run.sh").stat().st_mode & 0o100
    assert git(out, "status", "--porcelain") == git(folder, "status", "--porcelain")
    assert (git(folder, "status", "--porcelain", "--ignored"), _files(folder)) == before


def test_before_the_first_commit(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = clone("andy")
    (folder / "a.py").write_text("x = 1\n")
    monkeypatch.chdir(folder)
    artifact = eio.Handler(tmp_path / "lake").upload(folder / "a.py")
    assert artifact.metadata.git["commit"] is None
    diff = artifact.logs["git.diff"].download_string()
    check_out(None, None, None, diff, tmp_path / "out")
    assert (tmp_path / "out" / "a.py").read_text() == "x = 1\n"


def test_a_diff_stays_in_the_checkout(pushed: tuple[Path, str], tmp_path: Path) -> None:
    diff = "diff --git a/../pwned b/../pwned\nnew file mode 100644\n--- /dev/null\n+++ b/../pwned\n@@ -0,0 +1 @@\n+x\n"
    with pytest.raises(eio.ReproductionError, match="git apply failed"):
        check_out(pushed[0], pushed[1], None, diff, tmp_path / "out")
    assert not (tmp_path / "pwned").exists()


def test_whose_source_it_is(clone: Clone) -> None:
    folder = clone("andy")
    (folder / "pyproject.toml").write_text('[project]\nname = "My_Project"\n')
    (folder / ".gitattributes").write_text("*.bin filter=lfs\n")
    found = commit(folder)
    _, code = CodeFinder(folder).find(found, None)
    assert code.project == "my-project"
    has_lfs = subprocess.run(["git", "lfs", "version"], capture_output=True, check=False).returncode == 0
    assert code.needs_lfs is not has_lfs
    (folder / "pyproject.toml").write_text("[project\n")
    assert CodeFinder(folder).find(commit(folder), None)[1].project is None


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*") if path.is_file()}
