"""A process that saves models without end, and kills itself at a named step: run by the crash tests.

It prints the identifiers of what was saved once `save` or `save_many` has returned: what was printed must survive.
"""

from __future__ import annotations

import numpy as np

import elliptio as eio
from elliptio.artifacts.hashing import HashingWriter
from elliptio.lake import records
from elliptio.models import DataModel
from elliptio.models import saving as models
from elliptio.saving import publication, values
from elliptio.stores.local import store as local
from tests.reliability import saver

STEPS = {
    **saver.STEPS,
    "take apart": (models, "encode"),
    "record the schema": (records, "add_missing"),
    "write a value": (values, "_write"),
    "write all": (values, "write"),
    "hash a value": (HashingWriter, "written"),
    "describe a model": (publication.Publication, "_describe"),
    "publish together": (values, "publish_all"),
    "publish all (folder)": (local.LocalStaging, "publish"),
}


class Part(DataModel, version=1):
    pixels: np.ndarray


class Saved(DataModel, version=1):
    number: int
    parts: list[Part]


def save_without_end(root: str) -> None:
    h = eio.Handler(root, progress=False)
    for number in range(10**9):
        model = Saved(number, [Part(np.full(1000, number)), Part(np.full(3, number))])
        made = h.save_many([(model, "a"), (model, "b"), (model, "c")]) if number % 2 else [h.save(model, "alone")]
        for artifact in made:
            print(artifact.artifact_id, flush=True)


def main(root: str, step: str, when: str, call: str) -> None:
    """Save until this process kills itself."""
    saver.kill_at(step, when, int(call), STEPS)
    save_without_end(root)
