"""The seam is tight: what a store can do it says in flags, and nobody outside its room asks what it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.protocols import Staging, Store, StoredFile
from elliptio.testing import StoreConformance
from tests.stores.plain import PlainStore

PACKAGE = Path(eio.__file__).parent
OUTSIDE = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "stores"]


def asks(node: ast.AST) -> bool:
    """Tell whether code compares a scheme with a name, or feels for what a store has, or imports a certain one."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        named = any(isinstance(side, ast.Constant) and side.value in ("file", "s3") for side in sides)
        return named and any(ast.unparse(side).endswith("scheme") for side in sides)
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "cast"):
        return any(ast.unparse(each).endswith("store") for each in node.args)
    return isinstance(node, ast.ImportFrom) and any(each.name in ("LocalStore", "S3Store") for each in node.names)


@pytest.mark.parametrize(
    "code",
    ["store.scheme == 'file'", "'s3' != scheme", "getattr(lake.store, 'unfinished', None)", "hasattr(store, 'x')",
     "from elliptio.stores.s3.store import S3Store"],
)  # fmt: skip
def test_such_questions_are_found(code: str) -> None:
    assert any(map(asks, ast.walk(ast.parse(code))))


@pytest.mark.slow
def test_nobody_asks_a_store_what_it_is() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}"
        for path in OUTSIDE
        for node in ast.walk(ast.parse(path.read_text()))
        if asks(node)
    ]
    assert found == []


def test_a_store_has_at_most_seven_methods() -> None:
    for seam in (Store, Staging):
        methods = [name for name, value in vars(seam).items() if callable(value) and not name.startswith("_")]
        assert len(methods) <= 7, methods


class TestPlainStore(StoreConformance):
    """Whoever writes a store need say no more than this."""

    @pytest.fixture
    def store(self) -> Store:
        return PlainStore()


def test_what_a_plain_store_says_of_itself() -> None:
    store = PlainStore()
    assert (store.folder, store.remote) == (None, True)
    assert list[StoredFile](store.unfinished()) == []


def test_a_lake_may_lie_in_a_store_of_somebody_else(tmp_path: Path, data: Path) -> None:
    h = eio.Handler(PlainStore(), SqliteIndex(tmp_path / "index.sqlite"), progress=False)
    artifact = h.upload(data)
    with h.new(["model.txt"]) as made:
        made.file.upload_string("model")
    h.tag(made, "prod")
    assert h.get("tag:prod").file.download_string() == "model"
    assert h.get(artifact.artifact_id).files["train.txt"].open().read() == (data / "train.txt").read_bytes()
    assert Path(h.get(made.artifact_id).file).read_text() == "model"
    with pytest.raises(eio.StoreError, match="not a local file"):
        _ = artifact.files["train.txt"].local_path
    assert h.verify().ok
    assert h.gc() == []
