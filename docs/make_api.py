"""Writes ``docs/api.md``, and the pages of the layers, from the docstrings: ``python docs/make_api.py``.

Public is what ``__all__`` names. What methods of `elliptio` return besides is listed after that.
"""

from __future__ import annotations

import dataclasses
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

PIPELINES, MODELS, FLOWS = "elliptio.pipelines", "elliptio.models", "elliptio.flows"
LAYERS = PIPELINES, MODELS, FLOWS
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
    "FileSystemStorage",
    "S3Storage",
    "create_current",
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


MODELS_HEAD = """\
# API reference of models and nodes

Made from the docstrings by `docs/make_api.py`; do not edit. `from elliptio.models import DataModel` and so on;
[the page on models](models.md) tells what it is for.

"""

FLOWS_HEAD = """\
# API reference of flows

Made from the docstrings by `docs/make_api.py`; do not edit. `from elliptio.flows import Processor` and so on;
[the page on flows](flows.md) tells what it is for.

"""


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Make all pages, by the names of their files."""
    return {
        "api.md": page(),
        "api_pipelines.md": pipelines_page(),
        "api_models.md": models_page(),
        "api_flows.md": flows_page(),
    }


def models_page() -> str:
    """Make the page of the layer of models and nodes as Markdown."""
    package = import_module(MODELS)
    named: dict[int, list[str]] = {}
    for name in package.__all__:
        named.setdefault(id(getattr(package, name)), []).append(name)
    links, sections = [], []
    for names in sorted(named.values(), key=lambda names: _place(names, getattr(package, names[0]))):
        item = getattr(package, names[0])
        own = getattr(item, "__name__", names[0])
        name = own if own in names else names[0]  # of several, that by which it was defined
        also = ", ".join(f"`{other}`" for other in names if other != name)
        links.append(f"- [`{name}`](#{name.lower()})" + (f", also named {also}" if also else ""))
        sections += describe(item, name)
    links += ["", "`elliptio.models.sync` has the functions that are awaited, under the same names, without a loop."]
    return MODELS_HEAD + "\n".join(links) + "\n\n" + "\n\n".join(sections) + "\n"


FIRST = ("DataModel", "find_models", "describe", "peek", "compare_models")


def _place(names: list[str], item: Any) -> tuple[int, bool, str]:
    """Order what the page has: classes and functions for models, what is awaited, serializers, errors."""
    if inspect.isclass(item) and issubclass(item, Exception):
        rank = 3
    elif inspect.isclass(item) or callable(item):
        rank = int(inspect.iscoroutinefunction(item))
    else:
        rank = 2
    return rank, names[0] not in FIRST, names[0].lower()


def flows_page() -> str:
    """Make the page of the layer of flows as Markdown."""
    package = import_module(FLOWS)
    public = {name: getattr(package, name) for name in package.__all__}
    shown = {name: item for name, item in public.items() if inspect.isclass(item)}
    errors = [name for name, item in shown.items() if issubclass(item, Exception)]
    order = [*(name for name in shown if name not in errors), *errors]
    links = [f"- [`{name}`](#{name.lower()})" for name in order]
    links += [
        "",
        "`Depends` is that of [fast-depends](https://github.com/Lancetnik/FastDepends). `FROM_FIRST`, `ONLY_NEW` and",
    ]
    links += ["`FROM_LATEST` say where `IO.stream` begins."]
    sections = [section for name in order for section in describe(shown[name], name)]
    return FLOWS_HEAD + "\n".join(links) + "\n\n" + "\n\n".join(sections) + "\n"


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
    if not (inspect.isclass(item) or callable(item)):
        yield inline(_value(item))
        return
    if item is dataclasses.field:
        yield "`dataclasses.field`, for convenience."
        return
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
    if item.__module__.startswith(LAYERS):
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


def _value(serializer: Any) -> str:
    """Say what a serializer is for."""
    types = ", ".join(f"`{kind if isinstance(kind, str) else kind.__name__}`" for kind in serializer.types)
    what = f"the format `{serializer.format}`" if serializer.format else f"`{serializer.name}`"
    return f"A `Serializer` of {types or 'any value that its format takes'}: {what}."


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
    layer = next((layer for layer in LAYERS if item.__module__.startswith(layer)), None)
    if layer is not None:
        public = import_module(layer).__all__
        inside = [kind for kind in item.__mro__ if kind.__module__.startswith(layer)]
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
            shown = parameter.default.__name__ if inspect.isclass(parameter.default) else repr(parameter.default)
            default = "" if parameter.default is parameter.empty else f" = {shown}"
            stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
            marks.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    is_awaited = inspect.iscoroutinefunction(item)
    is_context = inspect.isfunction(item) and hasattr(item, "__wrapped__") and not is_awaited
    arrow = "" if inspect.isclass(item) or is_context else f" -> {found.return_annotation}"
    before, after = (f"with {name}(", "): ...") if is_context else (f"{name}(", f"){arrow}")
    before = f"await {before}" if is_awaited else before
    if is_context and inspect.isasyncgenfunction(item.__wrapped__):
        before = f"async {before}"
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
