"""How everything that users hold shows itself: short in a line, as ``print`` does in a notebook and in IPython."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.formatters import PlainTextFormatter

import elliptio as eio
from elliptio.artifacts.display import artifact_html, comparison_html
from elliptio.lake.upkeep.verification import Problem, VerifyReport
from elliptio.lineage.reproduction.outcome import FileResult, Result
from tests.artifacts.test_display import Reader, with_files
from tests.artifacts.untrusted import Untrusted

MANY = 30


class Printer:
    """What IPython gives to ``_repr_pretty_``."""

    def __init__(self) -> None:
        self.written = ""

    def text(self, text: str) -> None:
        self.written += text


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that users get, of an artifact of many files, with relatives and in a run."""
    folder = tmp_path_factory.mktemp("shown") / "images"
    local = eio.Handler(folder.parent / "lake", index=f"sqlite:///{folder.parent}/index.sqlite", progress=False)
    folder.mkdir()
    for number in range(MANY):
        (folder / f"image_{number:04}.png").write_bytes(bytes([number % 256]))
    with local.run("train", {"rate": 0.1}) as run:
        artifact = local.upload(folder, labels={"project": "images"})
    for number in range(3):
        local.upload(folder / f"image_{number:04}.png", based_on=artifact)
    with local.new(["scores.csv"]) as new:
        new.file.upload_string("a,b\n1,2\n")
    local.tag(artifact, "prod")
    comparison = local.compare(artifact, new)
    return {
        "artifact": artifact,
        "new": new,
        "metadata": artifact.metadata,
        "files": artifact.files,
        "logs": artifact.logs,
        "file": new.file,
        "record": artifact.metadata.files[0],
        "lineage": local.lineage(artifact),
        "node": local.lineage(artifact).nodes()[0],
        "comparison": comparison,
        "git": comparison.git,
        "table": local.compare(new, new).table("scores.csv"),
        "report": local.verify(),
        "found": local.search(),
        "tags": local.tags,
        "move": local.tags.moves()[0],
        "runs": local.runs,
        "tree": local.runs.tree(run.run_id),
        "run": run,
        "handler": local,
        "result": Result("artifact_a", "artifact_b", 0, 1.5, [FileResult("a", "identical", 3, 3)] * MANY),
    }


@pytest.mark.slow
def test_all_say_what_they_are_in_a_line(everything: dict[str, Any]) -> None:
    said = {name: repr(one) for name, one in everything.items()}
    assert {name: text for name, text in said.items() if "\n" in text or len(text) > 500} == {}
    assert not [name for name, text in said.items() if " object at 0x" in text]
    assert "25 more" in said["artifact"]
    assert "image_0000.png" in said["files"]
    assert "25 more" in said["files"]
    assert "3 descendants" in said["lineage"]


SHOWN = ("artifact", "files", "lineage", "comparison", "table", "report", "tags", "runs", "tree")


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_and_ipython_show_what_print_does(everything: dict[str, Any], name: str) -> None:
    one = everything[name]
    assert PlainTextFormatter()(one) == str(one)
    assert str(one).count("\n") < 50
    again = Printer()
    one._repr_pretty_(again, cycle=True)
    assert "\n" not in again.written
    shown = Untrusted(one._repr_html_())
    assert shown.lost == []
    first = next(line for line in str(one).splitlines() if line.strip())
    assert first.split()[-1] in shown.seen


def test_files_are_listed_with_their_sizes(everything: dict[str, Any]) -> None:
    lines = str(everything["files"]).splitlines()
    assert lines[0].split() == ["image_0000.png", "1", "B"]
    assert lines[-1] == "… and 20 more"
    assert "image_0029.png" in Reader(everything["files"]._repr_html_()).text
    assert str(everything["new"].files).split() == ["scores.csv", "8", "B"]


def test_files_of_a_link_show_themselves_without_their_store(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.bin").write_bytes(b"123")
    linked = local.link(tmp_path / "far" / "a.bin")
    (tmp_path / "far" / "a.bin").unlink()
    assert str(local.show(linked).files).split() == ["a.bin", "3", "B"]
    assert repr(local.show(linked).files) == "<Files a.bin>"


def test_a_report_lists_the_first_of_many_problems() -> None:
    problems = [Problem("artifact_a", f"files/{number}.png", "is missing") for number in range(25)]
    report = VerifyReport(artifacts=1, files=300, bytes=300, problems=problems)
    assert repr(report).startswith("<VerifyReport not ok: ")
    lines = str(report).splitlines()
    assert lines[0] == "artifact_a files/0.png is missing"
    assert lines[20:] == ["… and 5 more", "1 artifacts with 300 files (300 B) were read; 25 problems were found"]


def test_what_cannot_be_read_still_shows_itself(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise eio.StoreError("the disk is gone")

    monkeypatch.setattr("elliptio.lake.tags.current", fails)
    monkeypatch.setattr("elliptio.runs.runs.search_runs", fails)
    assert str(local.tags) == "Tags: the disk is gone"
    assert str(local.runs) == "Runs: the disk is gone"


@pytest.mark.parametrize(
    "html",
    [
        artifact_html(with_files(30, based_on=["artifact_00"], tags=["best"]), ["artifact_02"]),
        comparison_html("a", "b", [], same=True),
    ],
)
def test_a_card_keeps_its_layout_where_a_notebook_is_not_trusted(html: str) -> None:
    left = Untrusted(html)
    assert left.lost == []
    assert "<style" not in left.html
    assert "max-width:860px" in left.html
    # Those of a notebook's stripes are in one cell of another table, where they say nothing.
    assert left.html.count("<tr ") == left.html.count('<tr style="background:none">') > 0
    assert 'th style="padding:2px 14px 2px 0;text-align:left;vertical-align:top' in left.html


def test_a_lineage_is_its_picture_or_its_tree(everything: dict[str, Any]) -> None:
    lineage = everything["lineage"]
    html = lineage._repr_html_()
    left = Untrusted(html)
    assert left.seen.split() == str(lineage).split()
    assert left.lost == []
    # Where it is trusted, the style shows the picture and hides the tree.
    assert ".elliptio-picture{display:block!important}.elliptio-picture+pre{display:none}" in html
    assert "<svg" in html
    # JupyterLab makes pictures as narrow as the notebook: letters of 11 px stay readable.
    opening = html.partition("<svg")[2].partition(">")[0]
    width, least = (int(re.search(pattern, opening)[1]) for pattern in (r' width="(\d+)"', r"min-width:(\d+)px"))
    assert least * 11 / width > 8.5
