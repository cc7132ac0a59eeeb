"""Links of many documents: SqliteIndex follows few in one query, and many from generation to generation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from elliptio.indexes.links import Link
from elliptio.indexes.sqlite.following import _MANY_LINKED
from elliptio.indexes.sqlite.index import SqliteIndex

Family = dict[str, list[str]]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    index = SqliteIndex(tmp_path / "index.sqlite", durable=False)
    yield index
    index.close()


def chain(length: int) -> Family:
    return {f"{number}": [f"{number - 1}"] for number in range(1, length)}


def random_family(size: int, seed: int) -> Family:
    """Anybody may be a parent of anybody, so there are circles, and many ways to reach the same one."""
    rng = random.Random(seed)
    return {f"{number}": [f"{rng.randrange(size)}" for _ in range(rng.randrange(4))] for number in range(size)}


def distances(links: set[Link], start: str, *, up: bool) -> dict[str, int]:
    """How far from `start` each document is that can be reached, found one document after the other."""
    following: dict[str, set[str]] = {}
    for child, parent in links:
        here, there = (child, parent) if up else (parent, child)
        following.setdefault(here, set()).add(there)
    found, waiting = {start: 0}, [start]
    for name in waiting:
        for other in following.get(name, set()) - set(found):
            found[other] = found[name] + 1
            waiting.append(other)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    [
        *(pytest.param(chain(_MANY_LINKED + more), id=f"a chain of the most{more:+}") for more in (-1, 0, 1, 900)),
        *(pytest.param(random_family(2000, seed), id=f"random {seed}") for seed in range(3)),
        pytest.param({f"{number}": ["0"] for number in range(1, _MANY_LINKED + 50)}, id="many children"),
    ],
)
@pytest.mark.parametrize("up", [True, False])
def test_every_link_is_found_once_the_nearest_first(index: SqliteIndex, family: Family, up: bool) -> None:
    index.insert("artifacts", *({"_id": name, "based_on": parents} for name, parents in family.items()))
    every = {(child, parent) for child, parents in family.items() for parent in parents}
    start = max(family, key=int) if up else "0"
    known = distances(every, start, up=up)

    links = index.links(["artifacts"], [start], up=up)

    assert len(links) == len(set(links))
    assert set(links) == {link for link in every if link[not up] in known}
    passed = [known[link[not up]] for link in links]
    assert passed == sorted(passed)
    near = index.links(["artifacts"], [start], up=up, depth=2)
    assert set(near) == {link for link in every if known.get(link[not up], 9) < 2}
