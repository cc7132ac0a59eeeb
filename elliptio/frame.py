"""Documents as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elliptio.errors import QueryError

if TYPE_CHECKING:
    import pandas as pd

    from elliptio.protocols import Document

FIRST = ("creation_time", "username", "file_relpaths", "argv")
REST = (
    "based_on",
    "environment_id",
    "file_count",
    "files",
    "fingerprint",
    "git",
    "hostname",
    "labels",
    "lake_id",
    "local_root",
    "log_relpaths",
    "notebook",
    "python_packages",
    "remote_root",
    "run_id",
    "tags",
    "total_size",
    "version",
    "working_directory",
)
COLUMNS = (*FIRST, *REST)

_TYPES = {"creation_time": "datetime64[ms, UTC]", "file_count": "int64", "total_size": "int64", "version": "int64"}


def choose_columns(columns: Sequence[str] | None, exclude: Sequence[str], environment: Sequence[str]) -> list[str]:
    """Decide which columns a DataFrame gets.

    Parameters
    ----------
    columns
        Asked for by the user, dotted paths included; None means all.
    exclude
        Left out of "all".
    environment
        Fields of the environment, which may be asked for too.

    Raises
    ------
    QueryError
        If a column does not exist.

    """
    if isinstance(columns, str) or isinstance(exclude, str):
        raise QueryError("columns and exclude_columns are lists of names, not one text.")
    known = {*COLUMNS, *environment, "artifact_id"}
    for name in [*(columns or ()), *exclude]:
        if name.split(".")[0] not in known:
            raise QueryError(f"There is no column {name!r}. Columns: {', '.join(COLUMNS)}.")
    if columns is None:
        return [name for name in COLUMNS if name not in set(exclude)]
    return list(dict.fromkeys(columns))


def to_frame(
    documents: Sequence[Document],
    columns: Sequence[str],
    root: str,
    environment: Callable[[str | None], Mapping[str, Any]],
    environment_fields: Sequence[str],
) -> pd.DataFrame:
    """Shape documents into a DataFrame indexed by ``artifact_id``.

    Parameters
    ----------
    documents
        In the order of the rows.
    columns
        From `choose_columns`.
    root
        Root of the lake, to show ``remote_root`` absolute.
    environment
        Looks up an environment by its identifier.
    environment_fields
        Columns that come from there.

    """
    import pandas as pd

    data: dict[str, Any] = {}
    for name in columns:
        head, _, rest = name.partition(".")
        if head in environment_fields:
            holders: Sequence[Mapping[str, Any]] = [environment(entry.get("environment_id")) for entry in documents]
        else:
            holders = documents
        values = [holder.get(head) for holder in holders]
        if rest:
            values = [_dig(value, rest, whole=head == "python_packages") for value in values]
        elif name == "remote_root":
            values = [f"{root}/{value}" for value in values]
        data[name] = pd.Series(values, dtype=_TYPES.get(name, "object"))
    frame = pd.DataFrame(data, columns=list(columns))
    frame.index = pd.Index([entry["artifact_id"] for entry in documents], dtype="object", name="artifact_id")
    return frame


def _dig(value: Any, path: str, *, whole: bool) -> Any:
    """Value at a dotted path below `value`; None where it leads nowhere. A package's name may hold dots itself."""
    if whole:
        from elliptio.provenance import normalize_name

        return value.get(normalize_name(path)) if isinstance(value, Mapping) else None
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
