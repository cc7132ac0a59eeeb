"""A regular expression that backtracks without end is stopped, and what stops it finds what `re` finds."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import elliptio as eio
from elliptio.errors import QueryError
from elliptio.indexes.query import patterns
from elliptio.indexes.query.patterns import Pattern, compile_pattern
from elliptio.indexes.query.predicate import compile_query
from tests.indexes.query.test_predicate import PATTERNS

ENDLESS = [
    ("(a+)+$", "a" * 5000 + "b"),
    ("^(a|aa)+$", "a" * 5000 + "b"),
    ("(.*a){12}$", "a" * 5000 + "b"),
    (".*.*.*.*=x$", "a=xa" * 2000),
    (r"(?i)(\w|\w\w)+$", "ab" * 3000 + "!"),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5000),
]


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "text"), ENDLESS)
def test_what_has_no_end_is_stopped(pattern: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "LIMIT", 0.2)
    matches = compile_query({"a": {"$regex": pattern}})
    with pytest.raises(QueryError, match=r"was stopped: to search for it took more than 0\.2 seconds"):
        matches({"a": text})
    matches({"a": "short"})


@pytest.mark.slow
def test_many_texts_of_which_each_takes_long_are_stopped_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(patterns.time, "perf_counter", lambda: float(next(clock)))  # each search takes a second
    search = compile_pattern("a").searching()
    assert [search("a") for _ in range(10)] == [True] * 10
    with pytest.raises(QueryError, match="was stopped"):
        search("a")
    clock = iter([number / 20_000 for number in range(1_000_000)])  # and now little, of very many
    search = compile_pattern("a").searching()
    assert sum(search("a") for _ in range(300_000)) == 300_000


def test_each_query_has_its_own_time() -> None:
    query = {"a": {"$regex": "x"}}
    assert compile_query(query)({"a": "x"})
    assert compile_pattern("x").searching() is not compile_pattern("x").searching()


@pytest.mark.parametrize(
    ("pattern", "options", "longest"),
    [
        ("^model", "", 9_999_999),
        (r"\.csv$", "i", 9_999_999),
        (r"image_\d+\.png$", "", 3_161),
        (".*some.*png", "", 214),
        ("a|b", "", 4_999_999),
        ("[*+?]", "", 9_999_999),
        (r"\*\+\?", "", 9_999_999),
        ("(a+)+", "", -1),
        ("(a|b){2}", "", -1),
        (r"(a)\1", "", -1),
        ("(a+) +", "x", -1),
        ("(?x)(a+) +", "", -1),
    ],
)
def test_only_what_is_done_soon_goes_to_what_cannot_be_stopped(pattern: str, options: str, longest: int) -> None:
    assert compile_pattern(pattern, options).longest == longest


def both(pattern: Pattern, text: str) -> tuple[bool, bool]:
    return pattern.quick(text) is not None, pattern.stoppable(text, timeout=10) is not None


@pytest.mark.parametrize(
    ("query", "document", "expected"), [case for case in PATTERNS if isinstance(case[1].get("a"), str)], ids=repr
)
@pytest.mark.slow
def test_both_mean_the_same(
    query: dict[str, Any], document: dict[str, Any], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "_longest", lambda *_: -1)
    compile_pattern.cache_clear()
    try:
        assert compile_query(query)(document) is expected
    finally:
        compile_pattern.cache_clear()


PIECES = [
    "a", "B", "i", "\u0130", "\u0131", "\u017f", "K", "\u212a", "é", "ß", "_", " ", "\n", ".", "^", "$", r"\b", r"\B",
    r"\d", r"\w", r"\W", r"\s", r"\S", r"\A", r"\Z", r"\z", r"[\w.]", r"[^\s]", r"[\D\s]", "[a-k]", "[^i]", "{x", "}",
    "(?:a|i)", "(?i:k)", "(?=a)", "(?!i)", "(?<=a)", "(?<!b)", "a?", "i*", r"\w+", ".{2}", r"[\W\d]*?", "(a)?", "[{e}]",
    "(?:a){e}", "a{i<=1}", "[a&&b]", "[a--b]", "[[a]", "(?s:.)", r"\x{69}", "\\{", "(?>a*)", "a++", "-", "|",
]  # fmt: skip
TEXTS = st.text("aAbBiI\u0130\u0131sS\u017fkK\u212aéÉßẞ_1٣ \t\n\x0b.{}e-", max_size=8)


@functools.cache
def compiled(pattern: str, options: str) -> Pattern | None:
    try:
        return compile_pattern(pattern, options)
    except QueryError:
        return None


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.sampled_from(["", "i", "m", "s", "im"]), TEXTS)
@pytest.mark.slow
def test_both_mean_the_same_of_anything(pieces: list[str], options: str, text: str) -> None:
    pattern = compiled("".join(pieces), options)
    if pattern is not None:
        quick, stoppable = both(pattern, text)
        assert quick == stoppable, (pattern.pattern, options, text)


@pytest.mark.parametrize("kind", ["sqlite", "mongomock"])
def test_a_query_is_stopped(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "LIMIT", 0.2)
    given: dict[str, Any] = {}
    if kind == "mongomock":
        import mongomock

        given["collection"] = mongomock.MongoClient().db.artifacts
    h = eio.Handler(tmp_path / "lake", progress=False, **given)
    (tmp_path / "x.txt").write_text("x")
    h.upload(tmp_path / "x.txt", labels={"note": "a" * 5000 + "b"})
    with pytest.raises(QueryError, match="was stopped"):
        h.find({"labels.note": {"$regex": "(a+)+$"}})
    assert len(h.find({"labels.note": {"$regex": "a+b$"}})) == 1
