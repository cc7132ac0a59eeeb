"""The API reference is what the docstrings say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import elliptio as eio
import elliptio.models
import elliptio.pipelines

DOCS = Path(__file__).parents[2] / "docs"


def loaded_make_api() -> ModuleType:
    """The script that makes the page, as a module."""
    spec = importlib.util.spec_from_file_location("make_api", DOCS / "make_api.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make_api() -> ModuleType:
    return loaded_make_api()


def test_the_page_is_up_to_date(make_api: ModuleType) -> None:
    for name, page in make_api.pages().items():
        written = (DOCS / name).read_text(encoding="utf-8")
        assert written == page, f"docs/{name} is out of date. Run: python docs/make_api.py"


def test_everything_public_is_described(make_api: ModuleType) -> None:
    page = make_api.page()
    for name in eio.__all__:
        assert f"\n## {name}\n" in page or name == "__version__"
    for verb in ("upload", "new", "get", "find", "verify", "reindex", "gc", "delete", "close"):
        assert f"\n### Handler.{verb}\n" in page
    page = make_api.pipelines_page()
    for name in elliptio.pipelines.__all__:
        assert f"\n## {name}\n" in page
    for member in (
        "Catalog.load",
        "Pipeline.run",
        "BaseSession.catalog",
        "Snapshot.from_tag",
        "Snapshot.load",
        "io.Backend.put",
    ):
        assert f"## {member}\n" in page
    page = make_api.models_page()
    for name in elliptio.models.__all__:
        assert f"\n## {name}\n" in page or f", `{name}`" in page or f"also named `{name}`" in page, name
    assert "await read_node(" in page
    assert "async with current_session(" in page


def test_the_script_writes_the_page(make_api: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_api, "__file__", str(tmp_path / "make_api.py"))
    make_api.main()
    assert (tmp_path / "api.md").read_text(encoding="utf-8") == make_api.page()


def test_docstrings_are_rendered(make_api: ModuleType) -> None:
    for page in make_api.pages().values():
        assert "``" not in page.replace("```", "")
        assert "----" not in page
        assert " object at 0x" not in page
    page = make_api.page()
    assert "``" not in page.replace("```", "")
    assert "----" not in page
    assert "    datatype: str = ''," in page
    assert " object at 0x" not in page
