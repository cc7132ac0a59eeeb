"""``h.compare``: what differs between two artifacts, or between one and here and now."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.artifacts import contents
from elliptio.lineage.comparison.comparison import Comparison
from elliptio.lineage.comparison.sides import HERE
from elliptio.provenance import collecting as provenance
from elliptio.provenance import packages

Install = Callable[[dict[str, str]], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Changes what is installed, as far as it is recorded."""

    def install(versions: dict[str, str]) -> None:
        monkeypatch.setattr(packages, "snapshot", lambda: packages.Snapshot((), versions, {}))

    return install


def sizes(comparison: Comparison) -> dict[str, tuple[Any, Any, str]]:
    rows = comparison.files.astype(object).where(comparison.files.notna(), None)
    return {name: tuple(row) for name, row in zip(rows.index, rows.itertuples(index=False), strict=True)}


# --- two artifacts ---


def test_the_same(h: eio.Handler, data: Path) -> None:
    a, b = h.upload(data, {"project": "x"}), h.upload(data, {"project": "x"})
    found = h.compare(a, b.artifact_id)
    assert found.same
    assert (found.a, found.b) == (a.artifact_id, b.artifact_id)
    for frame in (found.packages, found.python, found.machine, found.labels):
        assert frame.empty
        assert list(frame.columns) == ["a", "b", "change"]
    assert list(found.files.columns) == ["size_a", "size_b", "change"]
    assert str(found.files["size_a"].dtype) == "Int64"
    assert list(found.who_when.index) == ["creation_time"]
    assert str(found).startswith("Comparison: same\n")
    assert "  files     same\n" in str(found)
    assert h.based_on == []


def test_did_andy_use_another_pandas(h: eio.Handler, data: Path, install: Install) -> None:
    install({"pandas": "2.2.3", "numpy": "2.1.0", "scipy": "1.14.0"})
    with eio.mock_username("andy"):
        andys = h.upload(data)
    install({"pandas": "3.0.0", "numpy": "2.1.0", "tqdm": "4.66.0"})
    with eio.mock_username("brenda"):
        brendas = h.upload(data)
        here = h.compare(andys.artifact_id)
    for found in (h.compare(andys, brendas), here):
        assert found.packages.to_dict("index") == {
            "pandas": {"a": "2.2.3", "b": "3.0.0", "change": "changed"},
            "scipy": {"a": "1.14.0", "b": None, "change": "removed"},
            "tqdm": {"a": None, "b": "4.66.0", "change": "added"},
        }
        assert not found.same
        assert found.who_when.loc["username"].tolist() == ["andy", "brenda", "changed"]
        assert re.search(r"packages  3 differ\n    pandas  2\.2\.3   3\.0\.0\n    scipy   1\.14\.0  -\n", str(found))
    assert here.b == HERE
    assert here.labels.empty
    assert here.files.empty
    assert "labels" not in str(here)


def test_here_and_now_is_the_same(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data, {"project": "x"})
    found = h.compare(artifact)
    assert found.same
    assert "creation_time" in found.who_when.index
    with pytest.raises(eio.FileKeyError):
        found.diff("no.txt")


def test_files_and_labels(h: eio.Handler, data: Path) -> None:
    a = h.upload(data, eio.Labels(project="x", infos={"seed": 1, "old": True}))
    (data / "test.txt").rename(data / "dev.txt")
    (data / "train.txt").write_text("path,class\n")
    b = h.upload(data, {"project": "y", "infos": {"seed": 2, "old": 1}})
    found = h.compare(a, b)
    assert not found.same
    assert sizes(found) == {
        "dev.txt": (None, a.files["test.txt"].size, "added"),
        "test.txt": (a.files["test.txt"].size, None, "removed"),
        "train.txt": (a.files["train.txt"].size, 11, "changed"),
    }
    assert {name: tuple(row) for name, row in found.labels.iterrows()} == {
        "infos.old": (True, 1, "changed"),
        "infos.seed": (1, 2, "changed"),
        "project": ("x", "y", "changed"),
    }
    assert (
        found.diff("train.txt")
        == "--- a/train.txt\n+++ b/train.txt\n@@ -1,2 +1 @@\n path,class\n-/path/to/image2.png,1\n"
    )


def test_what_two_runs_were_given_and_measured(h: eio.Handler, data: Path) -> None:
    made = []
    for rate in (0.1, 0.2):
        with h.run("train", {"rate": rate, "data": {"folds": 5}}) as run:
            run.log(loss=1 - rate)
            made.append(h.upload(data))
    found = h.compare(*made)
    assert not found.same
    assert found.params.to_dict("index") == {"rate": {"a": 0.1, "b": 0.2, "change": "changed"}}
    assert found.metrics.to_dict("index") == {"loss": {"a": 0.9, "b": 0.8, "change": "changed"}}
    assert "rate  0.1  0.2" in str(found)
    with h.run("train", {"rate": 0.1, "data": {"folds": 5}}) as run:
        run.log(loss=0.7)
        again = h.upload(data)
    found = h.compare(made[0], again)
    assert found.same
    assert len(found.metrics) == 1
    assert h.compare(made[0], h.upload(data)).params.empty


def test_artifacts_of_two_lakes(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    other = eio.Handler(tmp_path / "other")
    assert local.compare(local.upload(data), other.upload(data)).same


def test_machine_and_python(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = local.upload(data)
    facts = provenance.environment()
    changed = {**facts, "python": {**facts["python"], "version": "3.99.0"}, "cpu": {"count": 999}, "container": "x"}
    monkeypatch.setattr(provenance, "environment", lambda: {**changed, "scheduler": {"kind": "slurm", "job_id": "7"}})
    found = local.compare(a)
    assert found.python.loc["version", "b"] == "3.99.0"
    assert found.machine.loc["cpu.count", "b"] == 999
    assert found.machine.loc["container", "b"] == "x"
    assert not found.same
    assert found.who_when.loc["scheduler.job_id", "b"] == "7"


def test_who_and_when_do_not_count(local: eio.Handler, data: Path) -> None:
    with eio.mock_username("andy"):
        a = local.upload(data)
    with eio.mock_username("brenda"):
        b = local.upload(data)
    assert local.compare(a, b).same


def test_what_is_not_there(local: eio.Handler, data: Path) -> None:
    a = local.upload(data)
    for pair in (("artifact_no",), (a, "artifact_no"), ("artifact_no", a), (7,)):
        with pytest.raises(eio.DocumentNotFoundError):
            local.compare(*pair)  # type: ignore[arg-type]
    with local.new(["x"]) as new:
        new.file.upload_string("x")
        with pytest.raises(eio.DocumentNotFoundError, match="not published"):
            local.compare(a, new)
    assert not local.compare(a, new).same


# --- the content of files ---


@pytest.fixture
def pair(local: eio.Handler, tmp_path: Path) -> Callable[..., Comparison]:
    """Compares two contents of one file."""

    def pair(name: str, a: bytes | str, b: bytes | str) -> Comparison:
        path = tmp_path / name
        artifacts = []
        for content in (a, b):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            artifacts.append(local.upload(path))
        return local.compare(*artifacts)

    return pair


def test_a_diff_is_a_patch(pair: Callable[..., Comparison], tmp_path: Path) -> None:
    a, b = "1\n2\r\n\x0c3\u2028\n4", "1\n2\n\x0c3\u2028\n5\n"
    diff = pair("x.txt", a, b).diff("x.txt")
    (tmp_path / "x.txt").write_bytes(a.encode())
    subprocess.run(["git", "apply"], input=diff.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "x.txt").read_bytes() == b.encode()


def test_a_diff_is_cut(pair: Callable[..., Comparison]) -> None:
    found = pair("x.txt", "", "".join(f"{number}\n" for number in range(1000)))
    lines = found.diff("x.txt", max_lines=10).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "… and 993 more lines"
    assert len(found.diff("x.txt", max_lines=2000).splitlines()) == 1003


def test_what_has_no_diff(pair: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch) -> None:
    assert pair("x.txt", "same\n", "same\n").diff("x.txt") == ""
    for binary in (b"\0\1", b"\xff\xfe"):
        with pytest.raises(eio.QueryError, match="is no text"):
            pair("x.bin", "text", binary).diff("x.bin")
    with pytest.raises(eio.QueryError, match="more than 10,000 lines"):
        pair("x.txt", "", "\n" * 10_000).diff("x.txt")
    with pytest.raises(eio.FileKeyError, match=r"There is no file 'y.txt' .* which has 'x.txt'"):
        pair("x.txt", "a", "b").diff("y.txt")
    monkeypatch.setattr(contents, "MAX_TEXT", 10)
    with pytest.raises(eio.QueryError, match="has 11 bytes"):
        pair("x.txt", "a", "b" * 11).diff("x.txt")


def test_damaged_content_is_not_compared(pair: Callable[..., Comparison]) -> None:
    found = pair("x.csv", "a\n1\n", "a\n2\n")
    (damaged,) = Path(found._sides[1].files["x.csv"].remote_url).parent.iterdir()
    damaged.chmod(0o644)
    damaged.write_text("a\n1\n")
    with pytest.raises(eio.IntegrityError):
        found.diff("x.csv")
    with pytest.raises(eio.IntegrityError):
        found.table("x.csv")


def test_values_of_a_table(pair: Callable[..., Comparison]) -> None:
    a = "id,bill,species,gone,note\n1,38.8,Adelie,x,\n2,48.8,Gentoo,x,NA\n3,47.0,Gentoo,x,ok\n"
    b = "note,species,id,bill,new\n,Adelie,1.0,38.80,y\n,Chinstrap,2,49.0,y\nok,Gentoo,3,48,y\nok,Gentoo,4,50,y\n"
    table = pair("x.csv", a, b).table("x.csv")
    assert not table.same
    assert (table.rows_a, table.rows_b) == (3, 4)
    assert (table.columns_added, table.columns_removed) == (["new"], ["gone"])
    assert (table.compared, table.differing) == (12, 3)
    assert list(table.columns.index) == ["bill", "species"]
    assert table.columns.loc["bill"].round(6).tolist() == [2, 1.0, 0.6]
    assert table.columns.loc["species", "differing"] == 1
    assert pd.isna(table.columns.loc["species", "largest"])
    assert "differing  3 of 12 values" in str(table)


def test_the_same_values_in_other_words(pair: Callable[..., Comparison]) -> None:
    table = pair("x.tsv", "a\tb\n1\t\n2\tx\n", "b\ta\r\n\t1.0\r\nx\t2.00\r\n").table("x.tsv")
    assert table.same
    assert str(table) == "same: 2 rows"
    assert table.columns.empty


def test_a_column_that_holds_a_text_now(pair: Callable[..., Comparison]) -> None:
    table = pair("x.csv", "a\n1\n2\n3\n", "a\n1\n2.5\nbroken\n").table("x.csv")
    assert table.differing == 2
    assert table.columns.loc["a", "largest"] == 0.5


def test_large_numbers_are_exact(pair: Callable[..., Comparison]) -> None:
    assert pair("x.csv", f"a\n{2**60}\n", f"a\n{2**60 + 1}\n").table("x.csv").differing == 1


def test_labels_of_rows_are_values_too(pair: Callable[..., Comparison]) -> None:
    # With a value more than names, pandas takes the first for a label.
    assert not pair("x.csv", "a\nr1,1\nr2,2\n", "a\nr1,1\nr3,2\n").table("x.csv").same


def test_what_is_no_table(pair: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(eio.QueryError, match=r"\.csv, \.tsv, \.parquet"):
        pair("x.txt", "a", "b").table("x.txt")
    with pytest.raises(eio.QueryError, match="cannot be read as a table"):
        pair("x.csv", "a\n1\n", "a\n1\n1,2\n1,2,3\n").table("x.csv")
    assert pair("x.csv", "", "").table("x.csv").same
    monkeypatch.setattr(contents, "MAX_TABLE", 3)
    with pytest.raises(eio.QueryError, match="has 4 bytes"):
        pair("x.csv", "a\n1\n", "a\n2\n").table("x.csv")


def test_a_table_that_one_side_lacks(local: eio.Handler, data: Path) -> None:
    a, b = local.upload([data / "train.txt", data / "test.txt"]), local.upload(data / "train.txt")
    with pytest.raises(eio.FileKeyError, match=f"Only {a.artifact_id} has"):
        local.compare(a, b).table("test.txt")


def test_parquet(pair: Callable[..., Comparison]) -> None:
    pytest.importorskip("pyarrow")
    tables = []
    for values in ([1, 2, None], [1, 3, None]):
        buffer = io.BytesIO()
        pd.DataFrame({"a": values}).to_parquet(buffer)
        tables.append(buffer.getvalue())
    assert pair("x.parquet", *tables).table("x.parquet").differing == 1


def test_parquet_without_pyarrow(pair: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    with pytest.raises(eio.MissingExtraError, match="pip install pyarrow"):
        pair("x.parquet", b"PAR1", b"PAR2").table("x.parquet")


# --- git ---


def git(*arguments: str) -> str:
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(["git", *author, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def code() -> Path:
    """Code in a repository, which is the working directory."""
    git("init", "-q")
    code = Path("code.py").absolute()
    commit(code, "print(1)\n")
    return code


def commit(code: Path, text: str) -> None:
    code.write_text(text)
    git("add", ".")
    git("commit", "-q", "-m", text)


@pytest.mark.slow
def test_commits(local: eio.Handler, data: Path, code: Path) -> None:
    a = local.upload(data)
    assert local.compare(a).git.same
    assert local.compare(a).git.commits_between == 0
    commit(code, "print(2)\n")
    commit(code, "print(3)\n")
    b = local.upload(data)
    for found in (local.compare(a, b), local.compare(a)):
        assert not found.same
        assert found.git.commit_b == git("rev-parse", "HEAD")
        assert (found.git.only_a, found.git.only_b, found.git.commits_between) == (0, 2, 2)
        assert found.git.diffs_differ is False
        diff = found.git.diff()
        assert diff is not None
        assert "-print(1)\n+print(3)\n" in diff
        assert f"commit              {found.git.commit_a[:12]}  {found.git.commit_b[:12]}" in str(found)


def test_branches(local: eio.Handler, data: Path, code: Path) -> None:
    git("checkout", "-q", "-b", "other")
    commit(code, "print(2)\n")
    a = local.upload(data)
    git("checkout", "-q", "-b", "third", "HEAD^")
    commit(code, "print(3)\n")
    commit(code, "print(4)\n")
    found = local.compare(a).git
    assert (found.only_a, found.only_b, found.commits_between) == (1, 2, 3)


def test_a_repository_that_lacks_them(
    local: eio.Handler, data: Path, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = local.upload(data)
    commit(code, "print(2)\n")
    b = local.upload(data)
    monkeypatch.chdir(tmp_path)
    outside = local.compare(a, b).git
    (tmp_path / "another").mkdir()
    monkeypatch.chdir(tmp_path / "another")
    git("init", "-q")
    for found in (outside, local.compare(a, b).git):
        assert (found.same, found.commits_between, found.diff()) == (False, None, None)


@pytest.mark.slow
def test_uncommitted_changes(local: eio.Handler, data: Path, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = local.upload(data)
    code.write_text("print(7)\n")
    dirty, again = local.upload(data), local.upload(data)
    assert local.compare(dirty, again).git.diffs_differ is False
    assert local.compare(dirty).same
    found = local.compare(clean, dirty)
    assert found.git.diffs_differ is True
    assert not found.same
    assert "uncommitted changes  differ" in str(found)
    code.write_text("print(8)\n")
    assert local.compare(dirty).git.diffs_differ is True
    monkeypatch.setenv("ELLIPTIO_GIT_DIFF", "none")
    silent = eio.Handler(local.store.root)
    unknown, unknown_too = silent.upload(data), silent.upload(data)
    assert silent.compare(unknown, unknown_too).git.diffs_differ is None
    assert not silent.compare(unknown, unknown_too).same
    assert silent.compare(clean, unknown).git.diffs_differ is True
    assert "uncommitted changes  not recorded" in str(silent.compare(unknown, unknown_too))


def test_a_commit_that_is_an_option_does_not_reach_git(
    local: eio.Handler, data: Path, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = local.upload(data)
    target = tmp_path / "written"
    for name in (f"--output={target}", "HEAD", "main..HEAD"):
        a.metadata.git["commit"] = name  # type: ignore[index]
        found = local.compare(a).git
        assert (found.commits_between, found.diff()) == (None, None)
    assert not target.exists()


# --- how it shows itself ---


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names(local: eio.Handler, data: Path) -> None:
    a = local.upload(data)
    (data / "<script>alert(1)<\u202e>.txt").write_text("x")
    b = local.upload(data, {"<img src=x>": "\x1b[31m<b>\n" + "long" * 100})
    found = local.compare(a, b)
    html = Reader(found._repr_html_())
    assert html.tags <= {"div", "style", "table", "tr", "th", "td", "code", "details", "summary"}
    assert "<script>alert(1)" in html.text
    assert "<img src=x>" in html.text
    for text in (html.text, str(found)):
        assert not any(sign in text for sign in "\x1b\u202e")
    assert all(len(line) < 200 for line in str(found).splitlines())


def test_many_changes_are_folded(local: eio.Handler, data: Path, install: Install) -> None:
    install({f"package-{number:03}": "1" for number in range(250)})
    a = local.upload(data)
    install({})
    found = local.compare(a)
    assert "    … and 240 more" in str(found)
    assert "240 more</summary>" in found._repr_html_()
    assert "package-199" in found._repr_html_()
    assert "package-200" not in found._repr_html_()
    assert len(found.packages) == 250
