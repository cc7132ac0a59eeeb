"""``elliptio demo``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from elliptio.cli.demo import story
from tests.cli.conftest import Run


@pytest.mark.slow
def test_demo(cli: Run) -> None:
    result = cli("demo")
    assert result.code == 0
    assert "Antarctica" in result.out
    assert len(cli("find", "--json").json) == 4 + 6  # those of the pipeline: its input, and what three steps made
    assert_a_pipeline_ran_with_one_edit_between(result.out)
    assert_a_pipeline_ran_with_one_edit_between(cli("demo").out)  # again, in the same lake


def assert_a_pipeline_ran_with_one_edit_between(text: str) -> None:
    told = re.findall(r"weekly: ([^(\n]+?)(?: \(run_.*)?$", text, re.MULTILINE)
    assert told == ["3 made", "3 skipped", "2 to make, 1 to skip", "2 made, 1 skipped", "3 skipped"]
    assert "measures.py:4 changed" in text


@pytest.mark.slow
def test_the_lineage_is_the_one_of_the_command(cli: Run) -> None:
    result = cli("demo")
    drawn = cli("lineage", "train.csv:latest").out.splitlines()
    assert [line.strip() for line in result.out.splitlines() if "artifact_" in line and "─" in line] == [
        line.strip() for line in drawn[1:]
    ]


@pytest.mark.parametrize("called", ["bin/elliptio", "elsewhere/elliptio", "__main__.py"])
@pytest.mark.parametrize("index", [None, "sqlite:///of_nobody.sqlite"])
def test_the_last_line_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, index: str | None
) -> None:
    """In the shell that called the demo: ``elliptio`` may not be on its path, and it may have settings of its own."""
    programs = tmp_path / "a place"
    for name in ("bin", "elsewhere"):
        (programs / name).mkdir(parents=True)
        (programs / name / "elliptio").write_text(f"#!/bin/sh\necho {name}\n")
        (programs / name / "elliptio").chmod(0o755)
    on_path = called != "elsewhere/elliptio"
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs / "bin")] * on_path + ["/usr/bin", "/bin"]))
    monkeypatch.setattr(sys, "argv", [str(programs / called), "demo"])
    if index:
        monkeypatch.setenv("ELLIPTIO_INDEX", index)
    line = story.command(tmp_path / "my lake")
    assert ("--index" in line) == bool(index)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("bin" if on_path else "elsewhere")


@pytest.mark.slow
def test_demo_as_json(cli: Run, root: object) -> None:
    result = cli("demo", "--json")
    assert result.code == 0
    assert result.json == {"root": str(root)}
    assert "Antarctica" in result.err
