"""The documentation says what the code does: its blocks run, its outputs are real, its links lead somewhere."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import elliptio as eio
import elliptio.cli.main
from elliptio import config
from elliptio.cli.demo.story import load_penguins, split
from elliptio.lake.lake import ENVIRONMENT_FIELDS
from elliptio.metadata import OPTIONAL_FIELDS, Metadata, to_document
from tests.docs.pages import PAGES, ROOT, Reader, blocks

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

# What a page takes for granted: it shows queries, not how one gets to them.
PREPARED = {
    "queries.md": """
from datetime import datetime
import elliptio as eio
h = eio.Handler()
data, model = h.upload("train.csv"), h.upload("test.csv")
""",
}

_MONGODB = re.compile(r"mongodb(?:\+srv)?://[^\s'\"`?]+")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of Andy, who has prepared two files and has just installed elliptio: the defaults hold."""
    home = tmp_path / "andy"
    (home / "project").mkdir(parents=True)
    for table, name in zip(split(load_penguins()), ("train.csv", "test.csv"), strict=True):
        table.to_csv(home / "project" / name, index=False)
    for name in ("ELLIPTIO_USER_DIR", "ELLIPTIO_CONFIG_FILE", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "andy")
    monkeypatch.chdir(home / "project")
    return home


@pytest.fixture
def in_a_wide_terminal() -> Iterator[None]:
    import pandas as pd

    with pd.option_context("display.width", 140, "display.max_columns", 20):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("in_a_wide_terminal")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_blocks_run_and_print_what_the_page_says(page: Path, home: Path, request: pytest.FixtureRequest) -> None:
    from platformdirs import user_data_path

    runnable = [block for block in blocks(page) if block.language in ("python", "console") and not block.not_run]
    urls = _real_servers("".join(block.text for block in runnable), request)
    data = user_data_path("elliptio", appauthor=False)
    reader = Reader(home, data, dict(os.environ), urls, page)
    exec(PREPARED.get(page.name, ""), reader.names)
    for block in runnable:
        reader.run(block)


def _real_servers(text: str, request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """(documented, real) URLs: each documented server or bucket becomes a new one."""
    urls = []
    for documented in sorted(set(_MONGODB.findall(text)), key=len, reverse=True):
        server = request.getfixturevalue("mongodb_url").rstrip("/")
        urls.append((documented, f"{server}/docs_{uuid.uuid4().hex}"))
    for documented in sorted(set(_BUCKET.findall(text)), key=len, reverse=True):
        urls.append((documented, request.getfixturevalue("s3_root")))
    return urls


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_blocks_that_are_not_run_are_few(page: Path) -> None:
    found = [block for block in blocks(page) if block.language in ("python", "console")]
    assert sum(block.not_run for block in found) <= 2
    for block in blocks(page):
        assert block.language, f"{page.name}:{block.line}: the block has no language"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=[*NAMES, "CHANGELOG.md"])
def test_links_lead_somewhere(page: Path) -> None:
    for target in _links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        assert ROOT in [there, *there.parents], f"{page.name} links out of the repository: {target}"
        if anchor:
            assert anchor in _anchors(there), f"{page.name} links to {target}"


def test_every_page_can_be_reached() -> None:
    reached: set[Path] = set()
    new = {page for page in (ROOT / "README.md", ROOT / "docs/quickstart.md") if page.exists()}
    while new:
        reached |= new
        linked = {(page.parent / target.partition("#")[0]).resolve() for page in new for target in _links(page)}
        new = {page for page in linked if page.suffix == ".md" and page.exists()} - reached
    assert set((ROOT / "docs").glob("*.md")) <= reached


def _links(page: Path) -> list[str]:
    """Relative links of a page, outside its code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- tables that must be complete ---


def _table(page: str, heading: str) -> dict[str, list[str]]:
    """Rows of the first table below a heading, by their first cell."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert f"\n## {heading}\n" in text
    below = text.partition(f"\n## {heading}\n")[2]
    rows = re.findall(r"(?:^\|.*\|\n)+", below, flags=re.MULTILINE)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_all_settings_are_described() -> None:
    rows = _table("configuration.md", "The settings")
    assert list(rows) == list(config.DEFINITIONS)
    for name, (variable, default, meaning) in rows.items():
        definition = config.DEFINITIONS[name]
        assert variable == f"`{config.variable(name)}`"
        assert meaning == definition.meaning
        if definition.default is not None:
            assert default.lower() == f"`{definition.default}`".lower()


def test_all_verbs_are_described() -> None:
    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    verbs = [verb.__name__.rpartition(".")[2] for verb in sys.modules["elliptio.cli.main"].VERBS]
    assert sorted(described) == sorted(verbs)
    assert all(f"elliptio {verb}" in text for verb in verbs if verb != "demo")


def test_all_fields_of_a_document_are_described() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    metadata = Metadata(username="", hostname="", argv="", artifact_id="", run_id="", creation_time=moment)
    metadata = dataclasses.replace(metadata, **dict.fromkeys(OPTIONAL_FIELDS, ""))
    fields = list(to_document(metadata, ""))
    rows = _table("concepts.md", "The document of an artifact")
    assert sorted(rows) == sorted(fields)


def test_all_fields_of_an_environment_are_described(local: eio.Handler, data: Path) -> None:
    rows = _table("concepts.md", "Environments")
    assert sorted(rows) == sorted(["_id", *ENVIRONMENT_FIELDS])
    environment = local.upload(data).metadata.environment
    assert sorted(environment) == sorted(rows)


def test_all_modules_are_in_the_layers() -> None:
    """As in the contract that import-linter keeps."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = re.findall(r"\w+", " ".join(contract["tool"]["importlinter"]["contracts"][0]["layers"]))
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8").partition("## Layers")[2].partition("\n## ")[0]
    shown = re.findall(r"`(\w+)(?:/|\.py)`", "".join(re.findall(r"^\|(.*?)\|", text, flags=re.MULTILINE)))
    assert set(shown) == set(layers) - {"__main__"}


def test_settings_files_that_are_shown_can_be_read(tmp_path: Path) -> None:
    shown = [block.text for block in blocks(ROOT / "docs/configuration.md") if block.language == "toml"]
    assert len(shown) == 2
    for number, text in enumerate(shown):
        folder = tmp_path / str(number)
        folder.mkdir()
        name = "pyproject.toml" if "[tool.elliptio]" in text else "elliptio.toml"
        (folder / name).write_text(text)
        found = config.load_settings(environ={}, directory=folder, user_file=tmp_path / "none.toml")
        assert any(setting.origin == str(folder / name) for setting in found.values())
