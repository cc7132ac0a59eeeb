"""Generated input of any kind is stored and returned faithfully, or refused with an error of elliptio's own."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import elliptio as eio

GENERATED = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def h() -> Iterator[eio.Handler]:
    with tempfile.TemporaryDirectory() as folder, eio.Handler(folder, durability="fast") as handler:
        yield handler


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "x.txt"
    path.write_text("x")
    return path


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters()),
    st.binary(max_size=50),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.decimals(),
    st.uuids(),
    st.sampled_from(
        [
            np.float32(1.5),
            np.int64(3),
            np.bool_(True),
            np.datetime64("2020-01-01"),
            np.str_("x"),
            pd.NaT,
            pd.NA,
            pd.Timestamp("2020-01-01", tz="UTC"),
            Path("x"),
            object(),
            {1, 2},
            1j,
            range(3),
            int,
            timedelta(1),
            "\ud800",
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=10), st.integers(), st.sampled_from(["$set", "a.b", ""])), inner),
    ),
    max_leaves=10,
)


def same(given: Any, found: Any) -> bool:
    """Whether a label came back as it was given, as far as the documentation promises."""
    if isinstance(given, dict):
        return given.keys() == found.keys() and all(same(item, found[name]) for name, item in given.items())
    if isinstance(given, list | tuple):
        return len(given) == len(found) and all(map(same, given, found))
    if isinstance(given, datetime):
        return bool(timedelta(0) <= given.astimezone(UTC) - found < timedelta(milliseconds=1))
    if isinstance(given, float | np.floating) and math.isnan(given):
        return math.isnan(found)
    return bool(given == found) and not isinstance(found, Decimal | UUID)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@GENERATED
@given(labels=st.dictionaries(st.text(max_size=20), values, max_size=4))
def test_labels(h: eio.Handler, source: Path, labels: dict[str, Any]) -> None:
    try:
        artifact = h.upload(source, labels=labels)
    except eio.MetadataError:
        return
    assert same(labels, dict(h.get(artifact, track=False).labels))


@GENERATED
@given(names=st.lists(st.text(min_size=0, max_size=30), max_size=4))
@pytest.mark.slow
def test_names_of_files(h: eio.Handler, names: list[str]) -> None:
    try:
        with h.new(names) as new:
            for number, file in enumerate(new.files.values()):
                file.upload_string(str(number))
    except (eio.SourceError, eio.NotWrittenError):
        return
    loaded = h.get(new, track=False)
    assert list(loaded.files) == names
    assert [file.download_string() for file in loaded.files.values()] == [str(number) for number in range(len(names))]


@GENERATED
@given(content=st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=200), max_size=5))
def test_folders(h: eio.Handler, content: dict[bytes, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in content.items():
            try:
                with open(folder.encode() + b"/" + name.replace(b"/", b"_"), "wb") as file:
                    file.write(data)
            except (OSError, ValueError):
                return
        try:
            artifact = h.upload(folder)
        except eio.SourceError:
            return
        for name, file in h.get(artifact, track=False).files.items():
            assert file.open().read() == Path(folder, name).read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@GENERATED
@given(
    query=st.one_of(
        values,
        st.dictionaries(
            st.sampled_from(["labels.x", "username", "creation_time", "$and", "$or", "$where", "files", "_id", "\0"]),
            st.one_of(values, st.dictionaries(st.sampled_from(["$gt", "$in", "$regex", "$not", "$size"]), values)),
        ),
    ),
    sort=st.one_of(st.none(), values, st.sampled_from(["labels.x", "-username"])),
)
def test_queries(h: eio.Handler, query: Any, sort: Any) -> None:
    try:
        found = h.find(query, sort=sort, max_docs=0)
    except eio.QueryError:
        return
    assert found.index.name == "artifact_id"


@pytest.mark.slow
@GENERATED
@given(identifier=st.one_of(st.text(), values))
def test_identifiers(h: eio.Handler, identifier: Any) -> None:
    with pytest.raises(eio.DocumentNotFoundError):
        h.get(identifier)
