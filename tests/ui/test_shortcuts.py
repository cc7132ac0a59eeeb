"""The query bar: shortcuts, MongoDB documents, Python, commands and links that mean the same."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import elliptio as eio
from elliptio.cli import main
from elliptio.errors import QueryError
from elliptio.finding.fields import ARTIFACTS, check_fields
from elliptio.indexes.query.checking import normalize_query
from elliptio.testing import queries
from elliptio.ui.shortcuts import Bar, ShortcutError, as_command, as_python, as_url, bar_of, read_bar, without
from elliptio.ui.shortcuts.keys import KINDS, STATES

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ID = "artifact_01930a2b-0000-7000-8000-000000000000"


def read(text: str) -> Bar:
    return read_bar(text, now=NOW)


def test_the_shortcuts_of_the_contract() -> None:
    bar = read(
        "project:penguins who:andy file:*.csv tag:prod since:30d size:>1MB package:pandas=2.2.* run.loss:<0.5 "
        '"free text"'
    )
    free = bar.query.pop("$and")
    assert bar.query == {
        "labels.project": "penguins",
        "username": "andy",
        "file_relpaths": {"$regex": r"^.*\.csv$"},
        "tags": "prod",
        "creation_time": {"$gte": NOW - timedelta(days=30)},
        "total_size": {"$gt": 1_000_000},
        "python_packages.pandas": {"$regex": r"^2\.2\..*$"},
        "$or": [{"run.metrics.loss": {"$lt": 0.5}}, {"run.params.loss": {"$lt": 0.5}}],
    }
    assert {"file_relpaths": {"$regex": "free text", "$options": "i"}} in free[0]["$or"]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", {}),
        ("-who:andy", {"username": {"$ne": "andy"}}),
        ("who:and*", {"username": {"$regex": "^and.*$"}}),
        ('who:"and*"', {"username": "and*"}),
        ('who:"Andy B"', {"username": "Andy B"}),
        ("file:data.csv", {"file_relpaths": "data.csv"}),
        ('file:"a*b.csv"', {"file_relpaths": {"$eq": "a*b.csv"}}),
        ("-file:*.csv", {"file_relpaths": {"$not": {"$regex": r"^.*\.csv$"}}}),
        ("until:2026-11-01", {"creation_time": {"$lt": datetime(2026, 11, 2, tzinfo=UTC)}}),
        ("since:2026-11-01T09:30:00+01:00", {"creation_time": {"$gte": datetime(2026, 11, 1, 8, 30, tzinfo=UTC)}}),
        ("since:9d until:2h", {"creation_time": {"$gte": NOW - timedelta(days=9), "$lt": NOW - timedelta(hours=2)}}),
        ("size:>1KiB size:<=2.5GB", {"total_size": {"$gt": 1024, "$lte": 2_500_000_000}}),
        ("-size:>1MB", {"total_size": {"$not": {"$gt": 1_000_000}}}),
        ("count:>10", {"file_count": {"$gt": 10}}),
        ("label.x:2024", {"labels.x": {"$in": ["2024", 2024]}}),
        ("label.x:=2024", {"labels.x": 2024}),
        ('label.x:"2024"', {"labels.x": "2024"}),
        ("label.x:true", {"labels.x": {"$in": ["true", True]}}),
        ("-label.x:2024", {"labels.x": {"$nin": ["2024", 2024]}}),
        ('label.x:""', {"labels.x": ""}),
        ("label.infos.epochs:>=10", {"labels.infos.epochs": {"$gte": 10}}),
        (f"id:{ID}", {"_id": ID}),
        ("id:0193", {"_id": {"$regex": "^artifact_0193"}}),
        ("kind:csv", {"file_relpaths": {"$regex": r"\.csv$", "$options": "i"}}),
        ("state:failed", {"run.status": "failed"}),
        ("state:linked", {"link": {"$exists": True}}),
        ("-state:linked", {"link": {"$exists": False}}),
        ("run:train", {"run.name": "train"}),
        ("run:run_0193", {"run_id": {"$regex": "^run_0193"}}),
        ("run.params.C:=1", {"run.params.C": 1}),
        ("run.name:train", {"run.name": "train"}),
        ("-run.loss:<1", {"$nor": [{"run.metrics.loss": {"$lt": 1}}, {"run.params.loss": {"$lt": 1}}]}),
        ("commit:4f2a", {"git.commit": {"$regex": "^4f2a"}}),
        ("git.dirty:=true", {"git.dirty": True}),
        ("package:pandas", {"python_packages.pandas": {"$exists": True}}),
        ("-package:pandas", {"python_packages.pandas": {"$exists": False}}),
        ("package:pandas==2.2.3", {"python_packages.pandas": "2.2.3"}),
        ("python_packages.pandas:2.2.*", {"python_packages.pandas": {"$regex": r"^2\.2\..*$"}}),
        ("tag:a tag:b", {"tags": "a", "$and": [{"tags": "b"}]}),
        ('{"username": "andy"}', {"username": "andy"}),
        (
            ' {"creation_time": {"$lt": {"$date": "2026-11-01T00:00:00Z"}}}',
            {"creation_time": {"$lt": datetime(2026, 11, 1, tzinfo=UTC)}},
        ),
    ],
)
def test_a_shortcut_means_a_query(text: str, query: dict[str, Any]) -> None:
    bar = read(text)
    assert bar.query == query
    assert bar.mongo == text.lstrip().startswith("{")
    assert normalize_query(query) == query
    assert read(bar_of(query)).query == query


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  user:andy   by:andy ", "who:andy"),
        ('who:"andy"', "who:andy"),
        ("label.project:x", "project:x"),
        ("labels.stage:x", "label.stage:x"),
        ("total_size:>1MB", "size:>1MB"),
        ("WHO:andy", "who:andy"),
        ('"word"', "word"),
        ('label.x:"2024"', 'label.x:"2024"'),
        ("since:30d", "since:30d"),
        ('"-x"', '"-x"'),
        ('"{"', '"{"'),
        ('"~aaaaaaaaaaaa"', '"~aaaaaaaaaaaa"'),
    ],
)
def test_the_text_of_a_bar_is_its_shortest_spelling(text: str, canonical: str) -> None:
    assert read(text).text == canonical


@pytest.mark.parametrize(
    ("text", "token", "instead"),
    [
        ("project:x usr:andy", "usr:andy", "who:andy"),
        ("tga:prod", "tga:prod", "tag:prod"),
        ("sice:>1MB", "sice:>1MB", "size:>1MB"),
        ("sice:30d", "sice:30d", "since:30d"),
        ("labl.stage:raw", "labl.stage:raw", "label.stage:raw"),
        ("metrics.loss:<1", "metrics.loss:<1", "run.metrics.loss:<1"),
        ("size:big", "size:big", "size:>1MB"),
        ("size:>5parsec", "size:>5parsec", "size:>1MB"),
        ("a since:yesterday", "since:yesterday", "since:30d"),
        ("since:99999999999999999d", "since:99999999999999999d", "since:30d"),
        ("since:>3d", "since:>3d", "since:7d"),
        ('x "abc', '"abc', '"abc"'),
        ('"a"b', '"a"b', '"a" b'),
        (r'"a\d"', r'"a\d"', r'"a\\d"'),
        ('who:an"dy', 'who:an"dy', r'who:"an\"dy"'),
        ("who:", "who:", "who:andy"),
        ("-tag:", "-tag:", "tag:prod"),
        ('""', '""', '"free text"'),
        ("label:stage=prod", "label:stage=prod", "label.stage:prod"),
        ("labels:x", "labels:x", "label.x:VALUE"),
        ("s3://bucket", "s3://bucket", '"s3://bucket"'),
        ("state:deleted", "state:deleted", "--deleted"),
        ("state:faild", "state:faild", "state:failed"),
        ("state:sleeping", "state:sleeping", "state:linked"),
        ("package:pandas>=2", "package:pandas>=2", "package:pandas=2.*"),
        ("package:pandas=", "package:pandas=", "pandas=2.*"),
        ("who:<x", "who:<x", "who:x"),
        ("label.x:>b", "label.x:>b", 'label.x:>"b"'),
        ("label.x:=b", "label.x:=b", 'label.x:"b"'),
        ("file:/data/a.csv", "file:/data/a.csv", "file:data/a.csv"),
        ("git.commmit:x", "git.commmit:x", "git.commit:x"),
        ("id:xyz", "id:xyz", "id:artifact_0192"),
        ("commit:xyz", "commit:xyz", "commit:4f2a"),
        ("count:few", "count:few", "count:>10"),
        ("creation_time:2026", "creation_time:2026", "since:30d"),
        ("environment:x", "environment:x", ""),
        ('who:"\\ud800"', 'who:"\\ud800"', ""),
        ('{"usrname": 1}', '"usrname"', "'username'"),
        ('{"username": {"$gtt": 1}}', '"$gtt"', "$gt"),
        ('{"a', '"', "JSON"),
        ("{", "{", "JSON"),
        ("[1]", "[1]", ""),
        ('{"$where": "1"}', '"$where"', ""),
        ('{"username": "andy"} who:x', "w", "JSON"),
        ("~AAAAAAAAAAAA", "~AAAAAAAAAAAA", "anew"),
    ],
)
def test_an_error_points_at_the_word_and_says_what_to_write(text: str, token: str, instead: str) -> None:
    with pytest.raises(ShortcutError) as caught:
        read(text)
    error = caught.value
    assert isinstance(error, QueryError)
    assert text[error.start : error.end] == token
    assert instead in error.instead
    assert error.says
    assert error.instead


@pytest.mark.parametrize("text", ["{" * 200_000, '{"a":' * 50_000, "x" * 100_000, '"' * 60_000, "a:" * 30_000])
def test_what_is_much_too_long_is_refused(text: str) -> None:
    with pytest.raises(ShortcutError):
        read(text)


def test_a_chip_can_be_taken_away() -> None:
    bar = read('project:penguins -who:andy "free text"')
    assert [bar.text[chip.start : chip.end] for chip in bar.chips] == ["project:penguins", "-who:andy", '"free text"']
    assert [(chip.key, chip.op, chip.value, chip.negated) for chip in bar.chips] == [
        ("project", ":", "penguins", False),
        ("who", ":", "andy", True),
        ("", ":", "free text", False),
    ]
    assert [without(bar, chip) for chip in bar.chips] == [
        '-who:andy "free text"',
        'project:penguins "free text"',
        "project:penguins -who:andy",
    ]


# --- there and back -----------------------------------------------------------------------------------------------

VALUES = st.text(max_size=8) | st.sampled_from((
    "andy", "*.csv", "a[bc]?", "2024", "-1.5", "1e5", "true", "null", "=x", "<3", '"', "\\", "a b", "~abcdefghij", "-x",
    "{", "[", "\n", "\0", "\u2028", "a:b", ":", "run_0193", "data/a.csv",
))  # fmt: skip


@st.composite
def typed(draw: st.DrawFn) -> str:
    """A word as somebody might type it; most can be read."""
    sign = draw(st.sampled_from(("", "", "-")))
    key = draw(st.sampled_from((
        "", "who:", "user:", "project:", "file:", "tag:", "label.x:", "label.é:", "host:", "branch:", "run:",
        "run.loss:", "run.params.C:", "git.dirty:", "python.version:", "command:", "from:", "package:",
    )))  # fmt: skip
    op = draw(st.sampled_from(("", "", "", "=", "<", ">="))) if key else ""
    value = draw(VALUES)
    word = draw(st.sampled_from((value, json.dumps(value), json.dumps(value, ensure_ascii=False))))
    other = st.sampled_from((
        "size:>1MB", "size:<=2.5GB", "-size:7", "since:30d", "until:2026-11-01", "-since:2h", "kind:image", "-kind:csv",
        "state:failed", "-state:linked", "id:0193", "package:pandas=2.*", "-package:pandas", "count:>3", "commit:4f2a",
    ))  # fmt: skip
    return draw(st.just(f"{sign}{key}{op}{word}") | other)


@given(st.lists(typed(), max_size=4).map(" ".join))
@pytest.mark.slow
def test_text_to_bar_and_back(text: str) -> None:
    try:
        bar = read(text)
    except ShortcutError as refused:
        error = refused
    else:
        error = None
    if error:
        assert 0 <= error.start <= error.end <= len(text)
        return
    again = read(bar.text)
    assert (again.text, again.query, again.mongo) == (bar.text, bar.query, bar.mongo)
    assert again.chips == bar.chips
    assert read(bar_of(bar.query)).query == bar.query
    assert normalize_query(bar.query) == bar.query
    for chip in bar.chips:
        assert len(read(without(bar, chip)).chips) == len(bar.chips) - 1


@given(st.text(max_size=40))
@pytest.mark.slow
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ShortcutError):
        assert read(read(text).text).query == read(text).query


PATHS = (
    "username", "tags", "labels.project", "labels.x", "total_size", "file_relpaths", "_id", "git.dirty", "hostname",
    "run.params.C", "run.status", "python_packages.pandas", "git.commit", "run_id", "creation_time", "labels",
)  # fmt: skip


def clauses() -> st.SearchStrategy[dict[str, Any]]:
    moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
    scalars = VALUES | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.none() | moments
    return st.dictionaries(st.sampled_from(PATHS), scalars | st.just({"$exists": True}), max_size=2)


@given(queries.queries() | clauses())
@pytest.mark.slow
def test_query_to_bar_and_back(query: dict[str, Any]) -> None:
    try:
        plain = normalize_query(query)
    except QueryError:
        return
    text = bar_of(query)
    try:
        bar = read(text)
    except ShortcutError:  # of fields that no artifact has, or values that it cannot equal
        with pytest.raises(QueryError):
            check_fields(plain, ARTIFACTS.fields)
        return
    assert bar.query == plain or "nan" in repr(plain)


def test_every_state_and_kind_comes_back() -> None:
    for text in [*(f"state:{state}" for state in STATES), *(f"kind:{kind}" for kind in KINDS), "kind:7z"]:
        for signed in (text, f"-{text}"):
            assert bar_of(read(signed).query) == signed


# --- the same in a lake -------------------------------------------------------------------------------------------

ASKED = [
    "", "project:penguins", "-project:penguins", "who:andy", "-who:an*", "file:*.csv", "file:train.csv", "-file:*.csv",
    "tag:prod", "-tag:prod", "size:>10B", "size:<=9", "count:1", "label.round:2", "label.round:=2", 'label.round:"2"',
    "label.round:>1", "kind:table", "kind:csv", "state:finished", "state:again", "-state:tagged", "state:tagged",
    "run:fit", "run.loss:<0.5", "-run.loss:<0.5", "run.params.C:1", "run.C:=1", "notes", '"NOTES.TXT"', "-notes",
    "since:1h", "until:1h", "since:2w until:2000-01-01", "package:pandas", "-package:pandas", "package:pandas=*",
    "package:nothing=1.*", "host:*", 'label.odd:"it\'s \\"odd\\""', "label.odd:it*",
    "project:penguins who:brenda -file:*.csv",
    "from:artifact_*", '{"username": "andy"}', '{"$or": [{"labels.round": 2}, {"file_count": {"$gt": 1}}]}',
    '{"file_relpaths": {"$regex": "^t"}, "creation_time": {"$gte": {"$date": "2020-01-01T00:00:00Z"}}}',
]  # fmt: skip


def fill(h: eio.Handler, folder: Path) -> None:
    """Save what two people made, one of it in a run."""
    texts = {"train.csv": "1,2", "model.json": '{"a": 1, "b": 2}', "notes.txt": "note", "t.bin": ""}
    for name, text in texts.items():
        (folder / name).write_text(text)
    with eio.mock_username("andy"):
        train = h.upload(folder / "train.csv", {"project": "penguins", "round": 1})
        h.upload(folder / "notes.txt", {"project": "other", "round": "2", "odd": 'it\'s "odd"'})
    with eio.mock_username("brenda"), h.run("fit", params={"C": 1}) as run:
        model = run.upload(folder / "model.json", {"project": "penguins", "round": 2}, based_on=train)
        run.log(loss=0.25)
    h.upload([folder / "t.bin", folder / "train.csv"], {})
    h.tag(model, "prod")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[eio.Handler]:
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELLIPTIO_USER_DIR", str(folder / "user"))
        h = eio.Handler(folder / "lake", progress=False)
        fill(h, folder)
        yield h
        h.close()


def found(h: eio.Handler, query: dict[str, Any]) -> list[str]:
    return sorted(h.search(query, max_docs=0, columns=[]).ids)


def test_it_finds_what_it_says(lake: eio.Handler) -> None:
    names = {row["artifact_id"]: row["file_relpaths"][0] for row in lake.search(columns=["file_relpaths"]).rows()}

    def of(text: str) -> list[str]:
        return sorted(names[one] for one in found(lake, read_bar(text, now=datetime.now(tz=UTC)).query))

    assert of("project:penguins") == ["model.json", "train.csv"]
    assert of("project:penguins -who:andy") == ["model.json"]
    assert of("file:t*") == ["t.bin", "train.csv"]
    assert of("-file:*.csv") == ["model.json", "notes.txt"]
    assert of("tag:prod") == of("run.loss:<0.5") == of("run:fit") == of("state:finished") == ["model.json"]
    assert of("run.loss:>0.5") == []
    assert of("label.round:2") == ["model.json", "notes.txt"]
    assert of("label.round:=2") == ["model.json"]
    assert of("Notes") == ["notes.txt"]
    assert of("prod") == ["model.json"]
    assert of("size:>10B") == ["model.json"]
    assert of("since:1h") == sorted(names.values())


@pytest.mark.parametrize("text", ASKED)
def test_all_forms_find_the_same(text: str, lake: eio.Handler) -> None:
    bar = read_bar(text, now=datetime.now(tz=UTC))
    expected = found(lake, bar.query)

    python = as_python(bar)
    *lines, last = python.splitlines()
    scope: dict[str, Any] = {"h": lake}
    exec("\n".join(lines), scope)
    assert sorted(eval(last, scope).index) == expected

    program, *arguments = shlex.split(as_command(bar))
    assert program == "elliptio"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*arguments, "--root", str(lake.store.root), "--json", "--limit", "0"]) == 0
    assert sorted(row["artifact_id"] for row in json.loads(printed.getvalue())) == expected

    asked = parse_qs(urlsplit(as_url(bar)).query).get("q", [""])[0]
    assert found(lake, read_bar(asked, now=datetime.now(tz=UTC)).query) == expected
    assert found(lake, read(bar_of(bar.query)).query) == expected


def test_both_indexes_and_stores_find_the_same(h: eio.Handler, lake: eio.Handler, tmp_path: Path) -> None:
    fill(h, tmp_path)
    now = datetime.now(tz=UTC)

    def names(opened: eio.Handler, text: str) -> list[str]:
        found = opened.search(read_bar(text, now=now).query, max_docs=0, columns=["file_relpaths"])
        return sorted(row["file_relpaths"][0] for row in found.rows())

    for text in ASKED:
        assert names(h, text) == names(lake, text), text


def test_the_command_uses_options_where_there_are() -> None:
    bar = read("project:penguins who:andy file:*.csv since:2026-11-01 tag:prod")
    options = "--project penguins --user andy --file '*.csv' --since 2026-11-01T00:00:00Z"
    assert as_command(bar) == f"""elliptio find '{{"tags": "prod"}}' {options}"""


def test_python_writes_what_has_no_literal() -> None:
    bar = read('{"labels.x": {"$in": [{"$numberDouble": "NaN"}, {"$oid": "000000000000000000000000"}, null]}}')
    assert as_python(bar).startswith("from bson import ObjectId\n")
    assert "float('nan')" in as_python(bar)


def test_the_python_of_an_empty_bar_asks_for_all() -> None:
    assert as_python(read("")) == "h.find()"
    assert as_command(read("")) == "elliptio find"
    assert as_url(read("")) == "artifacts"


def test_a_link_is_short() -> None:
    few = read("project:penguins since:30d size:>1MB")
    assert as_url(few) == "artifacts?q=project:penguins+since:30d+size:%3E1MB"
    many = read(json.dumps({"_id": {"$in": [f"artifact_{number:032x}" for number in range(100)]}}))
    assert len(as_url(many)) <= 2000
    assert read(parse_qs(urlsplit(as_url(many)).query)["q"][0]).query == many.query
    assert as_url(few, "lineage/x").startswith("lineage/x?q=")


def test_a_link_that_cannot_be_short_is_refused() -> None:
    import random

    dice = random.Random(1)
    with pytest.raises(ShortcutError, match="2,000"):
        as_url(read(json.dumps({"_id": {"$in": [f"artifact_{dice.getrandbits(128):032x}" for _ in range(500)]}})))


@pytest.mark.slow
def test_a_packed_link_does_not_grow_without_end() -> None:
    import base64
    import zlib

    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(b"x" * 100_000_000)).decode().rstrip("=")
    with pytest.raises(ShortcutError):
        read(bomb)


@given(st.lists(typed(), max_size=4).map(" ".join))
@pytest.mark.slow
def test_a_link_comes_back(text: str) -> None:
    with contextlib.suppress(ShortcutError):
        bar = read(text)
        link = as_url(bar)
        assert len(link) <= 2000
        assert link.isascii()
        assert read(parse_qs(urlsplit(link).query).get("q", [""])[0]).query == bar.query
        shlex.split(as_command(bar))
        compile(as_python(bar), "python", "exec")
