"""Documents that an older elliptio or somebody else wrote into the index: found, and read or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.cli import main

ID = f"artifact_{'f' * 36}"
WRONG: list[Any] = [None, "x", 3, 3.5, [None], [1], {"a": 1}, b"\0", datetime(1, 1, 1, tzinfo=UTC), float("nan")]
TAKES = {
    "argv": "x", "artifact_id": "x", "username": "x", "hostname": "x", "run_id": "x", "creation_time": WRONG[8],
    "based_on": [], "tags": [], "files": [], "logs": [], "file_count": 3, "total_size": 3, "git": None,
    "labels": {"a": 1}, "redactions": [], "remote_root": "2026/01/02/andy/000000_artifact_x",
}  # fmt: skip
"""Fields, and a value that each takes."""


def plant(h: eio.Handler, data: Path, **changes: Any) -> None:
    saved = h.upload(data / "train.txt")
    (document,) = h.index.find("artifacts", {"_id": saved.artifact_id})
    changed = {**document, "_id": ID, "artifact_id": ID, **changes}
    h.index.insert("artifacts", {name: value for name, value in changed.items() if value is not ...})


def test_what_an_older_elliptio_did_not_write(h: eio.Handler, data: Path) -> None:
    plant(h, data, total_size=..., file_count=..., version=..., tags=..., git=..., labels=..., log_relpaths=...)
    row = h.find(columns="all").loc[ID]
    assert (row.total_size, row.file_count, row.version) == (0, 0, 1)
    assert str(h.find().dtypes["total_size"]) == "int64"
    assert h.get(ID).metadata.total_size == 0
    assert h.get(ID).file.download_string()


@pytest.mark.slow
@pytest.mark.parametrize("field", TAKES)
def test_a_field_of_another_type(
    local: eio.Handler, data: Path, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", local.store.root]
    for wrong in WRONG:
        right = type(wrong) is type(TAKES[field]) and not isinstance(wrong, list)
        if right and field != "remote_root":
            continue
        plant(local, data, **{field: wrong})
        assert ID in local.find().index
        assert ID in local.find(sort="-total_size", columns=["labels.project", "files", "python_packages.pandas"]).index
        with pytest.raises(eio.FormatError, match=rf"(?s){ID}.*damaged") as caught:
            local.get(ID)
        assert field in str(caught.value) or "it lies in" in str(caught.value)
        capsys.readouterr()
        for command in (["find"], ["find", "--json"]):
            assert main([*command, *root]) == 0
            assert capsys.readouterr().err == ""
        assert main(["show", ID, *root]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "unexpected" not in line
        local.index.delete("artifacts", [ID])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("artifact_id", "artifact_/../../victim"),
        ("artifact_id", f"artifact_{'e' * 36}"),
        ("git", {"commit": "1" * 40, "remote": True}),
        ("redactions", ["argv, argument 1"]),
    ],
)
def test_values_that_are_none(local: eio.Handler, data: Path, field: str, value: Any) -> None:
    plant(local, data, **{field: value})
    for ask in (local.get, local.reproduce):
        with pytest.raises(eio.FormatError, match=rf"{ID} .*is damaged.*{field}"):
            ask(ID)


@pytest.mark.parametrize("name", ["../../../../victim", "/victim", "a/../../victim"])
def test_names_that_lead_out_of_the_lake(local: eio.Handler, data: Path, name: str) -> None:
    plant(local, data, files=[{"relpath": name, "size": 1, "sha256": "0" * 64}])
    with pytest.raises(eio.FormatError, match="victim"):
        local.get(ID)
    local.index.delete("artifacts", [ID])
    plant(local, data, remote_root=f"2026/01/02/../../{name}/000000_{ID}")
    with pytest.raises(eio.FormatError, match="it lies in"):
        local.get(ID)
