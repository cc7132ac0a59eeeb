"""Every public class has an example, and each example in a docstring runs and shows what it says."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import elliptio as eio
from tests.docs.pages import OPTIONS
from tests.docs.test_api import loaded_make_api

PACKAGE = Path(eio.__file__).parent
DESCRIBED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def examples() -> Iterator[tuple[str, str]]:
    """Name and text of each docstring of the package that shows an example."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        # Each worker asks this before its first test.
        for node in ast.walk(ast.parse(source)) if ">>> " in source else ():
            if isinstance(node, DESCRIBED) and ">>> " in (text := ast.get_docstring(node) or ""):
                yield f"{path.relative_to(PACKAGE)}: {getattr(node, 'name', 'module')}", text


EXAMPLES = dict(examples())

BUCKET = "s3://bucket/prefix"
"""The root that examples name; where they are run, it is that of a real server."""


def shows_what_it_says(name: str, text: str) -> None:
    """Type an example as a reader would: in an empty folder, with no names but those that it makes itself.

    Who reads of what no user holds reads its module, and has the names that are in it.
    """
    path, _, item = name.partition(": ")
    module = importlib.import_module(f"elliptio.{path.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__"))
    names = {} if item in public_classes() else vars(module)
    test = doctest.DocTestParser().get_doctest(text, {**names, "__name__": "__main__"}, name, None, 0)
    shown: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=shown.append)
    assert not shown, "".join(shown)


@pytest.mark.usefixtures("no_registry", "nothing_registered")
@pytest.mark.parametrize("name", [name for name, text in EXAMPLES.items() if BUCKET not in text])
def test_an_example_shows_what_it_says(name: str) -> None:
    shows_what_it_says(name, EXAMPLES[name])


@pytest.mark.parametrize("name", [name for name, text in EXAMPLES.items() if BUCKET in text])
def test_an_example_with_a_bucket_shows_what_it_says(name: str, s3_root: str) -> None:
    shows_what_it_says(name, EXAMPLES[name].replace(BUCKET, s3_root))


def public_classes() -> dict[str, type]:
    """Classes that users hold, by name; errors and warnings apart, which say themselves how they come about."""
    returned = loaded_make_api().RETURNED
    found = [getattr(eio, name) for name in eio.__all__]
    found += [
        getattr(importlib.import_module(f"elliptio.{home}"), name) for home in returned for name in returned[home]
    ]
    return {item.__name__: item for item in found if inspect.isclass(item) and not issubclass(item, Exception)}


def test_every_public_class_has_an_example() -> None:
    without = {name for name, item in public_classes().items() if "Examples\n---" not in (inspect.getdoc(item) or "")}
    assert without == set()
