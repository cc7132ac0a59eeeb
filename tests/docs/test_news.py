"""News fragments are what towncrier makes a release's part of the changelog from."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
NEWS = ROOT / CONFIGURATION["directory"]
TYPES = {entry["directory"]: entry["name"] for entry in CONFIGURATION["type"]}
FRAGMENTS = sorted(path for path in NEWS.iterdir() if path.name != "README.md")


def test_the_types_are_those_of_keep_a_changelog() -> None:
    assert list(TYPES.values()) == ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    assert list(TYPES) == [name.lower() for name in TYPES.values()]
    described = (NEWS / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in described for name in TYPES)


def test_the_changelog_has_the_place_where_news_go() -> None:
    changelog = (ROOT / CONFIGURATION["filename"]).read_text(encoding="utf-8")
    above, mark, below = changelog.partition(CONFIGURATION["start_string"])
    assert mark
    assert "\n## " not in above
    assert below.startswith("\n## ")


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_one_sentence_of_a_known_type(fragment: Path) -> None:
    name = re.fullmatch(r"\+[a-z0-9]+(?:-[a-z0-9]+)*\.([a-z]+)\.md", fragment.name)
    assert name, "its name is +short-name.TYPE.md"
    assert name[1] in TYPES
    text = fragment.read_text(encoding="utf-8")
    assert re.fullmatch(r"[A-Z`][^\n]*[^\n.]\.\n", text), "it is one line, and begins and ends as a sentence does"
    prose = re.sub(r"`[^`]*`", "code", text)
    assert not re.search(r"[.!?] +[A-Z]", prose), "it is one sentence"


@pytest.mark.skipif(find_spec("towncrier") is None, reason="towncrier is not installed")
def test_towncrier_shows_every_fragment() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "Unreleased"],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("## [Unreleased] - ")
    for fragment in FRAGMENTS:
        assert f"- {fragment.read_text(encoding='utf-8')}" in done.stdout
