"""The first line of a docstring says what is done to what, and is no riddle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import elliptio as eio

PACKAGE = Path(eio.__file__).parent
DESCRIBED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
RIDDLE = re.compile(r"(What|Who|Whether|How|Where|Which|When|Why)\b")


def test_no_first_line_is_a_riddle() -> None:
    """It begins with a verb or names the thing: "Tell whether …" instead of "Whether …"."""
    assert list(riddles()) == []


def test_a_reader_sees_in_which_file_a_block_belongs() -> None:
    """The comment by which the pages are run is not shown."""
    pages = PACKAGE.parent / "docs"
    hidden = [
        f"{page.name}: {found[1]}"
        for page in sorted(pages.glob("*.md"))
        for found in re.finditer(r"(.*)\n\n<!-- file: (\S+) -->", page.read_text(encoding="utf-8"))
        if found[1] != f"`{found[2]}`:"
    ]
    assert hidden == []


def riddles() -> Iterator[str]:
    """Place and text of each docstring that opens with a question."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        for line, text in docstrings(ast.parse(path.read_text(encoding="utf-8"))):
            if RIDDLE.match(text.lstrip()):
                yield f"{name}:{line}: {text.strip().splitlines()[0]}"


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of the docstrings of a module, its classes, functions and constants."""
    for node in ast.walk(tree):
        for part in node.body if isinstance(node, DESCRIBED) else ():
            match part:
                case ast.Expr(ast.Constant(str(text))):
                    yield part.lineno, text
