"""Writes the golden files of a format version: ``python -m tests.golden.make tests/golden/v1``.

They were written once, by the first elliptio of that version, and are never written again: whatever an older elliptio
has stored must open for ever. A new format gets a version and a folder of its own.

All that depends on the time, the machine and chance is fixed, so that what elliptio writes today can be compared.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bson import json_util

import elliptio as eio
from elliptio.naming import uuid7
from elliptio.provenance.collecting import Provenance, environment_id
from elliptio.saving.sources import find_sources

START = datetime(2026, 11, 3, 9, 12, 44, 505_000, tzinfo=UTC)

LABELS = {
    "text": "Zoë 🐧\n",
    "empty": "",
    "yes": True,
    "no": False,
    "nothing": None,
    "int": 7,
    "long": 2**53 + 1,
    "least": -(2**63),
    "float": 0.1,
    "whole": 2.0,
    "nan": float("nan"),
    "infinite": [float("inf"), float("-inf")],
    "bytes": b"\x00\xff",
    "moment": datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC),
    "long ago": datetime(1815, 12, 10, tzinfo=UTC),
    "list": [1, "two", [3.5, None], {"deep": [True]}],
    "dict": {"a": {"b": {"c": 1}}, "none": {}},
    "no list": [],
}

DIFF = "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-epochs = 1\n+epochs = 2\n"

DOCUMENTS = ("artifacts", "environments", "tombstones")

PRIVATE = ("runs", "tags")


def write(folder: Path) -> None:
    """Write ``lake/``, ``index.sql``, ``documents.json``, ``runs/`` and ``tags/`` into a folder."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name, _fixed(), eio.Handler(folder / "lake") as h:
        _fill(h, Path(name))
        found = {collection: sorted(h.index.find(collection, {}), key=_by_id) for collection in DOCUMENTS}
    options = json_util.RELAXED_JSON_OPTIONS
    text = json_util.dumps(found, json_options=options, indent=1, ensure_ascii=False)
    (folder / "documents.json").write_text(f"{text}\n", encoding="utf-8")
    private = folder / "lake" / ".elliptio"
    (folder / "index.sql").write_text(dump(private / "index.sqlite"), encoding="utf-8")
    for path in private.iterdir():
        if path.name != "lake.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with tempfile.TemporaryDirectory() as name:
        copy = shutil.copytree(folder / "lake", Path(name, "lake"))
        _write_private(folder, copy)


def _write_private(folder: Path, lake: Path) -> None:
    """Write ``runs/`` and ``tags/`` as they would lie in ``.elliptio`` of the lake."""
    process = {"machine": "0f1e2d3c-4b5a", "namespace": "pid:[4026531836]", "pid": 4242, "began": "123456"}
    with (
        _fixed(),
        patch("elliptio.lake.run_records.datetime", _Clock),
        patch("elliptio.lake.tags.datetime", _Clock),
        _facts(PLAIN._replace(username="andy", argv="python train.py --rate 0.5")),
        patch("elliptio.system.liveness.this_process", lambda: process),
        eio.mock_username("andy"),
        eio.Handler(lake) as h,
    ):
        h.reindex()
        artifact_id = h.find().index[-1]
        _run(h, artifact_id)
        h.tag(artifact_id, "\u00dcber 1")
        h.tags.remove("\u00dcber 1")
    for name in PRIVATE:
        shutil.copytree(lake / ".elliptio" / name, folder / name, ignore=shutil.ignore_patterns("lock"))


def _run(h: eio.Handler, artifact_id: str) -> None:
    """Record a run that fails, after another in it that does not."""
    params = {"rate": 0.5, "layers": [8, 8], "password": "hunter2"}
    with contextlib.suppress(ValueError), h.run("train", params, labels={"project": "penguins"}) as run:
        run.log(loss=0.25, step=1)
        with h.run("fold"):
            h.get(artifact_id)
        raise ValueError("too large")


def dump(path: Path) -> str:
    """Write an SQLite file as SQL."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return "\n".join([*connection.iterdump(), f"PRAGMA user_version = {version};"]) + "\n"


def load(sql: str, path: Path) -> None:
    """Make an SQLite file of what `dump` wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def _fill(h: eio.Handler, source: Path) -> None:
    """Save a dataset, a model with logs, one with labels of every kind, and one that is deleted."""
    (source / "deep").mkdir()
    (source / "train.csv").write_bytes(b"species,mass\nadelie,3750\n")
    (source / "deep" / "\u00fcber.bin").write_bytes(bytes(range(256)))
    labels = eio.Labels(ticket="ML-42", project="penguins", datatype="table", infos={"rows": 1})
    with eio.mock_username("andy"), _facts(PLAIN):
        dataset = h.upload(source, labels)
    with eio.mock_username("andy"), _facts(IN_GIT), h.new(["model.json"], based_on=dataset, log_output=True) as model:
        print("loss 0.25")
        model.file.upload_string('{"weights": [0.5]}\n')
    with eio.mock_username("Zoë R&D"), _facts(IN_NOTEBOOK):
        h.upload(source / "train.csv", LABELS, based_on=[dataset, model])
    with eio.mock_username("brenda"), _facts(PLAIN):
        h.delete(h.upload(source / "train.csv", {"project": "penguins"}, based_on=dataset))


def _provenance(environment: dict[str, Any], **more: Any) -> Provenance:
    facts: dict[str, Any] = {
        "username": "unused",
        "hostname": "laptop",
        "argv": "python prepare.py",
        "working_directory": None,
        "git": None,
        "diff": None,
        "notebook": None,
        "environment": {"_id": environment_id(environment), **environment},
        "redactions": [],
    }
    return Provenance(**{**facts, **more})


LAPTOP = {
    "python": {"version": "3.11.7", "implementation": "CPython"},
    "platform": {
        "system": "Linux",
        "release": "6.1.0",
        "machine": "x86_64",
        "libc": "glibc 2.36",
        "distribution": "Debian GNU/Linux 12 (bookworm)",
    },
    "cpu": {"model": "A Processor", "count": 8, "physical": 4},
    "memory": {"total_bytes": 16_000_000_000},
    "gpus": [],
    "container": None,
    "scheduler": None,
    "python_packages": {"numpy": "2.1.0", "pandas": "2.2.3", "zope-interface": "7.0"},
}
CLUSTER = {
    **LAPTOP,
    "gpus": [{"name": "A GPU", "memory_bytes": 40 * 1024**3, "driver": "550.54"}],
    "container": "apptainer",
    "scheduler": {"kind": "slurm", "job_id": "4242", "job_name": "train"},
    "python_packages": {"pandas": "2.3.0"},
}

PLAIN = _provenance(LAPTOP)
IN_GIT = _provenance(
    CLUSTER,
    hostname="node7",
    argv="python train.py --token ***",
    working_directory="code",
    git={
        "commit": "4f2a0c1d5e6b7a8990a1b2c3d4e5f60718293a4b",
        "branch": "main",
        "remote": "https://example.org/penguins.git",
        "dirty": True,
    },
    diff=DIFF,
    redactions=[{"kind": "option", "where": "argv, argument 3"}],
)
IN_NOTEBOOK = _provenance(
    LAPTOP,
    notebook="study.ipynb",
    working_directory=".",
    git={"commit": None, "branch": None, "remote": None, "dirty": False},
)


class _Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return START + timedelta(hours=1)


@contextlib.contextmanager
def _fixed() -> Iterator[None]:
    """Identifiers and times that are always the same."""
    made = iter(range(1000))

    def new_id(kind: str) -> tuple[str, datetime]:
        number = next(made)
        moment = START + timedelta(seconds=number)
        return f"{kind}_{uuid7(round(moment.timestamp() * 1000), 0, number.to_bytes(8))}", moment

    def sources(paths: Any, **_: Any) -> Any:
        return find_sources(paths)._replace(root="/home/andy/penguins")

    with (
        patch("elliptio.naming.new_id", new_id),
        patch("elliptio.saving.sources.find_sources", sources),
        patch("elliptio.lake.upkeep.upkeep.datetime", _Clock),
        patch("elliptio.provenance.collecting.code_directory", lambda: None),
    ):
        yield


@contextlib.contextmanager
def _facts(facts: Provenance) -> Iterator[None]:
    with patch("elliptio.provenance.collecting.collect", lambda **_: facts):
        yield


def _by_id(document: dict[str, Any]) -> str:
    return str(document["_id"])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
