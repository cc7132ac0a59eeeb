"""The newest artifact: of a query, or ``NAME:latest``."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio


def test_the_newest_that_matches(h: eio.Handler, data: Path) -> None:
    first = h.upload(data, labels={"project": "x"})
    second = h.upload(data / "train.txt")
    assert h.latest() == second
    assert h.based_on == [second.artifact_id]
    assert h.latest({"labels.project": "x"}, track=False) == first
    assert h.latest({"file_relpaths": "test.txt"}, track=False) == first
    assert h.based_on == [second.artifact_id]
    with pytest.raises(eio.DocumentNotFoundError, match=r"No artifact in .* matches \{'username': 'nobody'\}"):
        h.latest({"username": "nobody"})
    with pytest.raises(eio.QueryError, match=r"labels\.project"):
        h.latest({"project": "x"})


def test_the_latest_by_the_name_of_a_file_a_dataset_or_a_project(h: eio.Handler, data: Path) -> None:
    h.upload(data)
    newest = h.upload(data / "train.txt", labels={"project": "penguins"})
    dataset = h.upload(data / "test.txt", labels={"dataset": "iris", "project": "iris"})
    assert h.get("train.txt:latest") == newest
    assert h.get("penguins:latest") == newest
    assert h.get("iris:latest") == dataset
    assert h.get("test.txt:latest") == dataset
    assert h.based_on == [newest.artifact_id, dataset.artifact_id]
    with pytest.raises(eio.DocumentNotFoundError, match="no artifact has a file of exactly this name"):
        h.get("rain.txt:latest")


def test_a_latest_that_can_mean_several_is_refused(h: eio.Handler, data: Path) -> None:
    as_file = h.upload(data / "train.txt")
    as_project = h.upload(data / "test.txt", labels={"project": "train.txt"})
    with pytest.raises(eio.DocumentNotFoundError, match="can mean several") as caught:
        h.get("train.txt:latest")
    assert f"{as_file.artifact_id} has a file" in str(caught.value)
    assert f"{as_project.artifact_id} has it as label 'project'" in str(caught.value)
    assert "h.latest({'file_relpaths': 'train.txt'})" in str(caught.value)
    with pytest.raises(eio.DocumentNotFoundError, match="whole artifact_id"):
        h.delete("test.txt:latest")
