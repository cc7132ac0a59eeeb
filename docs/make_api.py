"""Writes ``docs/api.md`` and ``docs/api_pipelines.md`` from the docstrings: ``python docs/make_api.py``.

Public is what ``__all__`` names. What methods of `elliptio` return besides is listed after that.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

RETURNED = {
    "artifacts.artifact": ("NewArtifact",),
    "artifacts.files": ("Files",),
    "metadata": ("FileRecord", "ValueRecord"),
    "lineage.lineage": ("Lineage", "Node"),
    "run": ("Run",),
    "runs.runs": ("Runs",),
    "runs.tree": ("RunTree",),
    "finding.tags": ("Tags",),
    "finding.search": ("Found",),
    "lineage.comparison.comparison": ("Comparison",),
    "lineage.comparison.git_comparison": ("GitComparison",),
    "lineage.comparison.table_comparison": ("TableComparison",),
    "lineage.reproduction.reproduction": ("Reproduction",),
    "lineage.reproduction.obstacles": ("Obstacle",),
    "lineage.reproduction.outcome": ("Result", "FileResult"),
    "lake.upkeep.upkeep": ("ReindexReport",),
    "lake.upkeep.orphans": ("Orphan",),
    "lake.upkeep.verification": ("VerifyReport", "Problem"),
}

INTERNAL = {
    "Files.settle",
    *(f"BaseSession.{name}" for name in ("begin", "code_of", "codes", "seen", "whole_code_of")),
    *(f"Catalog.{name}" for name in ("assets", "keeps", "new_versions", "windows")),
    *(f"Entry.{name}" for name in ("history", "is_custom", "is_query", "pattern", "query", "read", "relpath_of")),
    *(f"{kind}.{name}" for kind in ("Graph", "Partition", "Snapshot") for name in ("as_record", "from_record")),
    *("Connection.write_built", "Partition.of", "Snapshot.keep", "Snapshot.rows"),
}
HOW_IT_SHOWS = ("ShownAsText",)
"""Bases of which a reader needs to know nothing."""

WORK = ("Keeping", "Work", "Reading")
"""Classes whose verbs are shown as those of `Handler`."""

NOT_MADE_BY_USERS = {"Files"}

PIPELINES = "elliptio.pipelines"
MADE = (
    "Handler",
    "Session",
    "BaseSession",
    "Catalog",
    "Craft",
    "Pipeline",
    "Partition",
    "LakeBackend",
    "MemoryBackend",
)
"""Classes of which a reader wants to know how they are called."""

HEAD = """\
# API reference

Made from the docstrings by `docs/make_api.py`; do not edit. `import elliptio as eio` gives you these names:

"""


PIPELINES_HEAD = """\
# API reference of pipelines

Made from the docstrings by `docs/make_api.py`; do not edit. `from elliptio.pipelines import Session` and so on;
[the page on pipelines](pipelines.md) tells what it is for.

"""


def main() -> None:
    """Write both pages."""
    for name, text in (("api.md", page()), ("api_pipelines.md", pipelines_page())):
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")


def pipelines_page() -> str:
    """Make the page of the pipelines' layer as Markdown."""
    package = import_module(PIPELINES)
    public = [getattr(package, name) for name in package.__all__]
    errors = [item for item in public if inspect.isclass(item) and issubclass(item, Exception)]
    others = [item for item in public if item not in errors]
    others.sort(key=lambda item: item.__name__ not in MADE)  # what readers look for first
    links = [f"- [`{item.__name__}`](#{item.__name__.lower()})" for item in [*others, *errors]]
    links += ["", "And these keep to a module of their own, since both are named alike:", ""]
    backends = {f"{home}.Backend": import_module(f"{PIPELINES}.{home}").Backend for home in ("io", "backends")}
    links += [f"- [`{name}`](#{name.replace('.', '').lower()})" for name in backends]
    sections = [section for item in [*others, *errors] for section in describe(item)]
    sections += [section for name, item in backends.items() for section in describe(item, name)]
    return PIPELINES_HEAD + "\n".join(links) + "\n\n" + "\n\n".join(sections) + "\n"


def page() -> str:
    """Make the whole page as Markdown."""
    package = import_module("elliptio")
    public = [getattr(package, name) for name in package.__all__ if name != "__version__"]
    errors = [item for item in public if inspect.isclass(item) and issubclass(item, Exception)]
    others = [item for item in public if item not in errors]
    others.sort(key=lambda item: (item.__name__ != "Handler", inspect.isfunction(item)))  # what readers look for first
    links = [f"- [`{item.__name__}`](#{item.__name__.lower()})" for item in [*others, *errors]]
    others += [getattr(import_module(f"elliptio.{home}"), name) for home, names in RETURNED.items() for name in names]
    links += ["- `__version__`: the version of elliptio, a text", "", "And these are what its methods return:", ""]
    links += [f"- [`{name}`](#{name.lower()})" for names in RETURNED.values() for name in names]
    sections = [section for item in [*others, *errors] for section in describe(item)]
    return HEAD + "\n".join(links) + "\n\n" + "\n\n".join(sections) + "\n"


def describe(item: Any, title: str | None = None) -> Iterator[str]:
    """Describe a class with its public methods, or a function."""
    title = title or item.__name__
    yield f"## {title}"
    if inspect.isclass(item) and issubclass(item, Exception | Warning):
        yield f"`{item.__name__}({', '.join(base.__name__ for base in item.__bases__)})`"
    else:
        bases = [base for base in getattr(item, "__bases__", ()) if base.__module__.startswith("elliptio.")]
        bases = [base for base in bases if base not in homes(item) and base.__name__ not in HOW_IT_SHOWS]
        # Files and the like are never made by users.
        if not inspect.isclass(item) or is_dataclass(item) or item.__name__ in MADE:
            yield signature(item.__name__, item)
        yield from map(inherits, bases)
    doc = inspect.getdoc(item) or ""
    if item.__name__ in NOT_MADE_BY_USERS:  # how it is made concerns nobody
        doc = re.sub(r"\n+Parameters\n-+\n(?:.+\n?|\n(?=    ))*", "\n", doc)
    yield markdown(doc)
    if not inspect.isclass(item) or issubclass(item, Exception | Warning):
        return
    members = {name: member for kind in homes(item) for name, member in vars(kind).items()}
    if item.__module__.startswith(PIPELINES):
        members = {name: _as_called(member) for name, member in members.items()}
    for name, member in members.items():
        if (
            name.startswith("_")
            or f"{item.__name__}.{name}" in INTERNAL
            or not (inspect.isfunction(member) or isinstance(member, property))
        ):
            continue
        yield f"### {title}.{name}"
        if inspect.isfunction(member):
            yield signature(name, member)
        yield markdown(inspect.getdoc(member) or "")


def _as_called(member: Any) -> Any:
    """Return the function of a method of a class, and a property for one that is remembered."""
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return property(member.func) if isinstance(member, functools.cached_property) else member


def inherits(base: type) -> str:
    """Say what a class has of another."""
    if base.__name__ not in WORK:
        return f"Has all that [`{base.__name__}`](#{base.__name__.lower()}) has."
    kinds = [kind for kind in base.__mro__ if kind.__name__ in WORK]
    verbs = ", ".join(f"`{name}`" for kind in kinds for name in vars(kind) if not name.startswith("_"))
    return f"Has these of [`Handler`](#handler): {verbs}."


def homes(item: type) -> list[type]:
    """List a class and those whose members are shown as its own."""
    if item.__module__.startswith(PIPELINES):
        public = import_module(PIPELINES).__all__
        inside = [kind for kind in item.__mro__ if kind.__module__.startswith(PIPELINES)]
        return [kind for kind in inside if kind is item or kind.__name__ not in public]
    return [kind for kind in item.__mro__ if kind is item or (item.__name__ == "Handler" and kind.__name__ in WORK)]


def signature(name: str, item: Any) -> str:
    """Show a call as code, one argument a line where it is long."""
    found = inspect.signature(item)
    marks = []
    for parameter in found.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in marks:
            marks.append("*")
        if parameter.name not in ("self", "cls") and not parameter.name.startswith("_"):
            default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
            marks.append(f"{parameter.name}: {parameter.annotation}{default}")
    is_context = inspect.isfunction(item) and hasattr(item, "__wrapped__")
    arrow = "" if inspect.isclass(item) or is_context else f" -> {found.return_annotation}"
    before, after = (f"with {name}(", "): ...") if is_context else (f"{name}(", f"){arrow}")
    text = f"{before}{', '.join(marks)}{after}"
    if len(text) > 100:
        text = f"{before}\n" + "".join(f"    {mark},\n" for mark in marks) + after
    return f"```text\n{text}\n```"


def markdown(doc: str) -> str:
    """Turn a numpydoc docstring into Markdown: sections become bold words, parameters a list."""
    doc = re.sub(r"^([A-Z]\w+)\n-{3,}$", r"**\1**\n", doc, flags=re.MULTILINE)
    head, *rest = re.split(r"(?=^\*\*\w+\*\*$)", doc, flags=re.MULTILINE)
    return "\n\n".join(part.strip() for part in [inline(head), *map(section, rest)])


def section(text: str) -> str:
    """Render one section of a docstring."""
    title, _, body = text.partition("\n")
    if title == "**Examples**":
        return f"{title}\n\n{examples(body)}"
    # A name begins at the margin, what is said of it is indented below.
    named = re.sub(
        r"^(\S.*)\n((?:    .*\n?)+)", lambda m: f"- `{m[1]}`: {' '.join(m[2].split())}\n", body, flags=re.MULTILINE
    )
    return f"{title}\n\n{inline(named.strip())}"


def examples(text: str) -> str:
    """Render what is typed and shown as code, what is said between as text."""
    parts = re.split(r"\n{2,}", text.strip())
    return "\n\n".join(f"```python\n{part}\n```" if part.startswith(">>> ") else inline(part) for part in parts)


def inline(text: str) -> str:
    """Turn double backticks into single ones."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
