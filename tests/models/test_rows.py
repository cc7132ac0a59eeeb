"""Rows of fields are made of documents, and of files where those do not say all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import elliptio as eio
from elliptio.models import DataModel, find_models


class Base(DataModel, version=1):
    x: int


class Below(Base, version=1):
    more: int = 0


@dataclass
class Point:
    x: int


class Holds(DataModel, version=1):
    number: int
    base: Base = Base(0)
    anything: Any = None
    bases: tuple[Base, ...] = ()


@pytest.mark.parametrize(
    "held",
    [
        Holds(1, Below(1, 2)),
        Holds(1, anything=Point(3)),
        Holds(1, anything={"a": [Point(3), Base(1)]}),
        Holds(1, bases=(Base(1), Below(1, 2))),
        Holds(1, anything="$class"),
        Holds(1, anything={"$class": "x", "fields": {}}),
    ],
)
def test_classes_that_hints_do_not_name(local: eio.Handler, held: Holds) -> None:
    local.save(held, "a")
    for options in ({}, {"sort": "number"}, {"columns": ["base", "anything", "bases"]}):
        row = find_models(Holds, handler=local, **options).iloc[0]
        assert (row.base, row.anything, row.bases) == (held.base, held.anything, held.bases)
    assert list(find_models(Holds, handler=local, columns=["number"]).number) == [1]


class Tree(DataModel, version=1):
    number: int
    left: Tree | None = None
    others: tuple[Tree, ...] = ()


def test_a_model_that_holds_its_own_class(local: eio.Handler) -> None:
    tree = Tree(1, Tree(2, Tree(3)), (Tree(4), Tree(5, others=(Tree(6),))))
    local.save(tree, "a")
    row = find_models(Tree, handler=local).iloc[0]
    assert (row.number, row.left, row.others) == (1, tree.left, tree.others)
    assert find_models(Tree, handler=local, columns=["left"]).left.tolist() == [tree.left]
    assert find_models(Tree, {"left.left.number": 3}, handler=local, columns=["number"]).number.tolist() == [1]
