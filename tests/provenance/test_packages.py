import builtins
import importlib.metadata
import json
import os
import pickle
import shutil
import sys
import zipfile

import pytest

from elliptio.naming import normalize_package
from elliptio.provenance import packages
from elliptio.provenance.packages import Packages, installed_packages


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(packages, "_readings", {})
    monkeypatch.setattr(packages, "_snapshots", {})


def add(directory, file_name, *, name=None, version=None, metadata="METADATA"):
    """Install a package as pip does: write its directory of metadata."""
    target = directory / file_name
    target.mkdir(parents=True)
    if name is not None:
        (target / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText: of it\n")
    else:
        (target / ("METADATA" if file_name.endswith(".dist-info") else "PKG-INFO")).write_text(
            "Metadata-Version: 2.1\n"
        )
    return target


def make_old(*paths, seconds=100):
    for path in paths:
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


@pytest.fixture
def count_reads(monkeypatch):
    """Everything that reads a file or lists a directory."""
    calls = []

    def counting(function):
        def counted(*args, **kwargs):
            calls.append(args)
            return function(*args, **kwargs)

        return counted

    monkeypatch.setattr(os, "listdir", counting(os.listdir))
    monkeypatch.setattr(os, "scandir", counting(os.scandir))
    monkeypatch.setattr(builtins, "open", counting(open))
    return calls


def expected_from_importlib(paths=None):
    found = {}
    arguments = {} if paths is None else {"path": paths}
    for distribution in importlib.metadata.distributions(**arguments):
        if distribution.metadata["Name"]:
            found.setdefault(normalize_package(distribution.metadata["Name"]), distribution.version)
    return dict(sorted(found.items()))


def test_is_what_importlib_says():
    found = installed_packages()
    assert found == expected_from_importlib()
    assert "pytest" in found
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("file_name", "name", "version", "metadata"),
    [
        ("foo-1.0.dist-info", "foo", "1.0", "METADATA"),
        ("Foo_Bar.baz-1.0.dist-info", "Foo-Bar.baz", "1.0", "METADATA"),
        ("foo-1!2.0rc1.post2.dev3+cu118.dist-info", "foo", "1!2.0rc1.post2.dev3+cu118", "METADATA"),
        ("foo-1.0+local_1.dist-info", "foo", "1.0+local-1", "METADATA"),
        ("foo-bar-1.0.dist-info", "foo-bar", "1.0", "METADATA"),
        ("foo.egg-info", "foo", "1.0", "PKG-INFO"),
        ("foo-1.0.egg-info", "foo", "1.0", "PKG-INFO"),
        ("foo-1.0-py3.11.egg-info", "foo", "1.0", "PKG-INFO"),
        ("foo-1.0-py3.11-linux-x86_64.egg-info", "foo", "1.0", "PKG-INFO"),
        ("foo_bar-unknown.dist-info", "foo_bar", "1.0", "METADATA"),
    ],
)
def test_reads_any_kind_of_metadata(tmp_path, file_name, name, version, metadata):
    add(tmp_path, file_name, name=name, version=version, metadata=metadata)
    found = installed_packages([str(tmp_path)])
    assert found == {normalize_package(name): version}
    assert found == expected_from_importlib([str(tmp_path)])


def test_reads_a_single_file(tmp_path):
    (tmp_path / "foo.egg-info").write_text("Metadata-Version: 1.0\nName: foo\nVersion: 1.0\n")
    (tmp_path / "bar-2.0.egg-info").write_text("Metadata-Version: 1.0\nName: bar\nVersion: 2.0\n")
    assert installed_packages([str(tmp_path)]) == {"bar": "2.0", "foo": "1.0"}


def test_reads_an_egg(tmp_path):
    egg = tmp_path / "foo-1.0-py3.11.egg"
    add(egg, "EGG-INFO", name="foo", version="1.0", metadata="PKG-INFO")
    assert installed_packages([str(egg)]) == {"foo": "1.0"} == expected_from_importlib([str(egg)])


def test_reads_a_zip_file(tmp_path):
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n")
    assert installed_packages([str(path)]) == {"foo": "1.0"}


def test_leaves_out_what_is_broken(tmp_path):
    add(tmp_path, "~oo-1.0.dist-info", name="foo", version="1.0")
    add(tmp_path, "bar.dist-info")
    (tmp_path / "not-a-zip").write_bytes(b"x")
    paths = [str(tmp_path), str(tmp_path / "missing"), str(tmp_path / "not-a-zip"), "a\0b", b"bytes", 3]
    assert installed_packages(paths) == {}


def test_first_on_the_path_wins(tmp_path):
    add(tmp_path / "a", "foo-1.0.dist-info")
    add(tmp_path / "b", "Foo-2.0.dist-info")
    assert installed_packages([str(tmp_path / "a"), str(tmp_path / "b")]) == {"foo": "1.0"}
    assert installed_packages([str(tmp_path / "b"), str(tmp_path / "a")]) == {"foo": "2.0"}


def test_sees_what_was_installed_since(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = installed_packages()
    for version in ("1.0", "2.0", "3.0"):
        target = add(tmp_path, f"elliptio_probe-{version}.dist-info")
        assert installed_packages() == dict(sorted({**before, "elliptio-probe": version}.items()))
        shutil.rmtree(target)
        assert installed_packages() == before


def test_sees_a_change_after_a_quiet_time(tmp_path):
    path = [str(tmp_path)]
    add(tmp_path, "foo-1.0.dist-info")
    make_old(tmp_path)
    assert installed_packages(path) == {"foo": "1.0"}
    assert installed_packages(path) == {"foo": "1.0"}
    add(tmp_path, "bar-1.0.dist-info")
    assert installed_packages(path) == {"bar": "1.0", "foo": "1.0"}


def test_sees_a_change_that_leaves_the_modification_time(tmp_path):
    path = [str(tmp_path)]
    add(tmp_path, "foo-1.0.dist-info")
    status = tmp_path.stat()
    assert installed_packages(path) == {"foo": "1.0"}
    (tmp_path / "foo-1.0.dist-info").rename(tmp_path / "foo-1.1.dist-info")
    os.utime(tmp_path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert installed_packages(path) == {"foo": "1.1"}


def test_sees_metadata_rewritten_in_place(tmp_path):
    path = [str(tmp_path)]
    target = add(tmp_path, "foo.egg-info", name="foo", version="1.0", metadata="PKG-INFO")
    make_old(target / "PKG-INFO", target, tmp_path)
    assert installed_packages(path) == {"foo": "1.0"}
    (target / "PKG-INFO").write_text("Name: foo\nVersion: 1.1\n")
    assert installed_packages(path) == {"foo": "1.1"}


def test_sees_the_working_directory_change(tmp_path, monkeypatch):
    add(tmp_path / "a", "foo-1.0.dist-info")
    add(tmp_path / "b", "foo-2.0.dist-info")
    for directory, version in (("a", "1.0"), ("b", "2.0"), ("a", "1.0")):
        monkeypatch.chdir(tmp_path / directory)
        assert installed_packages([""]) == {"foo": version}


def test_reads_nothing_twice(tmp_path, count_reads):
    add(tmp_path, "foo-1.0.dist-info")
    egg = add(tmp_path, "bar.egg-info", name="bar", version="1.0", metadata="PKG-INFO")
    make_old(egg / "PKG-INFO", egg, tmp_path)
    first = packages.snapshot([str(tmp_path)]).packages
    assert count_reads
    count_reads.clear()
    assert packages.snapshot([str(tmp_path)]).packages is first
    assert count_reads == []


def test_same_object_while_nothing_changes(tmp_path):
    (tmp_path / "x").mkdir()
    add(tmp_path, "foo-1.0.dist-info")
    first = packages.snapshot([str(tmp_path)]).packages
    (tmp_path / "unrelated").write_text("x")
    assert packages.snapshot([str(tmp_path)]).packages is first


def test_returns_a_new_dictionary(tmp_path):
    add(tmp_path, "foo-1.0.dist-info")
    installed_packages([str(tmp_path)]).clear()
    assert installed_packages([str(tmp_path)]) == {"foo": "1.0"}


def test_needs_no_import_of_metadata(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "importlib.metadata", None)
    add(tmp_path, "foo-1.0.dist-info")
    assert installed_packages([str(tmp_path)]) == {"foo": "1.0"}


@pytest.mark.parametrize("name", ["GitPython", "gitpython", "GITPYTHON"])
def test_finds_any_spelling(name):
    found = Packages.of_any({"GitPython": "3.1", "scikit-learn": "1.5"})
    assert found[name] == "3.1"
    assert name in found
    assert found.get(name) == "3.1"
    assert found["Scikit_Learn"] == found["scikit.learn"] == "1.5"


def test_says_what_is_missing():
    found = Packages.of_any({"foo": "1.0"})
    with pytest.raises(KeyError, match="the package 'Bar' was not installed"):
        found["Bar"]
    assert found.get("Bar") is None
    assert found.get("Bar", "x") == "x"
    assert "Bar" not in found
    assert 3 not in found


def test_packages_survive_pickling():
    found = Packages.of_any({"foo": "1.0"})
    assert pickle.loads(pickle.dumps(found)) == found == {"foo": "1.0"}


# --- what is a package, and where it came from ---


def distribution(folder, name, metadata=True, origin=None):
    place = folder / f"{name}.dist-info"
    place.mkdir()
    if metadata:
        (place / "METADATA").write_text("Metadata-Version: 2.1\n")
    if origin is not None:
        (place / "direct_url.json").write_text(origin if isinstance(origin, str) else json.dumps(origin))


def test_a_folder_without_metadata_is_no_package(tmp_path):
    distribution(tmp_path, "left_behind-1.0", metadata=False)
    distribution(tmp_path, "there-1.0")
    assert packages.installed_packages([str(tmp_path)]) == {"there": "1.0"}
    (tmp_path / "left_behind-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
    assert packages.installed_packages([str(tmp_path)]) == {"left-behind": "1.0", "there": "1.0"}


COMMIT = "a" * 40
ORIGINS = {
    "git": (
        {"url": "https://andy:secret@git.example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        f"git+https://git.example.org/x.git@{COMMIT}",
    ),
    "below": (
        {"url": "https://h/x.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}, "subdirectory": "python"},
        f"git+https://h/x.git@{COMMIT}#subdirectory=python",
    ),
    "folder": ({"url": "file:///home/andy/x", "dir_info": {}}, "file:///home/andy/x"),
    "editable": ({"url": "file:///home/andy/x", "dir_info": {"editable": True}}, "-e file:///home/andy/x"),
    "wheel": (
        {"url": "https://h/x-1.0-py3-none-any.whl", "archive_info": {"hashes": {"sha256": "b" * 64}}},
        "https://h/x-1.0-py3-none-any.whl#sha256=" + "b" * 64,
    ),
    "damaged": ("{", "unknown: direct_url.json cannot be read"),
    "strange": ([1], "unknown: direct_url.json is malformed"),
}


@pytest.mark.parametrize("kind", ORIGINS)
def test_where_a_package_came_from(tmp_path, kind):
    found, shown = ORIGINS[kind]
    distribution(tmp_path, "ours-1.0", origin=found)
    distribution(tmp_path, "theirs-2.0")
    assert packages.installed_packages([str(tmp_path)]) == {"ours": "1.0", "theirs": "2.0"}
    assert packages.snapshot([str(tmp_path)]).origins == {"ours": shown}


def test_a_package_that_is_hidden_has_no_origin(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, origin in ((first, None), (second, ORIGINS["git"][0])):
        folder.mkdir()
        distribution(folder, "ours-1.0", origin=origin)
    assert packages.snapshot([str(first), str(second)]).origins == {}
    assert packages.snapshot([str(second), str(first)]).origins == {"ours": ORIGINS["git"][1]}


def test_the_same_version_from_elsewhere_is_another_environment(tmp_path, monkeypatch):
    from elliptio.provenance.collecting import environment

    monkeypatch.syspath_prepend(str(tmp_path))
    distribution(tmp_path, "ours-1.0")
    before = environment()
    shutil.rmtree(tmp_path / "ours-1.0.dist-info")
    distribution(tmp_path, "ours-1.0", origin=ORIGINS["git"][0])
    after = environment()
    assert after["python_packages"]["ours"] == before["python_packages"]["ours"] == "1.0"
    assert after["package_origins"]["ours"] == ORIGINS["git"][1]
    assert after["_id"] != before["_id"]
