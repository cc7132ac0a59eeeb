"""What the library says, in the words of the command."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.cli.wording import as_the_command_says, meant
from tests.cli.conftest import Run

PACKAGE = Path(eio.__file__).parent
OPTION = re.compile(r"\b(force|overwrite|deleted|dry_run|max_docs)=(True|False|0)")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("force=True deletes it all the same.", "--force deletes it all the same."),
        ("overwrite=True (`--overwrite`) moves it.", "--overwrite moves it."),
        ("found with deleted=True (`elliptio find --deleted`).", "found with --deleted."),
        ("h.find() or `elliptio find` lists", "`elliptio find` lists"),
        ("run h.reindex()", "run `elliptio reindex`"),
        ("h.tags(history='prod') shows", "`elliptio tags --history 'prod'` shows"),
        ("h.latest({'labels.project': 'x'}).", """`elliptio find '{"labels.project": "x"}' --limit 1`."""),
        ("it names a run: h.runs.tree, or elliptio runs --tree.", "it names a run: elliptio runs --tree."),
        ("max_docs=0 shows all", "--limit 0 shows all"),
        ("say where, .download(to=...).", "say where, --to DIR."),
        ("made with h.run(…)", "made with h.run(…)"),
    ],
)
def test_options_and_verbs_are_named_as_the_command_names_them(said: str, expected: str) -> None:
    assert as_the_command_says(said) == expected


@pytest.mark.slow
def test_no_message_of_the_library_keeps_the_spelling_of_python() -> None:
    """Whatever is written in future: an option in a message has its place among the spellings."""
    options = {
        node.value
        for path in PACKAGE.rglob("*.py")
        if not {"cli", "testing"} & set(path.relative_to(PACKAGE).parts)
        for parent in ast.walk(ast.parse(path.read_text()))
        if not isinstance(parent, ast.Expr)  # a docstring
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if OPTION.search(node.value)
    }
    assert options
    assert not [text for text in options if OPTION.search(as_the_command_says(text))]


def test_a_refusal_names_the_option_of_the_command(cli: Run, saved: str, data: Path) -> None:
    cli("upload", data, "--based-on", saved)
    result = cli("delete", saved)
    assert result.code == 1
    assert "--force deletes it all the same" in result.error
    assert "force=True" not in result.error


def test_nothing_near_is_nothing_meant() -> None:
    assert meant("fidn", ["find", "gc"]) == "find"
    assert meant("--lim", ["--limit", "--label"]) == "--limit"
    assert meant("qqq", ["find"]) is None
