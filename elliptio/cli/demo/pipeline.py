"""Play the second act of ``elliptio demo``: a pipeline that runs twice, with one edit between."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import elliptio as eio

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.pipelines import Pipeline

PACKAGE = "penguin_steps"

_CRAFTS = '''"""Three steps: plain functions that say what they need and what they make."""

from elliptio.pipelines import Artifact, Craft
from penguin_steps.measures import slenderness


@Craft()
def measure(birds: Artifact) -> Artifact("measured"):
    return birds.assign(slenderness=slenderness(birds))


@Craft()
def count(birds: Artifact) -> Artifact("counts"):
    return birds["species"].value_counts().to_dict()


@Craft()
def summarise(measured: Artifact, digits: int = 2) -> Artifact("summary"):
    return measured.groupby("species")["slenderness"].mean().round(digits).to_dict()
'''

_MEASURES = '''"""What is computed of a bird."""


def slenderness(birds):
    return birds["bill_length_mm"] / birds["bill_depth_mm"]
'''

_FILES = {
    "pyproject.toml": '[tool.elliptio.pipelines]\nproject_slug = "penguins {now}"\n',
    "catalog/all.yaml": """\
- {name: birds, type: csv, extra: {path: birds.csv}}
- {name: measured, type: csv, extra: {path: made/measured.csv}}
- {name: counts, type: json, extra: {path: made/counts.json}}
- {name: summary, type: json, extra: {path: made/summary.json}}
""",
    "lib/penguin_steps/__init__.py": "",
    "lib/penguin_steps/crafts.py": _CRAFTS,
    "lib/penguin_steps/measures.py": _MEASURES,
}


def is_possible() -> bool:
    """Tell whether the packages of the extra ``pipelines`` are there."""
    return all(importlib.util.find_spec(name) is not None for name in ("jinja2", "yaml"))


def play(handler: eio.Handler, birds: pd.DataFrame, say: Callable[[str], None]) -> None:
    """Play it in a project of its own, which is left behind nowhere but in the lake."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        for name, text in _FILES.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # What the demo made last time, in another project, is not skipped.
            path.write_text(text.replace("{now}", f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M:%S.%f}"), encoding="utf-8")
        birds.to_csv(root / "birds.csv", index=False)

        say("Brenda does the same each week, so she writes three functions that say what they need and what they make.")
        print(textwrap.indent(_CRAFTS.partition("\n\n\n")[2].strip(), "  "))
        say("She runs them as a pipeline, and once more: there is nothing to do.")
        _turn(handler, root, "run", "run")

        say("Then she edits a helper in another file, and asks first what will run.")
        helper = root / "lib/penguin_steps/measures.py"
        helper.write_text(_MEASURES.replace('/ birds["bill_depth_mm"]', '- birds["bill_depth_mm"]'), encoding="utf-8")
        print('  birds["bill_length_mm"] / …  →  birds["bill_length_mm"] - …\n')
        _turn(handler, root, "plan", "run")

        say("She takes it back: what was made before is still there, for her and for whoever has the same lake.")
        helper.write_text(_MEASURES, encoding="utf-8")
        _turn(handler, root, "run")


def _turn(handler: eio.Handler, root: Path, *verbs: str) -> None:
    """Open the project as a new process would, and plan or run."""
    from elliptio.pipelines import Session

    _forget()
    with eio.mock_username("brenda"), Session(root, handler=handler):
        try:
            shown = [str(getattr(_pipeline(), verb)()) for verb in verbs]
            print(textwrap.indent("\n\n".join(shown), "  "))
        finally:
            sys.path[:] = [place for place in sys.path if not place.startswith(str(root))]
            _forget()


def _pipeline() -> Pipeline:
    from elliptio.pipelines import Pipeline

    crafts = importlib.import_module(f"{PACKAGE}.crafts")
    weekly = Pipeline("weekly")
    for name in ("measure", "count", "summarise"):
        weekly += getattr(crafts, name)
    return weekly


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.invalidate_caches()
