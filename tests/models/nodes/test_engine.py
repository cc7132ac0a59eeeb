"""Which lake counts: of the process, of a block, of a URL."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.models import sync
from elliptio.models.db import current_engine, engine_context, set_engine
from elliptio.models.sync import Node
from elliptio.system import current_handler


@pytest.mark.parametrize("scheme", ["sqlite+aiosqlite", "sqlite"])
def test_a_database_is_the_index_and_the_files_lie_beside_it(scheme: str, tmp_path: Path) -> None:
    reset = set_engine(f"{scheme}:///example.db", create_tables=True)
    node = sync.write_node(Node()).node_id
    model = sync.write_model("a", 1, node)
    reset()
    assert Path("example.db").is_file()
    assert Path("example.db.files", ".elliptio", "runs", node, "begin.json").is_file()
    set_engine(f"{scheme}:///{Path('example.db').absolute()}?timeout=3")
    assert sync.read_node_models(node) == {"a": 1}
    assert sync.read_model(model) == 1


def test_a_relative_database_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_engine("sqlite+aiosqlite:///example.db")
    node = sync.write_node(Node()).node_id
    monkeypatch.chdir(tmp_path)
    assert sync.read_node_exists(node)
    assert not (tmp_path / "example.db").exists()


def test_in_memory_is_a_lake_that_goes(tmp_path: Path) -> None:
    for url in ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite://"):
        set_engine(url)
        node = sync.write_node(Node()).node_id
        assert sync.read_node_exists(node)
        root = current_engine().store.root
    assert list(Path.cwd().iterdir()) == []
    program = (
        "from elliptio.models.db import set_engine, current_engine\n"
        "from elliptio.models.sync import Node, write_node\n"
        "set_engine('sqlite+aiosqlite:///:memory:')\n"
        "write_node(Node())\n"
        "print(current_engine().store.root)"
    )
    root = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert root
    assert not Path(root).exists()


def test_what_is_set_last_counts_until_it_is_reset(tmp_path: Path) -> None:
    one, two = eio.Handler(tmp_path / "one"), eio.Handler(tmp_path / "two")
    reset_one = set_engine(one)
    reset_two = set_engine(tmp_path / "three")
    assert current_engine().store.root == str(tmp_path / "three")
    reset_two()
    assert current_engine() is one
    with engine_context(two) as given:
        assert current_engine() is given is two
        others: list[eio.Handler] = []
        thread = threading.Thread(target=lambda: others.append(current_engine()))
        thread.start()
        thread.join()
        assert others == [one]
    assert current_engine() is one
    reset_one()


def test_without_one_the_default_handler_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_engine(None)
    monkeypatch.setattr(current_handler, "_open", [])
    handler = eio.Handler(tmp_path / "lake")
    assert current_engine() is handler
    handler.close()
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "default"))
    node = sync.write_node(Node()).node_id
    assert eio.Handler(tmp_path / "default").runs.tree(node).run_id == node


def test_what_is_no_engine_is_refused() -> None:
    for wrong in (7, "postgresql+asyncpg://user:secret@host/db", object()):
        with pytest.raises(eio.ConfigError, match="engine") as raised:
            set_engine(wrong)
        assert "secret" not in str(raised.value)


def test_an_engine_of_sqlalchemy_is_taken_by_its_url(tmp_path: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    set_engine(sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    assert current_engine().store.root == str(tmp_path / "x.db.files")
