"""The one door: what it shows, and that opening it loads nothing heavy."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

import elliptio as eio
from elliptio import errors

HEAVY = {
    "fsspec",
    "pandas",
    "numpy",
    "boto3",
    "botocore",
    "obstore",
    "git",
    "mongomock",
    "pymongo",
    "bson",
    "tqdm",
    "regex",
    "sqlite3",
}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a new interpreter has loaded after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(json.loads(output.splitlines()[-1]))


@pytest.mark.parametrize(
    "code", ["import elliptio", "import elliptio.stores", "import elliptio as e; e.Labels; e.ElliptioError"]
)
def test_importing_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_importing_loads_no_module_of_its_own() -> None:
    output = subprocess.run(
        [sys.executable, "-c", "import sys, elliptio; print([m for m in sys.modules if m.startswith('elliptio.')])"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert output.strip() == "[]"


def test_saving_and_getting_need_neither_pandas_nor_servers(tmp_path: object) -> None:
    code = f"""
import elliptio, pathlib
pathlib.Path({str(tmp_path)!r}, "x.txt").write_text("x")
h = elliptio.Handler({str(tmp_path)!r} + "/lake")
h.get(h.upload({str(tmp_path)!r} + "/x.txt").artifact_id).file.download_string()
"""
    assert not loaded_by(code) & (HEAVY - {"bson", "sqlite3", "pymongo"})


def test_all_is_what_is_visible() -> None:
    assert eio.__all__ == sorted(eio.__all__)
    assert set(eio.__all__) - {"__version__"} == set(eio._HOMES)
    for name in eio.__all__:
        assert getattr(eio, name) is not None
    assert dir(eio) == eio.__all__
    namespace: dict[str, object] = {}
    exec("from elliptio import *", namespace)
    assert set(eio.__all__) <= set(namespace)
    with pytest.raises(AttributeError, match="Lablels"):
        _ = eio.Lablels  # type: ignore[attr-defined]


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)(?: \((\w+)\))?", errors.__doc__ or ""))
    real = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, eio.ElliptioError) and kind is not eio.ElliptioError
    }
    assert drawn.keys() == real.keys()
    for name, builtin in drawn.items():
        kinds = {base.__name__ for base in real[name].__mro__}
        assert not builtin or builtin in kinds
        assert name in eio.__all__


def test_errors_read_as_sentences() -> None:
    assert str(eio.FileKeyError("There is no file 'x'.")) == "There is no file 'x'."
