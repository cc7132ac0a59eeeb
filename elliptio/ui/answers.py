"""Answer with a file to keep: rows as JSON or CSV, or bytes of any kind, under a name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elliptio.documents import jsonable
from elliptio.ui.asked import Answer


def json_of(rows: Iterable[Mapping[str, Any]]) -> Answer:
    """Write rows as JSON, which a browser shows."""
    body = json.dumps([jsonable(row) for row in rows], ensure_ascii=False, allow_nan=False, indent=1)
    return Answer(body.encode("utf-8", "replace"), media="application/json; charset=utf-8")


def csv_of(columns: Sequence[str], rows: Iterable[Iterable[Any]], name: str) -> Answer:
    """Write rows of cells as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return attached(text.getvalue().encode("utf-8", "replace"), "text/csv; charset=utf-8", name)


def attached(body: bytes, media: str, name: str) -> Answer:
    """Give bytes a name to keep them under."""
    return Answer(body, media=media, headers={"content-disposition": f'attachment; filename="{name}"'})


def told(path: str, says: str, status: int) -> Answer:
    """Say to a program what is wrong: as JSON where it asked for that, else as a text."""
    if path.endswith(".json"):
        body, media = json.dumps({"error": says}, ensure_ascii=False), "application/json; charset=utf-8"
    else:
        body, media = f"{says}\n", "text/plain; charset=utf-8"
    return Answer(body.encode("utf-8", "replace"), media=media, status=status)
