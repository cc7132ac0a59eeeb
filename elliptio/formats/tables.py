"""Tables of pandas, polars and Arrow as Parquet and Feather, which keep all, and as CSV, JSON lines and Excel."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from elliptio.errors import FormatOptionError, MissingExtraError, ValueRefusedError
from elliptio.formats.libraries import check_options, is_a, need, parsing
from elliptio.formats.plain import name_of
from elliptio.protocols import Format

TYPES = ("pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "polars.LazyFrame", "pyarrow.Table")

MAX_SCHEMA = 256 * 1024
"""Characters of what is kept beside a file that has no place for it: it is recorded with the artifact."""


class _ArrowTable(Format):
    """A file of Arrow's, which holds its own description."""

    types = TYPES
    options: tuple[str, ...]

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write a table; options are those of the library that decide how it is packed."""
        pa = need("pyarrow", "elliptio[formats]", f"the format {self.name!r}")
        from elliptio.formats.arrow import description_of, table_of, value_of

        check_options(self.name, options, own=self.options)
        _check_table(value)
        try:
            table = table_of(value)
            # Of no rows: some types would come back as others.
            probe = io.BytesIO()
            self._write(table.slice(0, 0), probe, {})
            description = description_of(table.schema.metadata)
            assert description is not None
            if not description["class"].startswith("pandas."):
                found = value_of(self._table(probe, None)[0], description)
                _check_types(value, found, self.name)
            self._write(table, file, options)
        except (pa.ArrowException, NotImplementedError) as error:
            raise ValueRefusedError(f"value cannot be kept as {self.name}: {error}; convert it.") from error

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read a table; ``columns=["a"]``: only these; ``into="polars"`` (or pandas, pyarrow): as that."""
        need("pyarrow", "elliptio[formats]", f"the format {self.name!r}")
        from elliptio.formats.arrow import value_of

        check_options(self.name, options, own=["columns", "into"])
        with parsing(self.name):
            table, description = self._table(file, options.get("columns"))
            value = table.to_pandas() if description is None else value_of(table, description)
            return _into(value, options.get("into"))

    def _write(self, table: Any, file: BinaryIO, options: dict[str, Any]) -> None:
        raise NotImplementedError

    def _table(self, file: BinaryIO, columns: Sequence[Any] | None) -> tuple[Any, dict[str, Any] | None]:
        raise NotImplementedError


class Parquet(_ArrowTable):
    """A table of pandas, polars or Arrow as Parquet: what its types lack lies in the file's metadata.

    Examples
    --------
    >>> import io
    >>> import pandas as pd
    >>> from elliptio import formats
    >>> frame = pd.DataFrame({"size": pd.Categorical(["s", "l"], ["s", "m", "l"], ordered=True)})
    >>> file, parquet = io.BytesIO(), formats.get("parquet")
    >>> parquet.write(frame, file)
    >>> parquet.read(file)["size"].cat.categories.tolist()
    ['s', 'm', 'l']

    """

    name, suffixes = "parquet", (".parquet", ".pq")
    options = (
        "compression", "compression_level", "row_group_size", "use_dictionary", "write_statistics", "data_page_size",
        "use_byte_stream_split", "write_page_index", "write_page_checksum", "dictionary_pagesize_limit",
    )  # fmt: skip

    def _write(self, table: Any, file: BinaryIO, options: dict[str, Any]) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table, file, **options)

    def _table(self, file: BinaryIO, columns: Sequence[Any] | None) -> tuple[Any, dict[str, Any] | None]:
        import pyarrow.parquet as pq

        from elliptio.formats.arrow import chosen, description_of

        opened = pq.ParquetFile(_source(file))
        description = description_of(opened.schema_arrow.metadata)
        names = columns if description is None else chosen(description, columns, opened.schema_arrow.names)
        table = opened.read(columns=names)
        # A name is taken for a beginning of others, too.
        return table if names is None else table.select(names), description


class Feather(_ArrowTable):
    """A table of pandas, polars or Arrow as Arrow's own file: quick to read, larger than Parquet."""

    name, suffixes = "feather", (".feather", ".arrow")
    options = ("compression", "compression_level", "chunksize")

    def _write(self, table: Any, file: BinaryIO, options: dict[str, Any]) -> None:
        import pyarrow.feather as feather

        feather.write_feather(table, file, **options)

    def _table(self, file: BinaryIO, columns: Sequence[Any] | None) -> tuple[Any, dict[str, Any] | None]:
        import pyarrow as pa
        import pyarrow.feather as feather

        from elliptio.formats.arrow import chosen, description_of

        opened = pa.ipc.open_file(_source(file))
        description = description_of(opened.schema.metadata)
        names = columns if description is None else chosen(description, columns, opened.schema.names)
        if names is None:
            return opened.read_all(), description
        file.seek(0)
        return feather.read_table(_source(file), columns=list(names)), description


def _source(file: BinaryIO) -> Any:
    """Let Arrow read a file of this machine by itself: it does so with several threads."""
    import pyarrow as pa

    if isinstance(file, io.BufferedReader) and isinstance(file.name, str):
        return pa.memory_map(file.name)
    file.seek(0)
    return file


def _check_table(value: Any) -> None:
    if not any(is_a(value, name) for name in TYPES):
        advice = "did a function return nothing?" if value is None else "use pd.DataFrame(value)."
        raise ValueRefusedError(f"value is of type {name_of(value)}, not a table: {advice}")


def _check_types(value: Any, found: Any, format: str) -> None:
    """Compare the types of the columns of a table and one without rows."""
    mine, others = (dict(_types(table)) for table in (value, found))
    differing = next((name for name in mine if mine[name] != others.get(name)), None)
    if differing is not None:
        raise ValueRefusedError(
            f"value[{differing!r}] is of type {mine[differing]}, and would come back from {format} as "
            f"{others.get(differing)}: convert it."
        )


def _types(table: Any) -> Any:
    if type(table).__module__.startswith("pyarrow"):
        return [(field.name, field.type) for field in table.schema]
    return [("", table.dtype)] if type(table).__name__ == "Series" else table.schema.items()


def _into(value: Any, wanted: str | None) -> Any:
    """Turn a table into one of another library."""
    kind = type(value).__module__.partition(".")[0]
    if wanted not in (None, "pandas", "polars", "pyarrow"):
        raise FormatOptionError(f"A table cannot be read into {wanted!r}; there are pandas, polars, pyarrow.")
    if wanted is None or wanted == kind:
        return value
    if wanted == "pandas":
        return value.to_pandas()
    if wanted == "polars":
        pl = need("polars", "polars", "into='polars'")
        return pl.from_arrow(value) if kind == "pyarrow" else pl.from_pandas(value)
    pa = need("pyarrow", "elliptio[formats]", "into='pyarrow'")
    return value.to_arrow() if kind == "polars" else pa.Table.from_pandas(value)


class _CellTable(Format):
    """A file of cells, beside which it is kept what they were; it is read back before it is taken."""

    types = TYPES

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any]:
        """Write a table, and return its description for `read`."""
        from elliptio.formats.frames import write_description
        from elliptio.formats.grids import difference, grid_of

        self._check_options(options)
        _check_table(value)
        try:
            grid = grid_of(value)
            content = self._dump(grid.columns, grid.description, options)
            schema = write_description(grid.description)
            found = difference(value, self.read(io.BytesIO(content), schema=schema, **options))
        except (ValueRefusedError, FormatOptionError, MissingExtraError, MemoryError):
            raise
        except Exception as error:  # there are as many ways as there are libraries below
            raise ValueRefusedError(f"value has no form in {self.name} ({error}): save it as .parquet.") from error
        if len(schema) > MAX_SCHEMA:
            found = (
                f"What {self.name} has no place for takes {len(schema):,} characters, more than can be kept beside it"
            )
        if found:
            raise ValueRefusedError(f"{found}: save it as .parquet, or convert it.")
        file.write(content)
        return {"schema": schema, **options}

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read a table; ``columns=["a"]``: only these; ``into="polars"`` (or pandas, pyarrow): as that.

        With options of pandas, pandas alone decides what it becomes.
        """
        from elliptio.formats.frames import read_description
        from elliptio.formats.grids import names_of, value_of

        schema, into = options.pop("schema", None), options.pop("into", None)
        columns = options.pop("columns", None)
        with parsing(self.name):
            if schema is None or not options.keys() <= set(self.own):
                self._check_options(options, reading=True)
                more = {} if columns is None else {"usecols": columns}
                return _into(self._read_as_pandas(file, {**options, **more}), into)
            description = read_description(schema)
            names = names_of(description, columns)
            return _into(value_of(self._parse(file, description, names, options), description), into)

    own: tuple[str, ...] = ()
    """Options with which it can be written and read."""

    def _check_options(self, options: Mapping[str, Any], *, reading: bool = False) -> None:
        check_options(self.name, options, own=self.own)

    def _dump(self, columns: dict[str, Any], description: dict[str, Any], options: dict[str, Any]) -> bytes:
        raise NotImplementedError

    def _parse(
        self, file: BinaryIO, description: dict[str, Any], names: list[str], options: dict[str, Any]
    ) -> dict[str, Any]:
        raise NotImplementedError

    def _read_as_pandas(self, file: BinaryIO, options: dict[str, Any]) -> Any:
        raise NotImplementedError


class Csv(_CellTable):
    """A table as text, a line a row, which everything reads."""

    own = ("sep", "encoding", "quoting", "quotechar", "doublequote", "escapechar", "decimal")

    def __init__(self, name: str, separator: str, suffixes: tuple[str, ...]) -> None:
        self.name = name
        self.suffixes = suffixes
        self._separator = separator

    def _check_options(self, options: Mapping[str, Any], *, reading: bool = False) -> None:
        import pandas as pd

        functions = [pd.read_csv] if reading else []
        check_options(self.name, options, *functions, own=self.own, but=["filepath_or_buffer", "iterator", "chunksize"])

    def _dump(self, columns: dict[str, Any], description: dict[str, Any], options: dict[str, Any]) -> bytes:
        import pandas as pd

        texts: set[Any] = {"nan"}
        made = {}
        for name, cells in columns.items():
            if isinstance(cells, list):
                cells = ["nan" if cell != cell else cell for cell in cells]
                texts.update(cell for cell in cells if isinstance(cell, str) and len(cell) < 8)
                cells = pd.Series(cells, dtype=object)
            made[name] = cells
        missing = next(
            text
            for text in ("", "NA", "<NA>", *(f"<{number}>" for number in range(len(texts) + 1)))
            if text not in texts
        )
        description["missing"] = missing
        frame = pd.DataFrame(made, index=range(description["rows"]))
        content = io.BytesIO()
        settings = {"sep": self._separator, **options}
        frame.to_csv(content, index=False, na_rep=missing, lineterminator="\n", **settings)
        return content.getvalue()

    def _parse(
        self, file: BinaryIO, description: dict[str, Any], names: list[str], options: dict[str, Any]
    ) -> dict[str, Any]:
        import pandas as pd

        from elliptio.formats.grids import names_of

        every = names_of(description)
        if not every:
            return {}
        numbers = {
            field["name"]: field["spec"]["dtype"].lstrip("<>=|")
            for field in description.get("fields", [])
            if field["spec"]["kind"] == "numpy"
        }
        settings = {"sep": self._separator, **options}
        if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):  # from then on it is always exact
            settings["float_precision"] = "round_trip"
        frame = pd.read_csv(
            file, header=0, names=every, index_col=False, usecols=names, low_memory=False,
            dtype={name: _NUMPY.get(numbers.get(name, ""), numbers.get(name, str)) for name in every},
            na_values=[description["missing"]], keep_default_na=False, skip_blank_lines=False, **settings,
        )  # fmt: skip
        found: dict[str, Any] = {}
        for name in names:
            column = frame[name]
            found[name] = (
                column.to_numpy() if name in numbers else [None if cell != cell else cell for cell in column.tolist()]
            )
        return found

    def _read_as_pandas(self, file: BinaryIO, options: dict[str, Any]) -> Any:
        import pandas as pd

        return pd.read_csv(file, **{"sep": self._separator, **options})


_NUMPY = {"f2": "f8", "b1": "bool"}
"""Types that the reader of CSV knows, for those that it does not."""


class JsonLines(_CellTable):
    """A table as JSON, an object a row."""

    name, suffixes = "jsonl", (".jsonl", ".ndjson")

    def _dump(self, columns: dict[str, Any], description: dict[str, Any], options: dict[str, Any]) -> bytes:
        rows = zip(*(_cells(cells) for cells in columns.values()), strict=True)
        lines = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, allow_nan=False) for row in rows]
        return "".join(f"{line}\n" for line in lines).encode()

    def _parse(
        self, file: BinaryIO, description: dict[str, Any], names: list[str], options: dict[str, Any]
    ) -> dict[str, Any]:
        rows = [json.loads(line) for line in file]
        return {name: [row[name] for row in rows] for name in names}

    def _read_as_pandas(self, file: BinaryIO, options: dict[str, Any]) -> Any:
        import pandas as pd

        columns = options.get("usecols")
        frame = pd.read_json(file, lines=True)
        return frame if columns is None else frame[list(columns)]


def _cells(cells: Any) -> list[Any]:
    """Give cells in which NaN is missing too."""
    found = cells if isinstance(cells, list) else cells.tolist()
    return [None if cell != cell else cell for cell in found]


MAX_ROWS = 1 << 20
"""Rows of a sheet."""


class Excel(_CellTable):
    """A table as the only sheet of a workbook."""

    name, suffixes = "excel", (".xlsx",)

    def _check_options(self, options: Mapping[str, Any], *, reading: bool = False) -> None:
        import pandas as pd

        need("openpyxl", "elliptio[excel]", "the format 'excel'")
        functions = [pd.read_excel] if reading else []
        check_options(self.name, options, *functions, but=["io"])

    def _dump(self, columns: dict[str, Any], description: dict[str, Any], options: dict[str, Any]) -> bytes:
        from elliptio.formats.workbooks import workbook_of

        return workbook_of(list(columns), [_cells(cells) for cells in columns.values()], description["rows"])

    def _parse(
        self, file: BinaryIO, description: dict[str, Any], names: list[str], options: dict[str, Any]
    ) -> dict[str, Any]:
        from elliptio.formats.grids import names_of
        from elliptio.formats.workbooks import columns_of

        need("openpyxl", "elliptio[excel]", "the format 'excel'")
        every = names_of(description)
        found = columns_of(file, len(every), min(description["rows"], MAX_ROWS))
        return {name: cells for name, cells in zip(every, found, strict=True) if name in names}

    def _read_as_pandas(self, file: BinaryIO, options: dict[str, Any]) -> Any:
        import pandas as pd

        return pd.read_excel(file, **options)
