"""Runs the recorded cells of a notebook, in order: ``python -m elliptio.reproduction.run_cells cells.ipynb``."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def run_cells(path: Path) -> bool:
    """Run one cell after the other, up to the first that fails; tell whether all ended well."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sys.argv = [""]
    shell = _shell()
    for cell in cells:
        source = cell.get("source", "")
        if cell.get("cell_type") == "code" and not shell.run_cell("".join(source), store_history=True).success:
            return False
    return True


def _shell() -> Any:
    config = import_module("traitlets.config").Config()
    # Neither read nor written is what belongs to the user: history and startup files.
    config.HistoryManager.enabled = False
    shell = import_module("IPython.terminal.interactiveshell").TerminalInteractiveShell
    return shell.instance(config=config)


if __name__ == "__main__":
    sys.exit(0 if run_cells(Path(sys.argv[1])) else 1)
