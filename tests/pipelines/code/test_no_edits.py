"""What does not count of code: comments, formatting, docstrings, hints, names of locals, order, unrelated code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.code.edits import compared, edited

FILES = {
    "crafts.py": '''from __future__ import annotations

from functools import partial

from lib import RATE, clean
from lib import tables as t


def times(n):
    factor = n

    def deco(f):
        def wrapper(x):
            return f(x) * factor

        return wrapper

    return deco


@times(2)
def twice(x):
    return x


plus = partial(clean, by=1)


def craft(x: int, by: int = 1) -> float:
    """Make it."""
    total = 0
    for row in x:
        if row is None: continue
        total += clean(row) * RATE

    def inner(value):
        found = [v + total for v in value]
        return found

    try:
        first, *others = inner(x)
    except ValueError as error:
        print(f"no {error!r} {total:.2f}")
        raise
    with open("x") as file:
        return t.Model().fit(first) + plus(others) + twice(by) + file.read()
''',
    "lib/__init__.py": "from lib.tables import RATE, clean\n",
    "lib/tables.py": '''import re

RATE = 2
NAMES = {"a", "b", "c"}
OTHER = 3


def clean(x, by=1):
    """Clean it."""
    return x * by if x in NAMES else re.sub("a", "b", x)


def unrelated(x):
    return x


class Model:
    """A model."""

    rate = 1

    def fit(self, x):
        """Fit it."""
        return self.helper(x)

    def helper(self, x):
        return x


class Unrelated:
    def fit(self, x):
        return x
''',
}
CRAFTS, TABLES = "crafts.py", "lib/tables.py"

NOTHING: dict[str, list[tuple[str, str, str]]] = {
    "comment": [(CRAFTS, "    total = 0\n", "    # From nothing.\n\n    total = 0  # at first\n")],
    "comment above": [(CRAFTS, "from functools", "# Here it begins.\n\n\nfrom functools")],
    "statement on a line of its own": [(CRAFTS, "None: continue", "None:\n            continue")],
    "call over several lines": [(CRAFTS, "inner(x)\n", "inner(\n            x,\n        )\n")],
    "parentheses": [(CRAFTS, "clean(row) * RATE", "((clean(row)) * (RATE))")],
    "quotes": [(CRAFTS, '"x"', "'x'")],
    "line that goes on": [(CRAFTS, "clean(row) * RATE", "clean(row) \\\n            * RATE")],
    "text in two pieces": [(CRAFTS, '"x"', '"" "x"')],
    "f-string in two pieces": [(CRAFTS, 'f"no {error!r} {total:.2f}"', 'f"no {error!r}" f" {total:.2f}"')],
    "number written in another way": [(CRAFTS, "total = 0\n", "total = 0x0\n")],
    "docstring": [(CRAFTS, '"""Make it."""', '"""Make it well."""')],
    "no docstring": [(CRAFTS, '    """Make it."""\n', "")],
    "docstring of a helper": [(TABLES, '    """Clean it."""\n', "")],
    "docstring of a class": [(TABLES, '"""A model."""', '"""A better model."""')],
    "docstring of a method": [(TABLES, '        """Fit it."""\n', "")],
    "hints of a craft": [(CRAFTS, "x: int, by: int = 1) -> float", "x: list[int], by=1) -> int")],
    "hint of a helper": [(TABLES, "x, by=1)", "x: str, by: int = 1) -> str")],
    "hint of a local": [(CRAFTS, "total = 0", "total: float = 0")],
    "name of a local": [(CRAFTS, "row", "line"), (CRAFTS, "first", "a_first")],
    "name of a local that others close over": [(CRAFTS, "total", "a_sum")],
    "name of a local in a nested function": [
        (CRAFTS, "found", "z"),
        (CRAFTS, "v + total for v in", "item + total for item in"),
    ],
    "name of an exception": [(CRAFTS, "error!r", "reason!r"), (CRAFTS, "as error", "as reason")],
    "name of what a closure closes over": [(CRAFTS, "factor", "a_factor")],
    "moved in the file": [
        (TABLES, "def unrelated(x):\n    return x\n\n\n", ""),
        (TABLES, "RATE = 2\n", "def unrelated(x):\n    return x\n\n\nRATE = 2\n"),
    ],
    "other order": [
        (TABLES, "RATE = 2\n", ""),
        (TABLES, "OTHER = 3\n", "OTHER = 3\nRATE = 2\n"),
        (TABLES, "class Model", "def late(x):\n    pass\n\n\nclass Model"),
    ],
    "other order of methods": [
        (TABLES, '    def fit(self, x):\n        """Fit it."""\n        return self.helper(x)\n\n', ""),
        (
            TABLES,
            "    def helper(self, x):\n        return x\n",
            "    def helper(self, x):\n        return x\n\n    def fit(self, x):\n        return self.helper(x)\n",
        ),
    ],
    "other order of imports": [
        (CRAFTS, "from lib import RATE, clean\n", ""),
        (CRAFTS, "as t\n", "as t\nfrom lib import clean, RATE\n"),
    ],
    "import another way": [(CRAFTS, "from lib import RATE, clean", "from lib.tables import RATE, clean")],
    "order of a set": [(TABLES, '{"a", "b", "c"}', '{"c", "b", "a"}')],
    "unrelated function": [(TABLES, "def unrelated(x):\n    return x", "def unrelated(x):\n    return -x")],
    "new function": [(TABLES, "class Model", "def more(x):\n    pass\n\n\nclass Model")],
    "unrelated class": [
        (TABLES, "class Unrelated:\n    def fit(self, x):\n        return x", "class Other:\n    pass")
    ],
    "unrelated constant": [(TABLES, "OTHER = 3", "OTHER = 4")],
    "new constant": [(TABLES, "OTHER = 3", "OTHER = 3\nMORE = [OTHER]")],
    "statement at the end": [(CRAFTS, "", "\n\nif __name__ == '__main__':\n    print(craft([1]))\n")],
    "pass": [(CRAFTS, "        total += clean", "        pass\n        total += clean")],
    "new file": [("lib/more.py", "", "def clean(x):\n    return None\n")],
}


@pytest.mark.parametrize("what", NOTHING)
def test_what_does_not_count_changes_nothing(what: str, tmp_path: Path) -> None:
    before, after, why = compared(tmp_path, FILES, edited(FILES, *NOTHING[what]))
    assert why == []
    assert before.digest == after.digest
    assert before.unfollowed == after.unfollowed == ()
