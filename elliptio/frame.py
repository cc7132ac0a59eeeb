"""An answer as a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elliptio.metadata import VERSION
from elliptio.search import Found

if TYPE_CHECKING:
    import pandas as pd

_TYPES = dict.fromkeys(("creation_time", "deleted.time"), "datetime64[ms, UTC]")
_TYPES |= dict.fromkeys(("file_count", "total_size", "version"), "int64")
_DEFAULTS = {"file_count": 0, "total_size": 0, "version": VERSION}
"""What `Metadata` says where an older elliptio, or somebody else, wrote no such field."""


def to_frame(found: Found) -> pd.DataFrame:
    """Shape an answer into a DataFrame indexed by ``artifact_id``; its types do not depend on how many rows it has."""
    import pandas as pd

    # All share one index object, so that pandas has nothing to align.
    index = pd.Index(found.ids, dtype="object", name="artifact_id")
    data = {name: _series(name, values, index) for name, values in found.columns.items()}
    return pd.DataFrame(data, columns=list(found.columns), index=index)


def _series(name: str, values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    import pandas as pd

    if name in _DEFAULTS:
        values = [_DEFAULTS[name] if value is None else value for value in values]
    try:
        return pd.Series(values, index, dtype=_TYPES.get(name, "object"))
    except (TypeError, ValueError, OverflowError):  # a document of which somebody else made something else
        return pd.Series(values, index, dtype="object")
