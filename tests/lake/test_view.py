"""What a process records and sees that was started to make artifacts again: on each store and index."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake.view import REPRODUCES
from elliptio.metadata import FIELDS
from tests.conftest import Team


def save(h: eio.Handler, folder: Path, *names: str, text: str = "x") -> eio.Artifact:
    for name in names:
        (folder / name).write_text(text)
    return h.upload([folder / name for name in names])


def test_each_says_what_it_reproduces(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    first, second, third, fourth = (save(h, tmp_path, *names) for names in (["a"], ["b"], ["b"], ["c", "d"]))
    before = save(h, tmp_path, "a")
    assert "reproduces" not in next(h.index.find("artifacts", {"_id": before.artifact_id}))
    ids = [one.artifact_id for one in (first, second, third, fourth)]
    monkeypatch.setenv(REPRODUCES, ",".join([*ids, "artifact_of_another_lake"]))
    process = team.handler()
    made = [save(process, tmp_path, *names) for names in (["b"], ["a"], ["d"], ["b"], ["b"], ["z"])]
    wanted = [second, first, fourth, third, None, None]
    assert [one.metadata.reproduces for one in made] == [one.artifact_id if one else None for one in wanted]
    monkeypatch.delenv(REPRODUCES)
    fresh = team.handler()
    assert fresh.get(made[0].artifact_id).metadata.reproduces == second.artifact_id
    found = fresh.find({"reproduces": second.artifact_id})
    assert list(found.index) == [made[0].artifact_id]
    assert found.reproduces.tolist() == [second.artifact_id]
    with fresh.store.open(f"{made[0].remote_root.removeprefix(fresh.store.root)[1:]}/metadata.json") as manifest:
        assert f'"reproduces": "{second.artifact_id}"'.encode() in manifest.read()
    assert fresh.verify().ok


def test_names_mean_what_they_meant_then(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    old = save(h, tmp_path, "data.csv")
    h.tag(old, "prod")
    model = save(h, tmp_path, "model")
    new = save(h, tmp_path, "data.csv", text="new")
    h.tag(new, "prod", overwrite=True)
    h.tag(new, "later")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    process = team.handler()
    query = {"file_relpaths": "data.csv"}
    assert process.latest(query) == process.get("data.csv:latest") == process.get("tag:prod") == old
    assert list(process.find(query).index) == [old.artifact_id]
    assert process.get(new.artifact_id) == new
    with pytest.raises(eio.DocumentNotFoundError):
        process.get("tag:later")
    made = save(process, tmp_path, "data.csv")
    assert process.latest(query) == made  # what it has made itself counts
    monkeypatch.delenv(REPRODUCES)
    assert h.get("tag:prod") == new


def test_each_of_several_sees_what_there_was_before_it(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook of days: data came between the artifacts that it made."""
    made, data = [], []
    for number in range(3):
        data.append(save(local, tmp_path, "data.csv", text=str(number)))
        made.append(save(local, tmp_path, "model"))
    monkeypatch.setenv(REPRODUCES, ",".join(one.artifact_id for one in made))
    seen = []
    for _ in range(3):
        seen.append(local.get("data.csv:latest"))
        save(local, tmp_path, "model")
    assert seen == data


def test_what_is_not_in_this_lake_does_not_matter(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REPRODUCES, "artifact_of_another_lake")
    one = save(local, tmp_path, "a")
    assert one.metadata.reproduces is None
    assert local.latest() == one


def test_optional_fields_are_checked(local: eio.Handler, tmp_path: Path) -> None:
    one = save(local, tmp_path, "a")
    (document,) = local.index.find("artifacts", {"_id": one.artifact_id})
    for name in (name for name, one in FIELDS.items() if one.sparse):
        local.index.replace("artifacts", {**document, name: 7})
        with pytest.raises(eio.FormatError, match=f"{name} is 7, not a"):
            local.get(one.artifact_id)


def test_where_the_repository_was(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.lineage.reproduction.conftest import git

    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    monkeypatch.chdir(repository)
    assert save(local, tmp_path, "a").metadata.repository_root == str(repository)
    monkeypatch.chdir(tmp_path)
    assert save(local, tmp_path, "a").metadata.repository_root is None


def test_what_was_made_again_is_not_the_newest(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    old = save(h, tmp_path, "data.csv", text="old")
    new = save(h, tmp_path, "data.csv", text="new")
    monkeypatch.setenv(REPRODUCES, old.artifact_id)
    again = save(team.handler(), tmp_path, "data.csv", text="old")
    monkeypatch.delenv(REPRODUCES)
    query = {"file_relpaths": "data.csv"}
    assert h.latest() == h.latest(query) == h.get("data.csv:latest") == new
    assert list(h.find(query).index) == [one.artifact_id for one in (new, old, again)]
    assert h.latest({"$or": [query, {"reproduces": old.artifact_id}]}) == again


# --- what others see stays as it is ---


def test_tags_stay_in_the_process(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    h = team.handler()
    old, new = save(h, tmp_path, "old.csv"), save(h, tmp_path, "new.csv")
    h.tag(new, "prod")
    h.tag(new, "later")
    model = save(h, tmp_path, "model")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    before = _moves(h)
    process = team.handler()
    made = save(process, tmp_path, "model")
    with pytest.raises(eio.TagTakenError, match=f"'prod' names {new.artifact_id}"):
        process.tag(made, "prod")
    process.tag(new, "prod")
    process.tag(made, "prod", overwrite=True)
    process.tag("tag:prod", "best")
    assert process.get("tag:prod") == process.get("tag:best") == made
    assert team.handler().get("tag:best") == made  # a program may open the lake more than once
    process.tags.remove("later")
    for name in ("later", "never"):
        with pytest.raises(
            eio.DocumentNotFoundError, match=f"no tag '{name}' here: this process reproduces {model.artifact_id}"
        ):
            process.get(f"tag:{name}")
    with pytest.raises(eio.DocumentNotFoundError, match="no tag 'never' here"):
        process.tags.remove("never")
    process.tag(old, "later")
    assert f"The tag 'prod' is not set in the lake: this process only reproduces {model.artifact_id}." in caplog.text
    assert "The tag 'later' is not taken away in the lake: this process only reproduces" in caplog.text
    assert _moves(h) == before
    monkeypatch.delenv(REPRODUCES)
    fresh = team.handler()
    assert fresh.get("tag:prod") == fresh.get("tag:later") == new
    assert fresh.get(made.artifact_id).metadata.tags == []
    with pytest.raises(eio.DocumentNotFoundError, match="There is no tag 'best'"):
        fresh.get("tag:best")


def _moves(h: eio.Handler) -> list[str]:
    return [stored.key for stored in h.store.list(".elliptio/tags")]


def test_whether_a_tag_is_taken_is_asked_of_then(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    first, model, last = (save(h, tmp_path, name) for name in ("a", "model", "b"))
    h.tag(model, "prod")  # as the command did itself, after it had made the model
    h.tag(last, "old")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    process = team.handler()
    made = save(process, tmp_path, "model")
    process.tag(made, "prod")
    process.tag(first, "old")
    assert process.get("tag:prod") == made
    assert process.get("tag:old") == first
    with pytest.raises(eio.TagTakenError, match=f"'prod' names {made.artifact_id}, set by"):
        process.tag(first, "prod")


def test_what_the_command_tagged_between_two_artifacts(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = save(local, tmp_path, "data")
    local.tag(data, "raw")
    local.tags.remove("raw")
    first = save(local, tmp_path, "first")
    local.tag(first, "best")
    with eio.mock_username("brenda"):
        local.tag(data, "hers")
    second = save(local, tmp_path, "second")
    monkeypatch.setenv(REPRODUCES, f"{first.artifact_id},{second.artifact_id}")
    local.tags.remove("raw")  # which it had taken away itself, perhaps
    made = save(local, tmp_path, "first")
    local.tag(made, "best")
    assert local.get("tag:best") == made
    assert local.get("tag:hers") == data


def test_only_what_it_made_itself_is_deleted(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    h = team.handler()
    data, model = save(h, tmp_path, "data"), save(h, tmp_path, "model")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    process = team.handler()
    made = save(process, tmp_path, "model")
    process.delete(data, force=True)
    process.delete(model, force=True)
    said = f"{data.artifact_id} was not deleted: this process only reproduces {model.artifact_id}."
    assert said in caplog.text
    process.delete(made)
    monkeypatch.delenv(REPRODUCES)
    fresh = team.handler()
    assert set(fresh.find().index) == {data.artifact_id, model.artifact_id}
    assert fresh.verify().ok


@pytest.mark.slow
def test_without_the_index_no_tag_is_moved(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then whether the lake has what this process reproduces."""
    data, model = save(local, tmp_path, "data"), save(local, tmp_path, "model")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    process = eio.Handler(local.store.root, index="mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=50")
    for change in (lambda: process.tag(data.artifact_id, "prod"), lambda: process.tags.remove("prod")):
        with pytest.raises(eio.IndexUnavailableError):
            change()
    assert _moves(local) == []


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_the_command_says_what_it_did_not_delete(
    local: eio.Handler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
) -> None:
    from elliptio.cli import main

    data, model = save(local, tmp_path, "data"), save(local, tmp_path, "model")
    monkeypatch.setenv(REPRODUCES, model.artifact_id)
    assert main(["delete", data.artifact_id, "--root", local.store.root, *flags]) == 0
    out, err = capsys.readouterr()
    assert out == ('{\n  "deleted": null\n}\n' if flags else "")
    assert "was not deleted: this process only reproduces" in err
