"""The acceptance cases of the inventory for Artigraph, E1 to E16."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar

import pandas as pd
import pytest

import elliptio as eio
from elliptio.models import (
    DataModel,
    FileSystemStorage,
    Node,
    S3Storage,
    Serializer,
    create_current,
    dataframe_serializer,
    engine_context,
    field,
    node_function,
    read_ancestor_nodes,
    read_child_artifacts,
    read_child_nodes,
    read_descendant_artifacts,
    read_descendant_nodes,
    read_model,
    read_node,
    read_node_models,
    read_parent_node,
    write_model,
    write_node_models,
)

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
T = TypeVar("T")


class MyDataModel(DataModel, version=1):
    some_value: int
    another_value: dict[str, str] = field(default_factory=dict)


class Run(Node):
    run_started_at: datetime
    run_ended_at: datetime | None = None


@pytest.fixture
def h(local: eio.Handler) -> Iterator[eio.Handler]:
    with engine_context(local):
        yield local


@pytest.mark.slow
def test_e1_a_new_database_and_a_second_start(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        dedent("""
        import asyncio, sys
        from elliptio.models import DataModel, create_current, Node, read_node_models, set_engine, write_node_models

        class Kept(DataModel, version=1):
            number: int

        set_engine("sqlite+aiosqlite:///example.db", **({"create_tables": True} if len(sys.argv) == 1 else {}))

        async def main():
            if len(sys.argv) > 1:
                print(await read_node_models(sys.argv[1]))
                return
            async with create_current(Node) as node:
                await write_node_models("current", {"kept": Kept(7)})
            print(node.node_id)

        if __name__ == "__main__":
            asyncio.run(main())
        """)
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, str(script), *arguments]
        root = str(Path(eio.__file__).parents[1])
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    node_id = run()
    assert (tmp_path / "example.db").is_file()
    assert run(node_id) == "{'kept': Kept(number=7)}"


@pytest.mark.parametrize("model", [MyDataModel(42, {"foo": "bar"}), MyDataModel(42)], ids=["given", "default"])
def test_e2_a_model_comes_back(h: eio.Handler, model: MyDataModel) -> None:
    async def main() -> Any:
        return await read_model(await write_model("my-data", model))

    read = asyncio.run(main())
    assert type(read) is MyDataModel
    assert read == model


def test_e3_keywords_of_dataclasses() -> None:
    class Keywords(DataModel, version=1, repr=False, kw_only=True):
        number: int

    with pytest.raises(TypeError):
        Keywords(1)  # type: ignore[misc]
    assert Keywords(number=1).number == 1


@pytest.mark.server
def test_e4_e5_fields_elsewhere_and_aliases(h: eio.Handler, s3_root: str) -> None:
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    storage = S3Storage(bucket, prefix)
    kept = Annotated[T, storage]  # type: ignore[valid-type]
    frame = Annotated[pd.DataFrame, dataframe_serializer]

    class Frames(DataModel, version=1):
        field: Annotated[pd.DataFrame, dataframe_serializer, storage]  # type: ignore[valid-type]
        db_frame: frame  # type: ignore[valid-type]
        s3_frame: kept[frame]  # type: ignore[valid-type]

    artifact = h.save(Frames(FRAME, FRAME, FRAME), "frames")
    assert artifact.load() == Frames(FRAME, FRAME, FRAME)
    assert list(artifact.files) == ["db_frame.parquet", "model.json"]
    import boto3

    client: Any = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    (stored,) = client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]  # equal bytes are there once
    assert client.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read()[:4] == b"PAR1"


def test_e6_a_migration(h: eio.Handler, modules: Any) -> None:
    old = modules("e6", "class M(DataModel, version=1):\n    some_value: int").M
    saved = h.save(old(1), "m")
    new = modules(
        "e6",
        """
        class M(DataModel, version=2):
            renamed_value: int

            @classmethod
            def model_migrate(cls, version, data):
                if version == 1:
                    return cls(renamed_value=data["some_value"])
                raise ValueError(f"Unknown version: {version}")
        """,
    ).M
    assert saved.load() == new(1)
    assert h.show(saved.artifact_id).metadata.model["version"] == 1  # type: ignore[index]
    newer = h.save(modules("e6", "class M(DataModel, version=9):\n    other: int").M(1), "m")
    modules(
        "e6",
        """
        class M(DataModel, version=2):
            @classmethod
            def model_migrate(cls, version, data):
                raise ValueError(f"Unknown version: {version}")
        """,
    )
    with pytest.raises(ValueError, match="Unknown version: 9"):
        newer.load()


class Dataset(DataModel, version=1):
    rows: list[int]


class Trained(DataModel, version=1):
    weight: float


def test_e7_models_of_a_node(h: eio.Handler) -> None:
    given = {"training_dataset": Dataset([1]), "test_dataset": Dataset([2]), "trained_model": Trained(0.5)}

    async def main() -> Any:
        async with create_current(Node) as node:
            await write_node_models("current", given)
        return await read_node_models(node.node_id)

    assert asyncio.run(main()) == given


@pytest.fixture
def t(h: eio.Handler) -> SimpleNamespace:
    """The tree T: p around n; n around c1, c2 and model1; c1 around g; model2 in g, model3 in c2."""

    async def main() -> SimpleNamespace:
        async with create_current(Node) as p, create_current(Node) as n:
            await write_node_models("current", {"model1": Dataset([1])})
            async with create_current(Node) as c1, create_current(Node) as g:
                await write_node_models("current", {"model2": Dataset([2])})
            async with create_current(Node) as c2:
                await write_node_models("current", {"model3": Dataset([3])})
        return SimpleNamespace(p=p, n=n, c1=c1, g=g, c2=c2)

    return asyncio.run(main())


def test_e8_to_e13_the_tree(t: SimpleNamespace) -> None:
    def read(function: Any, node: Node) -> Any:
        return asyncio.run(function(node.node_id))

    assert read(read_child_nodes, t.n) == [t.c1, t.c2]
    assert [model for _, model in read(read_child_artifacts, t.n)] == [Dataset([1])]
    assert set(read(read_descendant_nodes, t.n)) == {t.c1, t.c2, t.g}
    assert [model for _, model in read(read_descendant_artifacts, t.n)] == [Dataset([1]), Dataset([2]), Dataset([3])]
    assert read(read_parent_node, t.n) == t.p
    assert read(read_parent_node, t.p) is None
    assert set(read(read_ancestor_nodes, t.g)) == {t.c1, t.n, t.p}


def test_e14_a_class_of_nodes(h: eio.Handler) -> None:
    now = datetime.now(UTC)

    async def main() -> None:
        async with (
            create_current(Run(run_started_at=now)) as one,
            create_current(Run, run_started_at=now) as other,
            create_current(Node) as plain,
        ):
            pass
        for node in (one, other):
            read = await read_node(node.node_id)
            assert type(read) is Run
            assert (read.run_started_at, read.run_ended_at) == (now, None)
        assert type(await read_node(plain.node_id)) is Node

    asyncio.run(main())


def test_e15_a_function_as_a_node(h: eio.Handler) -> None:
    parents: list[Any] = []

    @node_function(Run)
    async def train(parent: Any, *, fail: bool) -> dict[str, Any]:
        parents.append(parent)
        if fail:
            raise ValueError("no")
        return {"model": Trained(0.5)}

    async def main() -> None:
        async with create_current(Node) as outer:
            with pytest.raises(ValueError, match="no"):
                await train(fail=True)
            await train(fail=False)
        failed, good = await read_child_nodes(outer.node_id)
        assert isinstance(failed, Run)
        assert isinstance(good, Run)
        assert None not in (failed.run_ended_at, good.run_ended_at)
        assert await read_node_models(failed.node_id) == {}
        assert await read_node_models(good.node_id) == {"model": Trained(0.5)}
        assert parents == [outer, outer]

    asyncio.run(main())


E16 = """
from fractions import Fraction
from elliptio.models import Serializer, Storage

class FractionSerializer(Serializer):
    name, types = "e16-fraction", ["fractions.Fraction"]
    def serialize(self, value):
        return str(value).encode()
    def deserialize(self, data):
        return Fraction(data.decode())

class Shelf(Storage):
    name, books = "e16-shelf", {}
    async def create(self, data):
        self.books["x"] = data
        return "x"
    async def read(self, location):
        return self.books[location]
    async def exists(self, location):
        return location in self.books

fraction, shelf = FractionSerializer().register(), Shelf().register()

class Held(DataModel, version=1):
    value: Annotated[Fraction, fraction, shelf]
"""


def test_e16_serializers_and_storages_by_name(h: eio.Handler, modules: Any) -> None:
    first = modules("e16", E16)
    artifact = h.save(first.Held(first.Fraction(1, 3)), "held")
    again = modules("e16", E16)  # as after a new import: other classes of the same names
    again.shelf.books.update(first.shelf.books)
    assert again.fraction is not first.fraction
    read = artifact.load()
    assert type(read) is again.Held
    assert read.value == first.Fraction(1, 3)

    class Another(Serializer[Any]):
        name = "e16-fraction"

    class AnotherFolder(FileSystemStorage):
        pass

    with pytest.raises(ValueError, match="e16-fraction"):
        Another().register()
    with pytest.raises(ValueError, match="e16-shelf"):
        AnotherFolder("folder", name="e16-shelf").register()


# --- the faults of the original, mended ---


def test_a_model_is_whole_or_absent(h: eio.Handler) -> None:
    class Pair(DataModel, version=1):
        good: pd.DataFrame
        bad: pd.DataFrame

    with pytest.raises((TypeError, ValueError)):
        h.save(Pair(FRAME, pd.DataFrame({"x": [object()]})), "pair")
    assert len(h.find()) == 0
    assert h.gc() == []


def test_a_list_of_models_and_empty_containers(h: eio.Handler) -> None:
    class Holds(DataModel, version=1):
        models: list[Dataset]
        empty: dict[str, int]

    for model in (Holds([Dataset([]), Dataset([1])], {}), Holds([], {})):
        assert h.save(model, "holds").load() == model


def test_deleting_one_leaves_what_it_shares(h: eio.Handler, tmp_path: Path) -> None:
    class Shares(DataModel, version=1):
        frame: Annotated[pd.DataFrame, FileSystemStorage(tmp_path / "frames")]

    one, other = h.save(Shares(FRAME), "one"), h.save(Shares(FRAME), "other")
    h.delete(one.artifact_id)
    assert other.load() == Shares(FRAME)
