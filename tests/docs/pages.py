"""Reads the blocks of a Markdown page and runs them as a reader would: in order, in one session, in an empty home.

A ``text`` block right after a ``python`` block is what it prints, its last expression included, as in a notebook.
Times, versions and identifiers differ from run to run and are made alike on both sides; ``...`` stands for anything.
A block below ``<!-- file: NAME -->`` is what the reader has in that file. Readers begin in their project, and go where
``cd`` takes them.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.exists()]
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
FILE = re.compile(r"<!-- file: (\S+) -->")
COMMANDS = ("elliptio", "git", "pre-commit", "sed", "torchrun")
"""Those of a console block that are run; others, such as `pip`, are only shown."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

_FENCE = re.compile(r"^(```+)(\w*)\s*$")
_ERROR = re.compile(r"^(?:Traceback|[\w.]*(?:Error|Warning): )")
_ALIKE = (
    (re.compile(r"(?<![a-z])(artifact|run|lake|environment)_[0-9a-f][0-9a-f-]{31,35}\b"), r"\1_ID"),
    (re.compile(r"\b\d{6}_(?=artifact_)"), "HHMMSS_"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00:00|Z)?"), "TIME"),
    (re.compile(r"\b\d{4}/\d\d/\d\d/"), "YYYY/MM/DD/"),
    (re.compile(r"\b\d+\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r"\b\d+\.\d s\b"), "SECONDS"),
)


@dataclass
class Block:
    """A fenced block: its language, first line and text, what it prints if the page says so, and the file it is in."""

    language: str
    line: int
    text: str
    prints: str | None = None
    not_run: bool = False
    file: str | None = None


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    found: list[Block] = []
    current: Block | None = None
    between: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if current is not None:
            if fence and not fence[2]:
                current, between = None, []
            else:
                current.text += line + "\n"
        elif fence:
            above = "\n".join(between[-2:])
            name = FILE.search(above)
            current = Block(fence[2], number, "", not_run=bool(NOT_RUN.search(above)), file=name and name[1])
            if current.language == "text" and found and found[-1].language == "python" and not any(between):
                found[-1].prints = ""
            found.append(current)
        else:
            between.append(line.strip())
    assert current is None, f"{page.name}:{current and current.line}: the block does not end"
    for block, after in itertools.pairwise(found):
        if block.prints is not None:
            block.prints = after.text
    return found


@dataclass
class Reader:
    """Somebody at `home` who types what a page says."""

    home: Path
    data: Path
    environ: dict[str, str]
    urls: list[tuple[str, str]]
    page: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, block: Block) -> None:
        """Run a block and compare what it prints."""
        with self._at(block):
            if block.file is not None:
                path = Path.cwd() / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language == "console":
                self._console(block)
            elif ">>> " in block.text:
                self._doctest(block)
            else:
                printed = self._python(block)
                if block.prints is not None:
                    self._compare(block.prints, printed)

    def _python(self, block: Block) -> str:
        # The line numbers of a traceback are those of the page.
        tree = ast.parse("\n" * block.line + self._here(block.text), str(self.page))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        expects_error = block.prints is not None and _ERROR.match(block.prints)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(_compiled(tree, self.page, "exec"), self.names)
                if last is not None:
                    value = eval(_compiled(ast.Expression(last.value), self.page, "eval"), self.names)
                    if value is not None:
                        print(str(value) if hasattr(value, "_repr_pretty_") else repr(value))
        except Exception as error:
            if not expects_error:
                raise
            return f"{type(error).__name__}: {error}\n"
        assert not expects_error, f"expected {block.prints}"
        return printed.getvalue()

    def _doctest(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(self._here(block.text), self.names, self.page.name, None, block.line)
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        runner.run(test, out=report.write, clear_globs=False)
        self.names = test.globs
        assert not runner.failures, report.getvalue()

    def _console(self, block: Block) -> None:
        for command, shown in commands(block.text):
            words = shlex.split(self._here(command))
            if words[0] == "export":
                self.environ |= dict(word.split("=", 1) for word in words[1:])
            elif words[0] == "cd":
                os.chdir(words[1])
            elif words[0] in COMMANDS:
                # In a terminal of a usual width, and with this Python.
                words[:1] = [sys.executable, "-m", "elliptio"] if words[0] == "elliptio" else words[:1]
                done = subprocess.run(
                    words,
                    cwd=Path.cwd(),
                    env={**self.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    encoding="utf-8",
                    timeout=60,
                    check=False,
                )
                assert done.returncode == 0 or re.search("error|Failed", shown), f"$ {command}\n{done.stdout}"
                if shown:
                    self._compare(shown, done.stdout)

    def _compare(self, wanted: str, got: str) -> None:
        wanted, got = self._alike(wanted), self._alike(got)
        checker = doctest.OutputChecker()
        if not checker.check_output(wanted, got, OPTIONS):
            example = doctest.Example("", wanted)
            raise AssertionError(checker.output_difference(example, got, OPTIONS | doctest.REPORT_NDIFF))

    def _alike(self, text: str) -> str:
        for there, here in self.urls:
            text = text.replace(here, there)
        text = text.replace(str(self.data), "/home/andy/.local/share/elliptio").replace(str(self.home), "/home/andy")
        text = text.replace(sys.executable, "python")
        for pattern, replacement in _ALIKE:
            text = pattern.sub(replacement, text)
        return text.replace(f" on {os.uname().nodename}", " on laptop")

    def _here(self, text: str) -> str:
        """Point documented servers at real ones."""
        for there, here in self.urls:
            text = text.replace(there, here)
        return text

    @contextlib.contextmanager
    def _at(self, block: Block) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            error.add_note(f"at {self.page.relative_to(ROOT)}:{block.line}\n{block.text}")
            raise


def _compiled(tree: Any, page: Path, mode: str) -> Any:
    """Compile what a page says as what it is: without the `__future__` of this file."""
    return compile(tree, str(page), mode, dont_inherit=True)


def sections(page: Path) -> dict[str, list[Block]]:
    """Blocks of a page by the heading (``## …``) that they are below; those before the first by ``""``."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Block]] = {}
    headings = {number: line[3:] for number, line in enumerate(lines, 1) if line.startswith("## ")}
    for block in blocks(page):
        heading = max((number for number in headings if number < block.line), default=0)
        found.setdefault(headings.get(heading, ""), []).append(block)
    return found


def commands(text: str) -> list[tuple[str, str]]:
    """(command, what it prints) of a console block."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with '$ '"
    found = []
    for part in parts[1:]:
        command, _, shown = part.replace("\\\n", " ").partition("\n")
        found.append((command, shown))
    return found
