"""Show what is in a file: bytes in, plain values out. Nothing is loaded, run or unpickled."""

from elliptio.ui.previews.choosing import contact_sheet, preview
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

__all__ = [
    "Cell", "Column", "Diff", "Header", "Hex", "Image", "Notebook", "Preview", "Sandboxed", "Source", "Table", "Text",
    "contact_sheet", "preview",
]  # fmt: skip
