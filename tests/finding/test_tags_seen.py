"""A tag that is moved only if it names what it was seen to name."""

from __future__ import annotations

import pytest

import elliptio as eio


def saved(h: eio.Handler, name: str) -> eio.Artifact:
    with h.new([name]) as new:
        new.file.upload_string(name)
    return h.show(new.artifact_id)


def test_it_is_moved_if_that_is_so(h: eio.Handler) -> None:
    one, other = saved(h, "1.txt"), saved(h, "2.txt")
    h.tags.give(one, "prod", seen="")
    with pytest.raises(eio.TagTakenError, match="moved meanwhile"):
        h.tags.give(other, "prod", overwrite=True, seen="")
    with pytest.raises(eio.TagTakenError, match="moved meanwhile"):
        h.tags.give(other, "prod", overwrite=True, seen=other.artifact_id)
    h.tags.give(other, "prod", overwrite=True, seen=one.artifact_id)
    assert h.show("tag:prod") == other
    with pytest.raises(eio.TagTakenError, match="moved meanwhile"):
        h.tags.remove("prod", seen=one.artifact_id)
    h.tags.remove("prod", seen=other.artifact_id)
    assert not h.tags.moves()
    with pytest.raises(eio.DocumentNotFoundError, match="was removed"):
        h.tags.remove("prod", seen=other.artifact_id)
    h.tags.give(one, "prod", seen="")
    assert h.show("tag:prod") == one
