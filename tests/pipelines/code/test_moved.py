"""Code that was moved to another module: it counts, and the plan says that it was moved, not that it is new."""

from __future__ import annotations

from pathlib import Path

from tests.pipelines.code.edits import Files, compared

HELPER = "def clean(x):\n    return x + 1\n"
CLASS = "class Model:\n    def fit(self, x):\n        return x + 1\n"
CRAFT = "from lib.{place} import {name}\ndef craft(x):\n    return {call}\n"


def project(place: str, text: str, name: str, call: str) -> Files:
    """Return the files of a project whose helper lies in some module."""
    return {"crafts.py": CRAFT.format(place=place, name=name, call=call), f"lib/{place}.py": text}


def test_a_function(tmp_path: Path) -> None:
    _, _, said = compared(
        tmp_path, project("old", HELPER, "clean", "clean(x)"), project("new", f"A = 1\n{HELPER}", "clean", "clean(x)")
    )
    assert said == ["helper `clean` in lib/new.py:2 moved from lib.old"]


def test_a_function_that_was_changed_on_the_way_is_new(tmp_path: Path) -> None:
    other = HELPER.replace("+ 1", "+ 2")
    _, _, said = compared(
        tmp_path, project("old", HELPER, "clean", "clean(x)"), project("new", other, "clean", "clean(x)")
    )
    assert said == ["helper `clean` in lib/new.py:1 is new", "helper `lib.old.clean` is not used any more"]


def test_a_class_with_its_methods(tmp_path: Path) -> None:
    _, _, said = compared(
        tmp_path, project("old", CLASS, "Model", "Model().fit(x)"), project("new", CLASS, "Model", "Model().fit(x)")
    )
    assert said == [
        "class `Model` in lib/new.py:1 moved from lib.old, and may have changed",
        "method `Model.fit` in lib/new.py:2 moved from lib.old",
    ]


def test_the_craft_itself(tmp_path: Path) -> None:
    craft = "def craft(x):\n    return x\n"
    _, _, said = compared(
        tmp_path,
        {"crafts.py": "from old import craft\n", "old.py": craft},
        {"crafts.py": "from new import craft\n", "new.py": craft},
    )
    assert said == ["`craft` in new.py:1 moved from old"]
