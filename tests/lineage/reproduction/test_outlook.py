"""What making an artifact again would take, told without asking anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lineage.reproduction import installers, repository_code
from elliptio.lineage.reproduction.outlook import outlook


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an installer nor a remote may be asked."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(installers, "_run", refuse)
    monkeypatch.setattr(repository_code.CodeFinder, "_fetch", refuse)


def saved(h: Any, *parents: str) -> eio.Artifact:
    with h.new(["a.txt"], based_on=list(parents)) as new:
        new.file.upload_string("x")
    return h.show(new.artifact_id)


def test_it_names_inputs_and_obstacles(local: eio.Handler) -> None:
    parent = saved(eio.Handler(local.store.root))
    found = outlook(local.lake, saved(local, parent.artifact_id).artifact_id)
    assert (found.inputs, dict(found.lost), found.unasked) == ([parent.artifact_id], {}, False)
    assert found.packages > 10
    assert any(one.about == "code" for one in found.obstacles)
    assert found.answer in ("maybe", "no")


def test_of_a_command_that_made_much_the_first_say_what_it_was_given(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = saved(eio.Handler(local.store.root))
    with local.run("many") as run:
        made = [saved(run, parent.artifact_id) for _ in range(12)]
    last = saved(eio.Handler(local.store.root))
    with local.run("few") as run:
        few = [saved(run, last.artifact_id) for _ in range(3)]
    monkeypatch.setattr("elliptio.lineage.reproduction.outlook.MOST_READ", 4)
    read = found_in(local, monkeypatch)
    found = outlook(local.lake, made[-1].artifact_id)
    assert (found.inputs, found.first) == ([parent.artifact_id], 4)
    assert len([one for one in read if one in {each.artifact_id for each in made}]) <= 4 + 2
    found = outlook(local.lake, few[0].artifact_id)
    assert (found.inputs, found.first) == ([last.artifact_id], 0)


def found_in(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each document that the index gives away."""
    read: list[str] = []
    find = h.lake.index.find

    def noted(*args: Any, **options: Any) -> Any:
        for document in find(*args, **options):
            read.append(str(document["_id"]))
            yield document

    monkeypatch.setattr(h.lake.index, "find", noted)
    return read


def test_inputs_that_are_all_there_are_asked_for_at_once(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    other = eio.Handler(local.store.root)
    parents = [saved(other).artifact_id for _ in range(6)]
    child = saved(local, *parents)
    read = found_in(local, monkeypatch)
    assert sorted(outlook(local.lake, child.artifact_id).inputs) == sorted(parents)
    assert not set(read) & set(parents)


def test_a_lost_input_prevents_it(local: eio.Handler) -> None:
    parent = saved(local)
    child = saved(local, parent.artifact_id)
    local.delete(parent, force=True)
    found = outlook(local.lake, child.artifact_id)
    assert found.answer == "no"
    assert list(found.lost) == [parent.artifact_id]


def test_a_commit_that_is_elsewhere_is_not_asked_for(local: eio.Handler, tmp_path: Path) -> None:
    artifact = saved(local)
    (document,) = local.index.find("artifacts", {"_id": artifact.artifact_id})
    git = {"commit": "a" * 40, "branch": "main", "remote": "https://git.example/x.git", "dirty": False}
    local.index.replace("artifacts", {**document, "git": git})
    found = outlook(local.lake, artifact.artifact_id)
    assert (found.unasked, found.commit) == (True, "a" * 40)
    assert not any("git.example" in one.message for one in found.obstacles)


def test_there_has_to_be_one(local: eio.Handler) -> None:
    with pytest.raises(eio.DocumentNotFoundError):
        outlook(local.lake, "artifact_none")
