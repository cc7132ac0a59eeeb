"""The examples of Artigraph's documentation run with their import line changed; its slips as they were meant."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import DataModel, Record, current_engine, engine_context, find_models, node_function

SEED = Path("/work/shared/seeds/000_cf30f6f46fb2a99f.txt")

if not SEED.exists():
    pytest.skip("the documentation of Artigraph is not here", allow_module_level=True)

SLIPS = [
    ('write_model(label="my-data")', 'write_model(label="my-data", model=artifact)'),  # the model is forgotten
    ("from sqlalchemy.declarative import", "from sqlalchemy.orm import"),  # there is no such module
    ("MyDataModel(...)", "MyDataModel(some_value=1, another_value='x')"),  # what stands for values
    ("Dataset(...)", "Dataset(rows=[1, 2])"),
    ("TrainedModel(...)", "TrainedModel(weight=0.5)"),
]


def blocks() -> list[str]:
    """The Python of the document, its import lines changed."""
    meant = []
    for block in re.findall(r"```python\n(.*?)```", SEED.read_text(), re.DOTALL):
        for slip, wanted in SLIPS:
            block = block.replace(slip, wanted)
        meant.append(re.sub(r"from artigraph(\S*) import", r"from elliptio.models\1 import", block))
    return meant


def block(*texts: str) -> str:
    """The one block that holds texts."""
    found = [one for one in blocks() if all(text in one for text in texts)]
    assert len(found) == 1, (texts, len(found))
    return found[0]


class Notebook:
    """A module in which blocks are run one after the other, and may await."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.run("from elliptio.models import *\nfrom dataclasses import dataclass, field\nfrom typing import *")
        self.run("from datetime import datetime, timezone\nimport pandas as pd")

    def run(self, text: str) -> Any:
        """Run a block; whatever is in its ``main`` is awaited."""
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(textwrap.dedent(text), "document", "exec", flags, dont_inherit=True)

        async def whole() -> Any:
            if code.co_flags & inspect.CO_COROUTINE:
                await eval(code, self.names)
            else:
                exec(code, self.names)
            if "def main(" in text and "asyncio.run" not in text:
                return await self.names["main"]()
            return None

        return whole() if "asyncio.run(main())" in text else asyncio.run(whole())

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


@pytest.fixture
def lake(local: eio.Handler) -> Iterator[eio.Handler]:
    with engine_context(local):
        yield local


@pytest.fixture
def doc(lake: eio.Handler, modules: Any) -> Notebook:
    return Notebook(modules.notebook())


@pytest.fixture
def models(doc: Notebook) -> Notebook:
    doc.run("class Dataset(DataModel, version=1):\n    rows: list[int]")
    doc.run("class TrainedModel(DataModel, version=1):\n    weight: float")
    return doc


GRAPH = """
names = {}

async def write_graph():
    async with create_current(Node) as parent:
        async with create_current(Node) as node:
            await write_node_models("current", {"model1": MyDataModel(1, "1")})
            async with create_current(Node) as child1:
                async with create_current(Node) as grandchild:
                    await write_node_models("current", {"model2": MyDataModel(2, "2")})
            async with create_current(Node) as child2:
                await write_node_models("current", {"model2": MyDataModel(3, "3")})
    names.update(parent=parent, node=node, child1=child1, grandchild=grandchild, child2=child2)
"""
"""The graph of the document, whose nodes its queries then name."""


@pytest.fixture
def graph(doc: Notebook) -> Notebook:
    doc.run("@dataclass\nclass MyDataModel(DataModel, version=1):\n    some_value: int\n    another_value: str")
    doc.run(GRAPH + "\nawait write_graph()")
    doc.names.update(span=doc["names"]["node"], grandchild=doc["names"]["grandchild"])
    return doc


def named(doc: Notebook, found: Any) -> set[str]:
    return {name for name, node in doc["names"].items() if node in found}


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test set an engine for the process, which is gone after it."""
    monkeypatch.setattr("elliptio.models.nodes.engine._of_process", [])


@pytest.mark.usefixtures("own_engine")
def test_the_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "document"}
    exec(blocks()[0], names)
    script = blocks()[1].replace("# your code here", "done.append(1)").replace('"__main__"', '"document"')
    done: list[int] = []
    exec(script, {"__name__": "document", "done": done})
    assert done == [1]
    assert current_engine().store.root == str(tmp_path / "example.db.files")


def test_a_data_model(doc: Notebook) -> None:
    doc.run(block("from dataclasses import field"))
    doc.run(block("# construct an artifact"))
    read = asyncio.run(doc["read_model"](doc["artifact_id"]))
    assert read == doc["artifact"]
    assert read.another_value == {"foo": "bar"}
    assert list(find_models(doc["MyDataModel"]).some_value) == [42]


def test_keywords_of_dataclasses(doc: Notebook) -> None:
    doc.run(block("repr=False, kw_only=True"))
    assert issubclass(doc["MyDataModel"], DataModel)


@pytest.mark.server
@pytest.mark.parametrize("fields", [["frame"], ["db_frame", "s3_frame"]], ids=["a field", "aliases"])
def test_fields_on_s3(doc: Notebook, lake: eio.Handler, s3_root: str, fields: list[str]) -> None:
    text = block(f"    {fields[0]}: ")
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    doc.run(text.replace('S3Storage("my-bucket")', f"S3Storage({bucket!r}, {prefix!r})"))
    doc.run(f"model = MyDataModel(*[pd.DataFrame({{'a': [1, 2]}})] * {len(fields)})")
    artifact = lake.save(doc["model"], "frames")
    assert artifact.load() == doc["model"]
    assert list(artifact.files) == [f"{name}.parquet" for name in fields if name == "db_frame"] + ["model.json"]


def test_a_migration(doc: Notebook, lake: eio.Handler) -> None:
    doc.run(blocks()[7])
    saved = lake.save(doc["MyDataModel"](1), "old")
    doc.run(blocks()[8])
    assert isinstance(saved.load(), Record)
    doc.run(block("def model_migrate"))
    assert saved.load() == doc["MyDataModel"](renamed_value=1)
    assert lake.show(saved.artifact_id).metadata.model["version"] == 1  # type: ignore[index]
    with pytest.raises(ValueError, match="Unknown version: 9"):
        doc["MyDataModel"].model_migrate(9, {})


def test_nodes(models: Notebook, lake: eio.Handler) -> None:
    models.run(blocks()[10])
    assert len(lake.find({"model.label": "trained_model"})) == 1
    models.run(block("models = await read_node_models(node.node_id)"))
    assert models["models"] == {
        "training_dataset": models["Dataset"]([1, 2]),
        "test_dataset": models["Dataset"]([1, 2]),
        "trained_model": models["TrainedModel"](0.5),
    }


def test_nesting_nodes(doc: Notebook, lake: eio.Handler) -> None:
    nested = [one for one in blocks() if "as grandchild:" in one]
    assert len(nested) == 2
    doc.run("from dataclasses import dataclass")
    for one in nested:
        doc.run(one)
    assert len(lake.runs()) == 10
    assert len(lake.find({"model.name": "MyDataModel"})) == 3


def test_queries(graph: Notebook) -> None:
    """Each as the document has it, and what it marks in red."""

    def of(text: str) -> Any:
        (one,) = [one for one in blocks() if one.strip().endswith(text)]
        assert one.count("\n") == 1
        graph.run(f"result = {one.strip().rpartition(' = ')[2]}")
        return graph["result"]

    assert named(graph, of("read_child_nodes(span.node_id)")) == {"child1", "child2"}
    assert [model.some_value for _, model in of("read_child_artifacts(span.node_id)")] == [1]
    assert named(graph, of("read_descendant_spans(span.node_id)")) == {"child1", "child2", "grandchild"}
    assert [model.some_value for _, model in of("read_descendant_artifacts(span.node_id)")] == [1, 2, 3]
    assert of("read_parent_span(span.node_id)") == graph["names"]["parent"]
    assert named(graph, of("read_ancestor_spans(grandchild.node_id)")) == {"child1", "node", "parent"}


RUN = "run_started_at: Mapped[datetime]"


def test_classes_of_nodes(doc: Notebook, lake: eio.Handler) -> None:
    pytest.importorskip("sqlalchemy")
    doc.run(blocks()[20])
    doc.run(block(RUN))
    doc.run(block("create_current(Run(run_started_at=datetime.now(timezone.utc))):\n        ..."))
    assert len(lake.runs({"node.run_started_at": {"$lt": datetime.now(UTC)}, "node.run_ended_at": None})) == 1


def test_a_decorator(models: Notebook) -> None:
    pytest.importorskip("sqlalchemy")
    models.run(block(RUN))
    models.run(block("def run(func)"))
    models.run("spanned = run\ndef train_model_on_dataset(dataset, rate):\n    return TrainedModel(rate)")
    models.run(block("@spanned"))
    models.run(
        "async with create_current(Node) as parent:\n"
        "    await write_node_models('current', {'data': Dataset([1])})\n"
        "    result = await train_model(rate=0.25)\n"
        "    (child,) = await read_child_nodes('current')\n"
        "    kept = await read_node_models(child.node_id)\n"
    )
    assert models["result"] == models["kept"] == {"model": models["TrainedModel"](0.25)}
    assert models["child"].run_started_at <= models["child"].run_ended_at


def test_the_same_decorator_is_there(models: Notebook) -> None:
    pytest.importorskip("sqlalchemy")
    models.run(block(RUN))
    models.names["spanned"] = node_function(models["Run"])
    models.run("def train_model_on_dataset(dataset, rate):\n    return TrainedModel(rate)")
    models.run(block("@spanned"))
    models.run("async with create_current(Node):\n    result = await train_model(rate=0.25)")
    assert models["result"] == {"model": models["TrainedModel"](0.25)}
