"""Execute the notebooks of the repository, and keep their outputs: ``python docs/make_notebooks.py``.

They run in a folder that any machine may have, and nothing of the machine that they ran on stays in them.
"""

from __future__ import annotations

import copy
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

FOLDER = Path("/tmp/elliptio-demo")
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def main() -> None:
    """Execute them, one after the other, each with a lake of its own."""
    import nbformat

    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        executed(notebook)
        nbformat.write(notebook, path)


def executed(notebook: Any) -> None:
    """Execute a notebook in the folder, and say everywhere the same of the machine."""
    import nbformat

    from tests.kernels import execute, own_environment

    about = copy.deepcopy(notebook.metadata)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        execute(notebook, FOLDER, own_environment(FOLDER, ELLIPTIO_LOCAL_ROOT=str(FOLDER / "lake")))
    finally:
        shutil.rmtree(FOLDER)
    notebook.metadata = about  # without the version of this Python
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(_neutral(output)) for output in cell.outputs]


def _neutral(value: Any) -> Any:
    """Give programs and this machine the names that they have in the pages."""
    if isinstance(value, dict):
        return {name: _neutral(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_neutral(item) for item in value]
    if not isinstance(value, str):
        return value
    value = value.replace(sys.executable, "python").replace(str(NOTEBOOKS.parent), "/home/andy/elliptio")
    return re.sub(rf"\b{re.escape(socket.gethostname())}\b", "laptop", value)


if __name__ == "__main__":
    sys.path.insert(0, str(NOTEBOOKS.parent))
    main()
