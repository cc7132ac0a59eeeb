"""``h.new``: files written in a block, published when it ends, or not at all."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import elliptio as eio
from tests.saving.test_upload import files_of


def test_declared_names(h: eio.Handler) -> None:
    with h.new(["a.txt", "b/b.md"], labels={"kind": "text"}) as new:
        assert list(new.files) == ["a.txt", "b/b.md"]
        new.files["a.txt"].local_path.write_text("a")
        with new.files["b/b.md"].open("w") as file:
            file.write("ä")
    loaded = h.get(new.artifact_id)
    assert {name: file.download_string() for name, file in loaded.files.items()} == {"a.txt": "a", "b/b.md": "ä"}
    assert loaded.metadata == new.metadata
    assert loaded.metadata.labels == {"kind": "text"}
    assert new.files["a.txt"].size == 1
    assert new.files["a.txt"].sha256 == loaded.files["a.txt"].sha256


def test_a_tuple_a_path_or_a_generator_of_names(h: eio.Handler) -> None:
    for names in (("a.txt",), Path("a.txt"), "a.txt", (name for name in ["a.txt"])):
        with h.new(names) as new:
            new.file.upload_string("x")
        assert h.get(new.artifact_id).file.relpath == "a.txt"


def test_everything_written_is_collected_where_no_names_are_given(h: eio.Handler, data: Path) -> None:
    with h.new() as new:
        new.files["one/two.txt"].upload_string("2")
        new.files["copy.txt"].upload(data / "train.txt")
        (new.folder / "three.txt").write_text("3")
    assert sorted(h.get(new.artifact_id).files) == ["copy.txt", "one/two.txt", "three.txt"]
    assert new.files["three.txt"].download_string() == "3"
    assert len(new.files) == 3


def test_a_declared_file_that_was_not_written(h: eio.Handler, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(eio.NotWrittenError, match=r"'model.pt' was declared but not written") as caught:  # noqa: SIM117
        with h.new(["metrics.json", "model.pt"]) as new:
            new.files["metrics.json"].upload_string("{}")
    assert isinstance(caught.value, FileNotFoundError)
    assert len(h.find()) == 0
    assert not [stored for stored in h.store.list() if not stored.key.startswith(".elliptio")]


def test_nothing_written_at_all(h: eio.Handler) -> None:
    with pytest.raises(eio.NotWrittenError), h.new():
        pass
    assert len(h.find()) == 0


def test_a_block_that_raises_publishes_nothing(h: eio.Handler) -> None:
    folders = []
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), h.new(["a.txt"]) as new:
            folders.append(new.folder)
            new.file.upload_string("half")
            raise error
    assert len(h.find()) == 0
    assert not any(folder.exists() for folder in folders)
    assert not [stored for stored in h.store.list() if not stored.key.startswith(".elliptio")]


def test_what_was_not_declared_is_kept_and_said(h: eio.Handler, caplog: pytest.LogCaptureFixture) -> None:
    with h.new(["model.pt"]) as new:
        new.file.upload_string("x")
        (new.folder / "model.pt.index").write_text("y")
    assert list(h.get(new.artifact_id).files) == ["model.pt", "model.pt.index"]
    assert "model.pt.index" in caplog.text


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a\0b", "x" * 256, ".", "a\nb"])
def test_names_that_no_store_can_keep(local: eio.Handler, name: str) -> None:
    with pytest.raises(eio.SourceError), local.new([name]):
        pass
    with pytest.raises(eio.SourceError), local.new() as new:
        new.files[name].upload_string("x")
    assert files_of(Path(local.store.root)) == []


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a/b"]])
def test_names_that_contradict_each_other(local: eio.Handler, names: list[str]) -> None:
    with pytest.raises(eio.SourceError), local.new(names):
        pass


def test_an_undeclared_name_is_a_key_error(h: eio.Handler) -> None:
    with pytest.raises(KeyError, match=r"no file 'other' in this artifact; it has 'model.pt'"):  # noqa: SIM117
        with h.new(["model.pt"]) as new:
            new.files["other"].upload_string("x")


def test_links_written_into_a_lake_become_files(local: eio.Handler, data: Path) -> None:
    with local.new() as new:
        (new.folder / "soft").symlink_to(data / "train.txt")
        os.link(data / "test.txt", new.folder / "hard")
    before = (data / "test.txt").read_text()
    (data / "train.txt").write_text("changed")
    (data / "test.txt").write_text("changed")
    artifact = local.get(new.artifact_id)
    assert artifact.files["hard"].download_string() == before
    assert artifact.files["soft"].download_string() != "changed"
    assert os.access(data / "test.txt", os.W_OK)
    assert os.stat(data / "test.txt").st_mode & 0o200


def test_links_never_touch_what_they_lead_to(h: eio.Handler, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("XXXX")
    (outside / "important").write_text("IMPORTANT")
    (outside / "inner").symlink_to("x")
    with h.new() as new:
        (new.folder / "a").symlink_to(outside / "x")
        (new.folder / "a.copy").symlink_to(outside / "important")
        (new.folder / ("l" * 255)).symlink_to(outside / "x")
        (new.folder / "folder").symlink_to(outside)
    assert (outside / "important").read_text() == "IMPORTANT"
    assert (outside / "inner").is_symlink()
    artifact = h.get(new)
    assert sorted(artifact.files) == ["a", "a.copy", "folder/important", "folder/inner", "folder/x", "l" * 255]
    (outside / "x").write_text("changed")
    assert artifact.files["a"].download_string() == artifact.files["folder/inner"].download_string() == "XXXX"
    assert h.verify().ok


def test_a_file_left_open_is_closed_so_that_nothing_is_lost(h: eio.Handler, caplog: pytest.LogCaptureFixture) -> None:
    with h.new(["m.txt"]) as new:
        file = new.file.open("w")
        file.write("result")
    assert file.closed
    assert h.get(new).file.download_string() == "result"
    assert "still open" in caplog.text


def test_what_took_hours_is_kept_when_only_collecting_it_fails(local: eio.Handler) -> None:
    with pytest.raises(eio.NotWrittenError) as caught, local.new(["modle.pt"]) as new:
        (new.folder / "model.pt").write_text("hours of training")
    assert (new.folder / "model.pt").read_text() == "hours of training"
    assert str(new.folder) in caught.value.__notes__[0]
    assert len(local.find()) == 0


def test_a_block_that_has_ended_cannot_be_written(h: eio.Handler) -> None:
    with pytest.raises(ValueError, match="stop"), h.new(["x"]) as new:
        raise ValueError("stop")
    with pytest.raises(eio.StoreError, match="block has ended"):
        new.file.upload_string("x")
    assert not new.folder.exists()


def test_a_file_where_a_folder_is_needed(local: eio.Handler) -> None:
    with local.new() as new:
        new.files["a"].upload_string("x")
        with pytest.raises(eio.SourceError, match=r"needs .*/a to be a folder"):
            new.files["a/b"].upload_string("x")


def test_overlapping_blocks_with_output_leave_stdout_as_it_was(local: eio.Handler) -> None:
    before = sys.stdout

    def work(number: int) -> None:
        for _ in range(5):
            with local.new(["x"], log_output=True) as new:
                print(f"thread {number}")
                new.file.upload_string("x")
            assert f"thread {number}" in new.logs["output.log"].download_string()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sys.stdout is before


def test_printed_surrogates_cost_nothing(local: eio.Handler) -> None:
    with local.new(["x"], log_output=True) as new:
        print("file: \udce9", file=sys.stderr)
        new.file.upload_string("x")
    assert local.get(new).logs["output.log"].download_string() == "file: \\udce9\n"


def test_nested_blocks(h: eio.Handler) -> None:
    with h.new(["outer"]) as outer, h.new(["inner"]) as inner:
        outer.file.upload_string("outer")
        inner.file.upload_string("inner")
    assert h.get(outer.artifact_id).file.download_string() == "outer"
    assert h.get(inner.artifact_id).file.download_string() == "inner"


def test_output_is_kept_and_still_shows(h: eio.Handler, capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("training")
    logger.addHandler(handler)
    try:
        with h.new(["model"], log_output=True) as new:
            print("epoch 1")
            print("10%\r100%", file=sys.stderr)
            logger.warning("slow")
            print("token=" + "ghp_" + "x1Y2" * 9)
            new.file.upload_string("x")
        print("after")
    finally:
        logger.removeHandler(handler)
    log = h.get(new.artifact_id).logs["output.log"].download_string()
    assert log.startswith("epoch 1\n100%\nslow\n")
    assert "x1Y2x1Y2" not in log
    assert "after" not in log
    assert new.metadata.log_relpaths == ["output.log"]
    (masked,) = new.metadata.redactions
    assert masked["where"] == "output.log, line 4"
    shown = capsys.readouterr()
    assert "epoch 1\n" in shown.out
    assert "slow\n" in shown.err
    assert sys.stdout is not None
    assert "Tee" not in repr(sys.stdout)
    assert handler.stream is not sys.stdout


def test_what_is_loaded_inside_the_block_counts(h: eio.Handler, data: Path) -> None:
    dataset = h.upload(data)
    with h.new(["model"]) as new:
        h.get(dataset.artifact_id)
        new.file.upload_string("x")
    assert h.get(new.artifact_id).metadata.based_on == [dataset.artifact_id]
