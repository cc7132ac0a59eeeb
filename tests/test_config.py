"""Settings: the first found wins, and each says where it came from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio import config
from elliptio.config import hide_login, hide_password, load_settings
from elliptio.indexes.sqlite.index import SqliteIndex
from elliptio.stores.local.store import LocalStore


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "deep" / "down"
    folder.mkdir(parents=True)
    return folder


def settings(project: Path, tmp_path: Path, environ: dict[str, str] | None = None, **arguments: object):
    return load_settings(arguments, environ=environ or {}, directory=project, user_file=tmp_path / "user.toml")


def test_each_source_in_its_order(project: Path, tmp_path: Path) -> None:
    def root(environ: dict[str, str] | None = None, **arguments: object) -> tuple[object, str]:
        found = settings(project, tmp_path, environ, **arguments)["root"]
        return found.value, found.origin

    assert root() == (None, "default")
    (tmp_path / "user.toml").write_text('root = "/user"')
    assert root() == ("/user", str(tmp_path / "user.toml"))
    pyproject = tmp_path / "project" / "pyproject.toml"
    pyproject.write_text('[tool.elliptio]\nroot = "/pyproject"\n[tool.other]\nroot = "no"')
    assert root() == ("/pyproject", str(pyproject))
    (tmp_path / "project" / "elliptio.toml").write_text('root = "/own"')
    assert root() == ("/own", str(tmp_path / "project" / "elliptio.toml"))
    (project / "pyproject.toml").write_text("[tool.other]\n")
    assert root()[0] == "/own"
    assert root({"ELLIPTIO_ROOT": "/environ"}) == ("/environ", "ELLIPTIO_ROOT")
    assert root({"ELLIPTIO_ROOT": ""})[0] == "/own"
    assert root({"ELLIPTIO_ROOT": "/environ"}, root="/argument") == ("/argument", "argument")


def test_an_unknown_setting_names_the_file(project: Path, tmp_path: Path) -> None:
    (project / "elliptio.toml").write_text('rot = "/x"')
    with pytest.raises(eio.ConfigError, match=r"elliptio\.toml has the unknown setting 'rot'"):
        settings(project, tmp_path)


def test_the_table_of_pipelines_is_left_to_them(project: Path, tmp_path: Path) -> None:
    pyproject = project / "pyproject.toml"
    (tmp_path / "project" / "elliptio.toml").write_text('root = "/above"')
    pyproject.write_text('[tool.elliptio.pipelines]\nproject_slug = "shop"\n')
    assert settings(project, tmp_path)["root"].value == "/above"  # it says nothing about the lake
    pyproject.write_text('[tool.elliptio]\nroot = "/own"\n[tool.elliptio.pipelines.entrypoints]\nmodule = "m"\n')
    assert settings(project, tmp_path)["root"].value == "/own"
    for wrong, said in (
        ('[tool.elliptio.pipeline]\nproject_slug = "shop"\n', "unknown setting 'pipeline'"),
        ('[tool.elliptio]\npipelines = "shop"\n', "unknown setting 'pipelines'"),
        ('[tool.elliptio]\nrot = "/x"\n[tool.elliptio.pipelines]\n', "unknown setting 'rot'"),
    ):
        pyproject.write_text(wrong)
        with pytest.raises(eio.ConfigError, match=said):
            settings(project, tmp_path)
    pyproject.unlink()
    (project / "elliptio.toml").write_text('[pipelines]\nproject_slug = "shop"\n')
    with pytest.raises(eio.ConfigError, match="unknown setting 'pipelines'"):
        settings(project, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("progress", "perhaps", "must be true or false"),
        ("s3_addressing", "both", "must be one of auto, path, virtual"),
        ("durability", "half", "must be one of full, fast"),
        ("root", "  ", "must be a non-empty text"),
    ],
)
def test_a_wrong_value_names_its_origin(project: Path, tmp_path: Path, name: str, value: str, problem: str) -> None:
    with pytest.raises(eio.ConfigError, match=f"'{name}' from ELLIPTIO_{name.upper()} {problem}"):
        settings(project, tmp_path, {f"ELLIPTIO_{name.upper()}": value})


def test_a_broken_file_is_said(project: Path, tmp_path: Path) -> None:
    (project / "elliptio.toml").write_text("root = ")
    with pytest.raises(eio.ConfigError, match=r"elliptio\.toml cannot be read"):
        settings(project, tmp_path)
    (project / "elliptio.toml").unlink()
    for text in ("[tool.elliptio", "[tool]\n'elliptio' = {root", "[tool.elliptio]\nroot = 'team'\n<<<<<<< HEAD\n"):
        (project / "pyproject.toml").write_text(text)
        with pytest.raises(eio.ConfigError, match=r"pyproject\.toml cannot be read.*another lake"):
            settings(project, tmp_path)
    (project / "pyproject.toml").write_bytes("[tool.elliptio]\nroot = 'team'".encode("utf-16"))
    with pytest.raises(eio.ConfigError, match=r"pyproject\.toml cannot be read"):
        settings(project, tmp_path)


@pytest.mark.parametrize("text", ["[project\ndependencies = ['elliptio']", "# elliptio \n<<<<<<<", b"\xff elliptio"])
def test_a_broken_pyproject_that_says_nothing_of_elliptio_is_not_ours(
    project: Path, tmp_path: Path, text: str | bytes
) -> None:
    (project / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert settings(project, tmp_path)["root"].origin == "default"


@pytest.mark.parametrize("name", ["elliptio.toml", "pyproject.toml"])
def test_a_byte_order_mark_changes_nothing(project: Path, tmp_path: Path, name: str) -> None:
    head = "[tool.elliptio]\n" if name == "pyproject.toml" else ""
    (project / name).write_text(f"\ufeff{head}root = 'team'\n", encoding="utf-8")
    assert settings(project, tmp_path)["root"].value == "team"


@pytest.mark.parametrize("name", ["elliptio.toml", "pyproject.toml"])
def test_a_file_that_may_not_be_read_is_said(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read_text = Path.read_text

    def denied(path: Path, *args: Any, **options: Any) -> str:
        if path == project / name:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", denied)
    assert settings(project, tmp_path)["root"].origin == "default"
    (project / name).write_text("[tool.elliptio]\nroot = 'team'\n")
    with pytest.raises(eio.ConfigError, match=rf"{name} cannot be read: Permission denied"):
        settings(project, tmp_path)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('"s3://our-bucket/lake"', "without the quotes"),
        ("'/data/lake'", "without the quotes"),
        ("/data/lake'", "without the quotes"),
        ("$HOME/lake", "variables written out"),
        ("/data/${USER}/lake", "variables written out"),
        ("/data/lake\n/more", "line break"),
        ("\ufeff/data/lake", "byte order mark"),
    ],
)
def test_what_a_shell_left_undone_is_no_place(project: Path, tmp_path: Path, value: str, problem: str) -> None:
    for name in ("root", "index", "local_root", "s3_bucket_name", "user_dir", "cache_dir"):
        with pytest.raises(eio.ConfigError, match=f"'{name}' from ELLIPTIO_{name.upper()} must .*{problem}"):
            settings(project, tmp_path, {f"ELLIPTIO_{name.upper()}": value})
    (project / "elliptio.toml").write_text(f"root = {json.dumps(value)}")
    with pytest.raises(eio.ConfigError, match=rf"elliptio\.toml must .*{problem}"):
        settings(project, tmp_path)


def test_a_password_may_hold_a_dollar(project: Path, tmp_path: Path) -> None:
    url = "mongodb://andy:pa$word@host/db"
    assert settings(project, tmp_path, {"ELLIPTIO_INDEX": url})["index"].value == url


@pytest.mark.parametrize("root", ["~nobody-of-this-name/lake", "$HOME/lake", '"lake"'])
def test_a_root_that_was_to_become_another_is_refused(root: str) -> None:
    with pytest.raises(eio.ConfigError, match=r"if it is a folder: \./"):
        eio.Handler(root)
    assert eio.Handler(f"./{root}").store.root.endswith(root)


def test_without_a_home_no_folder_of_that_sign_is_made(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: os.fspath(path))
    for name in ("ELLIPTIO_USER_DIR", "ELLIPTIO_CACHE_DIR", "ELLIPTIO_CONFIG_FILE"):
        monkeypatch.delenv(name)
    with pytest.raises(eio.ConfigError, match="no home folder: set ELLIPTIO_ROOT, or HOME"):
        eio.Handler()
    with pytest.raises(eio.ConfigError, match="no such home folder"):
        eio.Handler("lake", index="sqlite:///~/x.sqlite")
    assert eio.Handler("lake").upload(data).metadata.file_count == 2
    assert os.listdir() == ["lake"]


@pytest.mark.parametrize("text", ['tool = "elliptio"', "tool = 5  # elliptio", "[[tool]]\nname = 'elliptio'"])
def test_a_pyproject_of_another_shape_is_not_ours(project: Path, tmp_path: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text)
    assert settings(project, tmp_path)["root"].origin == "default"


def test_our_table_must_be_one(project: Path, tmp_path: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nelliptio = 5")
    with pytest.raises(eio.ConfigError, match=r"make it a table"):
        settings(project, tmp_path)


def test_a_misspelled_variable_is_said_once(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "_warned", set())
    environ = {"ELLIPTIO_DURABILTY": "fast", "ELLIPTIO_BIND": "x", "ELLIPTIO_RUN_ID": "x", "ELLIPTIO_MONGO_PORT": "1"}
    for _ in range(2):
        assert settings(project, tmp_path, environ)["durability"].value == "full"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "did you mean ELLIPTIO_DURABILITY?" in record.getMessage()


def test_a_wrong_value_does_not_show_a_password(project: Path, tmp_path: Path) -> None:
    with pytest.raises(eio.ConfigError) as caught:
        settings(project, tmp_path, {"ELLIPTIO_DURABILITY": "mongodb://u:" + "hunter2@h"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://andy:secret@host/db", "mongodb://andy:***@host/db"),
        ("mongodb+srv://a:p%40ss@h1,h2/db?x=1", "mongodb+srv://a:***@h1,h2/db?x=1"),
        ("mongodb://host/db", "mongodb://host/db"),
        ("/a/folder:with@odd", "/a/folder:with@odd"),
        ("mongodb://u:zq/pw@h/db", "mongodb://u:***@h/db"),
        ("mongodb://u:z@q@h/db and x@y", "mongodb://u:***@h/db and x@y"),
        ("foo://u:pw@h", "foo://u:***@h"),
        ("mongodb://h:27017/db?replicaSet=a&x_password=pw&y=1", "mongodb://h:27017/db?replicaSet=a&x_password=***&y=1"),
        (
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abc",
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:***",
        ),
        ("mongodb://h/?tlsCertificateKeyFile=/x.pem", "mongodb://h/?tlsCertificateKeyFile=/x.pem"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert hide_password(url) == hide_login(url) == shown


MISTYPED = [
    *("mongo://andy:zqhunter@host/db", "mongodb:/andy:zqhunter@host/db", "mongodb//andy:zqhunter@host/db"),
    *(
        "mongodb:andy:zqhunter@host/db",
        "mongodb:///andy:zqhunter@host",
        "mongodb://andy:zqhunter",
        "andy:zqhunter@host/db",
    ),
    *("mongodb://andy:zqhunter/db", "mongodb://andy:zq hunter@host/db", "mongodb://andy:zqhunter@host:port/db"),
    *("mongodb://andy:zq%zzhunter@host", "mongodb://andy:z@qhunter@host/db", "http://andy:zqhunter@host"),
    *("mongodb://andy:zqhunter@host/db?tls=maybe", "MongoDB ://andy:zqhunter@host", "s3:/key:zqhunter@bucket"),
    *("s3://key:zqhunter@bucket", "gs://key:zqhunter@bucket", "file://andy:zqhunter@host/x"),
]


@pytest.mark.parametrize("url", MISTYPED)
@pytest.mark.parametrize("setting", ["index", "root"])
def test_no_error_has_the_password_of_a_mistyped_url(
    url: str, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"ELLIPTIO_{setting.upper()}", url)
    shown = load_settings()[setting].shown
    try:
        eio.Handler(progress=False, **({} if setting == "root" else {"root": "lake"}))
    except eio.ElliptioError as error:
        shown += str(error)
    assert "hunter" not in shown


def test_no_error_has_the_password_of_what_is_no_text(tmp_path: Path) -> None:
    for wrong in ({"root": 1, "index": ["mongodb://andy:hunter2@host"]}, {"root": ["s3:/andy:hunter2@host"]}):
        with pytest.raises(eio.ElliptioError) as error:
            eio.Handler(**wrong)
        assert "hunter2" not in str(error.value)


def test_the_default_lake_lies_in_the_users_data(tmp_path: Path, data: Path) -> None:
    h = eio.Handler()
    assert h.store.root == str(tmp_path / "user-dir" / "lake")
    assert h.index.address == f"sqlite:///{tmp_path}/user-dir/lake/.elliptio/index.sqlite"
    assert not (tmp_path / "user-dir").exists()
    h.upload(data)
    assert len(eio.Handler().find()) == 1


def test_settings_choose_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "by-root"))
    monkeypatch.setenv("ELLIPTIO_INDEX", f"sqlite:///{tmp_path}/by-index.sqlite")
    h = eio.Handler()
    h.upload(data)
    assert (tmp_path / "by-root").is_dir()
    assert (tmp_path / "by-index.sqlite").is_file()
    assert not (tmp_path / "by-root" / ".elliptio" / "index.sqlite").exists()
    assert eio.Handler(remote_file_cls=eio.LocalFile).store.root == str(tmp_path / "by-root")
    monkeypatch.setenv("ELLIPTIO_LOCAL_ROOT", str(tmp_path / "by-local"))
    assert eio.Handler(remote_file_cls=eio.LocalFile).store.root == str(tmp_path / "by-local")
    assert eio.Handler(tmp_path / "given").store.root == str(tmp_path / "given")


def test_what_contradicts_itself_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(eio.ConfigError, match="No bucket is set"):
        eio.Handler(remote_file_cls=eio.S3File)
    with pytest.raises(eio.ConfigError, match="does not go with the root"):
        eio.Handler(tmp_path, remote_file_cls=eio.S3File)
    with pytest.raises(eio.ConfigError, match=r"LocalFile or eio\.S3File"):
        eio.Handler(remote_file_cls=str)  # type: ignore[arg-type]
    with pytest.raises(eio.ConfigError, match="not both"):
        eio.Handler(tmp_path, "mongodb://localhost/db", collection=object())
    with pytest.raises(eio.ConfigError, match="ftp"):
        eio.Handler("ftp://host/folder")
    with pytest.raises(eio.ConfigError, match="'mysql://host/db' is not one"):
        eio.Handler(tmp_path, "mysql://host/db")


def test_a_store_and_an_index_of_ones_own(tmp_path: Path, data: Path) -> None:
    h = eio.Handler(LocalStore(tmp_path / "store"), SqliteIndex(tmp_path / "index.sqlite"))
    artifact = h.upload(data)
    assert list(h.find().index) == [artifact.artifact_id]
    assert artifact.metadata.remote_root.startswith(str(tmp_path / "store"))


def test_durability_reaches_store_and_index(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    eio.Handler(tmp_path / "fast", durability="fast").upload(data)
    assert flushed == []
    eio.Handler(tmp_path / "full").upload(data)
    assert flushed


@pytest.mark.parametrize("name", ["none.toml", "", "deep/below.toml"])
def test_a_settings_file_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    named = tmp_path / "folder" / name
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("ELLIPTIO_CONFIG_FILE", str(named))
    with pytest.raises(eio.ConfigError, match="which ELLIPTIO_CONFIG_FILE names, cannot be read") as caught:
        eio.Handler()
    assert str(named) in str(caught.value)
    monkeypatch.setenv("ELLIPTIO_CONFIG_FILE", "")
    eio.Handler()


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("10GB", 10**10), ("1.5 gb", 15 * 10**8), ("512 MiB", 512 << 20), ("7", 7), ("2T", 2 * 10**12)],
)
def test_sizes(project: Path, tmp_path: Path, text: str, size: int) -> None:
    found = settings(project, tmp_path, {"ELLIPTIO_CACHE_SIZE": text})["cache_size"]
    assert (found.value, config.size_in_bytes(found.value)) == (text, size)


@pytest.mark.parametrize("text", ["-1", "10 apples", "GB", "1e9", "ten"])
def test_what_is_no_size_is_refused(project: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(eio.ConfigError, match=r"'cache_size' from ELLIPTIO_CACHE_SIZE must be a size such as 10GB"):
        settings(project, tmp_path, {"ELLIPTIO_CACHE_SIZE": text})


def test_a_size_may_be_a_number_in_a_file(project: Path, tmp_path: Path) -> None:
    (project / "elliptio.toml").write_text("cache_size = 0")
    assert config.size_in_bytes(settings(project, tmp_path)["cache_size"].value) == 0
    (project / "elliptio.toml").write_text("cache_size = true")
    with pytest.raises(eio.ConfigError, match="must be a size"):
        settings(project, tmp_path)
