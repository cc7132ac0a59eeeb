"""Choose how a file is shown: by the ending of its name, by its first bytes, else as text or as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from elliptio.naming import shorten
from elliptio.ui.previews import apart, headers, images, notebooks, text_tables, texts
from elliptio.ui.previews.reading import Ranged, Source, UnfitError
from elliptio.ui.previews.shapes import Hex, Preview, Text

ROWS = 100
BUDGET = 16 * 2**20

MOST_SMALL = 60
MOST_SMALL_BYTES = 8 * 2**20
"""Pictures of a contact sheet, and bytes of each: browsers load all of them."""

Reader = Callable[[Ranged, int], Preview]

_SMALL = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
_READERS: dict[str, Reader] = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), text_tables.read_separated),
    **dict.fromkeys((".jsonl", ".ndjson"), text_tables.read_json_lines),
    **dict.fromkeys((".parquet", ".pq"), apart.read_parquet),
    **dict.fromkeys((".feather", ".arrow"), apart.read_arrow),
    **dict.fromkeys((*_SMALL, ".tif", ".tiff"), images.read_image),
    **dict.fromkeys((".diff", ".patch"), texts.read_diff),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".svg", ".pdf"), texts.read_page),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt"), headers.read_pickle),
    ".ipynb": notebooks.read_notebook,
    ".npy": headers.read_npy,
    ".npz": headers.read_zip,
    ".safetensors": headers.read_safetensors,
}
_BEGINNINGS: dict[bytes, Reader] = {
    b"\x93NUMPY": headers.read_npy, b"%PDF-": texts.read_page, b"PAR1": apart.read_parquet, b"ARROW1": apart.read_arrow,
}  # fmt: skip


def preview(source: Source, *, rows: int = ROWS, budget: int = BUDGET) -> Preview:
    r"""Show what is in a file, by reading parts of it; whatever is in it, nothing of it is run.

    Parameters
    ----------
    source
        The file. An error of its `read` is raised as it is.
    rows
        Rows of a table that are shown.
    budget
        Bytes that are read at most.

    Examples
    --------
    >>> data = b"name,mass\nAda,3750\nBob,3800\n"
    >>> shown = preview(Source("penguins.csv", len(data), lambda offset, length: data[offset : offset + length]))
    >>> shown.kind, shown.total, [(column.name, column.type, column.range) for column in shown.columns]
    ('table', 2, [('name', 'text', 'Ada … Bob'), ('mass', 'integer', '3750 … 3800')])

    """
    kept = min(texts.SAMPLE, budget // 4)
    ranged = Ranged(source, budget - kept)
    note = None
    reader = _reader(ranged)
    if reader is not None and source.size:
        try:
            return reader(ranged, rows)
        except UnfitError as error:
            note = _note(source, str(error))
        except (Exception, RecursionError) as error:
            if ranged.failure is not None:
                raise ranged.failure from None
            note = _note(source, f"it is damaged ({type(error).__name__})")
    ranged.left += kept  # so that there is always something to be seen
    return _otherwise(ranged, note)


def _reader(ranged: Ranged) -> Reader | None:
    """Find what reads such a file; None for plain text and all that is unknown."""
    suffix = ranged.source.suffix
    if suffix in _READERS or suffix in texts.LANGUAGES:
        return _READERS.get(suffix)
    head = ranged.head(64)
    if images.is_image(head):
        return images.read_image
    return next((reader for mark, reader in _BEGINNINGS.items() if head.startswith(mark)), None)


def _otherwise(ranged: Ranged, note: str | None) -> Text | Hex:
    """Show text, or bytes where it is none."""
    try:
        text = texts.read_text(ranged)
    except UnfitError:
        return texts.read_hex(ranged, note)
    return Text(text.lines, text.language, "; ".join(part for part in (note, text.more) if part) or None)


def _note(source: Source, why: str) -> str:
    return f"not shown as {source.suffix.lstrip('.') or 'what it begins as'}: {shorten(why, 300)}"


def contact_sheet(relpaths: Sequence[str], sizes: Sequence[int]) -> list[int]:
    """Choose those files of an artifact that are pictures small enough to be shown beside each other.

    Parameters
    ----------
    relpaths, sizes
        Names and sizes of its files.

    Returns
    -------
    list
        Their places in the order of the files, the first 60.

    """
    named = (place for place, relpath in enumerate(relpaths) if relpath.lower().endswith(_SMALL))
    found = (
        place
        for place in named
        if 0 < sizes[place] <= MOST_SMALL_BYTES and Source(relpaths[place], 0, _nothing).suffix in _SMALL
    )
    return list(islice(found, MOST_SMALL))


def _nothing(offset: int, length: int) -> bytes:
    return b""
