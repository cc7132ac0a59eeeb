"""Previews of files: good ones, damaged ones and hostile ones of every kind."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elliptio.ui.previews import (
    Column,
    Diff,
    Header,
    Hex,
    Image,
    Notebook,
    Preview,
    Sandboxed,
    Source,
    Table,
    Text,
    contact_sheet,
    preview,
)  # fmt: skip
from elliptio.ui.previews.choosing import _READERS
from elliptio.ui.previews.images import MOST_PIXELS

MiB = 2**20


class Counted:
    """A file whose reading is counted."""

    def __init__(self, name: str, data: bytes | Path) -> None:
        self.data = data
        self.bytes = 0
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        self.source = Source(name, size, self.read)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length > 0
        self.bytes += length
        if isinstance(self.data, bytes):
            return self.data[offset : offset + length]
        with self.data.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def shown(name: str, data: bytes | str, **options: Any) -> Preview:
    return preview(Counted(name, data.encode() if isinstance(data, str) else data).source, **options)


# --- tables -------------------------------------------------------------------------------------------------------


def test_a_csv() -> None:
    rows = "Ada,3750,2026-01-02,true\nBob,NA,2026-01-04,false\nAda,3800,2026-01-03,true\n"
    table = shown("a.csv", f"name,mass,seen,ok\n{rows}")
    assert isinstance(table, Table)
    assert table.total == 3
    assert table.more is None
    assert table.rows[1] == ["Bob", "NA", "2026-01-04", "false"]
    assert table.columns == [
        Column("name", "text", "Ada … Bob", 0, [2, 1], 2),
        Column("mass", "integer", "3750 … 3800", 1, [1, *[0] * 10, 1], 2),
        Column("seen", "time", "2026-01-02 … 2026-01-04", 0, [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 3),
        Column("ok", "boolean", "false … true", 0, [2, 1], 2),
    ]


@pytest.mark.parametrize(
    ("name", "text", "header", "first"),
    [
        ("a.tsv", "a\tb\n1\t2\n", ["a", "b"], ["1", "2"]),
        ("a.csv", "a;b\n1,5;2,5\n", ["a", "b"], ["1,5", "2,5"]),
        ("a.csv", "a|b\n1|2\n", ["a", "b"], ["1", "2"]),
        ("a.csv", "1,2\n3,4\n", ["column 1", "column 2"], ["1", "2"]),
        ("a.csv", 'a,b\n"x\ny",2\n', ["a", "b"], ["x\ny", "2"]),
        ("a.csv", "a,b\r\n1,2\r\n", ["a", "b"], ["1", "2"]),
        ("a.CSV", "a,b\n1,2", ["a", "b"], ["1", "2"]),
        ("a.csv", "only\nx\n", ["only"], ["x"]),
        ("a.csv", "a,b\n1\n", ["a", "b"], ["1", ""]),
        ("a.csv", "a,b\n1,2,3\n", ["a", "b", "column 3"], ["1", "2", "3"]),
        ("a.csv", "\ufeffa,b\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a.jsonl", '{"a": 1, "b": {"c": [1]}}\n{"d": null}\n', ["a", "b", "d"], ["1", '{"c": [1]}', ""]),
        ("a.ndjson", '1\n"x"\n', ["value"], ["1"]),
    ],
)
def test_tables_of_text(name: str, text: str, header: list[str], first: list[str]) -> None:
    table = shown(name, text)
    assert isinstance(table, Table)
    assert [column.name for column in table.columns] == header
    assert table.rows[0] == first


def test_a_csv_in_another_encoding_says_so() -> None:
    table = shown("a.csv", "naïve\ncafé\n".encode("cp1252"))
    assert isinstance(table, Table)
    assert table.rows == [["café"]]
    assert "Windows-1252" in str(table.more)
    wide = shown("a.csv", b"\xff\xfe" + "a,b\n1,2\n".encode("utf-16-le"))
    assert isinstance(wide, Table)
    assert wide.rows == [["1", "2"]]


def test_a_long_csv_says_what_was_left_out() -> None:
    text = "a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(5000))
    table = shown("a.csv", text)
    assert isinstance(table, Table)
    assert (len(table.rows), table.total, table.more) == (100, 5000, "first 100 of 5,000 rows")
    assert table.columns[0].range == "0 … 4999"
    assert sum(table.columns[0].histogram) == 5000
    longer = Counted("a.csv", (text * 200).encode())
    table = preview(longer.source)
    assert isinstance(table, Table)
    assert table.total is None
    assert "columns are described by the first" in str(table.more)
    assert longer.bytes <= 16 * MiB
    assert len(shown("a.csv", text, rows=7).rows) == 7  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_sparse_table_of_10_gb_is_shown_by_its_beginning(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    row = '{"a": 1}\n' if name == "a.jsonl" else "1\t2\n" if name == "a.tsv" else "1,2\n"
    path.write_text(("a,b\n" if name == "a.csv" else "") + row * 300_000)
    os.truncate(path, 10**10)
    counted = Counted(name, path)
    table = preview(counted.source)
    assert isinstance(table, Table)
    assert len(table.rows) == 100
    assert table.total is None
    assert counted.bytes <= 2 * MiB


def parquet_bytes(rows: int, columns: int = 3, **options: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    written = io.BytesIO()
    names = [f"c{place}" for place in range(columns)]
    data = {name: pa.array([n if n % 10 else None for n in range(rows)], pa.int64()) for name in names}
    parquet.write_table(pa.table({**data, "s": [f"text {n}" for n in range(rows)]}), written, **options)
    return written.getvalue()


def test_a_parquet_file() -> None:
    table = shown("a.parquet", parquet_bytes(250))
    assert isinstance(table, Table)
    assert table.total == 250
    assert len(table.rows) == 100
    assert table.rows[1] == ["1", "1", "1", "text 1"]
    assert (table.columns[0].type, table.columns[0].range, table.columns[0].empty) == ("int64", "1 … 249", 25)
    assert "first 100 of 250 rows" in str(table.more)


@pytest.mark.slow
def test_a_sparse_parquet_file_of_10_gb(tmp_path: Path) -> None:
    data = parquet_bytes(200_000, row_group_size=50_000)
    length = int.from_bytes(data[-8:-4], "little") + 8
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:  # offsets count from the beginning, so the footer may lie anywhere
        file.write(data[:-length])
        file.seek(10**10)
        file.write(data[-length:])
    counted = Counted("a.parquet", path)
    table = preview(counted.source)
    assert isinstance(table, Table)
    assert (table.total, len(table.rows)) == (200_000, 100)
    assert table.columns[0].range == "1 … 199999"
    assert counted.bytes <= 16 * MiB


def test_a_wide_parquet_file_stays_within_the_budget() -> None:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    written = io.BytesIO()
    dice = np.random.default_rng(1)
    parquet.write_table(pa.table({f"c{n}": dice.random(20_000) for n in range(40)}), written, use_dictionary=False)
    counted = Counted("a.parquet", written.getvalue())
    table = preview(counted.source, budget=4 * MiB)
    assert isinstance(table, Table)
    assert counted.bytes <= 4 * MiB
    assert len(table.columns) == 40
    assert all(column.range for column in table.columns)
    assert "would take reading too much" in str(table.more)
    assert len(table.rows) == 100
    assert all(table.rows[0][:10])


@pytest.mark.slow
def test_rows_are_collected_from_small_portions() -> None:
    table = shown("a.parquet", parquet_bytes(250, row_group_size=7))
    assert isinstance(table, Table)
    assert [row[3] for row in table.rows] == [f"text {n}" for n in range(100)]
    import pyarrow as pa
    from pyarrow import ipc

    written = io.BytesIO()
    batch = pa.record_batch({"a": [1, 2, 3], "b": ["x", None, "z"]})
    with ipc.new_file(written, batch.schema) as file:
        for _ in range(50):
            file.write(batch)
    table = shown("a.arrow", written.getvalue())
    assert isinstance(table, Table)
    assert (len(table.rows), table.rows[-1], table.total) == (100, ["1", "x"], None)


def test_times_keep_their_nanoseconds() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    written = io.BytesIO()
    times = pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "UTC"))
    parquet.write_table(pa.table({"t": times, "l": [[1, 2], None], "b": [b"\0x", b""]}), written)
    table = shown("a.parquet", written.getvalue())
    assert isinstance(table, Table)
    assert table.rows == [["2023-11-14 22:13:20.123456789Z", "[1, 2]", "0078"], ["", "", ""]]


def test_a_file_that_ends_the_process_that_reads_it_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.previews.apart.sys.executable", "/bin/false")
    found = shown("a.parquet", parquet_bytes(3))
    assert isinstance(found, Hex)
    assert "came to its end" in str(found.more)


def feather_bytes(rows: int) -> bytes:
    import pyarrow as pa
    from pyarrow import feather

    written = io.BytesIO()
    feather.write_feather(pa.table({"a": range(rows), "b": ["x"] * rows}), written)
    return written.getvalue()


def test_a_feather_file() -> None:
    table = shown("a.feather", feather_bytes(150))
    assert isinstance(table, Table)
    assert (table.total, table.rows[1], len(table.rows)) == (150, ["1", "x"], 100)
    assert [column.type for column in table.columns] == ["int64", "string"]


def test_a_sparse_feather_file_of_10_gb_and_many_columns(tmp_path: Path) -> None:
    import numpy as np
    import pyarrow as pa
    from pyarrow import feather

    written = io.BytesIO()
    dice = np.random.default_rng(1)
    table = pa.table({f"c{n}": dice.random(70_000) for n in range(60)})
    feather.write_feather(table, written, compression="uncompressed")
    data = written.getvalue()
    length = int.from_bytes(data[-10:-6], "little") + 10
    path = tmp_path / "a.feather"
    with path.open("wb") as file:
        file.write(data[:-length])
        file.seek(10**10)
        file.write(data[-length:])
    counted = Counted("a.feather", path)
    found = preview(counted.source)
    assert isinstance(found, Table)
    assert counted.bytes <= 16 * MiB
    assert (len(found.columns), len(found.rows), found.total) == (60, 100, None)
    assert found.rows[99][0] == str(table.column(0)[99].as_py())
    assert "values of " in str(found.more)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_without_pyarrow_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet_bytes(3) if name == "a.parquet" else feather_bytes(3)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = shown(name, data)
    assert isinstance(found, Hex)
    assert "pip install 'elliptio[formats]'" in str(found.more)


# --- images -------------------------------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0" + b"\0" * 20


def picture(kind: str, size: tuple[int, int] = (31, 17)) -> bytes:
    from PIL import Image as Pillow

    written = io.BytesIO()
    Pillow.new("RGB", size).save(written, kind)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
def test_an_image_is_measured_by_its_header(kind: str) -> None:
    found = shown(f"a.{kind}", picture(kind))
    assert isinstance(found, Image)
    assert (found.width, found.height, found.format, found.safe) == (31, 17, kind, kind != "tiff")
    if kind not in ("bmp", "tiff"):
        assert shown("no_ending", picture(kind)) == found


def test_a_webp_without_losses() -> None:
    from PIL import Image as Pillow

    written = io.BytesIO()
    Pillow.new("RGBA", (31, 17), (1, 2, 3, 4)).save(written, "webp", lossless=True)
    found = shown("a.webp", written.getvalue())
    assert isinstance(found, Image)
    assert (found.width, found.height) == (31, 17)


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (2**31 - 1, 1), (40_000, 2), (9000, 9000)])
def test_a_pixel_bomb_is_refused(width: int, height: int) -> None:
    found = shown("a.png", png(width, height))
    assert isinstance(found, Image)
    assert not found.safe
    assert "too many" in found.says
    assert width * height > MOST_PIXELS or max(width, height) > 32_000


def test_a_gif_is_as_large_as_its_first_frame() -> None:
    data = (
        b"GIF89a"
        + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
        + b"!\xfe\x02ab\0"
        + b","
        + struct.pack("<HHHH", 0, 0, 60_000, 60_000)
    )
    found = shown("a.gif", data + b"\0" * 20)
    assert isinstance(found, Image)
    assert not found.safe


def test_what_only_is_called_an_image_is_none() -> None:
    found = shown("a.png", "<script>alert(1)</script>")
    assert isinstance(found, Text)
    assert "not shown as png" in str(found.more)
    assert shown("a.png", picture("gif")).format == "gif"  # type: ignore[union-attr]


def test_a_contact_sheet_is_of_images() -> None:
    names = ["a.png", "b/c.JPG", "d.csv", "e.svg", "f.webp", "g.png", ".png"]
    assert contact_sheet(names, [10, 10, 10, 10, 10, 10**9, 5]) == [0, 1, 4]
    assert contact_sheet([f"{n}.png" for n in range(1000)], [1] * 1000) == list(range(60))


# --- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "language"),
    [("a.yaml", "yaml"), ("a.toml", "toml"), ("README.md", "markdown"), ("a.txt", "text"), ("x/Makefile", "text")],
)
def test_a_text(name: str, language: str) -> None:
    assert shown(name, "a: 1\r\nb: <b>\n") == Text(["a: 1", "b: <b>"], language)


def test_json_in_one_line_is_indented() -> None:
    found = shown("a.json", '{"a":[1,2]}')
    assert found == Text(["{", '  "a": [', "    1,", "    2", "  ]", "}"], "json", "indented to be read")
    assert shown("a.json", '{\n"a":\n1}') == Text(["{", '"a":', "1}"], "json")
    assert shown("a.json", "[" * 100_000).kind == "text"


def test_a_long_text_is_cut() -> None:
    found = shown("a.txt", "line\n" * 10_000_000)
    assert isinstance(found, Text)
    assert len(found.lines) == 2000
    assert "bytes" in str(found.more)
    assert len(shown("a.txt", "x" * 100_000).lines[0]) == 2000  # type: ignore[union-attr]


def test_an_empty_file_says_so() -> None:
    for ending in [*_READERS, ".txt", ""]:
        assert shown(f"a{ending}", b"") == Text([], "text", "the file is empty")


def test_a_patch() -> None:
    text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ def f():\n a\n--- removed\n+++ added\n b\n"
    found = shown("a.diff", text)
    assert isinstance(found, Diff)
    assert [kind for kind, _ in found.lines] == ["file", "file", "file", "hunk", "same", "removed", "added", "same"]
    assert (found.files, found.added, found.removed) == (1, 1, 1)


def notebook(*outputs: Any, source: Any = "1 + 1") -> bytes:
    cells = [
        {"cell_type": "code", "source": source, "outputs": list(outputs)},
        {"cell_type": "markdown", "source": ["# A", "\nb"]},
    ]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}).encode()


def test_a_notebook_shows_texts_and_pictures_only() -> None:
    encoded = base64.b64encode(picture("png")).decode()
    found = shown("a.ipynb", notebook(
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "\x1b[31mb"]},
        {"output_type": "display_data", "data": {"image/png": encoded, "text/plain": "<Figure>"}},
        {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>"}},
        {"output_type": "execute_result", "data": {"text/html": "<b>", "text/plain": "2"}},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload=alert(1)>"}},
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"<svg>").decode()}},
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(png(10**5, 10**5)).decode()}},
        {"output_type": "display_data", "data": {"image/jpeg": "\"onerror=alert(1)"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mE\x1b[0m"]},
    ))  # fmt: skip
    assert isinstance(found, Notebook)
    code, text = found.cells
    assert (code.kind, code.text, text.text) == ("code", "1 + 1", "# A\nb")
    assert code.outputs == ["a\nb", "2", "E"]
    assert code.images == [f"data:image/png;base64,{encoded}"]
    assert "5 outputs are not shown" in str(found.more)


def test_pages_and_drawings_are_kept_apart() -> None:
    assert shown("a.html", "<script>") == Sandboxed("html", ["<script>"])
    assert shown("a.svg", "<svg/>") == Sandboxed("svg", ["<svg/>"])
    for name in ("a.pdf", "unnamed"):
        found = shown(name, b"%PDF-1.7\n\0\xff")
        assert isinstance(found, Sandboxed)
        assert (found.format, found.lines) == ("pdf", [])
        assert "Download it" in str(found.more)


def test_what_nobody_knows_is_shown_as_bytes() -> None:
    found = shown("a.bin", bytes(range(256)) * 100)
    assert isinstance(found, Hex)
    assert len(found.lines) == 256
    assert found.lines[4].startswith("00000040  40 41 42")
    assert found.lines[4].endswith("|@ABCDEFGHIJKLMNO|")
    assert found.more == "first 4,096 of 25,600 bytes"


# --- headers ------------------------------------------------------------------------------------------------------


def npy(array: Any) -> bytes:
    import numpy as np

    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def test_arrays() -> None:
    import numpy as np

    found = shown("a.npy", npy(np.zeros((3, 4), "float32")))
    assert isinstance(found, Header)
    assert ("shape", "3 × 4") in found.facts  # noqa: RUF001
    assert ("type", "float32") in found.facts
    written = io.BytesIO()
    np.savez_compressed(written, a=np.zeros(5), b=np.ones((2, 2), "int8"))
    found = shown("a.npz", written.getvalue())
    assert isinstance(found, Header)
    assert ("a", "float64  5") in found.facts
    assert ("b", "int8  2 × 2") in found.facts  # noqa: RUF001


def test_types_of_numpy_have_the_names_that_people_use() -> None:
    import numpy as np

    names = {"f2": "float16", "u8": "uint64", "?": "bool", "c16": "complex128", "M8[ns]": "datetime64[ns]",
             "m8[s]": "timedelta64[s]", ">f8": "float64, big-endian", "U5": "text of up to 5 letters",
             "S3": "bytes, up to 3", "V8": "|V8"}  # fmt: skip
    for code, said in {**names, "f8, i4": "f0: float64, f1: int32"}.items():
        found = shown("a.npy", npy(np.zeros(2, code)))
        assert isinstance(found, Header)
        assert ("type", said) in found.facts


@pytest.mark.slow
def test_long_numbers_of_a_range_are_brief() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    written = io.BytesIO()
    values = {"x": [0.37454011884736254, 1e-12 / 3, 2 / 3], "y": [1234567890.123, 2e9, 3e18], "n": [7, 8, 2**60]}
    parquet.write_table(pa.table(values), written)
    for name, content in (
        ("a.parquet", written.getvalue()),
        ("a.csv", ("x,y,n\n" + "".join(f"{a},{b},{c}\n" for a, b, c in zip(*values.values(), strict=True))).encode()),
    ):
        table = shown(name, content)
        assert isinstance(table, Table)
        assert [column.range for column in table.columns] == [
            "3.33333e-13 … 0.666667", "1234567890 … 3e+18", "7 … 1152921504606846976",
        ]  # fmt: skip
    assert [column.type for column in shown("a.parquet", written.getvalue()).columns] == ["float64", "float64", "int64"]  # type: ignore[union-attr]


def test_safetensors() -> None:
    header = json.dumps(
        {"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    ).encode()
    found = shown("m.safetensors", struct.pack("<Q", len(header)) + header + b"\0" * 24)
    assert isinstance(found, Header)
    assert ("w", "float32  2 × 3") in found.facts  # noqa: RUF001
    assert ("format", "pt") in found.facts


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch pickle-was-run",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.slow
def test_a_pickle_is_looked_at_and_never_loaded(protocol: int) -> None:
    data = pickle.dumps([Bomb(), {"a": 1}], protocol)
    found = shown("a.pkl", data)
    assert isinstance(found, Header)
    assert ("names", f"{os.system.__module__}.system") in found.facts
    assert "never loaded" in str(found.more)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model/data.pkl", data)
        file.writestr("model/bomb.npy", b"\0" * 100 * MiB)
    found = shown("a.pt", archive.getvalue())
    assert isinstance(found, Header)
    assert ("names", f"{os.system.__module__}.system") in found.facts
    assert not Path("pickle-was-run").exists()


# --- damaged and hostile ------------------------------------------------------------------------------------------


def samples() -> dict[str, bytes]:
    import numpy as np

    written = io.BytesIO()
    np.savez(written, a=np.zeros(5))
    header = b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'
    return {
        ".csv": b"a,b\n1,2\n", ".jsonl": b'{"a": 1}\n', ".parquet": parquet_bytes(20), ".feather": feather_bytes(20),
        ".png": picture("png"), ".jpg": picture("jpeg"), ".gif": picture("gif"), ".webp": picture("webp"),
        ".bmp": picture("bmp"), ".tiff": picture("tiff"), ".ipynb": notebook(), ".npy": npy(np.zeros(3)),
        ".npz": written.getvalue(), ".safetensors": struct.pack("<Q", len(header)) + header + b"\0" * 8,
        ".pkl": pickle.dumps({"a": [Bomb()]}), ".diff": b"@@ -1 +1 @@\n-a\n+b\n", ".pdf": b"%PDF-1.4",
        ".json": b'{"a": 1}',
    }  # fmt: skip


APART = (".parquet", ".feather")
"""They are read in a process of their own, a file each."""

ENDINGS = [pytest.param(one, marks=pytest.mark.slow) if one in APART else one for one in sorted(samples())]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_cut_off_anywhere_is_shown_somehow(ending: str) -> None:
    data = samples()[ending]
    for end in range(0, len(data), max(1, len(data) // (10 if ending in APART else 200))):
        assert shown(f"a{ending}", data[:end]).kind


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_with_wrong_bytes_is_shown_somehow(ending: str) -> None:
    import random

    dice = random.Random(1)
    data = samples()[ending]
    for _ in range(40 if ending in APART else 200):
        changed = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 8))):
            changed[dice.randrange(len(changed))] = dice.choice((0, 0xFF, 0x7F, dice.randrange(256)))
        counted = Counted(f"a{ending}", bytes(changed))
        assert preview(counted.source).kind
        assert counted.bytes <= 16 * MiB


def any_text() -> st.SearchStrategy[bytes]:
    return st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))


@given(st.sampled_from(sorted(set(_READERS) - {".parquet", ".pq", ".feather", ".arrow"})), st.binary() | any_text())
def test_any_bytes_under_any_name_are_shown_somehow(ending: str, data: bytes) -> None:
    assert shown(f"a{ending}", data).kind


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.json", b"[" * 200_000),
        ("deep.ipynb", b'{"cells":' * 100_000),
        ("deep.jsonl", b"[" * 200_000 + b"\n{}\n"),
        ("digits.jsonl", b'{"a": ' + b"9" * 100_000 + b"}\n"),
        ("deep.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", 60_000) + b"(" * 60_000),
        ("lie.npy", b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1) + b"{}"),
        ("bool.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", 40) + b"{'descr': '<f8', 'shape': (True, -1)}   "),
        ("lie.safetensors", struct.pack("<Q", 2**63) + b"{}"),
        ("deep.safetensors", struct.pack("<Q", 100_000) + b"[" * 100_000),
        ("lie.pkl", b"\x80\x04\x8d" + struct.pack("<Q", 2**62)),
        ("digits.pkl", b"I" + b"9" * 500_000 + b"\n."),
        ("one-field.csv", b'a,b\n"' + b"x" * 500_000),
        ("one-line.csv", b"x" * 3_000_000),
        ("commas.csv", b"," * 900_000 + b"\n" + b"," * 100_000),
        ("zeros.csv", b"\0" * 100_000),
        ("quotes.csv", b'"' * 100_000),
        ("footer.parquet", b"PAR1" + b"\xff" * 1000 + struct.pack("<I", 1000) + b"PAR1"),
        ("marks.jpg", b"\xff\xd8" + b"\xff" * 2_000_000),
        ("none.png", png(0, 5)),
        ("cells.ipynb", b'{"cells": [1, null, {"cell_type": [], "source": {}, "outputs": [null, {"data": 3}]}]}'),
        ("texts.ipynb", b'{"cells": [{"outputs": [{"data": {"text/plain": 1}}, {"output_type": "stream"}]}]}'),
        ("cells.ipynb", b'{"cells": 1}'),
        ("..", b"x"),
        ("", b"x"),
        ("\ud800.csv", b"a,b\n1,2\n"),
    ],
)  # fmt: skip
def test_hostile_files_are_shown_somehow(name: str, data: bytes) -> None:
    counted = Counted(name, data)
    found = preview(counted.source)
    assert found.kind
    assert counted.bytes <= 16 * MiB


@pytest.mark.parametrize("budget", [0, 1, 100, 5000])
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_more_than_the_budget_is_read(ending: str, budget: int) -> None:
    counted = Counted(f"a{ending}", samples()[ending] * 3)
    assert preview(counted.source, budget=budget).kind
    assert counted.bytes <= budget


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_of_the_store_says_nothing_about_the_file(ending: str) -> None:
    def read(offset: int, length: int) -> bytes:
        raise PermissionError("the store")

    with pytest.raises(PermissionError, match="the store"):
        preview(Source(f"a{ending}", 5000, read))


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".npz", ".png", ".pkl"])
def test_a_file_that_is_shorter_than_it_says_is_shown_somehow(ending: str) -> None:
    data = samples()[ending]
    assert preview(Source(f"a{ending}", 10**6, lambda offset, length: data[offset : offset + length])).kind
