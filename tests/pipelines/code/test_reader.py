"""Packages, records, and what is the same in every process."""

# ruff: noqa: E501 - files of projects, a line each

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elliptio.pipelines.code import Code, Part, Reader, as_record, changes, code_of
from tests.pipelines.code.edits import imported, read
from tests.pipelines.code.test_no_edits import FILES

CRAFTS = "import fakepkg\n\n\ndef craft(x):\n    return fakepkg.version() + x\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of installed packages on the path."""
    folder = tmp_path / "venv/site-packages"
    folder.mkdir(parents=True)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [n for n, m in sys.modules.items() if str(getattr(m, "__file__", "")).startswith(str(folder))]:
        del sys.modules[name]


def install(folder: Path, package: str, version: str, distribution: str = "", **files: str) -> None:
    (folder / package).mkdir(exist_ok=True)
    (folder / package / "__init__.py").write_text(f"def version():\n    return {version!r}\n")
    name = distribution or package
    for old in folder.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (metadata / "RECORD").write_text(f"{package}/__init__.py,,\n")
    for file, text in files.items():
        (metadata / f"{file}.json").write_text(text)


@pytest.mark.parametrize("distribution", ["", "Other_Name"])
def test_the_version_of_a_package_counts(distribution: str, site: Path, tmp_path: Path) -> None:
    install(site, "fakepkg", "1.0", distribution)
    name = distribution.lower().replace("_", "-") or "fakepkg"
    before = read(tmp_path / "a", {"crafts.py": CRAFTS})
    assert before.distributions == {name: "1.0"}
    install(site, "fakepkg", "2.0", distribution)
    after = read(tmp_path / "b", {"crafts.py": CRAFTS})
    assert after.digest == before.digest
    assert changes(as_record(before), after) == [f"{name} 1.0 → 2.0"]


@pytest.mark.parametrize(
    "text",
    [
        "import fakepkg\n\n\ndef craft(x: fakepkg.version):\n    return x.sum()\n",
        "def craft(x):\n    import fakepkg\n\n    return fakepkg.version()\n",
        "from fakepkg import version\n\n\ndef craft(x):\n    return version()\n",
        "import lib.tables\n\n\ndef craft(x):\n    return lib.tables.clean(x)\n",
        "try:\n    import fakepkg as pkg\nexcept ImportError:\n    pkg = None\n\n\ndef craft(x):\n    return x\n",
        "import json, fakepkg.more as m\nfrom . import nothing\n".replace("from . import nothing\n", "")
        + "\n\ndef craft(x):\n    return x\n",
    ],
)
def test_whatever_imports_a_package_counts_it(text: str, site: Path, tmp_path: Path) -> None:
    install(site, "fakepkg", "1.0")
    (site / "fakepkg/more.py").write_text("")
    files = {
        "crafts.py": text,
        "lib/tables.py": "from fakepkg import version\n\n\ndef clean(x):\n    return version()\n",
    }
    assert read(tmp_path / "a", files).distributions == {"fakepkg": "1.0"}


def test_a_package_for_types_alone_and_one_of_an_unrelated_file_do_not_count(site: Path, tmp_path: Path) -> None:
    install(site, "fakepkg", "1.0")
    files = {
        "crafts.py": "from typing import TYPE_CHECKING\n\nimport lib\n\nif TYPE_CHECKING:\n    import fakepkg\n\n\n"
        "def craft(x):\n    return x\n",
        "lib/__init__.py": "import fakepkg\n\n\ndef other():\n    return fakepkg.version()\n",
    }
    assert read(tmp_path / "a", files).distributions == {}


def test_which_packages_count_is_chosen(site: Path, tmp_path: Path) -> None:
    install(site, "fakepkg", "1.0")
    with imported(tmp_path / "a", {"crafts.py": CRAFTS}) as module:
        reader = Reader([tmp_path / "a"])
        assert reader.code_of(module.craft, packages="none").distributions == {}
        every = reader.code_of(module.craft, packages="all").distributions
        assert {"fakepkg": "1.0"}.items() <= every.items()
        assert "pandas" in every
        listed = reader.code_of(module.craft, packages=["FakePkg", "no-such-thing"]).distributions
        assert listed == {"fakepkg": "1.0", "no-such-thing": "not installed"}
        with pytest.raises(ValueError, match="pandas"):
            reader.code_of(module.craft, packages="pandas")  # type: ignore[arg-type]


def test_a_package_that_lies_in_the_project_counts_by_its_code_and_its_version(tmp_path: Path) -> None:
    root = tmp_path / "a"
    root.mkdir()
    install(root, "fakepkg", "1.0")
    code = read(root, {"crafts.py": CRAFTS})
    assert [part.name for part in code.parts] == ["crafts.craft", "fakepkg.version"]
    assert code.distributions == {"fakepkg": "1.0"}


def test_an_editable_package_is_named(site: Path, tmp_path: Path) -> None:
    install(site, "fakepkg", "1.0", direct_url='{"url": "file:///elsewhere", "dir_info": {"editable": true}}')
    code = read(tmp_path / "a", {"crafts.py": CRAFTS})
    assert code.distributions == {"fakepkg": "1.0"}
    assert code.unfollowed == ("fakepkg is installed in editable form from file:///elsewhere: only its version counts",)


def test_a_module_of_no_distribution_is_named(site: Path, tmp_path: Path) -> None:
    (site / "loose.py").write_text("def version():\n    return 1\n")
    code = read(tmp_path / "a", {"crafts.py": CRAFTS.replace("fakepkg", "loose")})
    assert code.distributions == {}
    assert code.unfollowed == ("module `loose` lies outside the project and in no distribution: it is not followed",)


def test_an_environment_below_the_root_is_not_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "env/lib/site-packages"
    folder.mkdir(parents=True)
    install(folder, "fakepkg", "1.0")
    sys.path.insert(0, str(folder))
    try:
        with imported(tmp_path, {"crafts.py": CRAFTS}) as module:
            code = code_of(module.craft, [tmp_path])
    finally:
        sys.path.remove(str(folder))
    assert [part.name for part in code.parts] == ["crafts.craft"]
    assert code.distributions == {"fakepkg": "1.0"}


UNFOLLOWED = {
    "return getattr(tables, x)": "getattr(tables, x) in crafts.py:6 is not followed",
    "return eval(x)": "eval(x) in crafts.py:6 is not followed",
    "exec(x)": "exec(x) in crafts.py:6 is not followed",
    "return globals()[x]": "globals() in crafts.py:6 is not followed",
    "return vars(tables)[x]": "vars(tables) in crafts.py:6 is not followed",
    "return importlib.import_module(x)": "importlib.import_module(x) in crafts.py:6 is not followed",
    "return later(x)": "`later` in crafts.py:5 is not defined now: it is not followed",
    "return tables.later(x)": "`tables.later` in crafts.py:5 is not defined now: it is not followed",
    "return print(tables)": "module `lib.tables` is a value in crafts.py:5: what is taken of it is not followed",
    "from lib import nothing": "import of lib in crafts.py:5 failed: AttributeError: it is not followed",
    "return x.__doc__": "x.__doc__ in crafts.py:6 is not followed",
    "return __doc__": "__doc__ in crafts.py:6 is not followed",
    "return x.__annotations__": "x.__annotations__ in crafts.py:6 is not followed",
    "from inspect import getdoc as g; return g(x)": "what `inspect.getdoc` in crafts.py:5 reaches is not followed",
    "import lib.tables": "module `lib.tables` is imported in crafts.py:5 for its effects: they are not followed",
}


@pytest.mark.parametrize("statement", UNFOLLOWED)
def test_what_is_not_followed_is_named(statement: str, tmp_path: Path) -> None:
    text = f"import importlib\nfrom lib import tables\n\n\ndef craft(x):\n    {statement}\n"
    assert read(tmp_path, {"crafts.py": text, "lib/tables.py": ""}).unfollowed == (UNFOLLOWED[statement],)


@pytest.mark.parametrize(
    "statement",
    [
        "return getattr(x, 'name')", "return getattr(np, x)", "return getattr(Model, x)", "return hasattr(tables, 'n')",
        "return vars(x)", "return locals()", "LOG.info(x)", "return [y for y in x if y]", "return np.array(x).sum()",
        "return Model().fit(x)", "return super", "return __file__", "return __name__", "return tables.__name__",
    ],
)  # fmt: skip
def test_what_is_followed_or_harmless_is_not_named(statement: str, tmp_path: Path) -> None:
    text = (
        "import logging\nimport numpy as np\nfrom lib import tables\nLOG = logging.getLogger(__name__)\n\n\n"
        f"class Model:\n    def fit(self, x):\n        return getattr(self, x)\n\n\ndef craft(x):\n    {statement}\n"
    )
    assert read(tmp_path, {"crafts.py": text, "lib/tables.py": ""}).unfollowed == ()


def test_a_record_is_plain_and_small(tmp_path: Path) -> None:
    code = read(tmp_path, FILES)
    record = as_record(code)
    assert json.loads(json.dumps(record)) == record
    assert len(json.dumps(record)) < 150 * len(code.parts) + 150
    assert changes(json.loads(json.dumps(record)), code) == []


def test_changes_say_what_is_new_and_what_is_gone() -> None:
    craft = Part("crafts.craft", "function", "crafts.py:1", "aa")
    old = Part("lib.t.Model.fit", "method", "lib/t.py:3", "bb")
    new = Part("lib.__init__.RATE".replace(".__init__", ""), "constant", "lib/__init__.py:2", "cc")
    before = as_record(Code("1", (craft, old), (), {"a": "1", "b": "1"}))
    after = Code("2", (craft, new), (), {"a": "2", "c": "1"})
    assert changes(before, after) == [
        "constant `RATE` in lib/__init__.py:2 is new",
        "method `lib.t.Model.fit` is not used any more",
        "a 1 → 2",
        "b 1 is not used any more",
        "c 1 is used now",
    ]
    assert changes(before, Code("2", (craft, old), (), {"a": "1", "b": "1"})) == ["its code changed"]


def test_many_crafts_share_what_is_read(tmp_path: Path) -> None:
    crafts = "".join(f"def craft{n}(x):\n    return clean(x) + {n}\n\n\n" for n in range(50))
    text = "from lib.tables import clean\n\n\n" + crafts
    with imported(tmp_path, {"crafts.py": text, "lib/tables.py": "def clean(x):\n    return x\n"}) as module:
        reader = Reader([tmp_path])
        codes = [reader.code_of(getattr(module, f"craft{n}")) for n in range(50)]
        assert codes[7] == code_of(module.craft7, [tmp_path])
    assert len({code.digest for code in codes}) == 50
    assert len({id(code.parts[1]) for code in codes}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "class Nasty:\n    def __getattribute__(self, name):\n        raise RuntimeError(name)\n\n\nN = Nasty()\n",
        "class Nasty:\n    __class__ = property(lambda self: 1 / 0)\n\n    def __getattr__(self, name):\n        raise OSError\n\n\n"
        "Nasty.__module__ = 'threading'\nN = Nasty()\n",
        "from unittest.mock import MagicMock\n\nN = MagicMock()\n",
        "class Nasty(dict):\n    def items(self):\n        raise ValueError\n\n\nN = Nasty(a=1)\n",
        "class Meta(type):\n    def __getattribute__(cls, name):\n        if name == 'x':\n            raise ValueError\n"
        "        return super().__getattribute__(name)\n\n\nclass N(metaclass=Meta):\n    x = 1\n",
        "import weakref\n\n\nclass A:\n    pass\n\n\nKEPT = A()\nN = weakref.proxy(KEPT)\n",
        "N = (n for n in range(3))\n",
        "N = open(__file__, 'rb')\nN.close()\n",
    ],
)  # fmt: skip
def test_no_object_stops_the_reading(text: str, tmp_path: Path) -> None:
    text += "\n\ndef craft(x, n=N):\n    return [N, n, x]\n"
    first, second = (read(tmp_path / folder, {"crafts.py": text}) for folder in "ab")
    assert first.digest == second.digest
    edit = {"crafts.py": text.replace("[N, n, x]", "[N, x, n]")}
    assert read(tmp_path / "c", edit).digest != first.digest


PYTHONS = [sys.executable, *filter(None, map(shutil.which, ("python3.11", "python3.12", "python3.13")))]
PROGRAM = """
import json, sys
sys.path[:0] = sys.argv[1:]
import crafts
from elliptio.pipelines.code import code_of
code = code_of(crafts.craft, [sys.argv[1]])
print(json.dumps([code.digest, [[p.name, p.place, p.digest] for p in code.parts]]))
"""


@pytest.mark.slow
def test_the_digest_is_the_same_in_every_process_python_and_folder(tmp_path: Path) -> None:
    with imported(tmp_path, FILES) as module:
        here = code_of(module.craft, [tmp_path])
    expected = [here.digest, [[part.name, part.place, part.digest] for part in here.parts]]
    place = str(Path(__file__).parents[3])
    for number, python in enumerate(PYTHONS):
        if subprocess.run([python, "--version"], capture_output=True).returncode:
            continue  # it is managed, and not installed
        folder = tmp_path / f"copy {number}"
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [python, "-c", PROGRAM, str(folder), place], env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout) == expected, python
