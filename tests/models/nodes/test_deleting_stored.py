"""A model that is deleted takes with it what it alone has in a storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import InUseError
from elliptio.models import DataModel, FileSystemStorage, dataframe_serializer
from elliptio.models.storage.defining import Storage
from elliptio.models.sync import create_current, delete_artifact, delete_node, read_model, write_model

FRAME = pd.DataFrame({"a": [1, 2]})


def files(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def model_in(storage: Storage) -> type[Any]:
    class Kept(DataModel, version=1):
        frame: Annotated[pd.DataFrame, dataframe_serializer, storage]

    return Kept


def test_bytes_go_with_the_last_model_that_has_them(h: eio.Handler, tmp_path: Path) -> None:
    kept = model_in(FileSystemStorage(tmp_path / "frames"))
    first, second = write_model("first", kept(FRAME)), write_model("second", kept(FRAME))
    delete_artifact(first)
    assert read_model(second).frame.equals(FRAME)
    delete_artifact(second)
    assert files(tmp_path / "frames") == 0


def test_with_a_node_they_go_too(h: eio.Handler, tmp_path: Path) -> None:
    kept = model_in(FileSystemStorage(tmp_path / "frames"))
    with create_current() as node:
        write_model("one", kept(FRAME))
    delete_node(node)
    assert files(tmp_path / "frames") == 0


def test_they_stay_where_the_model_stays(h: eio.Handler, tmp_path: Path) -> None:
    kept = model_in(FileSystemStorage(tmp_path / "frames"))
    one = write_model("one", kept(FRAME))
    h.tag(one, "prod")
    with pytest.raises(InUseError):
        delete_artifact(one)
    assert read_model(one).frame.equals(FRAME)


@pytest.mark.server
def test_what_a_bucket_shares_stays_for_others(h: eio.Handler, s3_root: str, tmp_path: Path) -> None:
    from elliptio.models import S3Storage

    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    kept = model_in(S3Storage(bucket, prefix))
    first, second = write_model("first", kept(FRAME)), write_model("second", kept(FRAME))
    delete_artifact(first)
    assert read_model(second).frame.equals(FRAME)
