"""Draw the pictures of README and pages, as a notebook shows the same: ``python docs/make_pictures.py``.

A card and a frame are their html in an SVG. Times, users and machines are made up, so that a test can compare them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("pictures")
START = datetime(2026, 11, 3, 9, 12, 44, 505_000, tzinfo=UTC)

DATA, WORSE, MODEL, SCORES = (f"artifact_01a2005f-92a{number}-7001-aa55-4cbf61912771" for number in (0, 3, 6, 9))
PARENTS: dict[str, list[str]] = {DATA: [], MODEL: [DATA], WORSE: [DATA], SCORES: [MODEL, DATA]}

# As JupyterLab shows tables; cards bring their own style.
_STYLE = (
    "div{font:13px system-ui,sans-serif;color:#1f2933}"
    ".dataframe{border-collapse:collapse;font-size:12px}"
    ".dataframe th,.dataframe td{border:none;padding:6px 8px;text-align:right}"
    ".dataframe thead{border-bottom:1px solid #bdbdbd}"
    ".dataframe tbody tr:nth-child(odd){background:#f5f5f5}"
)


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures():
        (FOLDER / name).write_text(picture, encoding="utf-8")


def pictures() -> Iterator[tuple[str, str]]:
    """Draw each picture; give its name and its text."""
    from elliptio.artifacts.display import artifact_html
    from elliptio.finding.frame import to_frame
    from elliptio.lineage.drawing.svg import svg

    yield "card.svg", _in_svg(artifact_html(_model(), [SCORES], run=_run("train", 4, C=1.0, accuracy=0.985)), 880, 390)
    html = to_frame(_found())._repr_html_()
    yield "find.svg", _in_svg(re.sub(r"<style scoped>.*?</style>", "", html, flags=re.DOTALL), 900, 176)
    links = [(child, parent) for child, parents in PARENTS.items() for parent in parents]
    yield "lineage.svg", svg(_nodes(), links, DATA, 300)


def _in_svg(html: str, width: int, height: int) -> str:
    """Put html on a white page, which is seen on a dark one too."""
    html = html.replace("<br>", "<br/>").replace(' border="1"', "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<style>{_STYLE}</style>\n<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>\n'
        f'<foreignObject x="8" y="8" width="{width - 16}" height="{height - 16}">'
        f'<div xmlns="http://www.w3.org/1999/xhtml">{html}</div></foreignObject>\n</svg>\n'
    )


def _model() -> Any:
    from elliptio.labels import Labels
    from elliptio.metadata import FileRecord, Metadata

    files = [FileRecord("model.joblib", 1_742, "0" * 64), FileRecord("history.csv", 8_120, "0" * 64)]
    return Metadata(
        username="brenda",
        hostname="laptop",
        argv="python train.py --C 1.0",
        artifact_id=MODEL,
        run_id="run_01a2005f-92a4-7001-aa55-4cbf61912771",
        creation_time=START + timedelta(days=2),
        labels=Labels(ticket="AB-124", project="penguins", datatype="model"),
        tags=["prod"],
        git={"commit": "25d63a0f9c8e7b6a5d4c", "branch": "main", "remote": None, "dirty": True},
        log_relpaths=["git.diff"],
        remote_root=f"s3://our-bucket/lake/2026/11/05/brenda/091244_{MODEL}",
        files=files,
        file_count=len(files),
        total_size=sum(file.size for file in files),
        fingerprint="f" * 64,
        based_on=[DATA],
    )


def _found() -> Any:
    from elliptio.finding.search import Found

    columns: dict[str, list[Any]] = {
        "creation_time": [START + timedelta(days=days) for days in (3, 2, 1, 0)],
        "username": ["charlie", "brenda", "brenda", "andy"],
        "file_relpaths": [
            ["scores.json"],
            ["model.joblib", "history.csv"],
            ["model.joblib"],
            ["train.csv", "test.csv"],
        ],
        "tags": [[], ["prod"], [], []],
    }
    return Found([SCORES, MODEL, WORSE, DATA], columns, total=4)


def _run(name: str, seconds: float, accuracy: float | None = None, **params: Any) -> dict[str, Any]:
    return {
        "_id": f"run_{name}_{seconds}",
        "name": name,
        "status": "finished",
        "creation_time": START,
        "end_time": START + timedelta(seconds=seconds),
        "params": params,
        "metrics": {} if accuracy is None else {"accuracy": accuracy},
    }


def _nodes() -> list[Any]:
    from elliptio.lineage.drawing.nodes import Node

    runs = {
        MODEL: _run("train", 4.0, accuracy=0.985, C=1.0),
        WORSE: _run("train", 3.5, accuracy=0.912, C=0.01),
    }
    said = {
        DATA: (0, "andy", ["train.csv", "test.csv"]),
        WORSE: (1, "brenda", ["model.joblib"]),
        MODEL: (1, "brenda", ["model.joblib", "history.csv"]),
        SCORES: (1, "charlie", ["scores.json"]),
    }
    return [
        Node(
            identifier,
            generation,
            "here",
            {
                "_id": identifier,
                "username": who,
                "file_relpaths": files,
                "creation_time": START + timedelta(days=days),
                "based_on": PARENTS[identifier],
                "run_id": runs.get(identifier, {}).get("_id"),
            },
            runs.get(identifier),
        )
        for days, (identifier, (generation, who, files)) in enumerate(said.items())
    ]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
