"""An answer as a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elliptio.search import Found

if TYPE_CHECKING:
    import pandas as pd

_TYPES = dict.fromkeys(("creation_time", "deleted.time"), "datetime64[ms, UTC]")
_TYPES |= dict.fromkeys(("file_count", "total_size", "version"), "int64")


def to_frame(found: Found) -> pd.DataFrame:
    """Shape an answer into a DataFrame indexed by ``artifact_id``; its types do not depend on how many rows it has."""
    import pandas as pd

    data = {name: pd.Series(values, dtype=_TYPES.get(name, "object")) for name, values in found.columns.items()}
    frame = pd.DataFrame(data, columns=list(found.columns), index=range(len(found.ids)))
    frame.index = pd.Index(found.ids, dtype="object", name="artifact_id")
    return frame
