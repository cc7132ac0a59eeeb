"""``h.get`` and what can be done with an artifact's files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import elliptio as eio


def test_unknown_identifiers_are_named(h: eio.Handler) -> None:
    with pytest.raises(eio.DocumentNotFoundError, match="artifact_0"):
        h.get("artifact_0")
    with pytest.raises(LookupError):
        h.get("")


def test_what_may_have_been_meant(h: eio.Handler, data: Path) -> None:
    with h.run("x") as run:
        h.upload(data)
    with pytest.raises(eio.DocumentNotFoundError, match=r"A tag is 'tag:prod', the newest .* 'prod:latest'"):
        h.get("prod")
    for typed in ("train.csv:lastest", "train.csv:Latest", "train.csv:last"):
        with pytest.raises(eio.DocumentNotFoundError, match=r"did you mean 'train.csv:latest'\?"):
            h.get(typed)
    with pytest.raises(eio.DocumentNotFoundError, match=r"names a run, not an artifact: h\.runs.tree"):
        h.get(run.run_id)


def test_a_unique_beginning_is_enough(h: eio.Handler, data: Path) -> None:
    first, second = h.upload(data), h.upload(data)
    assert h.get(first.artifact_id[:-1]).artifact_id == first.artifact_id
    with pytest.raises(eio.DocumentNotFoundError, match=f"{first.artifact_id}, {second.artifact_id}"):
        h.get("artifact_")


def test_what_is_loaded_is_what_the_next_is_based_on(h: eio.Handler, data: Path) -> None:
    first, second, third = h.upload(data), h.upload(data), h.upload(data)
    h.get(second.artifact_id)
    h.get(first.artifact_id)
    h.get(second.artifact_id)
    h.get(third.artifact_id, track=False)
    with pytest.raises(eio.DocumentNotFoundError):
        h.get("artifact_none")
    assert h.based_on == [second.artifact_id, first.artifact_id]
    assert h.upload(data).metadata.based_on == [second.artifact_id, first.artifact_id]


def test_handlers_do_not_mix(h: eio.Handler, team: object, data: Path) -> None:
    other = team.handler()  # type: ignore[attr-defined]
    h.get(h.upload(data).artifact_id)
    assert other.based_on == []
    assert other.run_id != h.run_id


def test_the_only_file(h: eio.Handler, data: Path) -> None:
    assert h.upload(data / "train.txt").file.relpath == "train.txt"
    with pytest.raises(KeyError, match=r"has 2 files, not one: 'test.txt', 'train.txt'"):
        _ = h.upload(data).file
    with pytest.raises(KeyError, match="no file 'nope'"):
        h.upload(data).files["nope"]


def test_download(h: eio.Handler, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = h.upload(data).files["train.txt"]
    folder = tmp_path / "to"
    folder.mkdir()
    assert file.download(folder) == folder / "train.txt"
    assert file.download(str(folder / "sub" / "mine.txt")) == folder / "sub" / "mine.txt"
    (folder / "sub" / "mine.txt").write_text("other")
    file.download(folder / "sub" / "mine.txt")
    assert (folder / "sub" / "mine.txt").read_bytes() == (data / "train.txt").read_bytes()
    monkeypatch.chdir(folder)
    assert file.download().resolve() == folder / "train.txt"
    (folder / "train.txt").write_text("my own work")
    with pytest.raises(eio.StoreError, match="different content"):
        file.download()
    assert (folder / "train.txt").read_text() == "my own work"
    assert sorted(path.name for path in folder.iterdir()) == ["sub", "train.txt"]
    assert os.access(folder / "sub" / "mine.txt", os.W_OK)


def test_open(h: eio.Handler, data: Path) -> None:
    file = h.upload(data).files["train.txt"]
    content = (data / "train.txt").read_bytes()
    with file.open() as binary:
        assert binary.read(4) == content[:4]
        binary.seek(-3, os.SEEK_END)
        assert binary.read() == content[-3:]
        binary.seek(0)
        assert binary.read() == content
    with file.open("r") as text:
        assert list(text) == content.decode().splitlines(keepends=True)
    assert file.exists()
    assert file.size == len(content)


def test_a_damaged_file_is_noticed_by_every_reader(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    file = local.upload(data).files["train.txt"]
    path = Path(file.remote_url)
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)
    target = tmp_path / "target.txt"
    target.write_text("before")
    for read in (
        lambda: file.download(target),
        file.download_string,
        lambda: file.open().read(),
        lambda: file.open("r").readlines(),
        lambda: file.open().read(file.size),
    ):
        with pytest.raises(eio.IntegrityError, match=f"{file.sha256}"):
            read()
    assert target.read_text() == "before"
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.is_file()) == ["target.txt"]
    path.write_bytes(content[:-1])
    with pytest.raises(eio.IntegrityError):
        file.download_string()


def test_a_file_that_is_gone_is_said(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    h.store.remove(artifact.metadata.remote_root.removeprefix(h.store.root + "/"))
    assert not artifact.files["train.txt"].exists()
    with pytest.raises(FileNotFoundError):
        artifact.files["train.txt"].download_string()


def test_local_files_are_path_likes(local: eio.Handler, data: Path) -> None:
    file = local.upload(data).files["train.txt"]
    assert isinstance(file, os.PathLike)
    assert Path(file).read_text() == (data / "train.txt").read_text()


def test_a_document_of_a_newer_elliptio_says_so(local: eio.Handler, data: Path) -> None:
    document = next(local.index.find("artifacts", {"_id": local.upload(data).artifact_id}))
    local.index.insert("artifacts", {**document, "_id": "artifact_new", "artifact_id": "artifact_new", "version": 2})
    with pytest.raises(eio.FormatError, match="newer elliptio"):
        local.get("artifact_new")


def test_it_shows_what_was_built_on_it(local: eio.Handler, data: Path) -> None:
    with local.new(["x"]) as new:
        new.file.upload_string("x")
    assert "used by   nothing" in str(new)
    children = [local.upload(data, based_on=new) for _ in range(12)]
    for artifact in (new, local.get(new.artifact_id)):
        assert children[9].artifact_id in str(artifact)
        assert children[10].artifact_id not in str(artifact)
        assert "and 2 more" in str(artifact)
        assert "and 2 more" in artifact._repr_html_()


def test_it_shows_the_run_that_made_it(h: eio.Handler, data: Path) -> None:
    alone = h.upload(data)
    assert alone.run is None
    assert "  run  " not in str(alone)
    with h.run("train", {"rate": 0.25, "note": "x" * 500}) as run:
        run.log(loss=1 / 3)
        made = h.upload(data)
    assert made.run is not None
    assert (made.run["_id"], made.run["params"]["rate"], made.run["metrics"]) == (run.run_id, 0.25, {"loss": 1 / 3})
    for shown in (str(h.get(made)), h.get(made)._repr_html_()):
        assert "train (finished) rate=0.25 note=xxx" in shown
        assert "loss=0.3333" in shown
        assert "x" * 100 not in shown
    many = {f"p{number}": number for number in range(50)}
    with h.run("many", many):
        assert "p19=19 … 30 more" in str(h.upload(data))


def test_it_names_its_logs(local: eio.Handler, data: Path) -> None:
    with local.new(["x"], log_output=True) as new:
        print("printed")
        new.file.upload_string("x")
    assert "  logs      output.log\n" in str(new)
    assert "  logs  " not in str(local.upload(data))


def test_an_artifact_can_be_pickled_compared_and_hashed(local: eio.Handler, data: Path) -> None:
    with local.new(["x"]) as new:
        new.file.upload_string("x")
    loaded = local.get(new)
    copy = pickle.loads(pickle.dumps(loaded))
    assert copy == loaded == new
    assert len({copy, loaded, new}) == 1
    assert copy.file.download_string() == "x"
    assert "used by   nothing" in str(copy)


def test_artifacts_stand_for_their_identifiers(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    assert h.get(artifact) == artifact
    assert h.verify(artifact).ok
    for wrong in (None, 3, h.find()):
        with pytest.raises(eio.DocumentNotFoundError, match="is a text, not a") as caught:
            h.get(wrong)
        assert len(str(caught.value)) < 100
    h.delete(artifact)
    assert len(h.find()) == 0


def test_deleting_takes_the_whole_identifier(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    with pytest.raises(eio.DocumentNotFoundError, match="whole artifact_id"):
        h.delete(artifact.artifact_id[:-1])
    assert h.verify().ok


def test_all_files_at_once(h: eio.Handler, data: Path, tmp_path: Path) -> None:
    (data / "deep").mkdir()
    (data / "deep" / "x.txt").write_text("x")
    paths = h.upload(data).download(tmp_path / "to")
    assert sorted(path.relative_to(tmp_path / "to") for path in paths) == [
        Path("deep/x.txt"), Path("test.txt"), Path("train.txt")
    ]  # fmt: skip


def test_download_into_a_new_folder_or_beside_one(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    file = local.upload(data / "train.txt").file
    assert file.download(f"{tmp_path}/new/") == tmp_path / "new" / "train.txt"
    (tmp_path / "other" / "train.txt").mkdir(parents=True)
    with pytest.raises(eio.StoreError, match="is a folder"):
        file.download(tmp_path / "other")


def test_a_handler_closes_with_its_block(tmp_path: Path, data: Path) -> None:
    with eio.Handler(tmp_path / "lake") as h:
        h.upload(data)


def test_a_handler_can_be_pickled(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    copy = pickle.loads(pickle.dumps(local))
    assert copy.get(artifact.artifact_id).metadata == artifact.metadata
    assert copy.run_id == local.run_id


def test_a_moved_lake_stays_whole(data: Path, tmp_path: Path) -> None:
    before = eio.Handler(tmp_path / "before").upload(data)
    (tmp_path / "before").rename(tmp_path / "after")
    h = eio.Handler(tmp_path / "after")
    after = h.get(before.artifact_id)
    assert after.files["train.txt"].download_string() == (data / "train.txt").read_text()
    assert after.metadata.remote_root.startswith(str(tmp_path / "after"))
    assert h.find({"remote_root": after.metadata.remote_root}).index[0] == after.artifact_id
