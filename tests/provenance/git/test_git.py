import logging
import os
import subprocess
import sys
import threading

import pytest

from elliptio.provenance.git import command as git_command
from elliptio.provenance.git import directory as git_directory
from elliptio.provenance.git import state as git
from elliptio.provenance.git.directory import find_toplevel
from elliptio.provenance.git.state import git_state


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(git, "_slow", {})
    monkeypatch.setattr(git_directory, "_known_settings", {})


def test_clean(committed):
    state = git_state(committed.path)
    assert state.facts == {
        "commit": committed.git("rev-parse", "HEAD"),
        "branch": "main",
        "remote": None,
        "dirty": False,
    }
    assert state.toplevel == committed.path


def test_below_the_root(committed):
    (committed.path / "deep" / "er").mkdir(parents=True)
    state = git_state(committed.path / "deep" / "er")
    assert state.toplevel == committed.path


def test_through_a_symbolic_link(committed, tmp_path):
    (tmp_path / "link").symlink_to(committed.path / "sub")
    state = git_state(tmp_path / "link")
    assert state.toplevel == committed.path


def test_changes_show_at_once(committed):
    assert git_state(committed.path).dirty is False
    committed.write("a.py", "one\nTWO\nthree\n")
    assert git_state(committed.path).dirty is True
    committed.git("add", "-A")
    assert git_state(committed.path).dirty is True
    commit = committed.commit()
    state = git_state(committed.path)
    assert (state.commit, state.dirty) == (commit, False)
    committed.git("checkout", "-q", "-b", "feature/x")
    assert git_state(committed.path).branch == "feature/x"


@pytest.mark.parametrize(
    ("change", "dirty"),
    [
        (lambda r: r.write("new.py", "x"), True),
        (lambda r: r.write("ignored/new.py", "x"), False),
        (lambda r: r.write("x.log", "x"), False),
        (lambda r: (r.path / "a.py").unlink(), True),
        (lambda r: r.git("mv", "a.py", "c.py"), True),
        (lambda r: (r.path / "a.py").chmod(0o755), True),
        (lambda r: os.utime(r.path / "a.py", (1, 1)), False),
        (lambda r: (r.path / "empty").mkdir(), False),
    ],
)
def test_dirty(committed, change, dirty):
    change(committed)
    assert git_state(committed.path).dirty is dirty


def test_detached(committed):
    committed.git("checkout", "-q", "--detach")
    state = git_state(committed.path)
    assert state.branch is None
    assert state.commit == committed.git("rev-parse", "HEAD")


def test_no_commits(repository):
    state = git_state(repository.path)
    assert state.facts == {"commit": None, "branch": "main", "remote": None, "dirty": False}
    repository.write("a", "x")
    assert git_state(repository.path).dirty is True


def test_worktree(committed, tmp_path):
    committed.git("remote", "add", "origin", "https://example.com/a.git")
    committed.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    state = git_state(tmp_path / "tree")
    assert state.toplevel == tmp_path / "tree"
    assert (state.branch, state.dirty, state.remote) == ("other", False, "https://example.com/a.git")


def test_bare(committed, tmp_path):
    committed.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert git_state(tmp_path / "bare.git") is None
    committed.git("config", "core.bare", "true")
    assert git_state(committed.path) is None


def test_submodule(committed, repository, tmp_path):
    inner = tmp_path / "inner"
    committed.git("clone", "-q", ".", str(inner))
    committed.git("submodule", "add", "-q", str(inner), "module")
    commit = committed.commit()
    assert git_state(committed.path).dirty is False
    state = git_state(committed.path / "module")
    assert state.toplevel == committed.path / "module"
    assert state.commit != commit
    (committed.path / "module" / "a.py").write_text("changed")
    state = git_state(committed.path)
    assert state.dirty is True
    assert state.dirty_submodules == (b"module",)


@pytest.mark.parametrize("name", [b"a\nb", b"\xff\xfe", "ä ö".encode(), b' "q" ', b"tab\tx", b"-x", b"R  a -> b"])
def test_any_file_name(committed, name):
    committed.write(name, "x")
    state = git_state(committed.path)
    assert state.untracked == (name,)
    committed.git("add", "-A")
    state = git_state(committed.path)
    assert state.changed == (name,)
    assert git_state(committed.path).untracked == ()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://andy:" + "secret1@example.com/a.git", "https://example.com/a.git"),
        ("https://token@example.com/a.git", "https://example.com/a.git"),
        ("git@example.com:andy/a.git", "git@example.com:andy/a.git"),
        ("/srv/a.git", "/srv/a.git"),
    ],
)
def test_remote_has_no_credentials(committed, url, expected):
    committed.git("remote", "add", "origin", url)
    assert git_state(committed.path).remote == expected


def test_remote_of_the_branch(committed):
    committed.git("remote", "add", "first", "/first")
    assert git_state(committed.path).remote == "/first"
    committed.git("remote", "add", "origin", "/origin")
    assert git_state(committed.path).remote == "/origin"
    committed.git("remote", "add", "up.stream", "/upstream")
    committed.git("config", "branch.main.remote", "up.stream")
    assert git_state(committed.path).remote == "/upstream"
    committed.git("config", "branch.main.remote", ".")
    assert git_state(committed.path).remote == "/origin"


def test_one_process_when_nothing_changed(committed, commands):
    for path in (committed.path / ".git" / "config",):
        os.utime(path, (1, 1))
    git_state(committed.path)
    assert commands == ["config", "status"]
    commands.clear()
    git_state(committed.path)
    assert commands == ["status"]


def test_nothing_happens_outside_a_repository(tmp_path, monkeypatch):
    code = (
        "import sys, pathlib, subprocess\n"
        "subprocess.Popen = None\n"
        "from elliptio.provenance.git.state import git_state\n"
        "assert git_state(pathlib.Path(sys.argv[1])) is None\n"
        "assert 'git' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )


@pytest.mark.parametrize("content", [None, "", "nonsense", "gitdir: /nowhere"])
def test_something_else_called_git(tmp_path, content):
    if content is None:
        (tmp_path / ".git").mkdir()
    else:
        (tmp_path / ".git").write_text(content)
    assert git_state(tmp_path) is None


def test_missing_directory(tmp_path):
    assert find_toplevel(tmp_path / "missing" / "x") is None


def test_without_git(committed, tmp_path, monkeypatch):
    import git as gitpython

    monkeypatch.setattr(gitpython.Git, "GIT_PYTHON_GIT_EXECUTABLE", str(tmp_path / "missing"))
    assert git_state(committed.path) is None


def test_without_gitpython(committed, monkeypatch):
    monkeypatch.setitem(sys.modules, "git", None)
    assert git_state(committed.path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("head", ["main", "detached", "packed", "unborn"])
def test_repository_of_somebody_else(committed, caplog, head):
    commit = committed.git("rev-parse", "HEAD")
    committed.git("remote", "add", "up", "https://andy:secret@example.org/code.git")
    committed.git("config", "branch.main.remote", "up")
    if head == "detached":
        committed.git("checkout", "-q", "--detach")
    elif head == "packed":
        committed.git("pack-refs", "--all")
    elif head == "unborn":
        committed.git("checkout", "-q", "--orphan", "other")
    for path in (committed.path, committed.path / ".git"):
        os.chown(path, 12345, 12345)
    states = [git_state(committed.path) for _ in range(2)]
    assert states[0] == states[1]
    assert states[0].facts == {
        "commit": None if head == "unborn" else commit,
        "branch": {"detached": None, "unborn": "other"}.get(head, "main"),
        "remote": "https://example.org/code.git",
        "dirty": None,
    }
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"git config --global --add safe.directory {committed.path}" in record.getMessage()


def test_a_filter_that_fails(committed, tmp_path, caplog):
    (tmp_path / "gitconfig").write_text('[filter "broken"]\n\tclean = no-such-program\n\trequired = true\n')
    committed.write(".git/info/attributes", "a.py filter=broken\n")
    os.utime(committed.path / "a.py", (1, 1))
    state = git_state(committed.path)
    assert (state.commit, state.dirty) == (committed.git("rev-parse", "HEAD"), None)
    assert "no-such-program" in state.problem or "broken" in state.problem
    (record,) = caplog.records
    assert state.problem in record.getMessage()


def test_variables_of_a_hook_do_not_mislead(committed, tmp_path, monkeypatch):
    other = tmp_path / "other"
    committed.git("clone", "-q", ".", str(other))
    (other / "new").write_text("x")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "missing"))
    state = git_state(committed.path)
    assert state.toplevel == committed.path
    assert state.dirty is False


def test_runs_no_program_of_the_user(committed, tmp_path):
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (hooks / hook).symlink_to(program)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "pager.status", "diff.x.textconv", "diff.x.command"):
        committed.git("config", name, str(program))
    committed.git("config", "core.hooksPath", str(hooks))
    committed.write(".git/info/attributes", "* diff=x\n")
    committed.write("a.py", "changed\n")
    mark.unlink(missing_ok=True)
    from elliptio.provenance.git.patch import git_diff

    state = git_state(committed.path)
    assert state.dirty
    assert "+changed" in git_diff(state).text
    assert not mark.exists()


FILTERS = {
    "clean": ('[filter "evil"]\n\tclean = "touch {mark}; cat"\n', "evil"),
    "process": ('[filter "evil"]\n\tprocess = "touch {mark}; cat"\n\trequired = true\n', "evil"),
    "included": ("[include]\n\tpath = ../included\n", "evil"),
    "a name with =": ('[filter "e=vil"]\n\tclean = "touch {mark}; cat"\n', "e=vil"),
    "a name with dots": ('[filter "e.v.il"]\n\tclean = "touch {mark}; cat"\n', "e.v.il"),
    "almost Git LFS": ('[filter "lfs"]\n\tclean = "git-lfs clean -- %f; touch {mark}"\n', "lfs"),
}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("where", ["here", "in a submodule"])
def test_runs_no_filter_that_a_repository_brings(committed, tmp_path, kind, where):
    from elliptio.provenance.git.patch import git_diff

    mark = tmp_path / "mark"
    settings, name = FILTERS[kind]
    place = committed.path
    if where == "in a submodule":
        inner = tmp_path / "inner"
        committed.git("clone", "-q", ".", str(inner))
        committed.git("submodule", "add", "-q", str(inner), "module")
        committed.commit()
        place = committed.path / "module"
    git_directory = place / ".git" if where == "here" else committed.path / ".git" / "modules" / "module"
    (git_directory.parent / "included").write_text(FILTERS["clean"][0].format(mark=mark))
    with open(git_directory / "config", "a") as config:
        config.write(settings.format(mark=mark))
    (git_directory / "info").mkdir(exist_ok=True)
    (git_directory / "info" / "attributes").write_text(f"* filter={name}\n")
    (place / "a.py").write_text((place / "a.py").read_text().swapcase())
    os.utime(place / "a.py")
    state = git_state(committed.path)
    git_diff(state)
    assert not mark.exists()
    if where == "here":
        assert state.dirty is (None if "=" in name else True)


def test_filters_of_the_user_and_of_git_lfs_run(committed, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name in ("git-lfs", "strip"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\ntr A-Z a-z\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    committed.git("config", "filter.lfs.clean", "git-lfs clean -- %f")
    (tmp_path / "gitconfig").write_text('[filter "strip"]\n\tclean = strip\n')
    committed.write(".git/info/attributes", "a.py filter=lfs\nsub/b.py filter=strip\n")
    for path in ("a.py", "sub/b.py"):
        file = committed.path / path
        file.write_text(file.read_text().upper())
    assert git_state(committed.path).dirty is False
    assert {path.name for path in tmp_path.glob("ran-*")} == {"ran-git-lfs", "ran-strip"}


def test_writes_nothing(committed):
    index = committed.path / ".git" / "index"
    os.utime(committed.path / "a.py", (1, 1))
    before = index.read_bytes()
    git_state(committed.path)
    assert index.read_bytes() == before


@pytest.fixture
def slow_status(committed, tmp_path, monkeypatch):
    """A git whose status takes a minute."""
    import git as gitpython

    program = tmp_path / "slow-git"
    program.write_text('#!/bin/sh\ncase "$*" in *porcelain*) sleep 60;; esac\nexec git "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(gitpython.Git, "GIT_PYTHON_GIT_EXECUTABLE", str(program))
    monkeypatch.setattr(git_command, "TIMEOUT", 0.5)
    return committed


@pytest.mark.slow
def test_too_slow(slow_status, commands, caplog):
    with caplog.at_level(logging.DEBUG, "elliptio"):
        state = git_state(slow_status.path)
    assert state.facts == {
        "commit": slow_status.git("rev-parse", "HEAD"),
        "branch": "main",
        "remote": None,
        "dirty": None,
    }
    assert "more than 0.5 s" in caplog.text
    commands.clear()
    assert git_state(slow_status.path) == state
    assert "status" not in commands


def test_many_threads(committed):
    committed.write("a.py", "changed\n")
    states = []
    threads = [threading.Thread(target=lambda: states.append(git_state(committed.path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(states) == 8
    assert len(set(states)) == 1
