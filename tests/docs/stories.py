"""What holds for each notebook that tells a story and keeps its outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.docs.test_notebooks import Executed, kinds, tags
from tests.kernels import execute, own_environment


def executed(path: Path, folder: Path) -> Executed:
    """Run a notebook in a folder of its own."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    execute(notebook, folder, own_environment(folder))
    return Executed(notebook, folder / "lake")


def _kept(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def check_that_outputs_name_no_machine(path: Path) -> None:
    kept = _kept(path)
    assert [cell["execution_count"] for cell in kept] == list(range(1, len(kept) + 1))
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:root|work|home|Users|usr|opt)/|site-packages|\.venv|\broot\b", text)


def check_that_outputs_are_what_it_shows_now(path: Path, story: Executed) -> None:
    """Times and identifiers apart: run `python docs/make_notebooks.py`."""
    for cell, now in zip(_kept(path), story.cells, strict=True):
        assert kinds(cell["outputs"]) == kinds(now.outputs)
        for output, shown in zip(cell["outputs"], now.outputs, strict=True):
            if "text/html" in output.get("data", {}):
                assert tags("".join(output["data"]["text/html"])) == tags(shown["data"]["text/html"])
