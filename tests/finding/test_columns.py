"""Which columns a DataFrame has, and what stands first in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.finding import frame, search
from elliptio.finding.fields import PLUMBING


def test_what_people_look_for_comes_first(local: eio.Handler, data: Path) -> None:
    local.upload(data, labels={"project": "x"})
    found = list(local.find().columns)
    assert found[:4] == ["creation_time", "username", "file_relpaths", "argv"]
    assert found[4:] == sorted(found[4:])
    assert {"labels", "tags", "total_size"} < set(found)
    assert not set(found) & set(PLUMBING)
    assert list(local.find({"username": "nobody"}).columns) == found


def test_plumbing_is_shown_with_all_columns(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    found = local.find(columns="all")
    assert set(PLUMBING) <= set(found.columns)
    assert "python_packages" not in found
    assert "python_packages" in local.find(columns="all", exclude_columns=())
    assert "fingerprint" not in local.find(columns="all", exclude_columns=["fingerprint"])
    assert found.remote_root.iloc[0] == artifact.remote_root
    assert local.find(columns=["fingerprint"]).fingerprint.iloc[0] == artifact.metadata.fingerprint
    with pytest.raises(eio.QueryError, match="'all'"):
        local.find(columns="username")


def test_what_was_made_again_stands_behind_originals(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [h.upload(data) for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setenv("ELLIPTIO_REPRODUCES", old[0].artifact_id)
        again = h.upload(data)
    assert again.metadata.reproduces == old[0].artifact_id
    newest = h.upload(data)
    originals = [newest.artifact_id, *(one.artifact_id for one in reversed(old))]
    assert list(h.find().index) == [*originals, again.artifact_id]
    assert h.search(max_docs=0).ids == [*originals, again.artifact_id]
    assert h.search(max_docs=2).ids == originals[:2]
    assert h.search(max_docs=4).ids == originals
    assert (h.search(max_docs=2).total, h.search(max_docs=2).exact) == (5, True)
    by_time = [newest.artifact_id, again.artifact_id, *originals[1:]]
    assert list(h.find(sort="-creation_time").index) == by_time
    assert list(h.find({"reproduces": {"$ne": "x"}}).index) == by_time
    assert list(h.find({"reproduces": old[0].artifact_id}).index) == [again.artifact_id]


def test_rows_of_many_are_those_of_few_and_stay_apart(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal texts are held once where there are many rows; what can be changed is not shared."""
    labels = {"project": "penguins", "infos": {"deep": [{"a": ["b", 1, None]}, {}, []]}, "rate": 0.5}
    for number in range(7):
        h.upload(data, labels={**labels, "ticket": f"T-{number}"} if number % 2 else {})
    few = h.search(max_docs=0, columns="all")
    monkeypatch.setattr(search, "_PORTION", 2)
    monkeypatch.setattr(search, "_FEW", 2)
    monkeypatch.setattr(frame, "_MANY", 6)
    for most_known in (1, search._MOST_KNOWN):
        monkeypatch.setattr(search, "_MOST_KNOWN", most_known)
        many = h.search(max_docs=0, columns="all")
        assert many == few
        assert h.search(max_docs=3, columns="all").rows() == few.rows()[:3]
    found = h.find(max_docs=0)
    assert len(set(map(id, found.username))) <= 3  # of the first two, and of all others
    assert found.dtypes.equals(h.find(max_docs=6).dtypes)
    found.labels.iloc[1]["infos"]["deep"][0]["a"].append("mine")
    found.file_relpaths.iloc[1].append("mine")
    assert list(found.labels)[2:] == few.columns["labels"][2:]
    assert list(found.file_relpaths)[2:] == few.columns["file_relpaths"][2:]
