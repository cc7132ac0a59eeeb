"""Say what each key of the query bar asks for: a word in, a condition of a MongoDB query out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from elliptio.finding.fields import ARTIFACTS, DELETED, RUN, RUN_FIELDS
from elliptio.labels import Labels
from elliptio.metadata import FIELDS
from elliptio.naming import literal_pattern
from elliptio.ui.shortcuts.tokens import ShortcutError, Word, quote
from elliptio.ui.shortcuts.values import (
    loose_operand,
    moment_of,
    name_operand,
    number_operand,
    size_operand,
    text_operand,
)  # fmt: skip

Clause = dict[str, Any]
"""A query with one condition."""

TEXTS = {
    "who": "username", "host": "hostname", "tag": "tags", "branch": "git.branch", "notebook": "notebook",
    "from": "based_on", "command": "argv",
}  # fmt: skip
LABELS = {name: f"labels.{name}" for name in (entry.name for entry in dataclasses.fields(Labels)) if name != "infos"}
"""Shortcuts for the usual labels."""

ALIASES = {
    "user": "who", "by": "who", "author": "who", "username": "who", "hostname": "host", "tags": "tag", "files": "file",
    "file_relpaths": "file", "name": "file", "after": "since", "before": "until", "total_size": "size", "_id": "id",
    "artifact": "id", "artifact_id": "id", "based_on": "from", "file_count": "count", "run.name": "run",
    "git.branch": "branch", "git.commit": "commit", "argv": "command", "packages": "package", "type": "kind",
}  # fmt: skip
"""Other names of keys that are understood."""

FREE = (
    "file_relpaths", "tags", "username", "argv", "notebook", "labels.project", "labels.dataset", "labels.datatype",
    "labels.ticket", "labels.description",
)  # fmt: skip
"""Paths in which free text is looked for."""

KINDS = {
    "image": "png|jpe?g|gif|webp|bmp|tiff?|svg",
    "table": "csv|tsv|jsonl|ndjson|parquet|feather|arrow|xlsx",
    "array": "npy|npz|safetensors|h5|hdf5",
    "text": "txt|md|log|json|ya?ml|toml|ini",
    "page": "html?|pdf",
}
"""Kinds of files that have several endings."""

_RUN_STATES = ("running", "finished", "failed", "killed")
STATES: dict[str, Clause] = {
    "linked": {"link": {"$exists": True}},
    "noted": {"notes": {"$exists": True}},
    "tagged": {"tags.0": {"$exists": True}},
    "again": {"reproduces": {"$exists": True}},
    "dirty": {"git.dirty": True},
    **{state: {"run.status": state} for state in _RUN_STATES},
}
"""States that can be asked for; those of runs are of the run that made it."""

_ELSEWHERE = {
    "deleted": "h.search({…}, deleted=True), or elliptio find --deleted: deleted artifacts are found only with it",
    "verified": "h.verify() or look at the page of problems: nothing is recorded where nothing is wrong",
    "damaged": "h.verify() or look at the page of problems: what is damaged is only seen by reading it",
}
_LISTS = frozenset({"based_on", "file_relpaths", "log_relpaths", "tags"})
_RUN_LOOSE = ("metrics", "params", "labels")
_WITH_NAMES = ("labels", "python_packages")
"""Fields that are asked for by a name within them."""
_ID = re.compile(r"(artifact_)?([0-9a-f][0-9a-f-]*)?")
ID_LENGTH = len("artifact_") + 36


def clause_of(word: Word, now: datetime) -> Clause:
    """Turn a word into a condition.

    Raises
    ------
    ShortcutError
        If there is no such key, or its value cannot be read.

    """
    clause = _positive(word, now)
    return negated(clause) if word.negated else clause


def negated(clause: Clause) -> Clause:
    """Turn a condition into its opposite."""
    ((path, operand),) = clause.items()
    if path == "$or":
        return {"$nor": operand}
    if not isinstance(operand, Mapping):
        return {path: {"$ne": operand}}
    (name, value), *more = operand.items()
    if not more and name == "$eq":
        return {path: {"$ne": value}}
    if not more and name == "$in":
        return {path: {"$nin": value}}
    if not more and name == "$exists":
        return {path: {"$exists": not value}}
    return {path: {"$not": operand}}


def canonical_key(key: str) -> str:
    """Name a key as the bar names it."""
    lower = key if key in ARTIFACTS.fields or "." in key else key.lower()
    known = ALIASES.get(lower, lower)
    if known.startswith("labels."):
        known = f"label.{known.removeprefix('labels.')}"
    if known.startswith("label.") and known.removeprefix("label.") in LABELS:
        known = known.removeprefix("label.")
    return known


def _positive(word: Word, now: datetime) -> Clause:
    key = canonical_key(word.key)
    if not word.value and not (word.quoted and _may_be_empty(key)):
        raise _nothing(word, key)
    if not key:
        found = {"$regex": literal_pattern(word.value), "$options": "i"}
        return {"$or": [{path: dict(found)} for path in FREE]}
    if key in ("since", "until"):
        of_day = timedelta(days=key == "until")
        return {"creation_time": {"$gte" if key == "since" else "$lt": moment_of(word, now, of_day)}}
    if key == "creation_time":
        raise word.error("When it was made is asked for by since: and until:.", "since:30d until:2026-11-01")
    if read := _READERS.get(key):
        return read(word)
    if key in TEXTS:
        return {TEXTS[key]: text_operand(word)}
    if key in LABELS:
        return {LABELS[key]: loose_operand(word)}
    head, _, rest = key.partition(".")
    if head == "label" and rest:
        return {f"labels.{rest}": loose_operand(word)}
    if head == "package" and rest:
        return {f"python_packages.{rest}": text_operand(word)}
    if head == RUN and rest:
        return _of_run(word, rest)
    if head in ARTIFACTS.fields and key not in _WITH_NAMES:
        return {key: _of_field(word, head, rest)}
    raise _unknown(word, now)


def _may_be_empty(key: str) -> bool:
    return key in TEXTS or key in LABELS or "." in key


def _of_field(word: Word, head: str, rest: str) -> Any:
    """Read a value by what the field of an artifact holds."""
    kinds = FIELDS[head].rule.kinds if head in FIELDS else ()
    if not rest and kinds == (int,):
        return number_operand(word)
    if head in ("file_relpaths", "log_relpaths") or f"{head}.{rest}" in ("files.relpath", "logs.relpath"):
        return name_operand(word)
    is_text = head in _LISTS or (not rest and (str in kinds or head == "_id"))
    return text_operand(word) if is_text and word.op not in ("=",) else loose_operand(word)


def _of_run(word: Word, rest: str) -> Clause:
    """Ask for a field of the run, or for a metric or a parameter of this name."""
    head, _, more = rest.partition(".")
    if head in _RUN_LOOSE and more:
        return {f"{RUN}.{rest}": loose_operand(word)}
    if head in RUN_FIELDS:
        return {f"{RUN}.{rest}": text_operand(word)}
    operand = loose_operand(word)
    return {"$or": [{f"{RUN}.metrics.{rest}": operand}, {f"{RUN}.params.{rest}": operand}]}


def _file(word: Word) -> Clause:
    return {"file_relpaths": name_operand(word)}


def _size(word: Word) -> Clause:
    return {"total_size": size_operand(word)}


def _count(word: Word) -> Clause:
    return {"file_count": number_operand(word)}


def _package(word: Word) -> Clause:
    if word.op:
        raise word.error("Versions are texts, which are not < another.", f"{word.with_value('pandas=2.*')}")
    name, equals, version = word.value.partition("=")
    name, version = name.rstrip("<>!~="), version.removeprefix("=")
    if not name or len(name) + len(equals) < len(word.value.partition("=")[0]) + len(equals):
        raise word.error("Versions are texts, which are only equal or not.", word.with_value(f"{name or 'pandas'}=2.*"))
    if re.search(r"[<>!~*\s]", name):
        raise word.error(
            f"{name!r} is no name of a package.", word.with_value(re.split(r"[<>!~*\s]", name)[0] or "pandas")
        )
    if not equals:
        return {f"python_packages.{name}": {"$exists": True}}
    if not version:
        raise word.error(f"No version stands after {name}=.", word.with_value(f"{name}=2.*"))
    operand = text_operand(dataclasses.replace(word, value=version, op=""))
    return {f"python_packages.{name}": operand}


def _id(word: Word) -> Clause:
    found = _ID.fullmatch(word.value)
    if word.op or found is None or not word.value:
        raise word.error(
            f"{word.value!r} is no beginning of an artifact_id.", "id:artifact_0192, or tag:prod for what a tag names"
        )
    whole = f"artifact_{found[2] or ''}"
    return {"_id": whole if len(whole) == ID_LENGTH else {"$regex": f"^{whole}"}}


def _run(word: Word) -> Clause:
    if word.quoted or word.op or not re.fullmatch("run_[0-9a-f-]+", word.value):
        return {"run.name": text_operand(word)}
    whole = len(word.value) == len("run_") + 36
    return {"run_id": word.value if whole else {"$regex": f"^{word.value}"}}


def _commit(word: Word) -> Clause:
    if word.op or not re.fullmatch("[0-9a-f]{1,64}", word.value):
        raise word.error(f"{word.value!r} is no beginning of a commit.", "commit:4f2a")
    return {"git.commit": {"$regex": f"^{word.value}"}}


def _kind(word: Word) -> Clause:
    kind = word.value.lower().removeprefix(".")
    if word.op or not re.fullmatch(r"[\w+-]+", kind):
        raise word.error(f"{word.value!r} is no kind of file.", f"kind:csv, or one of {', '.join(KINDS)}")
    return {"file_relpaths": {"$regex": kind_pattern(kind), "$options": "i"}}


def kind_pattern(kind: str) -> str:
    """Write the pattern of files of a kind: of an ending, or of several."""
    return rf"\.({KINDS[kind]})$" if kind in KINDS else rf"\.{literal_pattern(kind)}$"


def _state(word: Word) -> Clause:
    state = word.value.lower()
    if state in _ELSEWHERE:
        raise word.error(f"{state!r} is not among what a query asks for.", _ELSEWHERE[state])
    if word.op or state not in STATES:
        close = get_close_matches(state, STATES, n=1)
        instead = f"{word.with_value(close[0])}?" if close else f"one of {', '.join(map(word.with_value, STATES))}"
        raise word.error(f"There is no state {word.value!r}.", instead)
    return {path: dict(operand) if isinstance(operand, dict) else operand for path, operand in STATES[state].items()}


_READERS: dict[str, Callable[[Word], Clause]] = {
    "file": _file, "size": _size, "count": _count, "package": _package, "id": _id, "run": _run, "commit": _commit,
    "kind": _kind, "state": _state,
}  # fmt: skip

KEYS = (*dict.fromkeys((*LABELS, *TEXTS, *_READERS, "since", "until")), "label.", "run.")
"""Keys that there are, for help and for guesses."""

_EXAMPLES = {
    "file": "*.csv", "size": ">1MB", "count": ">10", "package": "pandas=2.2.*", "id": "artifact_0192", "run": "train",
    "commit": "4f2a", "kind": "csv", "state": "failed", "since": "30d", "until": "2026-11-01", "tag": "prod",
    "who": "andy", "project": "penguins",
}  # fmt: skip


def _nothing(word: Word, key: str) -> Exception:
    if not key:
        return word.error("There is no text in the quotes.", 'a word, or several in quotes: "free text"')
    empty = f', or {key}:"" for an empty one' if _may_be_empty(key) else ""
    return word.error(f"Nothing stands after {word.key}:", f"{key}:{_EXAMPLES.get(key, 'VALUE')}{empty}")


def _unknown(word: Word, now: datetime) -> Exception:
    """Say which key may be meant; what has a colon in it and no such key may be free text."""
    if word.key == DELETED:
        return word.error("Deleted artifacts are not among what a query asks for.", _ELSEWHERE["deleted"])
    if word.key in ("label", "labels"):
        name, _, value = word.value.partition("=")
        return word.error("A label is asked for by its name.", f"label.{name or 'stage'}:{value or 'VALUE'}")
    meant = [canonical_key(key) for key in _alike(word.key)]
    text = f"{word.key}:{word.op}{word.value}"
    if not meant:
        keys = ", ".join(f"{name}:" for name in KEYS[:-2])
        return word.error(
            f"There is no key {word.key!r}; there are {keys} label.NAME: and run.NAME:.",
            f"label.{word.key}:{word.value} for a label of your own, or {quote(text)} for this text",
        )
    # Of several the first that takes such a value: ``sice:>1MB`` is a size, though ``since`` is as near.
    first = next((key for key in meant if _takes(word, key, now)), meant[0])
    return word.error(f"There is no key {word.key!r}; did you mean {first!r}?", word.with_key(first))


def _alike(key: str) -> list[str]:
    """List keys that begin with this one, or else are like it; of one with a dot the part before is compared."""
    head, dot, rest = key.partition(".")
    if dot and rest:
        if head in ("metrics", "params"):
            return [f"{RUN}.{key}"]
        return [f"{name}.{rest}" for name in get_close_matches(head.lower(), ("label", "package", RUN), n=3)]
    known = [*KEYS[:-2], *ALIASES, *(name for name in ARTIFACTS.fields if name not in _WITH_NAMES)]
    return [name for name in sorted(known) if name.startswith(key.lower())] or get_close_matches(key.lower(), known)


def _takes(word: Word, key: str, now: datetime) -> bool:
    """Tell whether a word could be read with another key."""
    try:
        _positive(dataclasses.replace(word, key=key), now)
    except ShortcutError:
        return False
    return True
