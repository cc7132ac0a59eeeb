"""Take a frame or a series of pandas apart into columns and a description, and put it together again, the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from elliptio.errors import FormatError, FormatOptionError, ValueRefusedError
from elliptio.formats.axes import frequency, pack, unpack
from elliptio.formats.cells import Spec, index_of, unwrapped
from elliptio.formats.columns import describe
from elliptio.formats.libraries import meant
from elliptio.formats.plain import check_json, difference, name_of

if TYPE_CHECKING:
    import pandas as pd


VERSION = 1
"""Version of the descriptions that this elliptio writes; it reads all versions up to it."""


class Parts(NamedTuple):
    """Parts of a frame: arrays by the names that they get in a file, those of the index first."""

    names: list[str]
    arrays: list[Any]
    specs: list[Spec]
    description: dict[str, Any]


def write_description(description: Mapping[str, Any]) -> str:
    """Write a description as JSON."""
    return json.dumps({"version": VERSION, **description}, ensure_ascii=False, separators=(",", ":"))


def read_description(text: str | bytes) -> dict[str, Any]:
    """Read a description.

    Raises
    ------
    FormatError
        If a newer elliptio wrote it.

    """
    description: dict[str, Any] = json.loads(text)
    if description.pop("version") > VERSION:
        raise FormatError("a newer elliptio wrote it. Run: pip install --upgrade elliptio")
    return description


def take_apart(value: pd.DataFrame | pd.Series[Any]) -> Parts:
    """Take a frame or a series apart.

    Raises
    ------
    ValueRefusedError
        If something of it would not come back.

    """
    import pandas as pd

    if type(value) not in (pd.DataFrame, pd.Series):
        raise ValueRefusedError(
            f"value is of type {name_of(value)}, and would come back as a plain one: use pd.DataFrame(value)."
        )
    check_json(dict(value.attrs), "value.attrs")
    kind = type(value).__name__
    frame = value.to_frame(0) if isinstance(value, pd.Series) else value
    head = {"name": _label(value.name, "value.name")} if isinstance(value, pd.Series) else _columns(frame)
    names, arrays, index = _index(value.index, head.get("texts", ["value"]))
    wheres = [f"value.index[{number}]" if len(names) > 1 else "value.index" for number in range(len(names))]
    for number, name in enumerate(head.pop("texts", ["value"])):
        names.append(name)
        arrays.append(frame.iloc[:, number].array)
        label = frame.columns[number]
        wheres.append(f"value[{label!r}]" if kind == "DataFrame" else "value")
    arrays = list(map(unwrapped, arrays))
    specs = [describe(array, where) for array, where in zip(arrays, wheres, strict=True)]
    description = {
        "class": f"pandas.{kind}",
        **head,
        "index": index,
        "attrs": value.attrs,
        "unique": not value.flags.allows_duplicate_labels,
        "fields": [{"name": name, "spec": spec} for name, spec in zip(names, specs, strict=True)],
    }
    return Parts(names, arrays, specs, description)


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    columns = frame.columns
    return {
        "columns": pack(columns, "value.columns"),
        "column names": [_label(name, "value.columns.name") for name in columns.names],
        "texts": distinct([label if isinstance(label, str) else _text(label) for label in columns]),
    }


def _text(label: Any) -> str:
    return "_".join(map(str, label)) if isinstance(label, tuple) else str(label)


def distinct(names: Sequence[str]) -> list[str]:
    """Give each name a number where it was there before."""
    found: dict[str, None] = {}
    taken = set(names)
    for name in names:
        number, wanted = 1, name
        while wanted in found or (wanted != name and wanted in taken):
            wanted, number = f"{name}_{number}", number + 1
        found[wanted] = None
    return list(found)


def _index(index: Any, columns: Sequence[str]) -> tuple[list[str], list[Any], dict[str, Any]]:
    import pandas as pd

    about: dict[str, Any] = {"names": [_label(name, "value.index.name") for name in index.names]}
    if isinstance(index, pd.RangeIndex):
        return [], [], about | {"range": [index.start, index.stop, index.step]}
    many = isinstance(index, pd.MultiIndex)
    levels = [index.get_level_values(number) for number in range(index.nlevels)] if many else [index]
    names = [
        name
        if isinstance(name, str) and name not in columns and index.names.count(name) == 1
        else f"__index_level_{number}__"
        for number, name in enumerate(index.names)
    ]
    about |= {"many": many, "freq": [frequency(level, "value.index") for level in levels]}
    return names, [level.array for level in levels], about


def _label(name: Any, where: str) -> Any:
    """Give a name of an axis in a form that JSON can say."""
    if isinstance(name, tuple):
        return {"tuple": [_label(part, where) for part in name]}
    if name is not None and type(name) not in (str, int, float, bool):
        raise ValueRefusedError(f"{where} is {name!r} of type {name_of(name)}, which is not kept: use a text.")
    return name


def _name(label: Any) -> Any:
    return tuple(map(_name, label["tuple"])) if isinstance(label, dict) else label


def fields_of(description: dict[str, Any], columns: Sequence[Any] | None) -> list[str]:
    """Choose what has to be read: all fields, or those of the index and of some columns.

    Raises
    ------
    FormatOptionError
        If there is no such column.

    """
    fields = [field["name"] for field in description["fields"]]
    if columns is None:
        return fields
    start = _levels(description)
    labels = list(unpack(description["columns"])) if "columns" in description else fields[start:]
    missing = [name for name in columns if name not in labels]
    if missing:
        raise FormatOptionError(f"There is no column {missing[0]!r}; {meant(str(missing[0]), map(str, labels))}")
    wanted = list(columns)
    return fields[:start] + [name for name, label in zip(fields[start:], labels, strict=True) if label in wanted]


def _levels(description: dict[str, Any]) -> int:
    """Count the fields that are levels of the index."""
    index = description.get("index", {"range": None})
    return 0 if "range" in index else len(index["names"])


def put_together(description: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """Put a frame or a series together; some columns of a frame may be missing."""
    import pandas as pd

    fields, start = description["fields"], _levels(description)
    index = _index_of(description, [arrays[field["name"]] for field in fields[:start]])
    present = [number for number, field in enumerate(fields[start:]) if field["name"] in arrays]
    made = {number: _column(fields[start + number], arrays, index) for number in present}
    if description["class"] == "pandas.Series":
        value: Any = made[0]
        value.name = _name(description["name"])
    else:
        value = pd.DataFrame(made, index=index, copy=False)
        columns = unpack(description["columns"])
        columns.names = [_name(name) for name in description["column names"]]
        value.columns = columns if len(present) == len(columns) else columns.take(present)
    value.attrs = description["attrs"]
    return value.set_flags(allows_duplicate_labels=False) if description["unique"] else value


def _column(field: dict[str, Any], arrays: dict[str, Any], index: Any) -> Any:
    import pandas as pd

    array = arrays[field["name"]]
    dtype = object if field["spec"]["kind"] == "object" else None
    return pd.Series(array, index=index, dtype=dtype, copy=False)


def _index_of(description: dict[str, Any], levels: list[Any]) -> Any:
    import pandas as pd

    about, fields = description["index"], description["fields"]
    if "range" in about:
        index: Any = pd.RangeIndex(*about["range"])
    else:
        made = [
            index_of(array, field["spec"], freq)
            for array, field, freq in zip(levels, fields, about["freq"], strict=False)
        ]
        index = pd.MultiIndex.from_arrays(made) if about["many"] else made[0]
    index.names = [_name(name) for name in about["names"]]
    return index


def changed(value: Any, other: Any) -> str | None:
    """Say where two frames or series differ, in a value or a type; None where they are the same."""
    import pandas as pd

    if type(value) is not type(other):
        return f"value is of type {name_of(value)}, and would come back as {name_of(other)}"
    mine, others = take_apart(value), take_apart(other)
    found = difference(mine.description, others.description)
    found = found and f"its types and labels would change ({found.removeprefix('value')})"
    if found is None:
        pairs = zip(mine.names, mine.arrays, others.arrays, strict=True)
        differing = next((name for name, one, another in pairs if not _same(one, another)), None)
        found = None if differing is None else f"the column {differing!r} would come back changed"
    if found is None and isinstance(value, pd.DataFrame) and not value.columns.equals(other.columns):
        found = "value.columns would come back changed"
    return found


def _same(array: Any, other: Any) -> bool:
    import numpy as np
    import pandas as pd

    if array.dtype != other.dtype or len(array) != len(other):
        return False
    if array.dtype == object:
        return difference(list(map(_comparable, array)), list(map(_comparable, other))) is None
    if isinstance(array, np.ndarray) and array.dtype.kind == "f":
        return bool(
            np.array_equal(array, other, equal_nan=True) and np.array_equal(np.signbit(array), np.signbit(other))
        )
    return bool(pd.Series(array).equals(pd.Series(other)))


def _comparable(value: Any) -> Any:
    return (value.dtype.str, value.tolist()) if type(value).__name__ == "ndarray" else value
