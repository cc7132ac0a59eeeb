"""Settings: locals over globals, deeply, whatever the case of letters, and no credential is shown."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest

from elliptio.pipelines.errors import ProjectError, UnknownNameError
from elliptio.pipelines.project.settings import Settings, hide, merged, secrets_of
from elliptio.pipelines.project.settings_files import read_settings
from elliptio.pipelines.project.yaml_files import Reader
from tests.pipelines.project.files import put


def settings_of(root: Path) -> Settings:
    return read_settings(root / "configuration", Reader(root))


def test_locals_win_deeply(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "configuration/globals.yaml": "a: 1\nb: {x: 1, y: {z: 1, w: [1, 2]}}\nPIPELINE: g\nc: {k: 1}\nd: 1\ne: 1\n",
            "configuration/locals.yml": "a: 2\nb: {y: {w: [3], V: 4}}\npipeline: l\nc: 5\nd: {k: 1}\ne:\nnew: 1\n",
        },
    )
    settings = settings_of(tmp_path)
    assert settings.to_dict() == {
        "a": 2,
        "b": {"x": 1, "y": {"z": 1, "w": [3], "V": 4}},
        "PIPELINE": "l",
        "c": 5,
        "d": {"k": 1},
        "e": None,
        "new": 1,
    }


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_files_that_are_missing_or_empty_say_nothing(tmp_path: Path, ending: str) -> None:
    assert settings_of(tmp_path) == {}
    put(tmp_path, {f"configuration/locals.{ending}": "a: 1"})
    assert settings_of(tmp_path) == {"a": 1}
    put(tmp_path, {f"configuration/globals.{ending}": "# nothing yet\n"})
    assert settings_of(tmp_path) == {"a": 1}


def test_names_are_found_whatever_the_case_of_their_letters() -> None:
    settings = Settings({"Data_Store": {"DataBase": "sales", "list": [{"Name": 1}]}, "Straße": 1})
    for name in ("Data_Store", "data_store", "DATA_STORE"):
        assert settings[name]["database"] == settings.get(name).get("DATABASE") == "sales"
        assert name in settings
    assert settings["data_store"]["LIST"][0]["NAME"] == 1
    assert settings["STRASSE"] == 1
    assert "nope" not in settings
    assert settings.get("nope", 3) == 3
    assert 3 not in settings
    assert ["x"] not in settings


def test_an_unknown_name_says_which_is_meant() -> None:
    settings = Settings({"datastore": {"database": 1}}, origin="configuration/globals.yaml")
    with pytest.raises(
        UnknownNameError, match=r"no 'datastor' in configuration/globals\.yaml; did you mean 'datastore'"
    ):
        settings["datastor"]
    with pytest.raises(KeyError, match=r"no 'databas' in 'datastore' of configuration.*did you mean 'database'"):
        settings["DATASTORE"]["databas"]
    with pytest.raises(KeyError, match="there is none"):
        Settings()["x"]


def test_names_that_differ_by_case_alone_are_two() -> None:
    settings = Settings({"a": 1, "A": 2})
    assert (settings["a"], settings["A"]) == (1, 2)
    with pytest.raises(UnknownNameError, match="may be 'ß' or 'ss'"):
        Settings({"ß": 1, "ss": 2})["SS"]
    assert merged({"a": 1, "A": 2}, {"a": 3}, any_case=True) == {"a": 3, "A": 2}
    assert merged({"a": 1}, {"A": 3}, any_case=True) == {"a": 3}
    assert merged({"a": {"b": 1}}, {"A": {"B": {"c": 1}}}, any_case=True) == {"a": {"b": {"c": 1}}}
    assert merged({"a": 1}, {"A": 3}) == {"a": 1, "A": 3}


def test_settings_are_a_mapping_that_nobody_changes() -> None:
    values = {"a": {"b": [1, {"c": 2}]}}
    settings = Settings(values)
    assert isinstance(settings, Mapping)
    values["a"]["b"].append(3)
    settings["a"]["b"].append(4)
    settings.to_dict()["a"]["b"].append(5)
    assert settings == {"a": {"b": [1, {"c": 2}]}}
    assert list(settings) == ["a"]
    assert len(settings) == 1
    assert json.dumps(settings.to_dict()) == '{"a": {"b": [1, {"c": 2}]}}'
    assert type(settings.to_dict()["a"]["b"][1]) is dict
    assert pickle.loads(pickle.dumps(settings))["A"] == settings["a"]
    with pytest.raises(TypeError):
        settings["a"] = 1  # type: ignore[index]


def test_what_is_shown_has_no_credential() -> None:
    settings = Settings(
        {
            "AWS_ACCESS_KEY": "AKIAX1", "AWS_SECRET_KEY": "topsecret1", "LAKEFS_ACCESS_KEY": "topsecret2",
            "LAKEFS_SECRET_ACCESS_KEY": "topsecret3", "LAKEFS_ENDPOINT": "http://lakefs:8000",
            "datastore": {"user": "andy", "password": "topsecret4", "db_pass": "topsecret5"},
            "credentials": {"user": "topsecret6", "more": ["topsecret7"]},
            "url": "postgresql://andy:topsecret8@host/db", "hosts": ["s3://a:topsecret9@b/c", {"Token": "topsecret0"}],
            "pin": 1,
        }
    )  # fmt: skip
    for shown in (repr(settings), str(settings), f"{settings['datastore']}", str(settings["hosts"][1])):
        assert "topsecret" not in shown
        assert "AKIAX1" not in shown
    assert "andy" in repr(settings)
    assert "http://lakefs:8000" in repr(settings)
    assert {text for text in secrets_of(settings) if "topsecret" in text} >= {f"topsecret{i}" for i in range(8)}
    assert hide("the value topsecret4 of topsecret6 is none", settings) == "the value *** of *** is none"
    assert settings["datastore"]["password"] == "topsecret4"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"globals.yaml": "a: 1", "globals.yml": "b: 1"}, r"n/globals\.yaml and configuration/globals\.yml: keep one"),
        ({"globals.yaml": "- a\n- b"}, r"^configuration/globals\.yaml:1: settings are a mapping.*not a list"),
        ({"locals.yml": "text"}, r"^configuration/locals\.yml:1: settings are a mapping"),
        ({"globals.yaml": "a: 1\nb: {{ c }}"}, r"^configuration/globals\.yaml:2: "),
        ({"locals.yml": "a: 1\na: 2"}, r"^configuration/locals\.yml:2: .*twice"),
        ({"locals.yml": b"a: \xff"}, r"^configuration/locals\.yml:1: .*UTF-8"),
    ],
)  # fmt: skip
def test_wrong_files_are_said(tmp_path: Path, files: dict[str, str | bytes], said: str) -> None:
    put(tmp_path / "configuration", files)
    with pytest.raises(ProjectError, match=said):
        settings_of(tmp_path)


def test_a_configuration_that_is_a_file_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"configuration": "a: 1\n"})
    with pytest.raises(ProjectError, match=r"^configuration is no folder"):
        settings_of(tmp_path)


def test_a_file_that_is_not_read_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(
        tmp_path / "configuration",
        {"globals_x.yml": "a: 1", "locals.yaml": "b: 1", "other.yml": "c: 1", "global.yaml": ""},
    )
    with caplog.at_level(logging.WARNING):
        assert settings_of(tmp_path) == {"b": 1}
    assert [record.getMessage().split(" is not")[0] for record in caplog.records] == [
        "configuration/global.yaml",
        "configuration/globals_x.yml",
    ]


def test_settings_are_no_templates(tmp_path: Path) -> None:
    put(tmp_path / "configuration", {"globals.yaml": "a: 'x {{ y }}'"})
    assert settings_of(tmp_path)["a"] == "x {{ y }}"
