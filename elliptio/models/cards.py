"""Show a data model, or a record of one, as a card in a notebook: nothing that is not loaded yet is read for it."""

from __future__ import annotations

import base64
import io
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.artifacts.display import code_html, facts_html, human_size, said_html, table_html
from elliptio.formats.libraries import is_a
from elliptio.models.serializer.summary import summary

if TYPE_CHECKING:
    from elliptio.models.model import Origin

MOST_FIELDS, MOST_ROWS, MOST_COLUMNS = 50, 5, 8
MOST_PIXELS, THUMBNAIL = 4_000_000, 96
"""Pixels of an image of which a thumbnail is made, and the longer side of that."""

_TABLES = ("pandas.DataFrame", "polars.DataFrame", "pyarrow.Table", "pandas.Series", "polars.Series")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def card(
    title: str, names: Sequence[str], there: Mapping[str, Any], origin: Origin | None = None, why: str = ""
) -> str:
    """Shape a model or a record as a card: its fields, what big ones are, heads of tables, small images.

    Parameters
    ----------
    title
        What it is.
    names
        Fields that are shown.
    there
        Values of those that are loaded.
    origin
        Where it was loaded from.
    why
        Why it is a record.

    """
    facts = [(name, _value(there[name]) if name in there else _unread(origin, name)) for name in names[:MOST_FIELDS]]
    if len(names) > MOST_FIELDS:
        facts.append(("…", f"and {len(names) - MOST_FIELDS:,} more"))
    if why:
        facts.append(("a record", said_html(why)))
    artifact = getattr(getattr(origin, "source", None), "artifact", None)
    if artifact is not None:
        facts.append(("saved as", code_html(artifact.artifact_id)))
    return facts_html(title, facts)


def _unread(origin: Origin | None, name: str) -> str:
    """Say what was recorded of a field that is not loaded."""
    record = None if origin is None else origin.recorded(name)
    if origin is None or record is None:
        return said_html("not loaded")
    record = record.get("stored", record)
    size = record["size"] if "size" in record else origin.source.artifact.files[record["relpath"]].size
    about = record.get("summary", {})
    names = [str(column) for column in about.get("columns", ())]
    kind = about["dtypes"] if not names and "dtypes" in about else []
    what = f"{str(record.get('type')).rpartition('.')[2]} {_shape(about)}".rstrip()
    shown = f": {', '.join(names[:MOST_COLUMNS])}{', …' if len(names) > MOST_COLUMNS else ''}" if names else ""
    return said_html(f"{', '.join([what, *kind, human_size(size)])}, not loaded{shown}")


def _shape(about: Mapping[str, Any]) -> str:
    return " x ".join(f"{length:,}" for length in about.get("shape", ()))


def _value(value: Any) -> str:
    try:
        return _of_kind(value)
    except Exception:  # whatever somebody's own class raises: a card is no place to fail
        return code_html(f"<{type(value).__qualname__}>")


def _of_kind(value: Any) -> str:
    if is_a(value, "PIL.Image.Image"):
        return _image(value)
    about = summary(value) if any(is_a(value, name) for name in (*_TABLES, "numpy.ndarray")) else None
    if about is None:
        return code_html(_SHORT.repr(value))
    said = said_html(f"{type(value).__qualname__} {_shape(about)}".rstrip())
    if is_a(value, "numpy.ndarray"):
        return f"{said}, {said_html(str(value.dtype))}"
    return said + _head(value)


def _head(table: Any) -> str:
    if is_a(table, "pandas.DataFrame"):
        part = table.iloc[:MOST_ROWS, :MOST_COLUMNS]
        columns = [list(part.iloc[:, place]) for place in range(part.shape[1])]
        return _table(map(str, part.columns), table.shape[1], columns)
    if is_a(table, "pandas.Series") or is_a(table, "polars.Series"):
        return _table([str(table.name)], 1, [list(table.head(MOST_ROWS))])
    names = table.column_names if is_a(table, "pyarrow.Table") else table.columns
    part = table.select(list(names[:MOST_COLUMNS])).slice(0, MOST_ROWS)
    columns = [part[place].to_pylist() if is_a(table, "pyarrow.Table") else part.to_series(place).to_list()
               for place in range(len(names[:MOST_COLUMNS]))]  # fmt: skip
    return _table(map(str, names[:MOST_COLUMNS]), len(names), columns)


def _table(names: Iterable[str], count: int, columns: Sequence[Sequence[Any]]) -> str:
    heads = [*names, *(["…"] if count > MOST_COLUMNS else [])]
    rows = [
        [value if isinstance(value, str) else _SHORT.repr(value) for value in row] for row in zip(*columns, strict=True)
    ]
    return table_html(heads, rows)


def _image(image: Any) -> str:
    said = said_html(f"{image.width:,} x {image.height:,}, {image.mode}")
    if image.width * image.height > MOST_PIXELS:
        return said
    small = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    small.save(content, "PNG")
    text = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{text}" alt="{said}"><br>{said}'
