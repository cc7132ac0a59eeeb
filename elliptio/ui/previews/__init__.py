"""Show what is in a file: bytes in, plain values out. Nothing is loaded, run or unpickled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elliptio.ui.previews.reading import Source
from elliptio.ui.previews.shapes import (
    Cell,
    Column,
    Diff,
    Header,
    Hex,
    Image,
    Notebook,
    Preview,
    Sandboxed,
    Table,
    Text,
)

if TYPE_CHECKING:
    from elliptio.ui.previews.choosing import contact_sheet, preview

__all__ = [
    "Cell", "Column", "Diff", "Header", "Hex", "Image", "Notebook", "Preview", "Sandboxed", "Source", "Table", "Text",
    "contact_sheet", "preview",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # A process that only reads columns starts in the time that all other readers take to be imported.
    if name in ("contact_sheet", "preview"):
        from elliptio.ui.previews import choosing

        return getattr(choosing, name)
    raise AttributeError(f"module 'elliptio.ui.previews' has no attribute {name!r}")
