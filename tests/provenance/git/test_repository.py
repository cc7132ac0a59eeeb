"""Git is asked again when something changed, and only then."""

import mmap
import multiprocessing
import os
import random
import shutil
import sys
import threading
from pathlib import Path

import pytest

from elliptio.provenance import collecting as provenance
from elliptio.provenance.git import directory as git_directory
from elliptio.provenance.git import repository, watching
from elliptio.provenance.git.repository import MOST_PATIENCE, repository_state, unchanged_state
from elliptio.provenance.git.state import git_state
from elliptio.provenance.git.watching import Watch
from tests.performance.counting import calls_of, counted

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is of Linux")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(repository, "_asked", None)
    monkeypatch.setattr(provenance, "_redacted", None)
    monkeypatch.setattr(git_directory, "_known_settings", {})
    # Files of settings that were just written are looked at again for two seconds.
    monkeypatch.setattr(git_directory, "_is_racy", lambda stamps: False)


@pytest.fixture
def watched(committed):
    """A repository that is watched, with a folder, an empty one, and one that is ignored."""
    committed.write(".gitignore", "*.log\ncache/\n")
    committed.write("package/module.py", "x = 1\n")
    committed.write("train.log", "0")
    committed.write("cache/deep/data", "0")
    committed.commit("more")
    os.mkdir(committed.path / "empty")
    settle(committed.path)
    return committed


def settle(path):
    for _ in range(3):
        repository_state(path)
    assert unchanged_state(path) is not None


def same(one, other):
    return (one.facts, sorted(one.changed), sorted(one.untracked)) == (
        other.facts, sorted(other.changed), sorted(other.untracked),
    )  # fmt: skip


def test_git_is_not_asked_while_nothing_changes(watched, commands):
    first = repository_state(watched.path)
    for _ in range(5):
        assert repository_state(watched.path) is first
    assert commands == []
    assert same(first, git_state(watched.path))


def test_a_program_that_asks_once_watches_nothing(committed, monkeypatch):
    monkeypatch.setattr(watching, "Watch", None)
    assert repository_state(committed.path).facts["dirty"] is False


def _edit(r):
    r.write("package/module.py", "x = 2\n")


def _append(r):
    with open(r.path / "package/module.py", "a") as file:
        file.write("y = 2\n")


def _map(r):
    with open(r.path / "package/module.py", "r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        content[0:1] = b"z"


def _replace(r):
    r.write("package/.module.py.swp", "x = 3\n")
    os.replace(r.path / "package/.module.py.swp", r.path / "package/module.py")


def _move_away(r):
    shutil.move(r.path / "package", r.path.parent / "elsewhere")


def _fill_a_new_folder(r):
    os.mkdir(r.path / "new")
    repository_state(r.path)
    r.write("new/file.py", "x\n")


def _work_in_an_ignored_place_that_is_no_longer_ignored(r):
    r.write(".gitignore", "*.log\n")
    repository_state(r.path)
    r.write("cache/deep/more", "1")


def _ignored_file_becomes_a_folder(r):
    r.write(".gitignore", "*.log\n!train.log/\ncache/\n")
    r.commit("ignore files only")
    settle(r.path)
    os.unlink(r.path / "train.log")
    os.mkdir(r.path / "train.log")
    r.write("train.log/notes", "1")


CHANGES = {
    "edit": _edit,
    "append": _append,
    "memory map": _map,
    "replace": _replace,
    "mode": lambda r: os.chmod(r.path / "a.py", 0o755),
    "delete": lambda r: os.unlink(r.path / "package/module.py"),
    "rename": lambda r: os.rename(r.path / "a.py", r.path / "b.py"),
    "new file": lambda r: r.write("new.py", "x\n"),
    "new file in an empty folder": lambda r: r.write("empty/new.py", "x\n"),
    "new file deep in new folders": lambda r: r.write("p/q/r/new.py", "x\n"),
    "new folder, then a file in it": _fill_a_new_folder,
    "link": lambda r: os.symlink("a.py", r.path / "link"),
    "folder moved away": _move_away,
    "ignore": lambda r: r.write("package/.gitignore", "*.py\n") or r.write("package/new.py", ""),
    "private ignore": lambda r: r.write("untracked.py", "") or r.write(".git/info/exclude", "untracked.py\n"),
    "ignore no longer": _work_in_an_ignored_place_that_is_no_longer_ignored,
    "ignored file becomes a folder": _ignored_file_becomes_a_folder,
    "ignored file is added": lambda r: r.git("add", "-f", "train.log"),
    "stage": lambda r: r.write("a.py", "staged\n") or r.git("add", "-A"),
    "commit": lambda r: r.commit("another"),
    "amend": lambda r: r.git("commit", "-q", "--amend", "-m", "other words"),
    "branch": lambda r: r.git("checkout", "-q", "-b", "feature/one"),
    "commit on a branch with slashes": lambda r: r.git("checkout", "-q", "-b", "f/g/h") or r.commit("y"),
    "detach": lambda r: r.git("checkout", "-q", "--detach"),
    "branch moved by hand": lambda r: r.git("update-ref", "HEAD", r.git("commit-tree", "HEAD^{tree}", "-m", "t")),
    "refs are packed, then moved": lambda r: r.git("pack-refs", "--all") or r.commit("z"),
    "remote": lambda r: r.git("remote", "add", "origin", "https://example.com/x.git"),
    "stash": lambda r: r.write("a.py", "stashed\n") or (repository_state(r.path) and r.git("stash")),
    "submodule": lambda r: r.git("init", "-q", "nested") or r.write("nested/x", "1"),
    "no repository any more": lambda r: shutil.rmtree(r.path / ".git"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_shows_at_once(watched, change):
    before = unchanged_state(watched.path)
    CHANGES[change](watched)
    found, expected = repository_state(watched.path), git_state(watched.path)
    if change == "no repository any more":
        assert found is expected is None
    else:
        assert found is not before
        assert same(found, expected)


def test_the_users_own_ignore_file_shows(watched, tmp_path):
    (tmp_path / "ignore").write_text("")
    (tmp_path / "gitconfig").write_text(f"[core]\nexcludesFile = {tmp_path}/ignore\n")
    watched.write("untracked.py", "")
    settle(watched.path)
    (tmp_path / "ignore").write_text("untracked.py\n")
    assert repository_state(watched.path).facts["dirty"] is False


def test_ignored_files_and_folders_may_change(watched, commands):
    for number in range(3):
        watched.write("train.log", str(number))
        watched.write(f"cache/deep/{number}", "x")
        assert repository_state(watched.path) is not None
    assert commands == []


@pytest.mark.slow
def test_any_order_of_changes(watched):
    """What is remembered and what git says are compared after each of many steps."""
    random_ = random.Random(20261122)
    names = ["a.py", "b.py", "package/module.py", "package/deep/x.py", "empty/y.py", "n.log", "cache/z"]

    def write():
        watched.write(random_.choice(names), str(random_.random()))

    def delete():
        path = watched.path / random_.choice(names)
        if path.exists():
            path.unlink()

    def move():
        one, other = random_.sample(names, 2)
        if (watched.path / one).exists() and (watched.path / other).parent.is_dir():
            os.replace(watched.path / one, watched.path / other)

    def remove_folder():
        shutil.rmtree(watched.path / random_.choice(["package/deep", "empty", "cache"]), ignore_errors=True)

    steps = [write, write, write, delete, move, remove_folder, lambda: watched.commit("step"), lambda: None]
    quiet = 0
    for _ in range(120):
        random_.choice(steps)()
        quiet += unchanged_state(watched.path) is not None
        assert same(repository_state(watched.path), git_state(watched.path))
    assert quiet > 10


def test_two_directories_of_one_repository(watched):
    first = repository_state(watched.path / "package")
    settle(watched.path / "package")
    assert repository_state(watched.path) == first


def test_a_work_tree_beside_the_repository(watched, tmp_path):
    watched.git("worktree", "add", "-q", str(tmp_path / "beside"), "-b", "beside")
    settle(tmp_path / "beside")
    watched.git("-C", str(tmp_path / "beside"), "commit", "-q", "--allow-empty", "-m", "there")
    assert same(repository_state(tmp_path / "beside"), git_state(tmp_path / "beside"))


@pytest.mark.slow
def test_what_changes_all_the_time_is_seldom_watched(watched, monkeypatch):
    made = []
    monkeypatch.setattr(watching, "Watch", lambda *paths: made.append(1) or Watch(*paths))
    for number in range(70):
        watched.write("a.py", str(number))
        assert repository_state(watched.path).facts["dirty"] is True
    assert 3 <= len(made) <= 8
    for _ in range(MOST_PATIENCE + 1):
        repository_state(watched.path)
    settle(watched.path)


@pytest.mark.parametrize("reason", ["too many folders", "a repository inside", "network drive", "no room for watches"])
def test_git_is_asked_each_time_where_nothing_can_be_watched(committed, monkeypatch, commands, reason):
    if reason == "too many folders":
        monkeypatch.setattr(repository, "MOST_FOLDERS", 2)
        for number in range(3):
            committed.write(f"{number}/x.py", "")
        committed.commit()
    elif reason == "a repository inside":
        committed.git("init", "-q", "inside")
        committed.write("inside/.git/x", "")
    elif reason == "network drive":
        monkeypatch.setattr(repository, "read_mountinfo", lambda: "1 0 0:1 / / rw - nfs4 server:/ rw")
    else:

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(watching, "Watch", full)
    for number in range(4):
        committed.write("a.py", str(number))
        assert repository_state(committed.path).facts["dirty"] is True
        assert unchanged_state(committed.path) is None
    assert commands.count("status") == 4


@pytest.mark.slow
def test_more_changes_than_the_kernel_notes(watched):
    """What was not noted counts as a change."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 100_000:
        pytest.skip("that would take long here")
    watched.write("other.log", "0")
    settle(watched.path)
    watch = repository._asked.watch
    for number in range(most + 10):
        os.utime(watched.path / ("train.log", "other.log")[number % 2])
    assert not watch.is_quiet


def test_a_child_asks_for_itself(watched):
    """It does not take from its parent what the parent is to be told."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        watched.write("a.py", "changed")
        assert pool.apply(repository_state, (watched.path,)).facts["dirty"] is True
    assert repository_state(watched.path).facts["dirty"] is True


@pytest.mark.slow
def test_many_threads(watched):
    failed = []

    def work(number):
        for step in range(10):
            name = f"{number}-{step}.py"
            watched.write(name, "")
            if name.encode() not in repository_state(watched.path).untracked:
                failed.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_the_diff_is_as_new_as_the_state(watched, commands):
    watched.write("a.py", "first\n")
    settle(watched.path)
    assert "+first" in provenance.collect(watched.path).diff
    commands.clear()
    assert "+first" in provenance.collect(watched.path).diff
    assert commands == []
    watched.write("a.py", "second\n")
    assert "+second" in provenance.collect(watched.path).diff


def test_it_takes_no_time(watched):
    """A few looks, whatever the repository holds: two files are opened, no program is started, no folder listed."""
    assert unchanged_state(watched.path) is not None
    with counted() as counts:
        calls = calls_of(lambda: unchanged_state(watched.path))
    assert unchanged_state(watched.path) is not None
    assert len(counts.opened) <= 2
    assert counts.events.total() == 0
    assert calls < 1000


def test_nothing_is_left_open(watched):
    def watching():
        return sum(
            "inotify" in os.readlink(f"/proc/self/fd/{number}")
            for number in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{number}")
        )

    before = watching()
    assert before
    for number in range(5):
        watched.write("a.py", str(number))
        repository_state(watched.path)
        assert watching() <= before
