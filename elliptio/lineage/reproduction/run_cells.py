"""Run the recorded cells of a notebook, in order: ``python -m elliptio.lineage.reproduction.run_cells cells.ipynb``."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def run_cells(path: Path) -> bool:
    """Run one cell after the other, as they were: also after one that failed; tell whether the last ended well."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sys.argv = [""]
    shell = _shell()
    sources = ["".join(cell.get("source", "")) for cell in cells if cell.get("cell_type") == "code"]
    ended = [shell.run_cell(source, store_history=True).success for source in sources]
    return not ended or bool(ended[-1])


def _shell() -> Any:
    config = import_module("traitlets.config").Config()
    # Neither read nor written is what belongs to the user: history and startup files.
    config.HistoryManager.enabled = False
    shell = import_module("IPython.terminal.interactiveshell").TerminalInteractiveShell
    return shell.instance(config=config)


if __name__ == "__main__":
    sys.exit(0 if run_cells(Path(sys.argv[1])) else 1)
