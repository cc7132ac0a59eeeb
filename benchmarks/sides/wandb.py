"""Weights & Biases, offline: artifacts are staged for an upload that does not happen."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from benchmarks.place import Action, Place, remove, whole_process


def import_it(place: Place) -> Iterator[Action]:
    return whole_process("-c", "import wandb")


def opened(place: Place):
    folder = str(place.folder / "wandb")
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_ERROR_REPORTING="false", DO_NOT_TRACK="1")
    os.environ.update(dict.fromkeys(("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"), folder))
    os.makedirs(folder)
    import wandb

    return wandb, wandb.init(project="bench", mode="offline")


def save_new_file(place: Place) -> Iterator[Action]:
    wandb, run = opened(place)
    for number in itertools.count():
        source = place.file()

        def action(number: int = number) -> None:
            artifact = wandb.Artifact(f"artifact{number}", type="dataset")
            artifact.add_file(str(source))
            run.log_artifact(artifact)

        yield action
        forget(place)


def save_files(place: Place) -> Iterator[Action]:
    wandb, run = opened(place)
    for number in itertools.count():
        source = place.files()

        def action(number: int = number) -> None:
            artifact = wandb.Artifact(f"artifact{number}", type="dataset")
            artifact.add_dir(str(source))
            run.log_artifact(artifact)

        yield action
        forget(place)


def forget(place: Place) -> None:
    if place.size * max(1, place.count) >= 1 << 20:
        for path in (place.folder / "wandb").rglob("staging/*"):
            remove(path)
