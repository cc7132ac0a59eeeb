"""How an artifact shows itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

import elliptio as eio
from elliptio.artifacts.display import artifact_html, artifact_text, human_size
from elliptio.labels import Labels
from elliptio.metadata import FileRecord, Metadata

PLAIN = Metadata(
    username="andy",
    hostname="laptop",
    argv="python prepare.py",
    artifact_id="artifact_01",
    run_id="run_01",
    creation_time=datetime(2026, 11, 3, 9, 12, 44, tzinfo=UTC),
    labels=Labels(project="penguins", infos={"seed": 2}),
    fingerprint="f" * 64,
    remote_root="/lake/2026/11/03/andy/091244_artifact_01",
    git={"commit": "25d63a0f9c8e7b6a5d4c", "branch": "main", "remote": None, "dirty": True},
)


def with_files(count: int, **more: Any) -> Metadata:
    files = [FileRecord(f"penguin_{number:03}.png", 1000 * number, "0" * 64) for number in range(count)]
    return replace(PLAIN, files=files, file_count=count, total_size=sum(file.size for file in files), **more)


class Reader(HTMLParser):
    """Tags, checked to be closed in order, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_text() -> None:
    shown = artifact_text(with_files(3, based_on=["artifact_00"]), ["artifact_02", "artifact_03"])
    assert shown == "\n".join(
        [
            "Artifact artifact_01",
            "  who       andy on laptop",
            "  when      2026-11-03 09:12:44 UTC",
            "  labels    project=penguins, infos={seed: 2}",
            "  git       25d63a0f9c8e on main, with uncommitted changes",
            "  command   python prepare.py",
            "  where     /lake/2026/11/03/andy/091244_artifact_01",
            "  files     3 files, 3 kB",
            "    penguin_000.png        0 B",
            "    penguin_001.png       1 kB",
            "    penguin_002.png       2 kB",
            "  based on  artifact_00",
            "  used by   artifact_02, artifact_03",
        ]
    )


def test_html_says_what_the_text_says() -> None:
    shown = Reader(artifact_html(with_files(3, based_on=["artifact_00"], tags=["best"]), ["artifact_02"])).text
    for part in ("artifact_01", "andy on laptop", "09:12:44 UTC", "project=penguins, infos={seed: 2}", "best",
                 "25d63a0f9c8e on main", "3 files, 3 kB", "penguin_002.png", "artifact_00", "artifact_02"):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "'\"><b>"])
def test_what_others_wrote_stays_text(attack: str) -> None:
    hostile = replace(
        PLAIN,
        username=attack,
        hostname=attack,
        argv=attack,
        artifact_id=attack,
        labels={attack: {attack: attack}},
        tags=[attack],
        remote_root=attack,
        notebook=attack,
        git={"commit": attack, "branch": attack},
        files=[FileRecord(attack, 1, "")],
        file_count=1,
        based_on=[attack],
    )
    shown = Reader(artifact_html(hostile, [attack]))
    assert set(shown.tags) == {"div", "table", "tr", "th", "td", "code"}
    assert shown.text.count(attack) >= 12


def test_nothing_steers_the_terminal() -> None:
    shown = artifact_text(replace(PLAIN, labels={"a": "x\x1b[2Jy\nz\u202eevil"}), [])
    assert "labels    a=x�[2Jy z�evil" in shown
    assert all(line.isprintable() for line in shown.split("\n"))


def test_many_files_are_folded() -> None:
    shown = Reader(artifact_html(with_files(30), []))
    assert shown.tags.count("details") == 1
    assert "30 files" in shown.text
    assert "20 more" in shown.text
    assert "penguin_029.png" in shown.text
    assert "details" not in Reader(artifact_html(with_files(10), [])).tags
    text = artifact_text(with_files(30), [])
    assert "penguin_009.png" in text
    assert "penguin_010.png" not in text
    assert "… and 20 more" in text


def test_very_many_files_are_not_all_listed() -> None:
    shown = artifact_html(with_files(10_000), [])
    assert "penguin_199.png" in shown
    assert "penguin_200.png" not in shown
    assert "9,990 more" in shown
    assert "… and 9,800 more" in shown
    assert len(shown) < 120_000


def test_many_neighbours_are_counted() -> None:
    parents = [f"artifact_{number}" for number in range(14)]
    for shown in (
        artifact_text(replace(PLAIN, based_on=parents), []),
        artifact_html(replace(PLAIN, based_on=parents), []),
    ):
        assert "artifact_9" in shown
        assert "artifact_10" not in shown
        assert "and 4 more" in shown


def test_deleted_parents() -> None:
    parents = replace(PLAIN, based_on=["artifact_00", "artifact_gone"])
    deleted = {"artifact_gone": ("andy", "yesterday")}
    assert "  based on  artifact_00, artifact_gone (deleted by andy at yesterday)\n" in artifact_text(
        parents, [], 0, deleted
    )
    shown = Reader(artifact_html(parents, [], 0, deleted)).text
    assert "artifact_00artifact_gone (deleted by andy at yesterday)" in shown


def test_unknown_children() -> None:
    assert "used by   nothing" in artifact_text(PLAIN, [])
    for shape in (artifact_text, artifact_html):
        assert "unknown: the index cannot be reached" in shape(PLAIN, None)


def test_what_is_empty_is_left_out() -> None:
    bare = replace(PLAIN, labels=Labels(), git=None)
    for name in ("labels", "git", "tags", "notebook"):
        assert f"  {name} " not in artifact_text(bare, [])
        assert f">{name}</th>" not in artifact_html(bare, [])


def test_what_is_not_published_says_so(local: eio.Handler) -> None:
    unpublished = replace(PLAIN, fingerprint="", based_on=["artifact_00"])
    text, html = artifact_text(unpublished, []), Reader(artifact_html(unpublished, [])).text
    for shown in (text, html):
        assert "not published" in shown
        assert "artifact_00" in shown
        assert PLAIN.remote_root not in shown
        assert "used by" not in shown
        assert "file" not in shown
    with pytest.raises(RuntimeError), local.new(["a.txt"]) as new:
        assert "not published" in str(new)
        raise RuntimeError
    assert "not published" in str(new)


def test_zero_and_false_are_labels() -> None:
    assert "a=0, b=False" in artifact_text(replace(PLAIN, labels={"a": 0, "b": False, "c": None, "d": ""}), [])


def test_long_texts_are_cut() -> None:
    long = replace(PLAIN, argv="x" * 10_000, labels={"a": "y" * 10_000, "b": {str(key): "z" for key in range(10_000)}})
    assert len(artifact_text(long, [])) < 2_000


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1 kB"), (1536, "1.54 kB"), (999_499, "999 kB"), (999_500, "1 MB"),
     (12_345_678, "12.3 MB"), (2 * 10**9, "2 GB"), (10**12, "1 TB"), (5 * 10**15, "5 PB"), (2**63, "9.22 EB")],
)  # fmt: skip
def test_sizes(size: int, shown: str) -> None:
    assert human_size(size) == shown


def test_in_a_lake(local: eio.Handler, data: Any) -> None:
    """An artifact knows what was built on it, also later; without its index it still shows itself."""
    parent = local.upload(data)
    assert "used by   nothing" in str(parent)
    child = local.upload(data, based_on=parent)
    assert f"used by   {child.artifact_id}" in str(parent)
    assert f">{parent.artifact_id}</code>" in child._repr_html_()
