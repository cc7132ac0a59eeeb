"""Who clones a repository is told once where its settings send what is saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import elliptio as eio

SAID = "This is said once."


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Path:
    (Path.cwd() / "elliptio.toml").write_text('root = "../elsewhere"\nuser_dir = "../of-the-project"\n')
    return Path.cwd()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if SAID in record.getMessage()]
    caplog.clear()
    return found


def test_the_first_save_says_where_it_goes(project: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    h = eio.Handler()
    h.find(max_docs=1) if (project.parent / "elsewhere").exists() else None
    assert told(caplog) == []  # only to look sends nothing
    h.upload(data)
    expected = f"Files are saved to {project.parent / 'elsewhere'}, as {project / 'elliptio.toml'} says. {SAID}"
    assert told(caplog) == [expected]
    h.upload(data)
    eio.Handler().upload(data)
    with eio.Handler().run("train"):
        pass
    assert told(caplog) == []


def test_another_place_is_said_again(project: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with eio.Handler().run("train"):
        pass
    assert len(told(caplog)) == 1
    (project / "elliptio.toml").write_text('root = "../a-third"\nindex = "sqlite:///third.sqlite"\n')
    with eio.Handler().new(["x"]) as new:
        new.file.upload_string("x")
    (said,) = told(caplog)
    assert "a-third (index " in said


def test_an_index_alone_is_said_too(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path("elliptio.toml").write_text('index = "sqlite:///project.sqlite"\n')
    eio.Handler("lake").upload(data)
    assert len(told(caplog)) == 1
    eio.Handler("other", index="sqlite:///own.sqlite").upload(data)
    assert told(caplog) == []


def test_what_the_user_chose_is_not_said(
    project: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    eio.Handler(tmp_path / "mine").upload(data)
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "mine"))
    eio.Handler().upload(data)
    monkeypatch.delenv("ELLIPTIO_ROOT")
    (project / "elliptio.toml").unlink()
    (tmp_path / "user.toml").write_text('root = "mine"')
    monkeypatch.setenv("ELLIPTIO_CONFIG_FILE", str(tmp_path / "user.toml"))
    eio.Handler().upload(data)
    assert told(caplog) == []


def test_where_nothing_can_be_remembered_it_is_said_again(
    project: Path, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ELLIPTIO_USER_DIR", os.devnull)
    for _ in range(2):
        eio.Handler().upload(data)
        assert len(told(caplog)) == 1
