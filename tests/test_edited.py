"""The quick tests after an edit: of the rooms that it is in, and of all where it is in none."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import edited

IDENTITY = ("-c", "user.name=Andy", "-c", "user.email=andy@example.org")


@pytest.mark.parametrize(
    ("paths", "parts"),
    [
        ([], []),
        (["elliptio/saving/plan.py"], ["house", "saving"]),
        (["elliptio/ui/pages/tags.py", "elliptio/ui/static/style.css"], ["ui"]),
        (["tests/stores/test_s3.py"], ["house", "stores"]),
        (["tests/test_naming.py"], ["house"]),
        (["tests/models/nodes/test_engine.py"], ["models"]),
        (["docs/ui.md", "notebooks/user_story.ipynb", "README.md"], ["docs"]),
        (["elliptio/handler.py"], edited.HEART),
        (["elliptio/testing/brokers.py"], edited.HEART),
        (["benchmarks/jobs.py"], edited.HEART),
        (["pyproject.toml"], edited.ALL),
        (["tests/conftest.py"], edited.ALL),
        (["tests/quick.py"], edited.ALL),
        ([".ci/run"], edited.ALL),
    ],
)
def test_an_edit_asks_for_its_room(paths: list[str], parts: Iterable[str]) -> None:
    assert sorted(edited.parts_edited(paths)) == sorted(parts)


def test_each_test_has_a_room_and_the_layers_are_there() -> None:
    tests = edited.ROOT / "tests"
    assert {edited.part_of_test(path.relative_to(tests).as_posix()) for path in tests.rglob("test_*.py")} <= edited.ALL
    for layer in edited.LAYERS - {"docs"}:
        assert layer in edited.ROOMS
        assert (edited.ROOT / "elliptio" / layer).is_dir()


def test_what_is_edited_is_what_git_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *IDENTITY, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(edited, "ROOT", tmp_path)
    git("init", "-q", "-b", "main")
    for name in ("kept", "edited", "removed"):
        (tmp_path / name).write_text(name)
    git("add", ".")
    git("commit", "-q", "-m", "first")
    assert edited.paths_edited("upstream") == []

    (tmp_path / "edited").write_text("other")
    (tmp_path / "removed").unlink()
    (tmp_path / "new").write_text("")
    assert sorted(edited.paths_edited("upstream")) == ["edited", "new", "removed"]

    git("checkout", "-q", "-b", "work", "--track")
    git("add", ".")
    git("commit", "-q", "-m", "second")
    assert sorted(edited.paths_edited("upstream")) == ["edited", "new", "removed"], "commits that were not pushed count"
    with pytest.raises(pytest.UsageError, match="no such revision"):
        edited.paths_edited("gone")
