import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import elliptio as eio
from elliptio.provenance.git import command as git_command
from elliptio.provenance.git import patch
from elliptio.provenance.git import state as git
from elliptio.provenance.git.patch import git_diff, new_file_diff, quote
from elliptio.provenance.git.state import git_state
from tests.provenance.conftest import Repository


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(git, "_slow", {})


def tree(path):
    """Every file below a directory but git's own: its content and whether it is executable."""
    found = {}
    for root, directories, names in os.walk(os.fsencode(path)):
        directories[:] = [name for name in directories if name != b".git"]
        for name in names:
            full = os.path.join(root, name)
            relative = os.path.relpath(full, os.fsencode(path))
            if os.path.islink(full):
                found[relative] = os.readlink(full)
            else:
                with open(full, "rb") as file:
                    found[relative] = file.read(), bool(os.stat(full).st_mode & stat.S_IXUSR)
    return found


def diff_of(repository, **limits):
    return git_diff(git_state(repository.path), **limits)


@pytest.fixture
def applied(tmp_path):
    """Apply a diff to a clean clone, and return the tree of files that results."""

    def apply(repository, text):
        clone = Repository(tmp_path / "clone")
        repository.git("clone", "-q", "--no-local", ".", str(clone.path))
        (tmp_path / "recorded.diff").write_bytes(text.encode())
        clone.git("apply", "--whitespace=nowarn", str(tmp_path / "recorded.diff"))
        return tree(clone.path)

    return apply


def test_clean(committed):
    assert diff_of(committed) is None


CHANGES = {
    "edit": lambda r: r.write("a.py", "one\nTWO\nthree\n"),
    "staged": lambda r: (r.write("a.py", "one\nTWO\n"), r.git("add", "-A")),
    "staged and edited": lambda r: (r.write("a.py", "1\n"), r.git("add", "-A"), r.write("a.py", "2\n")),
    "staged and edited back": lambda r: (r.write("a.py", "1\n"), r.git("add", "-A"), r.write("a.py", "one\n")),
    "intent to add": lambda r: (r.write("n.py", "1\n"), r.git("add", "-N", "n.py")),
    "deleted": lambda r: (r.path / "a.py").unlink(),
    "removed from the index": lambda r: r.git("rm", "-q", "--cached", "a.py"),
    "renamed": lambda r: r.git("mv", "a.py", "z.py"),
    "no newline": lambda r: r.write("a.py", "one\ntwo"),
    "emptied": lambda r: r.write("a.py", ""),
    "executable": lambda r: (r.path / "a.py").chmod(0o755),
    "crlf": lambda r: r.write("a.py", "one\r\ntwo\r\n"),
    "link instead of file": lambda r: ((r.path / "a.py").unlink(), (r.path / "a.py").symlink_to("sub/b.py")),
    "new": lambda r: r.write("new.py", "x\ny\n"),
    "new deep": lambda r: r.write("x/y/z.py", "x\n"),
    "new without newline": lambda r: r.write("new.py", "x\ny"),
    "new empty": lambda r: r.write("new.py", ""),
    "new of newlines": lambda r: r.write("new.py", "\n\n\n"),
    "new crlf": lambda r: r.write("new.py", "x\r\ny\rz\r\n"),
    "new odd white space": lambda r: r.write("new.py", " \t\n \n\x0c\x1c\u2028\x85\n"),
    "new that looks like a diff": lambda r: r.write("new.py", "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one\n+1\n"),
    "edit that looks like a diff": lambda r: r.write("a.py", "one\n-- a/a.py\ndiff --git a/x b/x\ntwo\nthree\n"),
    "new executable": lambda r: (r.write("new.sh", "x\n"), (r.path / "new.sh").chmod(0o755)),
    "new link": lambda r: (r.path / "link").symlink_to("a.py"),
    "new dangling link": lambda r: (r.path / "link").symlink_to("no\nwhere"),
    "new unicode": lambda r: r.write("ä ö.py", "ü\n"),
    "new name with newline": lambda r: r.write('a\nb\t"c"\\d\'.py', "x\n"),
    "new name of bytes": lambda r: r.write(b"\xff\xfe.py", "x\n"),
    "new name with space": lambda r: r.write(" a b .py", "x\n"),
    "edit in odd names": lambda r: (
        *(r.write(name, "1\n") for name in (b"\xff", b"a\nb", b"a b", b"-x", "ä".encode())),
        r.commit(),
        *(r.write(name, "2\n") for name in (b"\xff", b"a\nb", b"a b", b"-x", "ä".encode())),
    ),
    "everything": lambda r: (
        r.write("a.py", "2\n"),
        r.git("add", "-A"),
        r.write("sub/b.py", "3\n"),
        r.write("sub/new.py", "4\n"),
    ),
}


def test_staged_and_deleted_again(committed):
    committed.write("new.py", "1\n")
    committed.git("add", "-A")
    (committed.path / "new.py").unlink()
    assert diff_of(committed) is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_applies_to_a_clean_clone(committed, applied, change):
    change(committed)
    diff = diff_of(committed)
    assert diff.left_out == ()
    assert applied(committed, diff.text) == tree(committed.path)


CONFIGURATION = {
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "color.ui": "always",
    "color.diff": "always",
    "diff.context": "0",
    "diff.renames": "copies",
    "diff.algorithm": "histogram",
    "diff.suppressBlankEmpty": "true",
    "diff.wsErrorHighlight": "all",
    "diff.submodule": "log",
    "diff.relative": "true",
    "diff.wordRegex": ".",
    "core.quotePath": "false",
    "core.pager": "false",
    "status.showUntrackedFiles": "no",
    "status.short": "true",
    "status.renames": "copies",
    "diff.ignoreSubmodules": "all",
    "diff.indentHeuristic": "false",
    "diff.interHunkContext": "100",
}


@pytest.mark.parametrize("name", CONFIGURATION)
def test_applies_with_any_configuration(committed, applied, name):
    committed.git("config", name, CONFIGURATION[name])
    committed.write("a.py", "one\n\nTWO\nthree\n")
    committed.write("ä.py", "x\n")
    assert applied(committed, diff_of(committed).text) == tree(committed.path)


@pytest.mark.parametrize("variable", ["GIT_DIFF_OPTS=-u0", "GIT_EXTERNAL_DIFF=false", "GIT_LITERAL_PATHSPECS=1"])
def test_applies_with_any_variable(committed, applied, monkeypatch, variable):
    monkeypatch.setenv(*variable.split("=", 1))
    committed.write("a.py", "one\nTWO\nthree\n")
    assert applied(committed, diff_of(committed).text) == tree(committed.path)


def test_no_commits(repository, tmp_path):
    repository.write("a.py", "x\n")
    repository.git("add", "-A")
    repository.write("b.py", "y\n")
    diff = diff_of(repository)
    other = Repository(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    other.git("apply", input=diff.text.encode())
    assert tree(other.path) == tree(repository.path)


def test_during_a_merge(committed, applied):
    committed.git("checkout", "-q", "-b", "other")
    committed.write("a.py", "other\n")
    committed.commit()
    committed.git("checkout", "-q", "main")
    committed.write("a.py", "main\n")
    committed.commit()
    committed.git("merge", "other", check=False)
    assert "<<<<<<<" in (committed.path / "a.py").read_text()
    assert applied(committed, diff_of(committed).text) == tree(committed.path)


def test_ignored_files_are_not_in_it(committed):
    committed.write("ignored/x.py", "hidden")
    committed.write("x.log", "hidden")
    committed.write("new.py", "shown")
    text = diff_of(committed).text
    assert "hidden" not in text
    assert "+shown" in text


def test_binary_files_are_named(committed, applied):
    committed.write("tracked.bin", b"\0\1\2")
    committed.write("gone.bin", b"\0\1\2")
    committed.commit()
    committed.write("tracked.bin", b"\0\1\2\3")
    (committed.path / "gone.bin").unlink()
    committed.write("new.bin", b"\0" * 10)
    committed.write("latin1.txt", b"\xe4\n")
    committed.write("a.py", "changed\n")
    diff = diff_of(committed)
    assert diff.text.splitlines()[:4] == [
        "# elliptio: left out gone.bin (binary, deleted)",
        "# elliptio: left out tracked.bin (binary, 4 bytes)",
        "# elliptio: left out latin1.txt (not UTF-8, 2 bytes)",
        "# elliptio: left out new.bin (binary, 10 bytes)",
    ]
    assert len(diff.left_out) == 4
    assert applied(committed, diff.text)[b"a.py"] == (b"changed\n", False)


def test_tracked_bytes_that_are_not_unicode_are_replaced(committed):
    committed.write("latin1.txt", b"a\n")
    committed.commit()
    committed.write("latin1.txt", b"\xe4\n")
    diff = diff_of(committed)
    assert diff.text.startswith("# elliptio: bytes that are not UTF-8 were replaced\n")
    assert "+\ufffd\n" in diff.text


def test_replacement_characters_are_text(committed, applied):
    committed.write("a.py", "\ufffd\n")
    diff = diff_of(committed)
    assert not diff.text.startswith("#")
    assert applied(committed, diff.text) == tree(committed.path)


def test_a_lake_in_the_working_tree_is_no_change(committed):
    lake = eio.Handler(committed.path / "data/lake", index=f"sqlite:///{committed.path.parent / 'index.sqlite'}")
    saved = [lake.save({"rate": number}, "params.json") for number in range(3)]
    with lake.run("train"):
        lake.save({"rate": 5}, "params.json")
    assert not git_state(committed.path).dirty
    committed.write("data/lake/new.py", "x = 1\n")
    committed.write("2026/11/28/notes.md", "x\n")
    assert git_state(committed.path).untracked == (b"2026/11/28/notes.md", b"data/lake/new.py")
    assert len(saved) == 3


def test_large_new_files_are_left_out(committed, applied):
    committed.write("large.py", "x" * 101)
    committed.write("small.py", "x" * 100)
    committed.write("a\nb.py", "x" * (2 * 1024**2))
    diff = diff_of(committed, file_limit=100)
    assert set(diff.left_out) == {'"a\\nb.py" (2.0 MiB)', "large.py (101 bytes)"}
    assert set(applied(committed, diff.text)) == {*tree(committed.path)} - {b"large.py", b"a\nb.py"}


DATA = ("private.csv", "x.tsv", "x.json", "x.JSONL", "x.ndjson", "x.xml", "x.txt", "log/x.out", "x.html", "x.dat", "x")
CODE = ("x.py", "X.R", "x.sql", "x.sh", "a/x.yaml", "x.toml", "x.md", "x.ipynb", "Makefile", "a/Dockerfile",
        "requirements.txt", "requirements-dev.txt")  # fmt: skip


@pytest.mark.parametrize("name", [*DATA, *CODE])
def test_little_is_taken_of_new_data(committed, name):
    committed.write(name, "x" * patch.DATA_LIMIT)
    assert diff_of(committed).left_out == ()
    committed.write(name, "secret of others\n" * 20_000)
    diff = diff_of(committed)
    if name in CODE:
        assert diff.left_out == ()
    else:
        assert diff.left_out == (f"{name} (340000 bytes, and its name does not say that it is code)",)
        assert "secret of others" not in diff.text


def test_changes_to_tracked_files_only(committed):
    committed.write("a.py", "changed\n")
    committed.write("new.py", "new\n")
    diff = git_diff(git_state(committed.path), untracked=False)
    assert diff.left_out == ("new.py (a new file)",)
    assert "+changed" in diff.text
    assert "+new" not in diff.text


def test_a_total_limit(committed, applied):
    for number in range(10):
        committed.write(f"{number}.txt", "x" * 1000)
    diff = diff_of(committed, total_limit=5000)
    assert len(diff.left_out) == 6
    assert all("more than there is room for" in line for line in diff.left_out)
    assert len(diff.text) < 6000
    assert len(applied(committed, diff.text)) == 3 + 4


def test_large_changes_are_left_out(committed, applied):
    committed.write("0.csv", "x\n")
    committed.commit()
    committed.write("0.csv", "y" * 100_000 + "\n" + "z\n" * 100_000)
    committed.write("a.py", "changed\n")
    diff = diff_of(committed, total_limit=50_000)
    assert diff.left_out == ("0.csv (changes of more than 50000 bytes)",)
    assert applied(committed, diff.text)[b"a.py"] == (b"changed\n", False)


def test_many_files_left_out_are_counted(committed):
    for number in range(150):
        committed.write(f"{number}.bin", b"\0")
    lines = diff_of(committed).text.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "# elliptio: left out 50 more files"


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "prod.env",
        "conf/staging.env",
        "conf/.env.local",
        "id_rsa",
        "x/server.pem",
        ".netrc",
        "credentials.json",
        "aws_credentials",
        "secrets.yaml",
    ],
)
def test_files_of_secrets_are_left_out(committed, name):
    committed.write(name, "hunter2\n")
    diff = diff_of(committed)
    assert "hunter2" not in diff.text
    assert diff.left_out == (f"{name} (its name says that it holds secrets, 8 bytes)",)


@pytest.mark.parametrize(
    "name",
    [
        ".env.example",
        "example.env",
        "conf/prod.sample.env",
        "venv",
        "env.py",
        "credentials.py",
        "secrets.py",
        "keyboard.txt",
        "monkey",
    ],
)
def test_files_of_no_secrets_are_in_it(committed, name):
    committed.write(name, "x\n")
    assert diff_of(committed).left_out == ()


def test_other_repositories_are_left_out(committed):
    (committed.path / "other").mkdir()
    other = Repository(committed.path / "other")
    other.git("init", "-q")
    other.write("x", "x")
    other.commit()
    assert diff_of(committed).left_out == ("other/ (another repository)",)


def test_submodules(committed, tmp_path):
    inner = tmp_path / "inner"
    committed.git("clone", "-q", ".", str(inner))
    committed.git("submodule", "add", "-q", str(inner), "module")
    committed.commit()
    (committed.path / "module" / "a.py").write_text("changed")
    diff = diff_of(committed)
    assert diff.text == "# elliptio: left out module (changes inside a submodule)\n"
    module = Repository(committed.path / "module")
    module.commit()
    assert "+Subproject commit " + module.git("rev-parse", "HEAD") in diff_of(committed).text


def test_a_file_that_cannot_be_read(committed, monkeypatch):
    committed.write("new.py", "x")
    state = git_state(committed.path)
    (committed.path / "new.py").unlink()
    assert git_diff(state).left_out == ("new.py (unreadable)",)
    os.mkfifo(committed.path / "new.py")
    assert git_diff(state).left_out == ("new.py (not a regular file)",)


def test_one_process(committed, commands):
    committed.write("new.py", "x")
    state = git_state(committed.path)
    commands.clear()
    git_diff(state)
    assert "diff" not in commands
    committed.write("a.py", "changed")
    state = git_state(committed.path)
    commands.clear()
    git_diff(state)
    assert [one for one in commands if one != "config"] == ["diff"]


def test_too_slow(committed, monkeypatch):
    def fail(*_):
        raise git_command.GitTimeoutError

    committed.write("a.py", "changed")
    state = git_state(committed.path)
    monkeypatch.setattr(git_command, "run", fail)
    assert git_diff(state) is None


def test_reading_takes_too_long(committed, monkeypatch):
    monkeypatch.setattr(patch, "_READING_TIME", -1)
    committed.write("new.py", "x")
    assert diff_of(committed).left_out == ("new.py (reading new files took too long)",)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    name=st.binary(min_size=1, max_size=20).filter(
        lambda n: not set(n) & {0, ord("/")} and n not in (b".", b"..", b".git")
    ),
    content=st.text("ab \t\r\n\\-+@", max_size=30).map(str.encode),
)
@pytest.mark.slow
def test_any_new_file_applies(repository, name, content):
    repository.git("apply", "--whitespace=nowarn", input=new_file_diff(name, content))
    assert tree(repository.path) == {name: (content, False)}
    os.unlink(os.path.join(os.fsencode(repository.path), name))


def test_quotes_as_git_does(committed):
    names = [bytes((byte,)) + b"x" for byte in range(1, 256) if byte != ord("/")]
    for name in names:
        committed.write(name, "x")
    committed.git("add", "-A")
    lines = committed.git("-c", "core.quotePath=true", "diff", "--cached", "--name-only").splitlines()
    assert sorted(lines) == sorted(quote(name).decode() for name in names)
