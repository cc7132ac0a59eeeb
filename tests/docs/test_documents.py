"""The documentation says what the code does: its blocks run, its outputs are real, its links lead somewhere."""

from __future__ import annotations

import os
import re
import runpy
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
import elliptio.cli.main
from elliptio import config
from elliptio.lake.lake import ENVIRONMENT_FIELDS
from tests.docs.pages import PAGES, ROOT, Reader, blocks

# What docs/api.md shows is run where it stands, in the docstrings: see test_examples.py; recipes have test_recipes.py.
RUN = [page for page in PAGES if page.name not in ("api.md", "api_models.md", "api_pipelines.md", "recipes.md")]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINKING = sorted({*PAGES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})

# What a page takes for granted: it shows queries, not how one gets to them.
PREPARED = {
    "queries.md": """
from datetime import UTC, datetime
import elliptio as eio
h = eio.Handler()
data, model = h.upload("train.csv"), h.upload("test.csv")
""",
}

_MONGODB = re.compile(r"mongodb(?:\+srv)?://[^\s'\"`?]+")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+")


@pytest.mark.server  # some pages name one
@pytest.mark.usefixtures("in_a_wide_terminal")
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run_and_print_what_the_page_says(page: Path, home: Path, request: pytest.FixtureRequest) -> None:
    from platformdirs import user_data_path

    runnable = [
        block for block in blocks(page) if block.file or (block.language in ("python", "console") and not block.not_run)
    ]
    urls = _real_servers("".join(block.text for block in runnable), request)
    data = user_data_path("elliptio", appauthor=False)
    reader = Reader(home, data, dict(os.environ), urls, page)
    exec(PREPARED.get(page.name, ""), reader.names)
    for block in runnable:
        reader.run(block)


def test_the_first_block_of_the_readme_works_as_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "python")
    names: dict[str, Any] = {}
    exec(first.text, names)
    assert names["artifact"].artifact_id


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


@pytest.mark.parametrize("page", LINKING, ids=[str(page.relative_to(ROOT)) for page in LINKING])
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
    fragments = set((ROOT / "docs/news").glob("+*.md"))
    while new:
        reached |= new
        linked = {(page.parent / target.partition("#")[0]).resolve() for page in new for target in _links(page)}
        new = {page for page in linked if page.suffix == ".md" and page.exists()} - reached
    assert set(LINKING) - fragments <= reached


@pytest.mark.parametrize("page", LINKING, ids=[str(page.relative_to(ROOT)) for page in LINKING])
def test_paths_into_the_repository_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:elliptio|tests|docs|benchmarks|notebooks)/[\w/+-]*(?:\.(?:py|md))?)`", text):
        placeholder = re.search(r"[A-Z]{4}", path)
        assert placeholder or (ROOT / path).exists(), f"{page.name} names {path}"


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
    verbs = sys.modules["elliptio.cli.main"].VERBS
    assert sorted(described) == sorted(verbs)
    assert all(f"elliptio {verb}" in text for verb in verbs if verb != "demo")


def test_the_table_of_fields_is_made_from_their_declarations() -> None:
    text = (ROOT / "docs/concepts.md").read_text(encoding="utf-8")
    script = runpy.run_path(str(ROOT / "docs/make_fields.py"))
    assert script["with_table"](text) == text, "Run: python docs/make_fields.py"
    assert list(_table("concepts.md", "The document of an artifact")) == ["_id", *script["stored_fields"]()]


def test_all_fields_of_an_environment_are_described(local: eio.Handler, data: Path) -> None:
    rows = _table("concepts.md", "Environments")
    assert sorted(rows) == sorted(["_id", *ENVIRONMENT_FIELDS])
    environment = local.upload(data).metadata.environment
    assert sorted(environment) == sorted(rows)


def test_the_house_is_drawn_as_it_stands() -> None:
    """All rooms and modules of the contract that import-linter keeps, and no others, in its order."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = {name: floor for floor, layer in enumerate(layers) for name in re.findall(r"\w+", layer)}
    (tree,) = (block.text for block in blocks(ROOT / "docs/design.md") if block.text.startswith("elliptio/\n"))
    drawn = [name for line in tree.splitlines()[1:] for name in re.findall(r"\w+", re.split(r"  +", line.strip())[0])]
    assert sorted(drawn) == sorted(floors)
    assert drawn == sorted(drawn, key=floors.__getitem__)


def test_every_decision_is_listed_and_says_what_why_and_at_what_price() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \|$", (folder / "README.md").read_text(), flags=re.MULTILINE)
    assert [name for _, name, _ in listed] == [page.name for page in pages]
    for number, (page, (shown, _, title)) in enumerate(zip(pages, listed, strict=True), 1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{shown}-")
        assert int(shown) == number
        assert text.startswith(f"# {shown}: {title}\n\nSince "), f"{page.name} begins otherwise"
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert text.count("\n") <= 30, f"{page.name} is long: a decision fits on a screen"


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
