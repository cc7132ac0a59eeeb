"""Files and folders of YAML: what is read, where messages point, what is remembered."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines.errors import ProjectError, ProjectNotFoundError, TemplateError
from elliptio.pipelines.project import yaml_text
from elliptio.pipelines.project.settings import Settings
from elliptio.pipelines.project.settings_files import read_settings
from elliptio.pipelines.project.yaml_files import LARGEST, Reader, yaml_files
from tests.pipelines.project.files import put


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were parsed."""
    texts: list[str] = []
    parse = yaml_text.parse

    def counted(text: str) -> Any:
        texts.append(text)
        return parse(text)

    monkeypatch.setattr(yaml_text, "parse", counted)
    return texts


def test_any_number_of_files_and_folders(tmp_path: Path) -> None:
    names = ["b.yml", "a/z.yaml", "a/b/c.YML", "d.yaml"]
    others = [
        "a/x.txt",
        ".hidden.yml",
        ".ipynb_checkpoints/a.yml",
        "a/.git/b.yml",
        "__pycache__/c.yml",
        "yml",
        "x.yaml.bak",
    ]
    put(tmp_path, dict.fromkeys([*names, *others], "a: 1"))
    found = [path.relative_to(tmp_path).as_posix() for path in yaml_files(tmp_path)]
    assert found == ["a/b/c.YML", "a/z.yaml", "b.yml", "d.yaml"]
    assert yaml_files(tmp_path / "a" / "x.txt") == [tmp_path / "a" / "x.txt"], "a file may have any name"
    assert [file.value for file in Reader(tmp_path).read_all(tmp_path)] == [{"a": 1}] * 4


def test_loops_of_links_end(tmp_path: Path) -> None:
    put(tmp_path, {"a/x.yml": "1"})
    os.symlink(tmp_path, tmp_path / "a" / "up")
    os.symlink("self", tmp_path / "a" / "self")
    os.symlink(tmp_path / "a", tmp_path / "again")
    assert [path.name for path in yaml_files(tmp_path)] == ["x.yml"]


def test_what_is_not_there_says_what_is(tmp_path: Path) -> None:
    put(tmp_path, {"catalogs/x.yml": ""})
    with pytest.raises(ProjectNotFoundError, match="no file or folder catalog; did you mean 'catalogs'"):
        yaml_files(tmp_path / "catalog", "catalog")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    os.symlink("gone.yml", tmp_path / "dead.yml")
    with pytest.raises(ProjectNotFoundError, match=r"dead\.yml \(a link to gone\.yml\) cannot be read"):
        list(reader.read_all(tmp_path))
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(ProjectError, match=r"pipe\.yml is no regular file"):
        reader.read(tmp_path / "pipe.yml")
    os.symlink("loop.yml", tmp_path / "loop.yml")
    with pytest.raises(ProjectError, match=r"loop\.yml .*cannot be read"):
        reader.read(tmp_path / "loop.yml")
    (tmp_path / "huge.yml").touch()
    os.truncate(tmp_path / "huge.yml", LARGEST + 1)
    with pytest.raises(ProjectError, match=r"huge\.yml has 67,108,865 bytes"):
        reader.read(tmp_path / "huge.yml")
    if os.getuid():
        put(tmp_path, {"secret.yml": "a: 1"}).joinpath("secret.yml").chmod(0)
        with pytest.raises(ProjectError, match=r"secret\.yml cannot be read: Permission denied"):
            reader.read(tmp_path / "secret.yml")


@pytest.mark.parametrize(
    "content",
    [
        "a: caf\xe9\nb: 2\n".encode(),
        b"\xef\xbb\xbf" + "a: caf\xe9\nb: 2\n".encode(),
        "a: caf\xe9\nb: 2\n".encode("utf-16"),
        "a: caf\xe9\r\nb: 2\r\n".encode(),
        b"a: {{ cafe }}\r\nb: 2\r\n",
    ],
)
def test_encodings_of_windows(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, {"a.yml": content})
    assert Reader(tmp_path, {"cafe": "caf\xe9"}).read(tmp_path / "a.yml").value == {"a": "caf\xe9", "b": 2}


def test_another_encoding_is_said_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, {"conf/a.yml": b"a: 1\nb: caf\xe9\n"})
    with pytest.raises(ProjectError, match=r"^conf/a\.yml:2: this is not UTF-8"):
        Reader(tmp_path).read(tmp_path / "conf" / "a.yml")
    put(tmp_path, {"conf/a.yml": "a: 1".encode("utf-16") + b"x"})
    with pytest.raises(ProjectError, match=r"^conf/a\.yml:1: this is not UTF-8"):
        Reader(tmp_path).read(tmp_path / "conf" / "a.yml")


def test_wrong_yaml_names_file_and_line(tmp_path: Path) -> None:
    put(tmp_path, {"catalog/a.yml": "a: 1\nb: 2\na: 3\n"})
    with pytest.raises(
        ProjectError, match=r"^catalog/a\.yml:3: .*'a' is there twice.* The other is catalog/a\.yml:1\.$"
    ):
        Reader(tmp_path).read(tmp_path / "catalog" / "a.yml")


def test_places_in_a_file(tmp_path: Path) -> None:
    put(tmp_path, {"catalog/a.yml": "# c\n- name: a\n- name: b\n  extra:\n    path: x\n"})
    file = Reader(tmp_path).read(tmp_path / "catalog" / "a.yml")
    assert file.where() == "catalog/a.yml:2"
    assert file.where(1, "extra", "path") == "catalog/a.yml:5"
    assert file.wheres([(0,), (1,)]) == ["catalog/a.yml:2", "catalog/a.yml:3"]


LOOP = """{% set names = ['a', 'b'] %}
{#- a comment
of two lines #}
{% for name in names %}
- name: {{ name }}
  {% if name == 'b' %}
  type: csv
  {% endif %}
{% endfor %}
- name: last
"""


def test_places_in_a_template_are_those_of_the_template(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": LOOP})
    file = Reader(tmp_path).read(tmp_path / "a.yml")
    assert file.value == [{"name": "a"}, {"name": "b", "type": "csv"}, {"name": "last"}]
    assert file.wheres([(0,), (1,), (1, "type"), (2,)]) == ["a.yml:5", "a.yml:5", "a.yml:7", "a.yml:10"]
    assert file.places == ["a.yml:5", "a.yml:5", "a.yml:10"]
    assert Reader(tmp_path).read(tmp_path / "a.yml").places == file.places, "from memory, too"


def test_wrong_yaml_in_a_template_is_said_with_the_templates_line(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "{% for i in range(9) %}\nx{{ i }}: 1\n{% endfor %}\nx3: 2\n"})
    with pytest.raises(ProjectError, match=r"^a\.yml:4: .*template is filled.* The other is a\.yml:2\.$"):
        Reader(tmp_path).read(tmp_path / "a.yml")


def test_messages_show_no_credentials(tmp_path: Path) -> None:
    settings = Settings({"db": {"password": "hunter22: x"}})
    put(tmp_path, {"a.yml": "a: {{ db.password }}\n", "b.yml": '{{ db.password }}: 1\n"{{ db.password }}": 1\n'})
    put(tmp_path, {"c.yml": '"{{ db.password }}": 1\n"{{ db.password }}": 1\n'})
    for name in ("a.yml", "b.yml", "c.yml"):
        with pytest.raises(ProjectError) as found:
            Reader(tmp_path, settings).read(tmp_path / name)
        assert "hunter22" not in str(found.value)
        assert found.value.__cause__ is None
        assert "hunter22" not in repr(found.value.__context__)


def test_what_was_read_is_not_read_again(tmp_path: Path, parses: list[str]) -> None:
    put(tmp_path, {"a.yml": "a: [1, 2.5, null, true, x]\n", "t.yml": "a: {{ X }}\n"})
    settings = Settings({"x": 1, "y": 2})
    for _ in range(2):
        assert Reader(tmp_path, settings).read(tmp_path / "a.yml").value == {"a": [1, 2.5, None, True, "x"]}
        assert Reader(tmp_path, settings).read(tmp_path / "t.yml").value == {"a": 1}
    assert len(parses) == 2
    assert (tmp_path / ".elliptio-project" / ".gitignore").read_text() == "*\n"
    assert Reader(tmp_path, Settings({"x": 1, "y": 3})).read(tmp_path / "t.yml").value == {"a": 1}
    assert len(parses) == 2, "a setting that the template does not use is no matter"
    assert Reader(tmp_path, Settings({"x": 5})).read(tmp_path / "t.yml").value == {"a": 5}
    put(tmp_path, {"a.yml": "a: 2\n"})
    assert Reader(tmp_path, settings).read(tmp_path / "a.yml").value == {"a": 2}
    assert len(os.listdir(tmp_path / ".elliptio-project" / "yaml")) == 2, "one for each file, for ever"


def test_a_value_from_memory_is_the_callers_own(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "a: [1]\n"})
    for _ in range(3):
        value = Reader(tmp_path).read(tmp_path / "a.yml").value
        assert value == {"a": [1]}
        value["a"].append(2)


@pytest.mark.parametrize("text", ["a: 2024-01-01\n", "1: a\n", "a: !!binary aGk=\n", "a: !!set {x}\n", "yes: 1\n"])
def test_what_json_cannot_say_is_read_each_time(tmp_path: Path, text: str, parses: list[str]) -> None:
    put(tmp_path, {"a.yml": text})
    first, second = (Reader(tmp_path).read(tmp_path / "a.yml").value for _ in range(2))
    assert repr(first) == repr(second)
    assert len(parses) == 2


@pytest.mark.parametrize(
    "text", ["a: .nan\n", "a: .inf\n", "a: -0.0\n", "a: 123456789012345678901234567890\n", 'a: "\\u2028\\U0001F600"\n']
)
def test_what_json_can_say_is_the_same(tmp_path: Path, text: str, parses: list[str]) -> None:
    put(tmp_path, {"a.yml": text})
    first, second = (Reader(tmp_path).read(tmp_path / "a.yml").value for _ in range(2))
    assert repr(first) == repr(second)
    assert len(parses) == 1


def test_dates_stay_dates(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "day: 2024-01-01\ntext: '2024-01-01'\ntime: 2024-01-01 10:00:00\n"})
    for _ in range(2):
        value = Reader(tmp_path).read(tmp_path / "a.yml").value
        assert value == {"day": dt.date(2024, 1, 1), "text": "2024-01-01", "time": dt.datetime(2024, 1, 1, 10)}


def test_what_is_remembered_may_be_damaged(tmp_path: Path, parses: list[str]) -> None:
    put(tmp_path, {"a.yml": "a: 1\n"})
    Reader(tmp_path).read(tmp_path / "a.yml")
    (kept,) = (tmp_path / ".elliptio-project" / "yaml").iterdir()
    whole = kept.read_bytes()
    header, payload = whole.split(b"\n", 1)
    damages = [
        b"",
        whole[:-1],
        whole.replace(b"1}", b"2}"),
        _signed(header, b"[3]"),
        _signed(header, b"3"),
        b"\xff" * 100,
        header,
        payload,
        b"x" + whole,
        whole + b" ",
        header + b"\n" + b"[" * 100_000,
    ]
    for content in damages:
        kept.write_bytes(content)
        assert Reader(tmp_path).read(tmp_path / "a.yml").value == {"a": 1}
        assert kept.read_bytes() == whole
    assert len(parses) == 1 + len(damages)
    kept.unlink()
    kept.mkdir()
    assert Reader(tmp_path).read(tmp_path / "a.yml").value == {"a": 1}
    assert sorted(each.name for each in kept.parent.iterdir()) == [kept.name], "no part is left behind"


def _signed(header: bytes, payload: bytes) -> bytes:
    return header.split()[0] + b" " + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def test_nothing_is_remembered_where_nobody_may_write(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "a: 1\n", ".elliptio-project": "a file in the way"})
    assert Reader(tmp_path).read(tmp_path / "a.yml").value == {"a": 1}
    put(tmp_path / "other", {"a.yml": "a: 1\n"})
    assert Reader(tmp_path / "other", remember=False).read(tmp_path / "other" / "a.yml").value == {"a": 1}
    assert os.listdir(tmp_path / "other") == ["a.yml"]


def test_credentials_are_remembered_nowhere(tmp_path: Path) -> None:
    settings = Settings({"db": {"user": "andy", "password": "hunter22"}, "url": "postgresql://andy:hunter33@host/db"})
    texts = [
        "{{ db.password }}",
        "{{ DB.Password | upper }}",
        "{{ db }}",
        "{{ url }}",
        "{{ db.password[1:] }}",
        "{{ db['pass' ~ 'word'] }}",
    ]
    for i, text in enumerate(texts):
        put(tmp_path, {f"{i}.yml": f"a: '{text}'\n" if "}}" in text and "'" not in text else f'a: "{text}"\n'})
        Reader(tmp_path, settings).read(tmp_path / f"{i}.yml")
    put(tmp_path, {"user.yml": "a: {{ db.user }}\n"})
    Reader(tmp_path, settings).read(tmp_path / "user.yml")
    kept = [path for path in (tmp_path / ".elliptio-project").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"unter" in path.read_bytes().lower()]
    assert len(kept) == 2, "the one without a credential is remembered"
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept if path.suffix == ".json"} == {0o600}


def test_several_at_once(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "- {a: 1, b: [x, y]}\n" * 200})
    found: list[Any] = []

    def read() -> None:
        for _ in range(20):
            found.append(Reader(tmp_path).read(tmp_path / "a.yml").value)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[{"a": 1, "b": ["x", "y"]}] * 200] * 120


@pytest.mark.slow
def test_several_processes_at_once(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "- {a: 1, b: [x, y]}\n" * 200})
    script = (
        "import sys\nfrom pathlib import Path\nfrom elliptio.pipelines.project.yaml_files import Reader\n"
        "root = Path(sys.argv[1])\n"
        "for i in range(60):\n"
        "    (root / f'{sys.argv[2]}.yml').write_text('- {a: %d}\\n' % i)\n"
        "    assert Reader(root).read(root / f'{sys.argv[2]}.yml').value == [{'a': i}]\n"
        "    assert Reader(root).read(root / 'a.yml').value == [{'a': 1, 'b': ['x', 'y']}] * 200\n"
        "    if i % 7 == int(sys.argv[2]):\n"
        "        [path.unlink(missing_ok=True) for path in (root / '.elliptio-project').rglob('*.json')]\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(i)]) for i in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    kept = sorted(path.name for path in (tmp_path / ".elliptio-project" / "yaml").iterdir())
    assert all(name.endswith(".json") and not name.startswith(".") for name in kept)


def test_a_template_is_a_template_when_a_setting_is_missing(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "a: {{ x }}\n"})
    assert Reader(tmp_path, {"x": 1}).read(tmp_path / "a.yml").value == {"a": 1}
    with pytest.raises(TemplateError, match=r"^a\.yml:1: nothing defines 'x'"):
        Reader(tmp_path, {"z": 1}).read(tmp_path / "a.yml")
    file = json.loads(
        b"\n".join(next((tmp_path / ".elliptio-project" / "yaml").iterdir()).read_bytes().split(b"\n")[1:])
    )
    assert file == [{"a": 1}, [1]]


def test_a_path_outside_of_the_root_is_shown_whole(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": "a: 1\n"})
    assert Reader(tmp_path / "root").read(tmp_path / "a.yml").shown == str(tmp_path / "a.yml")


THE_SEEDS = """- name: qaiData
  type: odbc
  extra:
    connection_string: DRIVER={ODBC Driver 17 for SQL Server};SERVER=myServer.com;DATABASE={{ datastore.database }};UID={{ datastore.user }};PWD={{ datastore.password }}
    query: SELECT TOP 10 * FROM SYSOBJECTS WHERE xtype = 'U';
- name: testDataset
  type: csv
  # PIPELINE is a statically defined value, interpolated at the catalog rendering.
  extra:
    path: '20_transformed/{{ PIPELINE }}/testDataset.csv'
- name: masterFile
  type: xslx
  extra:
    # s3:// trigger the use of the s3 backend.
    path: s3://{{ base_bucket }}/10_raw/foobar.xlsx
- name: coeffs
  type: pickle
  # !{samples} is a dynamically interpolated values, while executing a craft / pipeline
  extra:
    path: 30_output/model_!{samples}/coeff.pkl
"""  # noqa: E501


def test_the_catalog_of_the_seed(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "catalog/a.yaml": THE_SEEDS,
            "configuration/globals.yml": "PIPELINE: global\nBase_Bucket: b\ndatastore: {Database: sales, user: andy}\n",
            "configuration/locals.yaml": "pipeline: local\nDataStore: {PASSWORD: hunter22}\n",
        },
    )
    reader = Reader(tmp_path, read_settings(tmp_path / "configuration", Reader(tmp_path)))
    (file,) = reader.read_all(tmp_path / "catalog")
    assert [entry["name"] for entry in file.value] == ["qaiData", "testDataset", "masterFile", "coeffs"]
    extras = [entry["extra"] for entry in file.value]
    assert extras[0]["connection_string"].endswith(";DATABASE=sales;UID=andy;PWD=hunter22")
    assert [extra.get("path") for extra in extras[1:]] == [
        "20_transformed/local/testDataset.csv", "s3://b/10_raw/foobar.xlsx", "30_output/model_!{samples}/coeff.pkl",
    ]  # fmt: skip
    assert file.places == [f"catalog/a.yaml:{line}" for line in (1, 6, 11, 16)]
