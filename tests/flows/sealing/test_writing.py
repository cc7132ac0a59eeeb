"""What is sealed comes back equal, of the same classes, in the same order, from files that others can read too."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import elliptio as eio
from elliptio.artifacts.file import RemoteFile
from elliptio.flows.errors import FlowCancelledError, StepFailedError, UnserializableValueError
from elliptio.flows.sealing import segments
from elliptio.flows.sealing.values import values_of
from elliptio.flows.sealing.writing import About, StreamWriter, stem_of
from elliptio.formats.plain import difference
from elliptio.provenance import collecting

Seal = Callable[..., eio.Artifact]


@pytest.fixture
def h(tmp_path: Path) -> eio.Handler:
    return eio.Handler(tmp_path / "lake")


@pytest.fixture
def seal(h: eio.Handler) -> Seal:
    """Seal values as a stream that ended as it should, or otherwise."""

    def sealed(values: Sequence[Any], stream: str = "bar", **outcome: Any) -> eio.Artifact:
        with h.run("flow") as run:
            writer = StreamWriter(h, About(stream, run.run_id, {"stream": stream}, collecting.collect()))
            for value in values:
                writer.add([value])
            return writer.publish([], {"status": "done", **outcome})

    return sealed


def names(artifact: eio.Artifact) -> list[str]:
    return list(artifact.files)


PLAIN = [0, -1, 2**63, True, None, 1.5, -0.0, "a\nb\u2028é", [], {"a": [1, {"b": None}]}, [[1], []]]
RICH = [
    (1, "a"), {1, 2}, b"\x00\xff", 2**100, math.inf, Decimal("1.10"), {1: "a", (2,): "b"}, 1 + 2j,
    dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.date(2026, 1, 2), dt.timedelta(days=1), np.float32(1.5), "\ud800",
]  # fmt: skip


def test_plain_values_are_lines_of_json(seal: Seal) -> None:
    sealed = seal(PLAIN)
    assert names(sealed) == ["bar.stream.json", "bar.000000.ndjson"]
    lines = sealed.files["bar.000000.ndjson"].download_string().split("\n")
    assert list(map(json.loads, lines[:-1])) == PLAIN
    assert difference(list(values_of(sealed)), PLAIN) is None


def test_the_form_in_which_a_stream_is_stored(seal: Seal) -> None:
    """Whoever changes it raises the version, and reads this one on."""
    sealed = seal([1, "a"])
    assert json.loads(sealed.files["bar.stream.json"].download_string()) == {
        "elliptio": "stream",
        "version": 1,
        "stream": "bar",
        "status": "done",
        "count": 2,
        "segments": [{"file": "bar.000000.ndjson", "kind": "json", "count": 2}],
    }
    assert sealed.files["bar.000000.ndjson"].download_string() == '1\n"a"\n'
    assert seal([(1,)]).files["bar.000000.msgpack"].open().read() == bytes.fromhex("91 d5 00 91 01")


def test_other_values_come_back_of_the_same_classes(seal: Seal) -> None:
    sealed = seal([*PLAIN, *RICH, *PLAIN])
    assert names(sealed) == ["bar.stream.json", "bar.000000.msgpack"], "a segment is not cut up by what is in it"
    found = list(values_of(sealed))
    assert found == [*PLAIN, *RICH, *PLAIN]
    assert [type(one) for one in found] == [type(one) for one in [*PLAIN, *RICH, *PLAIN]]


def test_values_json_would_change_are_not_json(seal: Seal) -> None:
    class Text(str):
        __slots__ = ()

    assert names(seal([1, math.nan]))[1].endswith(".msgpack")
    assert names(seal([{1: 2}]))[1].endswith(".msgpack")
    with pytest.raises(UnserializableValueError, match=r"bar\[1\]"):
        seal([1, Text("a")])


def test_tables_of_one_schema_are_one_table(seal: Seal) -> None:
    frames = [pd.DataFrame({"n": [k, k + 1], "s": ["a", None]}, index=["x", "y"]) for k in range(3)]
    sealed = seal(frames)
    assert names(sealed) == ["bar.stream.json", "bar.000000.feather"]
    for found, frame in zip(values_of(sealed), frames, strict=True):
        pd.testing.assert_frame_equal(found, frame)
    whole = sealed.files["bar.000000.feather"].load()
    assert whole.num_rows == 6, "others read it as one table"


def test_tables_of_any_length_are_one_table(seal: Seal) -> None:
    frames = [pd.DataFrame({"n": range(k)}, index=pd.RangeIndex(k, 3 * k, 2)) for k in (2, 1, 4)]
    sealed = seal(frames)
    assert names(sealed) == ["bar.stream.json", "bar.000000.feather"]
    for found, frame in zip(values_of(sealed), frames, strict=True):
        pd.testing.assert_frame_equal(found, frame)
    assert sealed.files["bar.000000.feather"].load().num_rows == 7


TABLES = {
    "arrow": [pa.table({"a": pa.array([k, None], pa.int32())}) for k in range(3)],
    "polars": [pl.DataFrame({"a": [k], "t": [dt.datetime(2026, 1, 1 + k)]}) for k in range(3)],
    "series": [pl.Series("a", [k, None]) for k in range(3)],
    "schemas": [
        pa.table({"a": [1]}), pa.table({"b": [1.5]}), pa.table({"a": [2]}), pa.table({"a": pa.array([], pa.int64())}),
    ],
    "dictionaries": [pa.table({"a": pa.array([k, "z"]).dictionary_encode()}) for k in ("x", "y")],
    "pandas": [
        pd.DataFrame({"c": pd.Categorical(["a"], ["a", "b"]), "o": [1 + 2j]}),
        pd.DataFrame({"c": pd.Categorical(["b"], ["a", "b"]), "o": [1j]}),
        pd.DataFrame(),
        pd.Series([1.5, None], name="s"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("values", TABLES.values(), ids=TABLES)
def test_tables_come_back_equal(seal: Seal, values: list[Any]) -> None:
    found = list(values_of(seal(values)))
    assert [type(one) for one in found] == [type(one) for one in values]
    assert all(one.equals(other) for one, other in zip(found, values, strict=True))


def test_tables_between_other_values_keep_their_places(seal: Seal) -> None:
    table = pa.table({"a": [1]})
    assert list(values_of(seal([1, table, table, "a", table]))) == [1, table, table, "a", table]


def test_a_large_array_and_what_a_format_takes_get_files_of_their_own(seal: Seal) -> None:
    small, large = np.arange(3), np.zeros(segments.LARGE)
    image = Image.new("RGB", (2, 3), (1, 2, 3))
    sealed = seal([small, large, image, 1])
    assert names(sealed) == [
        "bar.stream.json", "bar.000000.msgpack", "bar.000001.npy", "bar.000002.png", "bar.000003.ndjson",
    ]  # fmt: skip
    found = list(values_of(sealed))
    assert np.array_equal(found[0], small)
    assert np.array_equal(found[1], large)
    assert found[2].tobytes() == image.tobytes()
    assert found[3] == 1


def test_a_file_is_copied_and_comes_back_as_a_file_of_the_artifact(h: eio.Handler, seal: Seal, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"cat")
    strange = tmp_path / "a\\b: c.txt"
    strange.write_bytes(b"x")
    other = h.save("dog", "dog.txt")
    sealed = seal([path, strange, other.file, tmp_path / "no such"])
    assert names(sealed)[1] == "bar.000000-cat.jpg"
    assert names(sealed)[3] == "bar.000002-dog.txt"
    path.unlink()
    found = list(values_of(sealed))
    assert all(isinstance(one, RemoteFile) for one in found[:3])
    assert [one.open().read() for one in found[:3]] == [b"cat", b"x", b"dog"]
    assert found[3] == tmp_path / "no such"
    assert sealed.metadata.based_on == [other.artifact_id]


def test_an_empty_stream_is_an_artifact_without_values(seal: Seal) -> None:
    sealed = seal([])
    assert names(sealed) == ["bar.stream.json"]
    assert list(values_of(sealed)) == []


def test_a_segment_ends_by_its_values_alone(seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST_VALUES", 10)
    monkeypatch.setattr(segments, "MOST_BYTES", 100)
    monkeypatch.setattr(segments, "MOST_TABLES", 2)
    table = pa.table({"a": [1]})
    values = [*range(25), "x" * 90, "y" * 200, (1,), *[table] * 5]
    sealed = seal(values)
    assert list(values_of(sealed)) == values
    assert [Path(name).suffix for name in names(sealed)[1:]] == [
        ".ndjson", ".ndjson", ".ndjson", ".ndjson", ".msgpack", ".feather", ".feather", ".feather",
    ]  # fmt: skip


def test_sealed_twice_it_is_the_same_byte_for_byte(seal: Seal) -> None:
    values = [1, {"b", "a"}, pd.DataFrame({"a": [1]}), Image.new("L", (2, 2)), np.zeros(3)]
    one, other = seal(values), seal(values)
    assert one.metadata.fingerprint == other.metadata.fingerprint


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ({"status": "failed", "cause": {"step": "s", "kind": "ValueError", "text": "no"}}, StepFailedError),
        ({"status": "cancelled"}, FlowCancelledError),
    ],
)
def test_a_stream_that_is_not_whole_says_so_after_its_last_value(
    seal: Seal, outcome: dict[str, Any], error: type[Exception]
) -> None:
    values = values_of(seal([1, 2], **outcome))
    assert [next(values), next(values)] == [1, 2]
    with pytest.raises(error, match="not whole"):
        next(values)


@pytest.mark.parametrize("stream", ["a/b", "../x", "é", "a b", "", "con." * 50, "x\0y", "A"])
def test_any_name_of_a_stream_can_be_of_files(seal: Seal, stream: str) -> None:
    assert list(values_of(seal([1], stream))) == [1]
    assert "/" not in stem_of(stream)


def test_two_names_of_streams_are_two_of_files() -> None:
    assert len({stem_of(stream) for stream in ("a/b", "a b", "a:b", "a-b")}) == 4


def test_nothing_is_left_of_a_stream_that_cannot_be_sealed(h: eio.Handler, tmp_path: Path) -> None:
    writer = StreamWriter(h, About("bar", "run_x", {}, collecting.collect()))
    with pytest.raises(UnserializableValueError, match=r"bar\[1\].*object"):
        writer.add([1, object()])
    writer.discard()
    assert h.find().empty
    assert not list((tmp_path / "lake").rglob("*.ndjson"))


def test_of_other_artifacts_come_the_rows_of_the_only_table_else_the_files(h: eio.Handler, tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2], "t": pd.to_datetime(["2026-01-01", None]), "s": ["a", None]})
    rows = [{"n": 1, "t": dt.datetime(2026, 1, 1), "s": "a"}, {"n": 2, "t": None, "s": None}]
    assert list(values_of(h.save(frame, "t.parquet"))) == rows
    assert list(values_of(h.save(frame.set_index("n"), "t.parquet"))) == rows
    assert list(values_of(h.save(pl.DataFrame({"a": [1, 2]}), "t.feather"))) == [{"a": 1}, {"a": 2}]
    assert list(values_of(h.save(pa.table({"a": [[1], []]}), "t.parquet"))) == [{"a": [1]}, {"a": []}]
    (tmp_path / "t.csv").write_text("a,b\n1,x\n")
    assert list(values_of(h.upload(tmp_path / "t.csv"))) == [{"a": 1, "b": "x"}]
    two = h.save({"a.parquet": frame, "b.parquet": frame})
    assert [file.relpath for file in values_of(two)] == ["a.parquet", "b.parquet"]
    assert [file.download_string() for file in values_of(h.save("x", "a.txt"))] == ["x"]


def test_a_file_of_that_name_is_not_taken_for_a_stream(h: eio.Handler) -> None:
    with h.new(["bar.stream.json"]) as mine:
        mine.file.upload_string('{"elliptio": 1}')
    assert [file.relpath for file in values_of(mine)] == ["bar.stream.json"]
    assert mine.load() == {"elliptio": 1}


@pytest.mark.parametrize("values", [[], [1], PLAIN, RICH, [{"a": 1}, (2, b"b"), 3]])
def test_load_gives_the_list_of_values(h: eio.Handler, seal: Seal, values: list[Any]) -> None:
    assert difference(h.get(seal(values).artifact_id).load(), values) is None


def test_load_gives_no_values_of_a_stream_that_is_not_whole(h: eio.Handler, seal: Seal) -> None:
    cause = {"step": "s", "kind": "ValueError", "text": "no luck"}
    broken = seal([1, 2], status="failed", cause=cause)
    with pytest.raises(StepFailedError, match="no luck"):
        broken.load()


def test_load_says_what_to_install(seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal([1])
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(eio.MissingExtraError, match=r"elliptio\[flows\]"):
        sealed.load()


def test_a_newer_version_is_refused(h: eio.Handler) -> None:
    with h.new(["bar.stream.json"]) as newer:
        newer.file.upload_string('{"elliptio": "stream", "version": 2}')
    with pytest.raises(eio.FormatError, match="upgrade"):
        list(values_of(newer))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=8
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, max_size=12))
@pytest.mark.slow
def test_whatever_is_sealed_comes_back(values: list[Any]) -> None:
    gathered = segments.Segments("bar")
    made = [*gathered.add(values[:4]), *gathered.add(values[4:]), *gathered.rest()]
    found: list[Any] = []
    for segment in made:
        with segment.open() as file:
            content = file.read()
        if segment.kind == segments.JSON:
            found += map(json.loads, content.split(b"\n")[:-1])
        else:
            found += segments_unpacked(content)
    assert repr(found) == repr(values)


def segments_unpacked(content: bytes) -> list[Any]:
    from elliptio.flows.serializing.exact import unpack

    return list(unpack(content))
