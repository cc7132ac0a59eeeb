"""Lay out a new project: small, whole, and working as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import ProjectError

_SALES = """day,product,amount,price
2026-01-05,apples,12,0.50
2026-01-05,pears,7,0.80
2026-01-06,apples,9,0.55
2026-01-06,plums,20,0.25
2026-01-07,pears,4,0.85
2026-01-07,plums,16,0.20
"""

_CATALOG_RAW = """# Data that nobody here makes: put a new file at its path, and what depends on it is made again.
- name: sales
  type: csv
  extra:
    path: "{{ data_folder }}/raw/sales.csv"
"""

_CATALOG_MADE = """# Data that crafts make. A save is a new version: nothing is overwritten.
- name: turnover
  type: csv
  extra:
    path: "{{ data_folder }}/made/turnover.csv"
- name: best_products
  type: csv
  extra:
    path: "{{ data_folder }}/made/best_!{top}.csv"
"""

_GLOBALS = """# Settings of the project, for everybody. Those of this machine, and passwords, go into locals.yaml
# beside this file, which git ignores and which wins.
data_folder: data
"""

_CRAFTS = '''"""Crafts: plain functions that say what they need and what they make."""

from elliptio.pipelines import Artifact, Craft


@Craft()
def add_turnover(sales: Artifact, discount: float = 0.0) -> Artifact("turnover"):
    """Add what each sale brought."""
    return sales.assign(turnover=worth(sales, discount))


@Craft()
def choose_best(turnover: Artifact, top: int = 2) -> Artifact("best_products"):
    """Choose the products that brought most."""
    total = turnover.groupby("product", as_index=False)["turnover"].sum()
    return total.nlargest(top, "turnover").reset_index(drop=True)


def worth(sales, discount):
    """Edit this helper and run again: what depends on it is made again, and nothing else."""
    return sales["amount"] * sales["price"] * (1 - discount)
'''

_DEFINITIONS = """prepare:
  operators:
    - shop.crafts.add_turnover
report:
  operators:
    - prepare
    - shop.crafts.choose_best
"""

_PARAMETERS = """base:
  top: 2
winter_sale:
  _from: [base]
  shop.crafts.add_turnover:
    discount: 0.3
"""

_README = """# {name}

```
elliptio pipelines plan report      # what would run, and why
elliptio pipelines run report -c base
elliptio pipelines run report -c base   # again: nothing to do
```

Edit `worth` in `lib/shop/crafts.py`, or a price in `data/raw/sales.csv`, and plan again.

| | |
|---|---|
| `catalog/` | the names of the data, and where it lies |
| `configuration/` | settings: `globals.yaml` for all, `locals.yaml` for this machine |
| `lib/` | crafts and what they use |
| `pipelines/` | which crafts make a pipeline, and with which parameters |
| `scripts/` | notebooks; cells tagged `craft` become modules by `elliptio compile` |
"""

_PYPROJECT = """[tool.elliptio.pipelines]
project_slug = {slug}
configuration = "configuration"
catalog = "catalog"
sources = "lib"
notebook_sources = "scripts"
notebook_target = "jupyter"
pipelines_definitions = "pipelines/definitions.yaml"
parameters = "pipelines/parameters.yaml"
"""

_IGNORED = """# Settings and passwords of one machine
locals.yaml
locals.yml
# What elliptio remembers about this folder
.elliptio-project/
# Made by crafts; every version is in the lake
data/made/
__pycache__/
.ipynb_checkpoints/
"""

_NOTEBOOK_CELLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "markdown",
        "# Look at the data\n\n`elliptio compile` makes a module of the cells tagged `craft`: "
        "`jupyter.explore.count_sales`.",
        (),
    ),
    (
        "code",
        'from elliptio.pipelines import Session\n\nsess = Session()\nsess.catalog.load("sales")',
        (),
    ),
    (
        "code",
        "from elliptio.pipelines import Artifact, Craft, Volatile\n\n\n@Craft()\n"
        'def count_sales(sales: Artifact) -> Volatile("number_of_sales"):\n'
        '    """Count the sales."""\n    return len(sales)',
        ("craft",),
    ),
    ("code", "with sess:\n    print(count_sales())", ()),
)


def lay_out(folder: str | Path) -> list[Path]:
    """Lay out a new project in a folder, which is made if it is not there; return the files that were written.

    Raises
    ------
    ProjectError
        If there is something in the folder already (a new git repository is nothing), or it cannot be written to.

    """
    root = Path(folder).expanduser().absolute()
    try:
        inside = sorted(each.name for each in root.iterdir() if each.name != ".git") if root.exists() else []
        if inside:
            more = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
            raise ProjectError(
                f"{root} is not empty (there is {inside[0]!r}{more}): name a new folder for a new project."
            )
        paths = []
        for name, text in _files(root.name or "project").items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            paths.append(path)
    except OSError as error:
        if isinstance(error, ProjectError):
            raise
        raise ProjectError(f"No project can be laid out in {root}: {error.strerror or error}.") from error
    return paths


def _files(name: str) -> dict[str, str]:
    slug = "".join(letter for letter in name if letter.isprintable() and letter not in '"\\') or "project"
    return {
        "pyproject.toml": _PYPROJECT.format(slug=f'"{slug}"'),
        "README.md": _README.format(name=slug),
        ".gitignore": _IGNORED,
        "catalog/raw.yaml": _CATALOG_RAW,
        "catalog/made.yaml": _CATALOG_MADE,
        "configuration/globals.yaml": _GLOBALS,
        "lib/shop/__init__.py": "",
        "lib/shop/crafts.py": _CRAFTS,
        "pipelines/definitions.yaml": _DEFINITIONS,
        "pipelines/parameters.yaml": _PARAMETERS,
        "data/raw/sales.csv": _SALES,
        "scripts/10_explore.ipynb": _notebook(),
    }


def _notebook() -> str:
    cells: list[dict[str, Any]] = []
    for number, (kind, source, tags) in enumerate(_NOTEBOOK_CELLS):
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"cell-{number}",
            "metadata": {"tags": list(tags)} if tags else {},
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append({**cell, "source": source.splitlines(keepends=True)})
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"
