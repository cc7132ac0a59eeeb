"""Read the query bar of runs as a MongoDB query: ``name:train who:andy status:failed loss:<0.5 depth:4``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from elliptio.naming import literal_pattern
from elliptio.runs.search import RUNS
from elliptio.ui.shortcuts.bar import Bar, bar_of_words, checked, read_document
from elliptio.ui.shortcuts.keys import LABELS, Clause, negated
from elliptio.ui.shortcuts.links import unpacked
from elliptio.ui.shortcuts.tokens import Word, quote
from elliptio.ui.shortcuts.values import loose_operand, moment_of, text_operand

TEXTS = {
    "name": "name", "who": "username", "host": "hostname", "status": "status", "branch": "git.branch",
    "command": "argv", "error": "error.type", "parent": "parent", "root": "root", "used": "used",
}  # fmt: skip
"""Keys whose values are texts, and where those stand."""

ALIASES = {
    "run": "name", "user": "who", "by": "who", "username": "who", "hostname": "host", "state": "status",
    "argv": "command", "after": "since", "before": "until", "run_id": "id", "in": "parent", "loaded": "used",
}  # fmt: skip
"""Other names of keys that are understood."""

STATES = ("running", "finished", "failed", "killed", "recorded")
FREE = ("name", "username", "argv", "notes.text", "error.message", "labels.project")
"""Paths in which free text is looked for."""

KEYS = (*TEXTS, "id", "commit", "since", "until", "project", "param.", "metric.", "label.", "run.")
"""Keys that there are, for help and for guesses; any other name is that of a metric or a parameter."""

_HEADS = {"param": "params", "params": "params", "metric": "metrics", "metrics": "metrics", "label": "labels",
          "labels": "labels"}  # fmt: skip
_NAME = re.compile(r"[^\s$\"']{1,100}")


def read_run_bar(text: str, *, now: datetime) -> Bar:
    """Read the text of the query bar of runs; nothing of it is evaluated.

    Raises
    ------
    ShortcutError
        If it cannot be read, or asks what no run has; it points at the word, and says what to write instead.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> bar = read_run_bar("state:failed depth:4", now=datetime(2026, 11, 1, tzinfo=UTC))
    >>> bar.text
    'status:failed depth:4'
    >>> bar.query["status"]
    'failed'

    """
    text = unpacked(text)
    if text.lstrip().startswith(("{", "[")):
        return read_document(text, RUNS.fields, '{"status": "failed"}')
    return bar_of_words(text, lambda word: checked(word, _clause(word, now), RUNS.fields), _written)


def _written(word: Word, _: Clause) -> tuple[str, str, str]:
    key = ALIASES.get(word.key, word.key)
    value = quote(word.value) if word.quoted else word.value
    return key, f"{'-' if word.negated else ''}{key}{':' if key else ''}{word.op}{value}", word.op


def _clause(word: Word, now: datetime) -> Clause:
    clause = _positive(word, now)
    return negated(clause) if word.negated else clause


def _positive(word: Word, now: datetime) -> Clause:
    key = ALIASES.get(word.key, word.key)
    if not word.value and not word.quoted:
        raise word.error(f"Nothing stands after {word.key}:", f"{word.key}:VALUE")
    if not key:
        found = {"$regex": literal_pattern(word.value), "$options": "i"}
        return {"$or": [{path: dict(found)} for path in FREE]}
    if key in ("since", "until"):
        of_day = timedelta(days=key == "until")
        return {"creation_time": {"$gte" if key == "since" else "$lt": moment_of(word, now, of_day)}}
    if key == "id":
        return {"_id": {"$regex": f"^{literal_pattern(word.value)}"}}
    if key == "commit":
        return {"git.commit": {"$regex": f"^{literal_pattern(word.value)}"}}
    if key == "status":
        return {"status": _state(word)}
    if key in TEXTS:
        return {TEXTS[key]: text_operand(word)}
    if key in LABELS:
        return {LABELS[key]: loose_operand(word)}
    return _named(word, key)


def _state(word: Word) -> Any:
    if word.value not in STATES:
        close = get_close_matches(word.value.lower(), STATES, n=1)
        instead = f"{word.with_value(close[0])}?" if close else f"one of {', '.join(map(word.with_value, STATES))}"
        raise word.error(f"There is no state {word.value!r} of a run.", instead)
    return word.value


def _named(word: Word, key: str) -> Clause:
    """Ask for a label, a parameter or a metric by its name; without a word on which, for either of the last two."""
    head, dot, rest = key.partition(".")
    if head == "run" and dot:
        head, dot, rest = (*rest.partition("."),) if rest.partition(".")[0] in _HEADS else ("", "", rest)
        key = rest
    name = rest if dot and head in _HEADS else key
    if not name or not _NAME.fullmatch(name):
        raise word.error(f"{name!r} is no name of a parameter.", "param.depth:4 or metric.loss:<0.5")
    operand = loose_operand(word)
    if dot and head in _HEADS:
        return {f"{_HEADS[head]}.{name}": operand}
    close = get_close_matches(key, [*TEXTS, *ALIASES, "since", "until", "commit"], n=1, cutoff=0.8)
    if close and not dot:
        meant = ALIASES.get(close[0], close[0])
        raise word.error(
            f"There is no key {key!r}; did you mean {meant!r}?",
            f"{word.with_key(meant)}, or {word.with_key(f'param.{key}')} for a parameter of this name",
        )
    return {"$or": [{f"metrics.{name}": operand}, {f"params.{name}": operand}]}
