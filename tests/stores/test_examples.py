"""The examples in the docstrings of the stores, the seams and what tests them do what they say."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import elliptio.stores
import elliptio.testing

NAMES = [
    "elliptio.protocols",
    *(
        found.name
        for room in (elliptio.stores, elliptio.testing)
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_examples_do_what_they_say(name: str) -> None:
    failed, _ = doctest.testmod(import_module(name))
    assert failed == 0
