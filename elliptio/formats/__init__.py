"""Turn values into files and back: `names` lists the formats, `get` gives one, `register` adds one of your own.

>>> from elliptio import formats
>>> formats.get("parquet").suffixes
('.parquet', '.pq')
"""

from __future__ import annotations

from elliptio.formats.registry import get, names, register
from elliptio.protocols import Format

__all__ = ["Format", "get", "names", "register"]
