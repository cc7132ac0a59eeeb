import os
import subprocess

import pytest

from elliptio.provenance.git import command as git_command

IDENTITY = {
    "GIT_AUTHOR_NAME": "Andy",
    "GIT_AUTHOR_EMAIL": "andy@example.com",
    "GIT_COMMITTER_NAME": "Andy",
    "GIT_COMMITTER_EMAIL": "andy@example.com",
}


class Repository:
    """A git repository to try things in."""

    def __init__(self, path):
        self.path = path

    def git(self, *arguments, check=True, **options):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {**IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
        finished = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, check=False, timeout=60, **options
        )
        assert not check or finished.returncode == 0, finished.stderr
        return finished.stdout.decode("utf-8", "replace").strip()

    def write(self, name, content):
        path = os.path.join(os.fsencode(self.path), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def commit(self, message="x"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _no_git_configuration(monkeypatch, tmp_path):
    """Whatever git configuration this machine has, or hook runs the tests, they see none of it."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    path.mkdir()
    repository = Repository(path)
    repository.git("init", "-q")
    return repository


@pytest.fixture
def committed(repository):
    repository.write("a.py", "one\ntwo\nthree\n")
    repository.write("sub/b.py", "b\n")
    repository.write(".gitignore", "ignored/\n*.log\n")
    repository.commit()
    return repository


@pytest.fixture
def commands(monkeypatch):
    """Every git command that is run."""
    seen = []
    output_of = git_command.output_of

    def counting(toplevel, arguments, *rest):
        seen.append(arguments[0])
        return output_of(toplevel, arguments, *rest)

    monkeypatch.setattr(git_command, "output_of", counting)
    return seen
