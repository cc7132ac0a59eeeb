"""What was stored in format version 1 opens, and what is stored now is of that version.

If a test here fails because something is written in another way: that is a new version of the format. Raise it
(`metadata.VERSION`, `identity.FORMAT_VERSION` or `sqlite_schema.SCHEMA_VERSION`), read the old one on, leave
``tests/golden/v1`` as it is, and let ``tests/golden/make.py`` write the files of the new one.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

import elliptio as eio
from elliptio.documents import extended_json
from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.indexes.sqlite import schema as sqlite_schema
from elliptio.indexes.sqlite.index import SqliteIndex
from tests.golden import make

GOLDEN = Path(__file__).with_name("golden") / "v1"
STORED: dict[str, list[dict[str, Any]]] = json_util.loads(
    (GOLDEN / "documents.json").read_text(encoding="utf-8"), json_options=json_util.JSONOptions(tz_aware=True)
)
DATASET, MODEL, LABELLED = (document["_id"] for document in STORED["artifacts"])
(DELETED,) = (document["_id"] for document in STORED["tombstones"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The golden lake, with its index."""
    copy = tmp_path / "golden"
    shutil.copytree(GOLDEN / "lake", copy)
    make.load((GOLDEN / "index.sql").read_text(encoding="utf-8"), copy / ".elliptio" / "index.sqlite")
    return copy


@pytest.fixture
def h(root: Path) -> Iterator[eio.Handler]:
    with eio.Handler(root) as opened:
        yield opened


def texts(documents: Any) -> list[str]:
    """Documents in a form in which NaN is like NaN."""
    return sorted(extended_json(document) for document in documents)


# --- what was stored opens ---


def test_every_value_is_read(h: eio.Handler) -> None:
    environments = {document["_id"]: document for document in STORED["environments"]}
    for document in STORED["artifacts"]:
        metadata = h.get(document["_id"]).metadata
        read = {name: getattr(metadata, name) for name in document if name not in ("_id", "files", "logs")}
        read["labels"] = dict(metadata.labels)
        read["remote_root"] = metadata.remote_root.removeprefix(f"{h.store.root}/")
        for name in ("files", "logs"):
            read[name] = [
                {"relpath": record.relpath, "size": record.size, "sha256": record.sha256}
                for record in getattr(metadata, name)
            ]
        assert texts([read]) == texts([{name: document[name] for name in read}])
        assert read.keys() == document.keys() - {"_id"}
        assert metadata.environment == environments[document["environment_id"]]
        assert metadata.python_packages == metadata.environment["python_packages"]


def test_values_are_what_was_given(h: eio.Handler) -> None:
    assert texts([dict(h.get(LABELLED).labels)]) == texts([make.LABELS])
    labels = h.get(DATASET).labels
    assert isinstance(labels, eio.Labels)
    assert (labels.ticket, labels.infos) == ("ML-42", {"rows": 1})
    metadata = h.get(LABELLED).metadata
    assert (metadata.username, metadata.based_on) == ("Zoë R&D", [DATASET, MODEL])
    assert metadata.creation_time == datetime(2026, 11, 3, 9, 12, 48, 505_000, tzinfo=UTC)
    assert h.get(MODEL).metadata.git == make.IN_GIT.git


def test_every_file_is_read(h: eio.Handler) -> None:
    assert h.get(DATASET).files["deep/über.bin"].open().read() == bytes(range(256))
    model = h.get(MODEL)
    assert model.file.download_string() == '{"weights": [0.5]}\n'
    assert model.logs["git.diff"].download_string() == make.DIFF
    assert model.logs["output.log"].download_string() == "loss 0.25\n"
    report = h.verify()
    assert (report.problems, report.artifacts, report.files) == ([], 3, 6)
    assert h.gc() == []


def test_the_index_answers(h: eio.Handler) -> None:
    for query, found in QUERIES:
        assert list(h.find(query, sort="creation_time").index) == found, query
    every = h.find(deleted=True)
    assert list(every.index) == [DELETED, LABELLED, MODEL, DATASET]
    assert every.deleted[DELETED] == {"username": "brenda", "time": datetime(2026, 11, 3, 10, 12, 44, 505_000, UTC)}
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted by brenda at 2026-11-03T10:12:44"):
        h.get(DELETED)


QUERIES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [DATASET, MODEL, LABELLED]),
    ({"username": "Zoë R&D"}, [LABELLED]),
    ({"based_on": DATASET}, [MODEL, LABELLED]),
    ({"creation_time": {"$gt": datetime(2026, 11, 3, 9, 12, 46, tzinfo=UTC)}}, [MODEL, LABELLED]),
    ({"file_relpaths": "deep/über.bin"}, [DATASET]),
    ({"files.sha256": STORED["artifacts"][0]["files"][0]["sha256"]}, [DATASET, LABELLED]),
    ({"git.commit": {"$regex": "^4f2a"}}, [MODEL]),
    ({"labels.infos.rows": 1}, [DATASET]),
    ({"labels.long": 2**53 + 1}, [LABELLED]),
    ({"labels.least": {"$lt": 0}}, [LABELLED]),
    ({"labels.nan": float("nan")}, [LABELLED]),
    ({"labels.bytes": b"\0\xff"}, [LABELLED]),
    ({"labels.list.deep": True}, [LABELLED]),
    ({"labels.dict.a.b.c": {"$in": [1, 2]}}, [LABELLED]),
    ({"labels.long ago": {"$lt": datetime(1900, 1, 1, tzinfo=UTC)}}, [LABELLED]),
    ({"labels.nothing": None, "labels.yes": True}, [LABELLED]),
    ({"python_packages.Zope.Interface": "7.0"}, [DATASET, LABELLED]),
    ({"gpus.memory_bytes": {"$gte": 10**9}}, [MODEL]),
]


def test_the_index_can_be_written_on(h: eio.Handler, data: Path) -> None:
    newer = h.upload(data, based_on=MODEL)
    h.delete(LABELLED)
    assert list(h.find().index) == [newer.artifact_id, MODEL, DATASET]
    assert h.find(columns="all").lake_id.nunique() == 1
    assert h.verify().ok


def test_the_files_alone_give_every_document(root: Path) -> None:
    (root / ".elliptio" / "index.sqlite").unlink()
    with eio.Handler(root) as h:
        report = h.reindex()
        assert (report.artifacts, report.tombstones, report.problems) == (3, 1, [])
        for collection in ("artifacts", "tombstones"):
            assert texts(h.index.find(collection, {})) == texts(STORED[collection])
        assert texts(h.index.find("environments", {})) == texts(STORED["environments"])


def test_runs_and_tags_are_read(h: eio.Handler, root: Path) -> None:
    for name in make.PRIVATE:
        shutil.copytree(GOLDEN / name, root / ".elliptio" / name)
    report = h.reindex()
    assert (report.runs, report.problems) == (2, [])
    found = h.runs(sort="creation_time").reset_index().to_dict("records")
    assert [(run["name"], run["status"], run["used"]) for run in found] == [
        ("train", "failed", []),
        ("fold", "finished", [DATASET]),
    ]
    train, fold = found
    assert (fold["parent"], fold["root"], train["parent"]) == (train["run_id"], train["run_id"], None)
    assert train["params"] == {"rate": 0.5, "layers": [8, 8], "password": "***"}
    assert train["metrics"] == {"loss": 0.25}
    assert train["error"] == {"type": "ValueError", "message": "too large"}
    assert train["end_time"] == datetime(2026, 11, 3, 10, 12, 44, 505_000, tzinfo=UTC)
    assert h.runs.metrics(train["run_id"])["step"].tolist() == [1]
    assert h.tags("\u00dcber 1")["artifact_id"].tolist() == [None, DATASET]
    assert h.verify().ok


# --- what a newer elliptio stored is refused ---

UPGRADE = r"newer elliptio.*pip install --upgrade elliptio"


def edit(path: Path) -> None:
    """Let a file say that it is of version 2."""
    path.chmod(0o644)
    text = path.read_text(encoding="utf-8")
    assert text.count('"version": 1') == 1
    path.write_text(text.replace('"version": 1', '"version": 2'), encoding="utf-8")


@pytest.mark.parametrize(
    "use",
    [
        lambda h, data: h.find(),
        lambda h, data: h.get(DATASET),
        lambda h, data: h.upload(data),
        lambda h, data: h.delete(DELETED),
        lambda h, data: h.verify(),
        lambda h, data: h.reindex(),
        lambda h, data: h.gc(dry_run=False),
    ],
    ids=["find", "get", "upload", "delete", "verify", "reindex", "gc"],
)
@pytest.mark.parametrize("shared", [False, True])
def test_a_newer_lake(root: Path, data: Path, use: Callable[[eio.Handler, Path], Any], shared: bool) -> None:
    edit(root / ".elliptio" / "lake.json")
    index = f"sqlite:///{root}/.elliptio/index.sqlite" if shared else None
    before = sorted(root.rglob("*.*"))
    with eio.Handler(root, index) as h:
        for _ in range(2):
            with pytest.raises(eio.FormatError, match=rf"lake\.json has version 2, written by a {UPGRADE}"):
                use(h, data)
    assert [path for path in sorted(root.rglob("*.*")) if "index.sqlite" not in path.name] == [
        path for path in before if "index.sqlite" not in path.name
    ]


def test_a_damaged_identity_holds_up_no_reading(root: Path) -> None:
    for content in (b"", b"{", b"\xff", b"[]"):
        (root / ".elliptio" / "lake.json").write_bytes(content)
        with eio.Handler(root) as h:
            assert len(h.find()) == 3
            assert h.get(DATASET).files["train.csv"].exists()


def test_a_newer_document(h: eio.Handler) -> None:
    (document,) = h.index.find("artifacts", {"_id": MODEL})
    h.index.delete("artifacts", [MODEL])
    h.index.insert("artifacts", {**document, "version": 2})
    for use in (h.get, h.verify, h.delete):
        with pytest.raises(eio.FormatError, match=rf"The document of {MODEL} has version 2, written by a {UPGRADE}"):
            use(MODEL)
    assert h.store.stat(f"{document['remote_root']}/deleted.json") is None


@pytest.mark.parametrize("name", ["metadata.json", "deleted.json"])
def test_a_newer_file_beside_an_artifact(h: eio.Handler, root: Path, name: str) -> None:
    collection, newer = ("artifacts", MODEL) if name == "metadata.json" else ("tombstones", DELETED)
    (path,) = root.glob(f"*/*/*/*/*_{newer}/{name}")
    edit(path)
    h.index.delete(collection, [newer])
    (problem,) = h.reindex().problems
    assert problem.artifact_id == newer
    assert name in problem.message
    assert "has version 2, written by a newer elliptio" in problem.message
    assert "pip install --upgrade elliptio" in problem.message


def test_a_newer_index(root: Path, data: Path) -> None:
    path = root / ".elliptio" / "index.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    for use in (
        lambda index: list(index.find("artifacts", {})),
        lambda index: index.count("artifacts", {}),
        lambda index: index.insert("artifacts", {"_id": "x"}),
        lambda index: index.delete("artifacts", [DATASET]),
    ):
        refused = pytest.raises(eio.FormatError, match=f"schema version 2, written by a {UPGRADE}")
        with contextlib.closing(SqliteIndex(path)) as index, refused:
            use(index)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (6,)


# --- what is stored now is of this version ---


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the present code writes of the same things at the same time."""
    folder = tmp_path_factory.mktemp("fresh") / "v1"
    make.write(folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_same_files_are_written(fresh: Path) -> None:
    assert files(fresh) == files(GOLDEN)


RUNS_GAINED = {
    *("git", "working_directory", "repository_root", "notebook", "environment", "environment_id", "redactions"),
    *("traceback", "notes", "inherited"),
}
"""Fields that are written of runs since, beside all that were: who reads the older ones has none of them."""


def without(value: Any, names: set[str]) -> Any:
    """Leave out fields of a JSON document, and of what is in it."""
    if isinstance(value, dict):
        return {name: without(item, names) for name, item in value.items() if name not in names}
    return value


@pytest.mark.parametrize("name", [name for name in files(GOLDEN) if name != "index.sql"])
def test_the_same_is_written_into_each(fresh: Path, name: str) -> None:
    old, new = (GOLDEN / name).read_bytes(), (fresh / name).read_bytes()
    if name.startswith("runs/"):
        old, new = (json.dumps(json.loads(text)).encode() for text in (old, new))
        new = json.dumps(without(json.loads(new), RUNS_GAINED)).encode()
    if name.endswith(".json"):  # how it is laid out is no matter; values, types and the order of fields are
        assert json.dumps(json.loads(new), indent=1) == json.dumps(json.loads(old), indent=1)
    else:
        assert new == old


def test_the_same_tables_are_written(fresh: Path, tmp_path: Path) -> None:
    found = []
    for number, folder in enumerate((GOLDEN, fresh)):
        path = tmp_path / f"{number}.sqlite"
        make.load((folder / "index.sql").read_text(encoding="utf-8"), path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            schema = sorted(connection.execute("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            tables = [name for name, kind, _ in schema if kind == "table"]
            rows = {name: sorted(connection.execute(f"SELECT * FROM {name}")) for name in tables}
            found.append((connection.execute("PRAGMA user_version").fetchone(), schema, rows))
    assert found[1] == found[0]


def shape(value: Any) -> Any:
    """Fields and types of a value."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def test_an_artifact_of_this_machine_has_the_same_fields(local: eio.Handler, data: Path) -> None:
    """Without anything fixed: also what is found out about code and machine is part of the format."""
    Path("code.py").write_text("x = 1\n")
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    remote = ["remote", "add", "origin", "https://example.org/x.git"]
    for command in (["init", "-q"], remote, ["add", "."], [*author, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True)
    Path("code.py").write_text("x = 2\n")
    parent = local.upload(data)
    with local.new(["model.json"], {"project": "x"}, based_on=parent, log_output=True) as new:
        print("loss")
        new.file.upload_string("{}")
    (old,) = (document for document in STORED["artifacts"] if document["_id"] == MODEL)
    (document,) = local.index.find("artifacts", {"_id": new.artifact_id})
    # What only some have, this one does: the code lies in a repository, and elliptio itself came from no index.
    assert [name for name in document if name != "repository_root"] == list(old)
    for name in document.keys() - {
        "labels",
        "redactions",
        "repository_root",
    }:  # what the user, and the command of the tests, decide
        assert shape(document[name]) == shape(old[name]), name
    environment = new.metadata.environment
    (known,) = (document for document in STORED["environments"] if document["_id"] == old["environment_id"])
    assert [name for name in environment if name != "package_origins"] == list(known)
    for name in ("python", "platform", "cpu", "memory"):
        assert set(environment[name]) <= set(known[name])
        assert all(type(value) is type(known[name][field]) for field, value in environment[name].items())


def test_the_indexed_paths_are_those_of_the_schema() -> None:
    # Of documents that are there already an index has no rows for another path, and would find none of them by it.
    assert sqlite_schema.SCHEMA_VERSION == 1
    assert INDEXED_PATHS == {
        "artifacts": (
            "creation_time",
            "username",
            "run_id",
            "based_on",
            "environment_id",
            "fingerprint",
            "file_relpaths",
            "files.sha256",
            "files.size",
            "git.commit",
            "lake_id",
            "tags",
            "labels.*",
            "entry.*",  # no document had any when it was added
            "model.*",  # nor of these
        ),
        "records": (
            "creation_time",
            "kind",
            "lake_id",
            "about.*",
        ),
        "runs": (
            "creation_time",
            "name",
            "parent",
            "root",
            "status",
            "username",
            "lake_id",
            "labels.*",
            "params.*",
            "metrics.*",
        ),
    }
