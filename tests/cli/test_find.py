"""``elliptio find``."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import elliptio as eio
from elliptio.cli.verbs.find import glob_pattern, since, until
from tests.cli.conftest import Run


@pytest.fixture
def several(root: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Artifacts of two people: ids by name."""
    h = eio.Handler(root)
    ids = {}
    for user, name, labels in (
        ("andy", "train.csv", {"project": "penguins", "round": 1}),
        ("brenda", "model.json", {"project": "penguins", "round": 2}),
        ("brenda", "notes.txt", {"project": "other", "note": "two\nlines \x1b[31m"}),
    ):
        (tmp_path / name).write_text(name)
        based_on = [ids["train.csv"]] if name == "model.json" else None
        with eio.mock_username(user):
            ids[name] = h.upload(tmp_path / name, labels, based_on=based_on).artifact_id
    yield ids
    h.close()


def found(run: Run, ids: dict[str, str], *arguments: str) -> list[str]:
    result = run("find", *arguments, "--json")
    assert (result.code, result.err) == (0, "")
    names = {artifact_id: name for name, artifact_id in ids.items()}
    return [names[row["artifact_id"]] for row in result.json]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["notes.txt", "model.json", "train.csv"]),
        (["--user", "andy"], ["train.csv"]),
        (["--user", "nobody"], []),
        (["--project", "penguins"], ["model.json", "train.csv"]),
        (["--project", "penguins", "--user", "brenda"], ["model.json"]),
        (["--label", "project=other"], ["notes.txt"]),
        (["--label", "round=1"], ["train.csv"]),
        (["--label", "round=1.0"], ["train.csv"]),
        (["--label", "round=11"], []),
        (["--file", "*.csv"], ["train.csv"]),
        (["--since", "1h"], ["notes.txt", "model.json", "train.csv"]),
        (["--until", "1h"], []),
        (["--since", "2w", "--until", "2000-01-01"], []),
        (["--sort", "file_relpaths"], ["model.json", "notes.txt", "train.csv"]),
        (["--sort", "-file_relpaths"], ["train.csv", "notes.txt", "model.json"]),
        (["--sort=-file_relpaths"], ["train.csv", "notes.txt", "model.json"]),
        (['{"labels.round": {"$gt": 1}}'], ["model.json"]),
        (['{"labels.round": {"$gte": 1}}', "--user", "andy"], ["train.csv"]),
        (['{"username": "andy"}', "--user", "brenda"], []),
        (['{"creation_time": {"$gte": {"$date": "2020-01-01T00:00:00Z"}}}', "--user", "andy"], ["train.csv"]),
        (['{"creation_time": {"$lt": {"$date": "2020-01-01T00:00:00Z"}}}'], []),
        (['{"username": {"$regex": "^A", "$options": "i"}}'], ["train.csv"]),
        (['{"file_relpaths": {"$regex": "n", "$nin": ["train.csv", "notes.txt"]}}'], ["model.json"]),
        (['{"python_packages.pymongo": {"$exists": true}}', "--user", "andy"], ["train.csv"]),
    ],
)
def test_query_and_shortcuts(cli: Run, several: dict[str, str], arguments: list[str], expected: list[str]) -> None:
    assert found(cli, several, *arguments) == expected


def test_based_on(cli: Run, several: dict[str, str]) -> None:
    assert found(cli, several, "--based-on", several["train.csv"]) == ["model.json"]
    assert found(cli, several, "--based-on", several["notes.txt"]) == []
    assert cli("find", "--based-on", "artifact_nobody").code == 1


def test_same_as_the_handler(cli: Run, several: dict[str, str], root: Path) -> None:
    frame = eio.Handler(root).find(columns="all")
    rows = cli("find", "--json").json
    assert [row["artifact_id"] for row in rows] == list(frame.index)
    assert list(rows[0]) == ["artifact_id", *frame.columns]
    for row, (_, expected) in zip(rows, frame.iterrows(), strict=True):
        for name in set(frame.columns) - {"creation_time"}:
            assert row[name] == expected[name]
        assert datetime.fromisoformat(row["creation_time"]) == expected["creation_time"]


def test_columns(cli: Run, several: dict[str, str], root: Path) -> None:
    names = ["username", "labels.project", "labels.none", "python_packages.pymongo", "remote_root"]
    rows = cli("find", "--columns", ",".join(names), "--json").json
    frame = eio.Handler(root).find(columns=names)
    assert [list(row) for row in rows] == [["artifact_id", *names]] * 3
    assert [[row[name] for name in names] for row in rows] == frame.to_numpy().tolist()
    table = cli("find", "--columns", "username,labels.round").out.splitlines()
    assert table[0].split() == ["artifact_id", "username", "labels.round"]
    assert table[2].split() == [several["model.json"], "brenda", "2"]
    assert cli("find", "--columns", "nope").code == 1


def test_packages_only_if_asked_for(cli: Run, several: dict[str, str]) -> None:
    assert all("python_packages" not in row for row in cli("find", "--json").json)
    assert all(row["python_packages"]["pymongo"] for row in cli("find", "--json", "--columns", "python_packages").json)


def test_table(cli: Run, several: dict[str, str]) -> None:
    result = cli("find")
    assert (result.code, result.err) == (0, "")
    header, newest, second, _, last = result.out.splitlines()
    assert header.split() == ["ARTIFACT", "TIME", "(UTC)", "USER", "FILES", "LABELS"]
    assert newest.startswith(f"{several['notes.txt']}  {datetime.now(tz=UTC):%Y-%m-%d} ")
    assert newest.endswith("  brenda  notes.txt   project=other note=two lines �[31m")
    assert second.endswith("  brenda  model.json  project=penguins round=2")
    assert last == "3 of 3 artifacts"


@pytest.mark.parametrize("width", [1, 20, 60, 80, 119, 120, 150])
def test_table_fits_the_terminal(
    cli: Run, several: dict[str, str], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = cli("find").out
    assert max(map(len, out.splitlines())) <= max(width, 45)
    assert ("ARTIFACT" in out) == (width >= 120)
    if width:
        assert all(artifact_id in out for artifact_id in several.values())


def test_nothing_is_cut_where_no_terminal_is(cli: Run, root: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 300
    with eio.mock_username("u" * 100):
        saved = eio.Handler(root).upload(data, {"long": long}).artifact_id
    monkeypatch.delenv("COLUMNS")
    header, line, _ = cli("find").out.splitlines()
    assert header.startswith("ARTIFACT")
    assert line.startswith(saved)
    assert f"long={long}" in line
    assert "u" * 100 in line
    assert long in cli("find", "--columns", "labels").out


@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_no_column_is_dropped(cli: Run, several: dict[str, str], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    header, *lines, _ = cli("find", "--columns", "files,labels,git,username").out.splitlines()
    assert [name[:5] for name in header.split()] == ["artif", "files", "label", "git", "usern"]
    assert [line.split()[0] for line in lines] == [several[name] for name in ("notes.txt", "model.json", "train.csv")]
    assert all(line.split()[-1].startswith(("andy", "brend")) for line in lines)


def test_a_word_is_no_query(cli: Run) -> None:
    result = cli("find", "two words")
    assert result.code == 2
    assert "--project 'two words'" in result.err


def test_a_label_like_a_number_is_text_or_number(cli: Run, root: Path, data: Path) -> None:
    h = eio.Handler(root)
    for value in ("7", 7, 7.5, "7.5", True, "true", 8):
        h.upload(data, {"run": value})
    assert [row["labels"]["run"] for row in cli("find", "--label", "run=7", "--json").json] == [7, "7"]
    assert [row["labels"]["run"] for row in cli("find", "--label", "run=7.5", "--json").json] == ["7.5", 7.5]
    assert [row["labels"]["run"] for row in cli("find", "--label", "run=true", "--json").json] == ["true", True]


def test_until_the_last_day(cli: Run, several: dict[str, str]) -> None:
    assert len(found(cli, several, "--until", "9999-12-31")) == 3
    assert found(cli, several, "--since", "9999-12-31") == []


def test_many_files(cli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text("x")
    cli("upload", folder)
    assert "  00.txt, 01.txt, 02.txt +9" in cli("find").out


def test_what_was_made_again_says_so(cli: Run, root: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = eio.Handler(root)
    made = h.upload(data / "train.txt")
    assert "again" not in cli("find").out
    monkeypatch.setenv("ELLIPTIO_REPRODUCES", made.artifact_id)
    again = eio.Handler(root).upload(data / "train.txt")
    monkeypatch.delenv("ELLIPTIO_REPRODUCES")
    (line,) = (line for line in cli("find").out.splitlines() if "train.txt (made again)" in line)
    assert line.startswith(again.artifact_id)


def test_truncation_is_never_silent(cli: Run, several: dict[str, str]) -> None:
    result = cli("find", "--limit", "2")
    assert result.out.splitlines()[-1] == "2 of 3 artifacts; --limit 0 shows all"
    assert result.err == ""
    result = cli("find", "--limit", "2", "--json")
    assert len(result.json) == 2
    assert "2 of 3" in json.loads(result.err)["warning"]["message"]
    for limit in ("0", "3"):
        result = cli("find", "--limit", limit)
        assert result.out.splitlines()[-1] == "3 of 3 artifacts"
        assert result.err == ""


def test_nothing_found_is_a_result(cli: Run, several: dict[str, str]) -> None:
    result = cli("find", "--user", "nobody")
    assert (result.code, result.out) == (0, "")
    assert "No artifacts match." in result.err
    result = cli("find", "--user", "nobody", "--json")
    assert (result.code, result.out, result.err) == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("arguments", "what"), [(['{"$where": "1"}'], "$where"), (["--sort", "python_packages.x"], "environment")]
)
def test_what_cannot_be_asked(cli: Run, several: dict[str, str], arguments: list[str], what: str) -> None:
    result = cli("find", *arguments)
    assert (result.code, result.out) == (1, "")
    assert what in result.error


def test_values_that_json_does_not_have(cli: Run, root: Path, data: Path) -> None:
    moment = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    labels = {"nan": float("nan"), "inf": float("-inf"), "bytes": b"\0\xff", "moment": moment, "big": 2**62}
    eio.Handler(root).upload(data, labels)
    assert cli("find", "--json").json[0]["labels"] == {
        "nan": "nan",
        "inf": "-inf",
        "bytes": "AP8=",
        "moment": "2026-11-01T09:30:00.000Z",
        "big": 2**62,
    }


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0d", timedelta()),
    ],
)
def test_an_age(text: str, age: timedelta) -> None:
    for read in (since, until):
        before = datetime.now(tz=UTC)
        assert before <= read(text) + age <= datetime.now(tz=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11-01", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
        ("2026-12-31", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-11-01T09:30", "2026-11-01T09:30:00Z", "2026-11-01T09:30:00Z"),
        ("2026-11-01 09:30:15", "2026-11-01T09:30:15Z", "2026-11-01T09:30:15Z"),
        ("2026-11-01T09:30:00Z", "2026-11-01T09:30:00Z", "2026-11-01T09:30:00Z"),
        ("2026-11-01T09:30:00+02:00", "2026-11-01T07:30:00Z", "2026-11-01T07:30:00Z"),
    ],
)
def test_a_day_or_datetime(text: str, first: str, last: str) -> None:
    assert since(text) == datetime.fromisoformat(first)
    assert until(text) == datetime.fromisoformat(last)


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "-7d", "soon", "2026-13-01", "99999999w", "\u0667d"])
def test_no_time(anywhere: Run, text: str) -> None:
    for option in ("--since", "--until"):
        result = anywhere("find", f"{option}={text}")
        assert result.code == 2
        assert "is no time" in result.err


NAMES = [
    "test.txt",
    "TEST.TXT",
    "data/test.txt",
    "a.csv",
    "b.csv",
    "c.csv",
    "^.csv",
    "-.csv",
    "].csv",
    "a[1].csv",
    "x+y (1).tar.gz",
    "$HOME",
    "back\\slash",
    "über.csv",
    "new|or{2}#~&.csv",
]
GLOBS = [
    *NAMES,
    "*",
    "*.txt",
    "*.csv",
    "test.*",
    "data/*",
    "*/test.txt",
    "?.csv",
    "[ab].csv",
    "[!ab].csv",
    "[a-c].csv",
    "[!a-c].csv",
    "[^].csv",
    "[-a].csv",
    "[a-].csv",
    "[]].csv",
    "[]a].csv",
    "[!]].csv",
    "a[[]1[]].csv",
    "[.csv",
    "*(1)*",
    "x+y*",
    "$*",
    "*\\*",
    "?ber.csv",
    "*|*",
    "",
    "est.txt",
]


@pytest.fixture(params=["sqlite", "mongodb"])
def named(request: pytest.FixtureRequest, tmp_path: Path, anywhere: Run) -> tuple[Run, dict[str, str]]:
    """An artifact for each name, on an index that matches in Python and on one that matches by itself."""
    options = ["--root", str(tmp_path / "names")]
    if request.param == "mongodb":
        options += ["--index", f"{request.getfixturevalue('mongodb_url').rstrip('/')}/test_{uuid4().hex}"]
    ids = {}
    for number, name in enumerate(NAMES):
        folder = tmp_path / f"source{number}"
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(name)
        ids[name] = anywhere("upload", folder, *options, "--json").artifact_id
    return lambda *arguments: anywhere(*arguments, *options), ids


@pytest.mark.slow
def test_glob(named: tuple[Run, dict[str, str]]) -> None:
    run, ids = named
    for glob in GLOBS:
        expected = {name for name in NAMES if fnmatch.fnmatchcase(name, glob)}
        assert set(found(run, ids, f"--file={glob}", "--limit", "0")) == expected, (glob, glob_pattern(glob))


@pytest.fixture
def after_deleting(cli: Run, several: dict[str, str]) -> dict[str, str]:
    cli("delete", several["notes.txt"])
    return several


def test_deleted(cli: Run, after_deleting: dict[str, str], root: Path) -> None:
    ids = after_deleting
    assert found(cli, ids) == ["model.json", "train.csv"]
    assert found(cli, ids, "--deleted") == ["notes.txt", "model.json", "train.csv"]
    assert found(cli, ids, "--deleted", "--project", "other") == ["notes.txt"]
    assert found(cli, ids, "--deleted", '{"deleted": {"$exists": true}}') == ["notes.txt"]
    rows = cli("find", "--deleted", "--json").json
    moment = eio.Handler(root).find(deleted=True).deleted.iloc[0]["time"]
    assert datetime.fromisoformat(rows[0]["deleted"]["time"]) == moment
    assert rows[1]["deleted"] is None
    assert "deleted" not in cli("find", "--json").json[0]
    assert "--deleted" in cli("find", '{"deleted.username": "andy"}').error


def test_deleted_in_a_table(cli: Run, after_deleting: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    when, who = (
        cli("find", "--deleted", "--columns", "deleted.time,deleted.username").out.splitlines()[1].split("  ")[1:]
    )
    lines = cli("find", "--deleted").out.splitlines()
    assert lines[0].split()[-1] == "DELETED"
    assert lines[1].endswith(f"  {when} by {who}")
    assert lines[-1] == "3 of 3 artifacts"
    assert "DELETED" not in cli("find").out
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("find", "--deleted").out.splitlines()
    assert lines[2] == f"    deleted {when} by {who}"
    assert len(lines) == 8


def test_json_has_what_frames_leave_out(cli: Run, saved: str) -> None:
    (row,) = cli("find", "--json").json
    assert row["remote_root"]
    assert row["fingerprint"]
