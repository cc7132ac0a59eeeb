"""What a block gave, once it is over: pickled, and read by programs that want several files side by side."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

import elliptio as eio


def test_what_a_block_gave_can_be_pickled(h: eio.Handler) -> None:
    try:
        pickle.dumps(h)
    except TypeError:
        pytest.skip("a collection that was given stays in its process")
    with h.new(["deep/a.txt"]) as new:
        new.file.upload_string("a")
        with new.files["deep/a.txt"].open("a") as opened:
            opened.write("b")
    with h.new() as grown:
        grown.files["b.txt"].upload_string("b")
    for made in (new, grown):
        again = pickle.loads(pickle.dumps(made))
        assert again == made
        assert again.file.download_string() == made.file.download_string()
        assert pickle.loads(pickle.dumps(made.files)).keys() == made.files.keys()
        assert pickle.loads(pickle.dumps(made.file)) == made.file
        assert again.metadata.files == made.metadata.files


def test_files_of_one_artifact_lie_side_by_side(h: eio.Handler, tmp_path: Path) -> None:
    for name in ("roads.shp", "roads.dbf", "deep/roads.shx", "copy/roads.shp"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text("the same" if name.endswith("shp") else name)
    artifact, other = h.upload(tmp_path / "set"), h.upload(tmp_path / "set")
    for one in (artifact, other):
        paths = {name: Path(os.fspath(file)) for name, file in one.files.items()}
        (root,) = {Path(str(path).removesuffix(name)) for name, path in paths.items()}
        assert {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} == set(one.files)
        assert all(path.read_text() == (tmp_path / "set" / name).read_text() for name, path in paths.items())


def test_linked_files_lie_side_by_side(s3_root: str, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("roads.shp", "roads.dbf"):
        (tmp_path / "set" / name).write_text(name)
    h = eio.Handler(s3_root)
    saved = h.upload(tmp_path / "set")
    linked = eio.Handler(tmp_path / "lake").link(f"{saved.remote_root}/files", hash=False)
    first, second = (Path(os.fspath(file)) for file in linked.files.values())
    assert first.parent == second.parent
    assert {first.name, second.name} == {"roads.shp", "roads.dbf"}


def test_the_streams_stay_what_they_are_while_they_are_kept(
    local: eio.Handler, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("encoding", "errors", "newlines", "mode", "name", "line_buffering", "write_through")

    def seen() -> list[object]:
        return [
            *(getattr(stream, name, None) for stream in (sys.stdout, sys.stderr) for name in names),
            sys.stdout.isatty(),
            sys.stdout.writable(),
            sys.stdout.readable(),
            sys.stdout.fileno(),
            sys.stdout.buffer,
        ]

    with capfd.disabled():
        before = seen()
        with local.new(["a.txt"], log_output=True) as new:
            during = seen()
            assert "größe".encode(sys.stdout.encoding, sys.stdout.errors or "strict")
            new.file.upload_string("x")
    assert during == before
    assert seen()[-1] is sys.stdout.buffer
