"""Code that is reached in a roundabout way: an edit of it is noticed, or the plan names what is not followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.code.edits import Files, compared, edited, read

HELPER = "def helper(x):\n    return x + 1\n"
OF_HELPER = "lib/h.py", "x + 1", "x + 2"


def project(craft: str, above: str = "", **more: str) -> Files:
    """Return the files of a project with a helper, and one craft."""
    return {"lib/h.py": HELPER, "crafts.py": f"{above}\ndef craft(x):\n    {craft}\n", **more}


def craft_line(above: str) -> int:
    """Return where the craft begins."""
    return above.count("\n") + 2


NOTICED = {
    "order of a dict of functions": (
        project("return [f(x) for f in T.values()]", "from lib.h import helper\nT = {'a': helper, 'b': repr}\n"),
        ("crafts.py", "'a': helper, 'b': repr", "'b': repr, 'a': helper"),
    ),
    "alias of a generic class": (
        project(
            "return A().go()",
            "from typing import Generic, TypeVar\nfrom lib.h import helper\nT = TypeVar('T')\n"
            "class K(Generic[T]):\n    def go(self):\n        return helper(1)\nA = K[int]\n",
        ),
        OF_HELPER,
    ),
    "bound of a type variable": (
        project(
            "return T.__bound__(x)",
            "from typing import TypeVar\nclass K:\n    def __init__(self, x):\n        self.x = x + 1\n"
            "T = TypeVar('T', bound=K)\n",
        ),
        ("crafts.py", "x + 1", "x + 2"),
    ),
    "class that make_dataclass made": (
        project("return D().a", "import dataclasses\nD = dataclasses.make_dataclass('D', [('a', int, 1)])\n"),
        ("crafts.py", "int, 1", "int, 2"),
    ),
    "the same in another file": (
        {
            "crafts.py": "from lib.d import D\ndef craft(x):\n    return D().a\n",
            "lib/d.py": "import dataclasses\nfrom lib.h import helper\n"
            "D = dataclasses.make_dataclass('D', [('a', int, helper(1))])\n",
            "lib/h.py": HELPER,
        },
        OF_HELPER,
    ),
    "universal function that was made": (
        project(
            "return U(x)", "import numpy as np\nfrom lib.h import helper\nU = np.frompyfunc(helper, 1, 1)\n"
        ),
        OF_HELPER,
    ),
    "order of categories": (
        project(
            "return T",
            "import pandas as pd\nT = pd.Series(['a'], dtype=pd.CategoricalDtype(['a', 'b'], ordered=True))\n",
        ),
        ("crafts.py", "['a', 'b']", "['b', 'a']"),
    ),
    "function that exec made": (
        project("return g(x)", "made = {}\nexec('def g(x):\\n    return x + 1', made)\ng = made['g']\n"),
        ("crafts.py", "x + 1", "x + 2"),
    ),
    "class that is asked for a name that is computed": (
        project(
            "return getattr(K, 'g' + 'o')(x)",
            "from lib.h import helper\nclass K:\n    @staticmethod\n    def go(x):\n        return helper(x)\n",
        ),
        OF_HELPER,
    ),
    "length of a deque": (
        project("return list(T)", "from collections import deque\nT = deque([1], maxlen=3)\n"),
        ("crafts.py", "maxlen=3", "maxlen=4"),
    ),
    "attributes of a table": (
        project("return T.attrs", "import pandas as pd\nT = pd.DataFrame({'a': [1]})\nT.attrs['unit'] = 'cm'\n"),
        ("crafts.py", "'cm'", "'mm'"),
    ),
    "what a decorator wraps and does not call": (
        project(
            "return f.__wrapped__(x)",
            "import functools\nfrom lib.h import helper\ndef quiet(g):\n    @functools.wraps(g)\n    def no(x):\n"
            "        return 0\n    return no\n@quiet\ndef f(x):\n    return helper(x)\n",
        ),
        OF_HELPER,
    ),
    "class that is asked whether it has a name": (
        project("return hasattr(K, 'go')", "class K:\n    def go(self):\n        return 1\n"),
        ("crafts.py", "def go", "def come"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOTICED)
def test_an_edit_of_it_is_noticed(what: str, tmp_path: Path) -> None:
    files, edit = NOTICED[what]
    before, after, why = compared(tmp_path, files, edited(files, edit))
    assert before.digest != after.digest
    assert why


NAMED = {
    "import_module by another name": ("im", "from importlib import import_module as im\n", "return im('lib.h')"),
    "importlib by another name": ("il.import_module", "import importlib as il\n", "return il.import_module('lib.h')"),
    "a module of a file": (
        "importlib.util.spec_from_file_location",
        "import importlib.util\n",
        "return importlib.util.spec_from_file_location('h', 'lib/h.py')",
    ),
    "the same, imported where it is used": (
        "importlib.util.module_from_spec",
        "",
        "import importlib.util\n    return importlib.util.module_from_spec(x)",
    ),
    "resolve_name": ("pkgutil.resolve_name", "", "import pkgutil\n    return pkgutil.resolve_name('lib.h:helper')"),
    "sys.modules by get": ("sys.modules.get", "import sys\n", "return sys.modules.get('lib.h')"),
    "sys.modules by another name": ("modules", "from sys import modules\n", "return modules['lib.h']"),
    "eval by another name": ("eval", "", "ask = eval\n    return ask('helper(x)')"),
    "a program": ("check_output", "from subprocess import check_output\n", "return check_output(['lib/h.py'])"),
    "a program, imported where it is used": ("subprocess.run", "", "import subprocess as sp\n    return sp.run(x)"),
    "a program in place of this one": ("os.execv", "import os\n", "return os.execv('lib/h.py', [])"),
    "a program beside": ("os.spawnlp", "import os\n", "return os.spawnlp(os.P_WAIT, 'lib/h.py')"),
    "a program of asyncio": (
        "asyncio.create_subprocess_exec",
        "import asyncio\n",
        "return asyncio.create_subprocess_exec('lib/h.py')",
    ),
    "a library of C": ("CDLL", "from ctypes import CDLL\n", "return CDLL('lib/h.so')"),
}  # fmt: skip


@pytest.mark.parametrize("what", NAMED)
def test_what_reaches_code_by_itself_is_named(what: str, tmp_path: Path) -> None:
    name, above, craft = NAMED[what]
    said = read(tmp_path, project(craft, above)).unfollowed
    assert said == (f"what `{name}` in crafts.py:{craft_line(above)} reaches is not followed",)


ENVIRONMENT = {
    "by item": ("os.environ", "import os\n", "return os.environ['RATE']"),
    "by get": ("os.environ.get", "import os\n", "return os.environ.get('RATE')"),
    "by getenv": ("os.getenv", "import os\n", "return os.getenv('RATE')"),
    "by another name": ("e.get", "from os import environ as e\n", "return e.get('RATE')"),
    "imported where it is used": ("os.getenv", "", "from os import getenv\n    return getenv('RATE')"),
    "by its module, imported there": ("os.environ.get", "", "import os\n    return os.environ.get('RATE')"),
}


@pytest.mark.parametrize("what", ENVIRONMENT)
def test_what_is_read_of_the_environment_is_named(what: str, tmp_path: Path) -> None:
    name, above, craft = ENVIRONMENT[what]
    said = read(tmp_path, project(craft, above)).unfollowed
    assert said == (f"what `{name}` in crafts.py:{craft_line(above)} reads is not followed",)


def test_what_a_constant_took_of_the_environment_is_followed_by_its_value(tmp_path: Path) -> None:
    said = read(tmp_path, project("return RATE", "import os\nRATE = os.environ.get('RATE', '1')\n")).unfollowed
    assert said == ()


def test_a_call_that_its_text_names_already_is_named_once(tmp_path: Path) -> None:
    said = read(tmp_path, project("return eval('x') + sys.modules['lib.h'].y", "import sys\n")).unfollowed
    assert said == ("eval('x') in crafts.py:4 is not followed", "sys.modules['lib.h'] in crafts.py:4 is not followed")


def test_the_subclasses_that_there_are_are_named_as_not_followed(tmp_path: Path) -> None:
    said = read(tmp_path, project("return K.__subclasses__()", "class K:\n    pass\n")).unfollowed
    assert said == ("K.__subclasses__() in crafts.py:5 is not followed",)


SETTINGS = {
    "of the session": ("Session.get_session().settings", "return Session.get_session().settings['rate']"),
    "by the alias": ("Session.get_active_session().settings", "return Session.get_active_session().settings.get('x')"),
    "pipelines": (
        "Session.get_session().pipelines_definitions",
        "return Session.get_session().pipelines_definitions['prepare']()",
    ),
    "of a local name": ("sess.settings", "sess = Session.get_session()\n    return sess.settings['a']['b']"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_and_pipelines_that_a_craft_asks_for_are_named_as_not_followed(what: str, tmp_path: Path) -> None:
    name, craft = SETTINGS[what]
    said = read(tmp_path, project(craft, "from elliptio.pipelines import Session\n")).unfollowed
    line = 3 + craft.count("\n") + 1
    assert [each for each in said if "editable" not in each] == [f"{name} in crafts.py:{line} is not followed"]


def test_settings_of_an_object_that_is_followed_are_none(tmp_path: Path) -> None:
    above = "import types\nCONF = types.SimpleNamespace(settings={'a': 1})\n"
    assert read(tmp_path, project("return CONF.settings['a']", above)).unfollowed == ()
