"""Formats by name, suffix and class; those of other distributions are loaded when they are asked for."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pytest

import elliptio as eio
from elliptio import formats
from elliptio.formats import libraries, registry
from elliptio.formats.choosing import for_loading, for_saving
from elliptio.metadata import ValueRecord
from elliptio.protocols import Format
from elliptio.testing import FormatConformance


@dataclass
class Point:
    x: int


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Celsius) and self.degrees == other.degrees


class CelsiusFormat(Format):
    """One of somebody else."""

    name, suffixes = "celsius", (".celsius",)
    types = (f"{Celsius.__module__}.Celsius",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        libraries.check_options(self.name, options)
        if type(value) is not Celsius:
            raise eio.ValueRefusedError("value is no temperature: use Celsius(value).")
        file.write(repr(value.degrees).encode())
        return None

    def read(self, file: BinaryIO, **options: Any) -> Celsius:
        libraries.check_options(self.name, options)
        with libraries.parsing(self.name):
            return Celsius(float(file.read()))


class TestAFormatOfSomebodyElse(FormatConformance):
    @pytest.fixture
    def format(self) -> Format:
        return CelsiusFormat()

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {"warm": Celsius(30.5)}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"number": 30.5}


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of its own."""
    monkeypatch.setattr(registry, "_formats", dict(registry._formats))
    monkeypatch.setattr(registry, "_others", None)
    monkeypatch.setattr(registry, "_broken", {})


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: None) -> None:
    """Another distribution that has three formats, of which one works."""
    (tmp_path / "others.py").write_text(
        "from elliptio.formats import Format\n"
        "class Hex(Format):\n"
        "    name, suffixes, types = 'hex', ('.hex',), ('builtins.bytearray',)\n"
        "    def write(self, value, file, **options): file.write(value.hex().encode())\n"
        "    def read(self, file, **options): return bytearray.fromhex(file.read().decode())\n"
        "class Other(Hex):\n"
        "    name = 'another'\n"
    )
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[elliptio.formats]\nhex = others:Hex\nbroken = no_such_module:Format\n"
        "misnamed = others:Other\ncsv = others:Hex\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_names_are_those_that_there_are() -> None:
    # Other tests register more.
    assert [name for name in formats.names() if type(formats.get(name)).__module__.startswith("elliptio.formats.")] == [
        "binary", "csv", "excel", "feather", "figure", "image", "joblib", "json", "jsonl", "npy", "npz", "parquet",
        "pickle", "text", "tsv", "yaml",
    ]  # fmt: skip


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(eio.UnknownFormatError, match="no format 'parqet'; did you mean 'parquet'"):
        formats.get("parqet")
    with pytest.raises(KeyError, match=r"there are binary, .*csv, excel"):
        formats.get("zzz")


@pytest.mark.usefixtures("clean")
def test_a_name_is_taken_once() -> None:
    formats.register(CelsiusFormat())
    formats.register(CelsiusFormat())

    again = type("CelsiusFormat", (Format,), dict(vars(CelsiusFormat)))()
    assert type(again) is not CelsiusFormat
    assert formats.register(again) is formats.get("celsius") is again

    class Other(CelsiusFormat):
        name = "csv"

    with pytest.raises(ValueError, match="There is a format 'csv' already"):
        formats.register(Other())
    with pytest.raises(ValueError, match="is a class: register an instance"):
        formats.register(CelsiusFormat)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no name, suffixes"):
        formats.register(object())  # type: ignore[arg-type]


@pytest.mark.usefixtures("distribution")
def test_formats_of_other_distributions_are_loaded_when_asked_for() -> None:
    assert {"hex", "broken", "misnamed"} <= set(formats.names())
    assert "others" not in sys.modules
    assert for_saving(bytearray(b"x"), "x", None).relpath == "x.hex"
    assert formats.get("hex").read(io.BytesIO(b"00ff")) == bytearray(b"\x00\xff")
    assert type(formats.get("csv")).__module__ == "elliptio.formats.tables"


@pytest.mark.usefixtures("distribution")
def test_a_broken_format_is_named() -> None:
    with pytest.raises(
        eio.UnknownFormatError, match=r"'broken' of others \(no_such_module:Format\) cannot be loaded: Mod"
    ):
        formats.get("broken")
    with pytest.raises(eio.UnknownFormatError, match="it is named 'another'"):
        formats.get("misnamed")
    with pytest.raises(eio.UnknownFormatError, match=r"'broken' of others .* cannot be loaded"):
        for_saving("x", "x.zzz", None)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value, install in (
        ("pyarrow", "parquet", pd.DataFrame(), r"elliptio\[formats\]"),
        ("openpyxl", "excel", pd.DataFrame(), r"elliptio\[excel\]"),
        ("yaml", "yaml", {}, r"elliptio\[formats\]"),
        ("joblib", "joblib", {}, r"elliptio\[formats\]"),
        ("PIL", "image", {}, r"elliptio\[formats\]"),
        ("matplotlib", "figure", {}, "matplotlib"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        for extra in ("PIL.Image", "matplotlib.figure"):
            monkeypatch.setitem(sys.modules, extra, None)
        with pytest.raises(eio.MissingExtraError, match=f"needs {module}: pip install '{install}'"):
            formats.get(name).write(value, io.BytesIO())
        if name != "figure":
            with pytest.raises(eio.MissingExtraError, match=f"needs {module}: pip install '{install}'"):
                formats.get(name).read(io.BytesIO())


@pytest.mark.parametrize(
    ("value", "name", "relpath"),
    [
        (pd.DataFrame(), "train", "train.parquet"),
        (pd.Series([1]), "x/train", "x/train.parquet"),
        ("text", "notes", "notes.txt"),
        (b"bytes", "raw", "raw.bin"),
        ({}, "params", "params.json"),
        ([1], "list", "list.json"),
        (1.5, "loss", "loss.json"),
        (None, "nothing", "nothing.json"),
        (pd.DataFrame(), "TRAIN.CSV", "TRAIN.CSV"),
    ],
)
def test_a_name_gets_the_usual_suffix(value: Any, name: str, relpath: str) -> None:
    assert for_saving(value, name, None).relpath == relpath


@pytest.mark.parametrize(
    ("value", "name", "says"),
    [
        (pd.DataFrame(), "a.parqet", r"no format for 'a.parqet'; did you mean '.parquet'\?"),
        (pd.DataFrame(), "a.7z", r"there are .*\.csv.* Or name one: format='text'"),
        (object(), "a", "No format is known for a object: give 'a' a suffix"),
        (
            Point(1),
            "a",
            r"Point: make it a data model, class Point\(elliptio.models.DataModel, version=1\)",
        ),
        ({}, "a.pkl", "pickle has to be named: format='pickle'"),
    ],
)
def test_a_wrong_suffix_says_what_there_is(value: Any, name: str, says: str) -> None:
    with pytest.raises(eio.UnknownFormatError, match=says):
        for_saving(value, name, None)


def test_a_suffix_of_another_class_says_which_do() -> None:
    with pytest.raises(
        eio.ValueRefusedError, match=r"'a.json' is a name of .*takes no pandas.DataFrame.*\.parquet, \.feather"
    ):
        for_saving(pd.DataFrame(), "a.json", None)


def test_a_named_format_may_have_any_suffix() -> None:
    assert for_saving({}, "a.conf", "json") == (formats.get("json"), "a.conf")
    assert for_saving({}, "a", "pickle").relpath == "a.pickle"


def test_a_file_is_read_as_it_was_saved() -> None:
    assert for_loading("a.csv", None, None) == (formats.get("csv"), {})
    saved = ValueRecord("csv", "pandas.DataFrame", {"sep": ";"})
    assert for_loading("a.txt", saved, None) == (formats.get("csv"), {"sep": ";"})
    assert for_loading("a.txt", saved, "text") == (formats.get("text"), {})


@pytest.mark.parametrize("name", ["pickle", "joblib"])
def test_no_code_runs_because_a_document_says_so(name: str) -> None:
    suffix = formats.get(name).suffixes[0]
    assert for_loading(f"a{suffix}", ValueRecord(name, "x"), None)[0].name == name
    assert for_loading("a.csv", None, name)[0].name == name
    for relpath, saved in ((f"a{suffix}", None), ("a.csv", ValueRecord(name, "x"))):
        with pytest.raises(eio.UnknownFormatError, match=rf"may run any code.*\.load\(format='{name}'\)"):
            for_loading(relpath, saved, None)


def test_choosing_imports_no_library() -> None:
    code = (
        "import sys; from elliptio import formats; from elliptio.formats import registry, choosing\n"
        "assert choosing.for_saving({}, 'a', None).relpath == 'a.json'\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'polars', 'PIL', 'matplotlib', 'yaml', 'joblib', 'openpyxl', 'bson'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
