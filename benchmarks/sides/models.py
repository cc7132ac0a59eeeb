"""Data models of elliptio, as a user saves, reads and finds them."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import elliptio as eio
from benchmarks import lakes
from benchmarks.place import Action, Place, whole_process
from benchmarks.sides.ours import handler
from elliptio.models import DataModel, find_models


class Score(DataModel, version=1):
    number: int
    rate: float
    text: str
    layers: list[int]
    by: dict[str, str]


class Group(DataModel, version=1):
    scores: list[Score]


class Array(DataModel, version=1):
    values: np.ndarray


class Frame(DataModel, version=1):
    rows: pd.DataFrame


class Both(DataModel, version=1):
    values: np.ndarray
    rows: pd.DataFrame


def import_it(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import elliptio.models")


def score(number: int = 0, size: int = 100) -> Score:
    return Score(number, number / 7, "x" * size, [number, 2, 3], {"name": "brenda"})


def array(place: Place) -> np.ndarray:
    return np.random.default_rng(0).random(place.size // 8)


def frame(place: Place) -> pd.DataFrame:
    made = np.random.default_rng(0)
    return pd.DataFrame({"number": np.arange(place.size // 16), "value": made.random(place.size // 16)})


def saving(place: Place, model: Callable[[], Any]) -> Iterator[Action]:
    h, made = handler(place), model()
    h.save(made)
    yield from itertools.repeat(lambda: h.save(made))


def reading(place: Place, model: Callable[[], Any], use: Callable[[Any], object]) -> Iterator[Action]:
    h = handler(place)
    artifact_id = h.save(model()).artifact_id
    yield from itertools.repeat(lambda: use(h.get(artifact_id, track=False).load()))


def save_one(place: Place) -> Iterator[Action]:
    return saving(place, partial(score, size=place.size - 200))


def read_one(place: Place) -> Iterator[Action]:
    return reading(place, partial(score, size=place.size - 200), lambda model: model.rate)


def save_many(place: Place) -> Iterator[Action]:
    h = handler(place)
    h.save(score())
    while True:
        pairs = [(score(number), str(number)) for number in range(place.count)]
        yield lambda pairs=pairs: h.save_many(pairs)


def save_nested(place: Place) -> Iterator[Action]:
    return saving(place, lambda: Group([score(number, 10) for number in range(place.count)]))


def read_nested(place: Place) -> Iterator[Action]:
    return reading(
        place, lambda: Group([score(number, 10) for number in range(place.count)]), lambda model: model.scores
    )


def open_big(place: Place) -> Iterator[Action]:
    """Open a model with an array and a table, and touch neither."""
    return reading(place, lambda: Both(array(place), frame(place)), type)


def save_array(place: Place) -> Iterator[Action]:
    return saving(place, lambda: Array(array(place)))


def read_array(place: Place) -> Iterator[Action]:
    return reading(place, lambda: Array(array(place)), lambda model: model.values.sum())


def save_frame(place: Place) -> Iterator[Action]:
    return saving(place, lambda: Frame(frame(place)))


def read_frame(place: Place) -> Iterator[Action]:
    return reading(place, lambda: Frame(frame(place)), lambda model: model.rows)


def filled(place: Place) -> eio.Handler:
    """Make a lake with the documents of many models; their files are not needed to find them."""
    h = handler(place)
    saved = h.save(score())
    real = next(h.index.find("artifacts", {"_id": saved.artifact_id}))
    made = random.Random(0)
    documents = (
        {**each, "model": {**real["model"], "fields": {**real["model"]["fields"], "rate": made.random()}}}
        for each in lakes.like(real, place.documents)
    )
    while portion := list(itertools.islice(documents, 2000)):
        h.index.insert("artifacts", *portion)
    os.sync()
    return h


def find_newest(place: Place) -> Iterator[Action]:
    """Find the newest seven with one value of a field."""
    h = filled(place)
    yield from itertools.repeat(lambda: find_models(Score, {"number": 0}, handler=h, max_docs=7))


def find_greatest(place: Place) -> Iterator[Action]:
    """Find the seven with the greatest values of a field."""
    h = filled(place)
    yield from itertools.repeat(lambda: find_models(Score, sort="-rate", handler=h, max_docs=7))
