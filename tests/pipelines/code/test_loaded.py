"""What is loaded is what runs: files that were edited since, reloads, patches, notebooks, code without a file."""

# ruff: noqa: E501 - files of projects, a line each

from __future__ import annotations

import importlib
import linecache
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines.code import Code, Reader, as_record, changes, code_of
from tests.pipelines.code.edits import imported, read

CRAFTS = "from lib.tables import clean\n\n\ndef craft(x):\n    return clean(x)\n"
TABLES = "def clean(x):\n    return x\n\n\ndef other(x):\n    return x\n"
FILES = {"crafts.py": CRAFTS, "lib/tables.py": TABLES}
EDITED = TABLES.replace("return x\n", "return -x\n", 1)


def test_an_edit_after_the_first_look_is_told_and_does_not_count(tmp_path: Path) -> None:
    with imported(tmp_path, FILES) as module:
        before = code_of(module.craft, [tmp_path])
        (tmp_path / "lib/tables.py").write_text("# longer\n" + EDITED)
        after = code_of(module.craft, [tmp_path])
    assert after.digest == before.digest
    assert after.unfollowed == ("lib/tables.py was edited after it was imported: what is loaded counts",)


def test_an_edit_between_import_and_first_look_does_not_count_for_what_is_loaded(tmp_path: Path) -> None:
    new = read(tmp_path / "new", {**FILES, "lib/tables.py": EDITED})
    with imported(tmp_path / "old", FILES) as module:
        (tmp_path / "old/lib/tables.py").write_text(EDITED)
        loaded = code_of(module.craft, [tmp_path / "old"])
    assert loaded.digest != new.digest
    assert loaded.unfollowed == ("`clean` is not in lib/tables.py as it is loaded: what is loaded counts",)


def test_an_edit_elsewhere_in_the_file_between_import_and_first_look_changes_nothing(tmp_path: Path) -> None:
    fresh = read(tmp_path / "fresh", FILES)
    with imported(tmp_path / "old", FILES) as module:
        (tmp_path / "old/lib/tables.py").write_text("def more():\n    pass\n\n\n" + TABLES)
        loaded = code_of(module.craft, [tmp_path / "old"])
    assert loaded.digest == fresh.digest


def test_a_stale_file_of_bytecode_counts_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit within a second that keeps the size: Python itself runs the old code then."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    import os

    with imported(tmp_path, FILES) as module:
        before = code_of(module.craft, [tmp_path])
    path = tmp_path / "lib/tables.py"
    status = path.stat()
    path.write_text(TABLES.replace("return x\n", "return 1\n", 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with imported(tmp_path, {"crafts.py": CRAFTS}) as module:
        assert module.craft(5) == 5
        now = code_of(module.craft, [tmp_path])
    new = read(tmp_path / "new", {**FILES, "lib/tables.py": path.read_text()})
    assert now.digest != new.digest
    assert now.unfollowed
    assert before.digest != new.digest


def test_a_reload_counts(tmp_path: Path) -> None:
    with imported(tmp_path / "a", FILES) as module:
        before = code_of(module.craft, [tmp_path / "a"])
        (tmp_path / "a/lib/tables.py").write_text("# longer\n" + EDITED)
        importlib.reload(sys.modules["lib.tables"])
        importlib.reload(module)
        after = code_of(module.craft, [tmp_path / "a"])
    fresh = read(tmp_path / "b", {**FILES, "lib/tables.py": EDITED})
    assert before.digest != after.digest == fresh.digest
    assert after.unfollowed == ()


def test_new_code_in_a_loaded_function_counts(tmp_path: Path) -> None:
    """As the autoreload of IPython does it, without a reload."""
    with imported(tmp_path / "a", FILES) as module:
        code_of(module.craft, [tmp_path / "a"])
        path = tmp_path / "a/lib/tables.py"
        path.write_text("# longer\n" + EDITED)
        space: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        module.clean.__code__ = space["clean"].__code__
        after = code_of(module.craft, [tmp_path / "a"])
    assert after.digest == read(tmp_path / "b", {**FILES, "lib/tables.py": EDITED}).digest
    assert after.unfollowed == ()


def test_options_of_a_craft_are_no_code(tmp_path: Path) -> None:
    text = (
        "class Craft:\n    def __init__(self, **options):\n        pass\n\n    def __call__(self, function):\n"
        "        self.__wrapped__ = function\n        return self\n\n\nCraft.__module__ = 'elliptio.pipelines.crafts'\n\n\n"
        "def clean(x):\n    return x\n\n\n@Craft(tags=('a',))\ndef other(x):\n    return clean(x)\n\n\n"
        "@Craft(tags=('a',))\ndef craft(x):\n    return other(x)\n"
    )
    before = read(tmp_path / "a", {"crafts.py": text})
    assert read(tmp_path / "b", {"crafts.py": text.replace("('a',)", "('b',)")}).digest == before.digest
    after = read(tmp_path / "c", {"crafts.py": text.replace("    return x\n", "    return -x\n")})
    assert changes(as_record(before), after) == ["helper `clean` in crafts.py:13 changed"]
    assert before.unfollowed == ()


def test_a_patched_helper_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with imported(tmp_path, FILES) as module:
        before = code_of(module.craft, [tmp_path])
        monkeypatch.setattr(module, "clean", sys.modules["lib.tables"].other)
        after = code_of(module.craft, [tmp_path])
    assert changes(as_record(before), after) == [
        "helper `other` in lib/tables.py:5 is new",
        "helper `lib.tables.clean` is not used any more",
    ]


def test_a_value_that_is_set_in_the_session_counts(tmp_path: Path) -> None:
    files = {
        "crafts.py": "import lib.config\n\n\ndef craft(x):\n    return lib.config.RATE\n",
        "lib/config.py": "RATE = 1\n",
    }
    with imported(tmp_path, files) as module:
        before = code_of(module.craft, [tmp_path])
        sys.modules["lib.config"].RATE = 2  # type: ignore[attr-defined]
        after = code_of(module.craft, [tmp_path])
    assert changes(as_record(before), after) == ["constant `RATE` in lib/config.py:1 changed"]


@pytest.mark.parametrize(
    "text",
    [
        "SEEN = {}\n\n\ndef craft(x):\n    SEEN[x] = 1\n    return x\n",
        "N = 0\n\n\ndef craft(x):\n    global N\n    N += 1\n    return x\n",
        "import functools\n\n\n@functools.cache\ndef clean(x):\n    return x\n\n\ndef craft(x):\n    return clean(x)\n",
        "import functools\n\n\n@functools.singledispatch\ndef clean(x):\n    return x\n\n\ndef craft(x):\n    return clean(x)\n",
        "import random\n\nDICE = random.Random(1)\n\n\ndef craft(x):\n    return DICE.random()\n",
        "class Counter:\n    def __init__(self):\n        self.n = 0\n\n    def up(self):\n        self.n += 1\n\n\n"
        "COUNTER = Counter()\n\n\ndef craft(x):\n    COUNTER.up()\n",
        "import functools\n\n\nclass A:\n    @functools.cached_property\n    def n(self):\n        return 1\n\n\n"
        "ONE = A()\n\n\ndef craft(x):\n    return ONE.n\n",
        "ROWS = []\n\n\ndef add(x):\n    ROWS.append(x)\n\n\ndef craft(x):\n    add(x)\n    return ROWS\n",
        "class A:\n    made = 0\n\n    def __init__(self):\n        A.made += 1\n\n    @classmethod\n"
        "    def make(cls):\n        cls.made += 1\n\n\ndef craft(x):\n    return A.make()\n",
        "def memo(f):\n    seen = {}\n\n    def inner(x):\n        if x not in seen:\n            seen[x] = f(x)\n"
        "        return seen[x]\n\n    return inner\n\n\n@memo\ndef clean(x):\n    return x\n\n\n"
        "def craft(x):\n    return clean(x)\n",
        "def craft(x):\n    craft.calls = getattr(craft, 'calls', 0) + 1\n",
        "def count():\n    n = 0\n\n    def up():\n        nonlocal n\n        n += 1\n        return n\n\n    return up\n\n\n"
        "up = count()\n\n\ndef craft(x):\n    return up()\n",
        "import re\n\n\ndef craft(x):\n    return re.sub('a', 'b', str(x))\n",
    ],
)
def test_what_a_call_leaves_behind_is_no_change(text: str, tmp_path: Path) -> None:
    with imported(tmp_path, {"crafts.py": text}) as module:
        before = code_of(module.craft, [tmp_path])
        module.craft(1)
        module.craft(2)
        after = code_of(module.craft, [tmp_path])
    assert after.digest == before.digest


class Notebook:
    """Executes cells as IPython does: each is a file that only `linecache` knows."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.number = 0

    def run(self, text: str, *, known: bool = True) -> None:
        self.number += 1
        name = f"/tmp/ipykernel_1/{id(self)}{self.number}.py" if known else "<stdin>"
        if known:
            linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
        exec(compile(text, name, "exec", dont_inherit=self.number % 2 == 0), vars(self.module))

    def code(self, root: Path, name: str = "craft") -> Code:
        return code_of(getattr(self.module, name), [root])


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    before = dict(linecache.cache)
    for name in [name for name in before if "ipykernel" in name]:
        del linecache.cache[name]
    made = Notebook()
    monkeypatch.setitem(sys.modules, "__main__", made.module)
    yield made
    linecache.cache.clear()
    linecache.cache.update(before)


@pytest.mark.parametrize("known", [True, False], ids=["with source", "without source"])
def test_functions_of_a_notebook_are_followed(known: bool, notebook: Notebook, tmp_path: Path) -> None:
    notebook.run("RATE = 2\ndef clean(x):\n    return x * RATE\n", known=known)
    notebook.run("def craft(x):\n    value = clean(x)\n    return value\n", known=known)
    first = notebook.code(tmp_path)
    assert [(part.name, part.place) for part in first.parts] == [
        ("__main__.craft", "notebook"),
        ("__main__.RATE", "notebook"),
        ("__main__.clean", "notebook"),
    ]
    notebook.run('# Again.\ndef craft(x):\n    """Make."""\n    result = clean(x)\n    return result\n', known=known)
    assert notebook.code(tmp_path).digest == first.digest
    notebook.run("def clean(x):\n    return x / RATE\n", known=known)
    second = notebook.code(tmp_path)
    assert changes(as_record(first), second) == ["helper `clean` in notebook changed"]
    notebook.run("RATE = 3\n", known=known)
    assert changes(as_record(second), notebook.code(tmp_path)) == ["constant `RATE` in notebook changed"]


def test_classes_and_objects_of_a_notebook_are_followed(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run("import pandas as pd\nfrom dataclasses import dataclass\nimport random\n")
    notebook.run("@dataclass\nclass Options:\n    rate: int = 1\n    def double(self):\n        return self.rate * 2\n")
    notebook.run("OPTIONS = Options()\nDICE = random.Random(1)\n")
    notebook.run("def craft(x):\n    return OPTIONS.double() + DICE.random()\n")
    first = notebook.code(tmp_path)
    assert [part.name for part in first.parts] == [
        "__main__.craft", "__main__.DICE", "__main__.OPTIONS", "__main__.Options", "__main__.Options.double",
    ]  # fmt: skip
    assert [*first.distributions] == ["pandas"]
    notebook.run("DICE = random.Random(2)\n")
    second = notebook.code(tmp_path)
    assert changes(as_record(first), second) == ["constant `DICE` in notebook changed"]


def test_a_module_of_the_project_is_followed_from_a_notebook(notebook: Notebook, tmp_path: Path) -> None:
    with imported(tmp_path, FILES, "lib.tables"):
        notebook.run("from lib.tables import *\ndef craft(x):\n    return clean(x)\n")
        assert [part.name for part in notebook.code(tmp_path).parts] == ["__main__.craft", "lib.tables.clean"]


def test_code_without_a_file_is_followed_by_what_was_compiled(tmp_path: Path) -> None:
    def made(text: str) -> Code:
        with imported(tmp_path / str(abs(hash(text))), {"crafts.py": f"exec({text!r})\n"}) as module:
            return code_of(module.craft, [Path(module.__file__).parent])

    text = "RATE = 2\ndef clean(x):\n    return x + RATE\ndef craft(x):\n    y = [clean(z) for z in x]\n    return y\n"
    first = made(text)
    assert [part.name for part in first.parts] == ["crafts.craft", "crafts.RATE", "crafts.clean"]
    assert made(text.replace(" y", " result")).digest == first.digest
    assert made('"""Doc."""\n' + text.replace("craft(x):\n", "craft(x):\n    'Make it.'\n")).digest == first.digest
    assert made(text.replace("x + RATE", "x - RATE")).digest != first.digest
    assert made(text.replace("RATE = 2", "RATE = 3")).digest != first.digest


def test_a_craft_is_the_function_that_it_wraps(tmp_path: Path) -> None:
    class Craft:
        def __init__(self, function: Any) -> None:
            self.__wrapped__ = function

    with imported(tmp_path, FILES) as module:
        reader = Reader([tmp_path])
        assert reader.code_of(Craft(module.craft)) == reader.code_of(module.craft)


def test_the_cache_gives_what_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with imported(tmp_path / "project", FILES) as module:
        cache = tmp_path / "cache"
        codes = []
        for _ in range(2):
            from elliptio.pipelines.code import sources

            sources._sources.clear()
            sources._functions_found.clear()
            codes.append(Reader([tmp_path / "project"], cache=cache).code_of(module.craft))
        assert codes == [code_of(module.craft, [tmp_path / "project"])] * 2
        kept = sorted(cache.iterdir())
        assert len(kept) == 2
        sources._sources.clear()
        sources._functions_found.clear()
        with monkeypatch.context() as patch:
            # Nothing is parsed again.
            patch.setattr(sources, "facts_of", None)
            assert Reader([tmp_path / "project"], cache=cache).code_of(module.craft) == codes[0]
        for path in kept:
            path.write_text("[1, 2")
        sources._sources.clear()
        sources._functions_found.clear()
        assert Reader([tmp_path / "project"], cache=cache).code_of(module.craft) == codes[0]
