"""What the first version of data models and nodes stored opens, and what is stored now is of that version.

If `test_the_same_is_written` fails, what is stored has changed: see ``tests/test_golden.py``. The files of a format
that was released are never written again.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import DataModel, Record, describe, engine_context, field, find_models, migration
from elliptio.models.sync import (
    Node,
    read_child_nodes,
    read_descendant_artifacts,
    read_node,
    read_node_models,
)
from elliptio.models.types import same
from tests.golden import models as make

GOLDEN = Path(__file__).parents[1] / "golden" / "models-v1"


@pytest.fixture(autouse=True)
def own_classes() -> Iterator[None]:
    with make.no_classes():
        yield


@pytest.fixture
def h(tmp_path: Path) -> Iterator[eio.Handler]:
    shutil.copytree(GOLDEN, tmp_path / "golden")
    with eio.Handler(tmp_path / "golden") as opened, engine_context(opened):
        report = opened.reindex()
        assert (report.artifacts, report.runs, report.problems) == (8, 3, [])
        yield opened


def of(h: eio.Handler, label: str) -> Any:
    (artifact_id,) = h.find({"model.label": label}).index
    return h.get(artifact_id).load()


def today() -> type[Any]:
    """The class after two changes, with what leads to it."""

    class Training(DataModel, version=3):
        __module__, __qualname__ = "penguins", "Training"
        learning_rate: float
        begun: date
        layers: list[int] = field(default_factory=list)
        seed: int = 0

        @migration(1, 2)
        def renamed(data: Any) -> Any:
            del data["note"]
            return {"learning_rate": data.pop("rate"), **data}

        @migration(2, 3)
        def retyped(data: Any) -> Any:
            return {**data, "begun": date.fromisoformat(data["begun"])}

    return Training


def test_each_version_is_read_by_the_class_of_today(h: eio.Handler) -> None:
    cls = today()
    assert of(h, "version 1") == cls(0.1, date(2026, 11, 1), [64], 0)
    assert of(h, "version 2") == cls(0.2, date(2026, 11, 2), [32], 7)
    assert of(h, "version 3") == cls(0.3, date(2026, 11, 3), [16], 8)


def test_each_version_is_read_by_the_class_that_wrote_it(h: eio.Handler) -> None:
    cls = make.first()
    assert of(h, "version 1") == cls(0.1, "2026-11-01", "with a note", [64])
    for newer in ("version 2", "version 3"):
        assert "newer" in repr(of(h, newer))


def test_each_version_is_read_without_the_class(h: eio.Handler) -> None:
    for version, name in ((1, "rate"), (2, "learning_rate"), (3, "learning_rate")):
        record = of(h, f"version {version}")
        assert isinstance(record, Record)
        assert (record.model_name, record.model_version, record[name]) == ("Training", version, version / 10)
    assert of(h, "version 3").begun == date(2026, 11, 3)


def test_a_class_that_was_moved(h: eio.Handler) -> None:
    class Training(DataModel, version=1):
        rate: float
        begun: str
        note: str
        layers: list[int]

    assert of(h, "version 1") == Training(0.1, "2026-11-01", "with a note", [64])
    assert isinstance(of(h, "version 2"), Record)


def test_all_versions_are_found(h: eio.Handler) -> None:
    cls = today()
    assert list(find_models(cls, {"begun": {"$gte": date(2026, 11, 2)}}, handler=h).seed) == [8, 7]
    assert list(find_models(cls, {"learning_rate": {"$lt": 0.25}}, sort="artifact.creation_time", handler=h).seed) == [
        0,
        7,
    ]
    assert len(find_models("Training", handler=h)) == 3


def test_every_kind_of_value_is_what_was_given(h: eio.Handler) -> None:
    classes = make.others()
    given, read = make.kinds(classes), of(h, "kinds")
    assert type(read) is classes.Kinds
    assert same(read, given)
    assert read == given
    assert read.zoned.fold == 1
    assert str(read.zoned.tzinfo) == "Europe/Berlin"
    assert type(read.either) is classes.Other
    assert type(read.anything["model"]) is classes.Inner


def test_big_fields_are_what_was_given(h: eio.Handler) -> None:
    classes = make.others()
    read = of(h, "sample")
    assert describe(read, "table").shape == (2, 2)
    assert read == make.sample(classes)


def test_nodes_are_read(h: eio.Handler) -> None:
    classes = make.others()
    (root,) = h.runs({"parent": None}).index
    (fold,) = read_child_nodes(root)
    assert type(fold) is classes.Fold
    assert (fold.number, fold.ended_at) == (1, datetime(2026, 11, 3, 10, tzinfo=UTC))
    (moved,) = read_child_nodes(fold)
    assert moved.number == 2
    assert read_node_models(root) == {"inner": classes.Inner(1)}
    assert read_node_models(fold) == {"inner": classes.Inner(2), "other": classes.Other(2)}
    assert [model.number for _, model in read_descendant_artifacts(root)] == [1, 2, 2]
    assert list(h.runs({"node.number": 1}).index) == [fold.node_id]
    assert type(read_node(root)) is Node


def test_the_lake_is_whole(h: eio.Handler) -> None:
    assert h.verify().ok


# --- what is stored now is of this version ---


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the present code writes of the same things at the same time."""
    folder = tmp_path_factory.mktemp("fresh") / "models-v1"
    make.write(folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_same_files_are_written(fresh: Path) -> None:
    assert files(fresh) == files(GOLDEN)


@pytest.mark.parametrize("name", [name for name in files(GOLDEN) if name.endswith(".json")])
def test_the_same_is_written(fresh: Path, name: str) -> None:
    old, new = (json.loads((folder / name).read_bytes()) for folder in (GOLDEN, fresh))
    for found in (old, new):  # of files whose libraries may write them otherwise
        for part in (found, found.get("document", {})):
            for record in part.get("files", []) if isinstance(part.get("files"), list) else []:
                if not record["relpath"].endswith(".json"):
                    record.pop("sha256")
                    record.pop("size")
            part.pop("fingerprint", None)
            part.pop("total_size", None)
    assert json.dumps(new) == json.dumps(old)
