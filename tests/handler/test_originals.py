"""What a process records and sees that was started to make artifacts again: on each store and index."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from elliptio.metadata import OPTIONAL_FIELDS
from elliptio.originals import REPRODUCES
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
    for name in OPTIONAL_FIELDS:
        local.index.replace("artifacts", {**document, name: 7})
        with pytest.raises(eio.FormatError, match=f"{name} is 7, not a"):
            local.get(one.artifact_id)


def test_where_the_repository_was(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.reproduction.conftest import git

    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    monkeypatch.chdir(repository)
    cases = {
        f"{repository}/train.py": True,
        f"--out={repository}": True,
        f"{repository}s/train.py": False,
        "train.py": False,
    }
    for word, named in cases.items():
        monkeypatch.setattr("sys.orig_argv", [f"{repository}/.venv/bin/python", word])
        assert save(local, tmp_path, "a").metadata.repository_root == (str(repository) if named else None), word


def test_what_was_made_again_is_not_the_newest(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = team.handler()
    old = save(h, tmp_path, "data.csv", text="old")
    new = save(h, tmp_path, "data.csv", text="new")
    monkeypatch.setenv(REPRODUCES, old.artifact_id)
    again = save(team.handler(), tmp_path, "data.csv", text="old")
    monkeypatch.delenv(REPRODUCES)
    query = {"file_relpaths": "data.csv"}
    assert h.latest() == h.latest(query) == h.get("data.csv:latest") == new
    assert h.find(query).index[0] == again.artifact_id
    assert h.latest({"$or": [query, {"reproduces": old.artifact_id}]}) == again
