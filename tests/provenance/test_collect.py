import contextvars
import os
import subprocess
import sys
import threading

import pytest

from elliptio.provenance import collecting as provenance
from elliptio.provenance import packages, process
from elliptio.provenance.collecting import collect, mock_username
from elliptio.provenance.machine import environment_id


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(provenance, "_environment", None)
    monkeypatch.setattr(provenance, "_redacted", None)


def test_outside_a_repository(tmp_path):
    facts = collect(tmp_path)
    assert (facts.git, facts.diff, facts.working_directory) == (None, None, None)
    assert facts.username == process.username()
    assert facts.hostname == process.hostname()
    assert facts.argv == process.argv()
    assert facts.notebook is None


def test_environment(tmp_path):
    environment = collect(tmp_path).environment
    assert next(iter(environment)) == "_id"
    assert environment["_id"] == environment_id(environment)
    assert environment["python_packages"] == packages.installed_packages()
    assert {"python", "platform", "cpu", "memory", "gpus", "container", "scheduler"} < set(environment)


def test_environment_is_the_same_object_until_something_is_installed(tmp_path, monkeypatch):
    first = collect(tmp_path).environment
    assert collect(tmp_path).environment is first
    metadata = tmp_path / "elliptio_probe-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    second = collect(tmp_path).environment
    assert second["python_packages"]["elliptio-probe"] == "1.0"
    assert second["_id"] != first["_id"]


def test_inside_a_repository(committed, monkeypatch):
    monkeypatch.chdir(committed.path / "sub")
    facts = collect()
    assert facts.git == {"commit": committed.git("rev-parse", "HEAD"), "branch": "main", "remote": None, "dirty": False}
    assert facts.diff is None
    assert facts.working_directory == "sub"
    committed.write("a.py", "changed\n")
    facts = collect()
    assert facts.git["dirty"] is True
    assert "+changed\n" in facts.diff


def program(committed, name):
    """A program of a repository that prints what is recorded of its code."""
    committed.write(name, "from elliptio.provenance.collecting import collect\nfacts = collect()\n"
                          "print(facts.git and facts.git['commit'], facts.working_directory)\n")  # fmt: skip
    return committed.commit()


def run(command, folder, **environ):
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), **environ}
    done = subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.slow
def test_the_repository_is_that_of_the_program(committed, tmp_path):
    commit = program(committed, "work/train.py")
    (tmp_path / "scratch").mkdir()
    data = tmp_path / "data"
    committed.git("clone", "-q", ".", str(data))
    type(committed)(data).commit("of the data")
    script = [sys.executable, str(committed.path / "work" / "train.py")]
    package = {"PYTHONPATH": f"{os.getcwd()}:{committed.path}"}
    for folder in (data, tmp_path / "scratch"):
        assert run(script, folder) == [commit, os.path.relpath(folder, committed.path)]
    assert run([sys.executable, "-m", "work.train"], tmp_path / "scratch", **package)[0] == commit
    assert run(script, committed.path / "work") == [commit, "work"]


@pytest.mark.slow
def test_without_a_program_it_is_that_of_the_working_directory(committed, tmp_path):
    commit = program(committed, "train.py")
    code = (committed.path / "train.py").read_text()
    (tmp_path / "alone.py").write_text(code)
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text(code)
    for command in (["-c", code], [str(tmp_path / "alone.py")], [str(tool)]):
        assert run([sys.executable, *command], committed.path) == [commit, "."]


def test_the_working_directory_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    facts = collect()
    assert facts.git is None
    assert facts.environment["python_packages"]


def test_secrets_are_masked(committed, monkeypatch):
    token = "gh" + "p_" + "a1" * 18
    committed.write("a.py", f"x\ntoken = '{token}'\n")
    monkeypatch.setattr(sys, "orig_argv", ["python", "--password", "hunter2"])
    facts = collect(committed.path)
    assert token not in facts.diff
    assert "hunter2" not in facts.argv
    lines = facts.diff.splitlines()
    assert lines[0] == "# elliptio: masked 1 secrets, so those lines cannot be restored"
    (line,) = (number for number, line in enumerate(lines, 1) if line == "+token = '***'")
    assert facts.redactions == [
        {"kind": "argument", "where": "argv, argument 2"},
        {"kind": "github-token", "where": f"git.diff, line {line}"},
    ]


def test_masks_a_diff_once(committed, monkeypatch):
    from elliptio.provenance import redaction

    committed.write("a.py", "x\n")
    first = collect(committed.path)
    monkeypatch.setattr(redaction, "redact", None)
    assert collect(committed.path).diff is first.diff


@pytest.mark.parametrize(
    "name", ["redacted_argv", "_git_state", "_diff", "username", "hostname", "notebook_path", "environment"]
)
def test_no_probe_fails_it(committed, monkeypatch, name):
    def fail(*_):
        raise RuntimeError

    committed.write("a.py", "x\n")
    monkeypatch.setattr(process if name == "redacted_argv" else provenance, name, fail)
    collect(committed.path)


@pytest.mark.parametrize(("scope", "changed", "new"), [("all", 1, 1), ("tracked", 1, 0), ("none", 0, 0)])
def test_what_of_the_changes_is_taken(committed, scope, changed, new):
    committed.write("a.py", "changed\n")
    committed.write("new.py", "new\n")
    facts = collect(committed.path, git_diff=scope)
    assert facts.git["dirty"] is True
    assert ("+changed" in (facts.diff or ""), "+new" in (facts.diff or "")) == (changed, new)
    assert (facts.diff is None) == (scope == "none")


def test_in_a_thread(tmp_path):
    seen = []
    with mock_username("andy"):
        context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: seen.append(context.run(collect, tmp_path)))
    thread.start()
    thread.join()
    assert seen[0].username == "andy"


def test_in_many_threads(committed):
    committed.write("a.py", "x\n")
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(collect(committed.path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(facts == seen[0] for facts in seen)


def test_starts_no_process_and_imports_nothing_heavy_outside_a_repository(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from elliptio.provenance.collecting import collect\n"
        "heavy = {'git', 'subprocess', 'importlib.metadata', 'platform', 'pandas', 'hashlib', 'json'}\n"
        "loaded = heavy & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "import os, subprocess\n"
        "os.environ['PATH'] = sys.argv[1]\n"
        "subprocess.Popen = os.fork = os.posix_spawn = None\n"
        "facts = collect(here)\n"
        "assert facts.environment['_id'] and facts.git is None\n"
        "assert 'git' not in sys.modules\n"
        "os.listdir = os.scandir = None\n"
        "import builtins; builtins.open = None\n"
        "assert collect(here) == facts\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONSAFEPATH": ""}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment, cwd=tmp_path)
