"""Whatever a model's files and document hold, reading gives a model, a record, or an `ElliptioError`."""

from __future__ import annotations

import contextlib
import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elliptio as eio
from elliptio.errors import ElliptioError, QueryError
from elliptio.models import DataModel, describe, find_models, peek
from elliptio.models.content import parsed
from elliptio.models.loading import Loading
from elliptio.models.types.schema import whole_hash_of

Content = dict[str, Any]


class Inner(DataModel, version=1):
    a: int


class Hostile(DataModel, version=1):
    number: int
    inner: Inner
    many: list[Inner]
    anything: Any
    table: dict[int, str]
    pixels: np.ndarray


@pytest.fixture
def saved(local: eio.Handler) -> eio.Artifact:
    return local.save(Hostile(1, Inner(1), [Inner(2)], {"k": (1, 2)}, {1: "a"}, np.arange(3)), "a")


def _everything(made: Any) -> None:
    """Touch what there is."""
    names = list(made) if hasattr(made, "model_name") else list(made.__dataclass_fields__)
    for name in names:
        getattr(made, name, None)
        describe(made, name)
        peek(made, name)
    repr(made)


def _key(content: Content) -> str:
    return str(content["root"])


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CHANGES: dict[str, Callable[[Content], Any]] = {
    "an unknown class": lambda c: c["classes"][_key(c)].update({"class": "os:system", "name": "system"}),
    "a path in a class": lambda c: c["classes"][_key(c)].update({"class": "../../etc/passwd", "name": "/etc/passwd"}),
    "a module to import": lambda c: c["classes"][_key(c)].update({"class": "antigravity:Hostile", "name": "antigravity"}),  # noqa: E501
    "a class of numbers": lambda c: c["classes"][_key(c)].update({"class": 5, "name": None, "version": "x"}),
    "no class": lambda c: c["classes"].pop(_key(c)),
    "no classes": lambda c: c["classes"].clear(),
    "classes are lists": lambda c: c["classes"].update({_key(c): []}),
    "a kind": lambda c: c["classes"][_key(c)].update({"kind": "exec"}),
    "a dataclass of builtins": lambda c: c["classes"][_key(c)].update({"kind": "dataclass", "class": "builtins:eval"}),
    "a class that calls": lambda c: c["classes"][_key(c)].update({"kind": "attrs", "class": "subprocess:Popen"}),
    "no version": lambda c: c["classes"][_key(c)].pop("version"),
    "a version of nothing": lambda c: c["classes"][_key(c)].update({"version": None}),
    "a version of text": lambda c: c["classes"][_key(c)].update({"version": "1"}),
    "a version of truth": lambda c: c["classes"][_key(c)].update({"version": True}),
    "a version of lists in a field": lambda c: [e.update({"version": []}) for e in c["classes"].values() if e["name"] == "Inner"],  # noqa: E501
    "a huge version": lambda c: c["classes"][_key(c)].update({"version": 10**400}),
    "no fields": lambda c: c["classes"][_key(c)].pop("fields"),
    "fields are a list": lambda c: c["classes"][_key(c)].update({"fields": ["number"]}),
    "a field of a class that is not there": lambda c: c["classes"][_key(c)]["fields"].update({"number": {"class": "x"}}),  # noqa: E501
    "a class that is itself": lambda c: c["classes"].update({_key(c): {"kind": "alias", "is": {"class": _key(c)}}}),
    "a type of nothing": lambda c: c["classes"][_key(c)]["fields"].update({"number": {}}),
    "a type of much": lambda c: c["classes"][_key(c)]["fields"].update({"number": {"list": _nested(500)}}),
    "an unknown type": lambda c: c["classes"][_key(c)]["fields"].update({"number": "pickle"}),
    "a numpy type": lambda c: c["classes"][_key(c)]["fields"].update({"number": {"numpy": "O8"}}),
    "root is none": lambda c: c.update(root="nobody"),
    "root is a list": lambda c: c.update(root=[]),
    "fields are none": lambda c: c.update(fields=None),
    "fields are missing": lambda c: c["fields"].clear(),
    "one too many": lambda c: c["fields"].update({"__class__": 5, "__init__": 1}),
    "a text for a number": lambda c: c["fields"].update({"number": "5"}),
    "a huge number": lambda c: c["fields"].update({"number": 10**4000}),
    "a huge number as text": lambda c: c["fields"].update({"anything": {"$int": "9" * 10**6}}),
    "a huge decimal": lambda c: c["fields"].update({"anything": {"$decimal": "1e999999999999"}}),
    "a huge tuple": lambda c: c["fields"].update({"anything": {"$tuple": 10**9}}),
    "a wrong shape": lambda c: c["fields"].update({"inner": [1, 2]}),
    "wrong shapes": lambda c: c["fields"].update({"many": {"a": 1}, "table": [1]}),
    "keys that cannot be": lambda c: c["fields"].update({"anything": {"$dict": [[[1], 2]]}}),
    "a set of lists": lambda c: c["fields"].update({"anything": {"$set": [[1]]}}),
    "deep": lambda c: c["fields"].update({"anything": _nested(900)}),
    "laughs": lambda c: c["classes"].update({
        **{str(n): {"kind": "alias", "is": {"tuple": [{"class": str(n + 1)}] * 9}} for n in range(1000, 1040)},
        _key(c): {**c["classes"][_key(c)], "fields": {"number": {"class": "1000"}}},
    }),
    "an unknown tag": lambda c: c["fields"].update({"anything": {"$eval": "1"}}),
    "a class in a tag": lambda c: c["fields"].update({"anything": {"$class": "os:system", "fields": {}}}),
    "a class in a class": lambda c: c["fields"].update({"inner": {"$class": {"$class": 1}, "fields": {}}}),
    "another class in a field": lambda c: c["fields"].update({"inner": {"$class": _key(c), "fields": copy.deepcopy(c["fields"])}}),  # noqa: E501
    "a path that is no path": lambda c: c["fields"].update({"anything": {"$path": ["posix", "a\0b"]}}),
    "a date": lambda c: c["fields"].update({"anything": {"$date": "9999999-99-99"}}),
    "a zone": lambda c: c["fields"].update({"anything": {"$datetime": ["2026-01-01T00:00:00", "../../etc/passwd"]}}),
    "a file outside": lambda c: c["files"]["pixels"].update({"relpath": "../../../../etc/passwd"}),
    "a file at the root": lambda c: c["files"]["pixels"].update({"relpath": "/etc/passwd"}),
    "the file itself": lambda c: c["files"]["pixels"].update({"relpath": "model.json"}),
    "no file": lambda c: c["files"].clear(),
    "files are a list": lambda c: c.update(files=[]),
    "a file is a number": lambda c: c["files"].update({"pixels": 5}),
    "another file": lambda c: c["fields"].update({"pixels": {"$file": "../pixels"}}),
    "a file of a number": lambda c: c["fields"].update({"pixels": {"$file": 5}}),
    "a file of no format": lambda c: c["files"]["pixels"].update({"format": "exec"}),
    "a pickle": lambda c: c["files"]["pixels"].update({"format": "pickle"}),
    "a format of a number": lambda c: c["files"]["pixels"].update({"format": 5, "options": 7, "type": 8}),
    "an unknown serializer": lambda c: c["files"]["pixels"].update({"serializer": "os.system", "format": None}),
    "an unknown storage": lambda c: c["files"].update({"pixels": {"stored": {"storage": "os.system", "location": "x"}}}),  # noqa: E501
    "a storage of nothing": lambda c: c["files"].update({"pixels": {"stored": 5}}),
    "a storage outside": lambda c: c["files"].update({"pixels": {"stored": {
        "storage": "FileSystemStorage", "spec": {"dir": "/etc"}, "location": "passwd", "sha256": "0", "size": 1,
        "format": "npy",
    }}}),
    "a summary": lambda c: c["files"]["pixels"].update({"summary": 5}),
    "a summary of nonsense": lambda c: c["files"]["pixels"].update({"summary": {"shape": 5, "columns": 7, "dtypes": "x"}}),  # noqa: E501
    "everything is gone": lambda c: c.clear(),
}  # fmt: skip


def _replaced(artifact: eio.Artifact, content: bytes) -> None:
    """Write another ``model.json``, and let the lake believe that it is that which was saved."""
    path = Path(artifact.files["model.json"].remote_url)
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize("change", CHANGES)
def test_hostile_content(local: eio.Handler, saved: eio.Artifact, change: str) -> None:
    content = json.loads(saved.files["model.json"].download_string())
    before = set(sys.modules)
    CHANGES[change](content)
    try:
        text = json.dumps(content)
    except ValueError:
        text = "{}"
    try:
        made = Loading(saved, content=parsed(text)).model()
        _everything(made)
    except ElliptioError:
        pass
    assert not {name for name in set(sys.modules) - before if name.startswith(("antigravity", "subprocess", "pickle"))}


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"null", b"[]", b"5", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"{}",
        b'{"root": "x", "classes": {}, "fields": {}, "files": {}}', b'{"root": NaN}', b'"' + b"a" * 100_000,
        b'{"root": ' + b"9" * 10_000 + b"}", json.dumps({"root": "0", "classes": {"0": 5}, "fields": {}, "files": {}}).encode(),  # noqa: E501
    ],
)  # fmt: skip
def test_hostile_files(local: eio.Handler, saved: eio.Artifact, text: bytes) -> None:
    with pytest.raises(ElliptioError):
        Loading(saved, content=parsed(text)).model()
    _replaced(saved, text)
    with pytest.raises(ElliptioError):
        local.show(saved.artifact_id).load()


DOCUMENTS: dict[str, Callable[[Content], Any]] = {
    "no model": lambda m: m.clear(),
    "no schema": lambda m: m.pop("schema"),
    "an unknown schema": lambda m: m.update(schema="f" * 64),
    "a schema of numbers": lambda m: m.update(schema=5),
    "no fields": lambda m: m.pop("fields"),
    "fields are a list": lambda m: m.update(fields=[1]),
    "other values": lambda m: m["fields"].update({"number": "x", "inner": 5, "many": {"a": [1]}}),
    "exact is nonsense": lambda m: m.update(exact={"number": "{", "table": "[[[[", "anything": 5}),
    "exact is a list": lambda m: m.update(exact=[1]),
    "elsewhere": lambda m: m.update(elsewhere=5),
    "long": lambda m: m.update(long=["number", "many"]),
    "long is a number": lambda m: m.update(long=5),
    "a class": lambda m: m.update({"class": "os:system", "name": "system", "version": "x"}),
}


@pytest.mark.parametrize("change", DOCUMENTS)
def test_hostile_documents(local: eio.Handler, saved: eio.Artifact, change: str) -> None:
    (document,) = local.lake.find({"_id": saved.artifact_id}, sort=[], limit=0)
    changed = copy.deepcopy(document)
    DOCUMENTS[change](changed["model"])
    local.lake.index.replace("artifacts", changed)
    for query in ({}, {"number": 1}, {"inner.a": {"$gt": 0}}, {"many.a": 2}, {"table": 1}):
        try:
            find_models(Hostile, query, handler=local)
            find_models("Hostile", query, handler=local, sort="number")
        except ElliptioError:
            pass
    with contextlib.suppress(ElliptioError):
        _everything(local.show(saved.artifact_id).load())


SCHEMAS: dict[str, Callable[[Content, str], Any]] = {
    "no classes": lambda c, key: c.clear(),
    "no kind": lambda c, key: c[key].pop("kind"),
    "a kind": lambda c, key: c[key].update(kind="exec"),
    "no name": lambda c, key: c[key].pop("name"),
    "a class of numbers": lambda c, key: c[key].update({"class": 5}),
    "no fields": lambda c, key: c[key].update(fields=None),
    "fields of text": lambda c, key: c[key].update(fields="number"),
    "a type of nothing": lambda c, key: c[key]["fields"].update(more={}),
    "a literal of nothing": lambda c, key: c[key].update(fields={"literal": {}}),
    "a class that is not there": lambda c, key: c[key]["fields"].update(more={"list": {"class": "os:system"}}),
    "a version that refers": lambda c, key: c[key].update(version={"class": "os:system"}),
    "an entry of numbers": lambda c, key: c.update({key: 5}),
}


@pytest.mark.parametrize("sealed", [False, True], ids=["changed", "made so"])
@pytest.mark.parametrize("which", ["Hostile", "Inner"])
@pytest.mark.parametrize("change", SCHEMAS)
def test_hostile_schemas(local: eio.Handler, saved: eio.Artifact, change: str, which: str, sealed: bool) -> None:
    """Who writes the index can change what is recorded of classes, or add such: others find theirs all the same."""
    (record,) = local.lake.index.find("records", {"kind": "models"})
    classes, root = json.loads(record["content"]["classes"]), record["content"]["root"]
    SCHEMAS[change](classes, next(key for key, entry in classes.items() if entry["name"] == which))
    hostile = {**record, "content": {"root": root, "classes": json.dumps(classes)}}
    if sealed:
        digest = whole_hash_of(root, classes)
        local.lake.index.insert("records", {**hostile, "_id": f"{record['_id']}2", "record_id": digest})
    else:
        local.lake.index.replace("records", hostile)
    for query in ({}, {"number": 1}, {"inner.a": {"$gt": 0}}, {"many.a": 2}):
        for model in (Hostile, "Hostile"):
            with contextlib.suppress(QueryError) if not sealed else contextlib.nullcontext():
                assert len(find_models(model, query, handler=local, sort="number")) == sealed
    assert local.show(saved.artifact_id).load().number == 1


def test_what_was_changed_on_the_disk_is_refused(local: eio.Handler, saved: eio.Artifact) -> None:
    content = json.loads(saved.files["model.json"].download_string())
    content["fields"]["number"] = 2
    _replaced(saved, json.dumps(content).encode())
    with pytest.raises(ElliptioError):
        local.show(saved.artifact_id).load()


def test_a_lazy_field_is_as_safe(saved: eio.Artifact) -> None:
    content = json.loads(saved.files["model.json"].download_string())
    content["fields"]["anything"] = {"$tuple": [{"$file": "pixels"}, {"$eval": 1}]}
    made = Loading(saved, content=content).model()
    with pytest.raises(ElliptioError):
        _ = made.anything
