"""Each kind of code that a craft may reach: an edit of it is noticed, and named; what does not count is not."""

# ruff: noqa: E501 - files of projects, a line each

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.code.edits import compared, edited

# What is edited, the files, the edit, and what is said of it.
NOTICED: dict[str, tuple[dict[str, str], tuple[str, str, str], str]] = {
    "body": (
        {"crafts.py": "def craft(x):\n    return x + 1\n"},
        ("crafts.py", "+ 1", "+ 2"),
        "`craft` in crafts.py:1 changed",
    ),
    "type of a number": (
        {"crafts.py": "def craft(x):\n    return x + 1\n"},
        ("crafts.py", "+ 1", "+ 1.0"),
        "`craft` in crafts.py:1 changed",
    ),
    "helper in the same file": (
        {"crafts.py": "def clean(x):\n    return x\n\n\ndef craft(x):\n    return clean(x)\n"},
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "helper in another file": (
        {
            "crafts.py": "from lib.tables import clean\n\n\ndef craft(x):\n    return clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "helper of a module": (
        {
            "crafts.py": "from lib import tables\n\n\ndef craft(x):\n    return tables.clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "helper of a module by its whole name": (
        {
            "crafts.py": "import lib.tables\n\n\ndef craft(x):\n    return lib.tables.clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "helper of a module by another name": (
        {
            "crafts.py": "import lib.tables as t\n\n\ndef craft(x):\n    return t.clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "helper of a helper": (
        {
            "crafts.py": "from lib.tables import clean\n\n\ndef craft(x):\n    return clean(x)\n",
            "lib/tables.py": "from .text import strip\n\n\ndef clean(x):\n    return strip(x)\n",
            "lib/text.py": "def strip(x):\n    return x.strip()\n",
        },
        ("lib/text.py", "strip()", "rstrip()"),
        "helper `strip` in lib/text.py:1 changed",
    ),
    "star": (
        {
            "crafts.py": "from lib.tables import *\n\n\ndef craft(x):\n    return clean(x) + RATE\n",
            "lib/tables.py": "RATE = 1\n\n\ndef clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:4 changed",
    ),
    "constant through a star": (
        {
            "crafts.py": "from lib.tables import *\n\n\ndef craft(x):\n    return x + RATE\n",
            "lib/tables.py": "\n\nRATE = 1\n",
        },
        ("lib/tables.py", "1", "2"),
        "constant `RATE` in lib/tables.py:3 changed",
    ),
    "re-export": (
        {
            "crafts.py": "from lib import clean, RATE\n\n\ndef craft(x):\n    return clean(x) + RATE\n",
            "lib/__init__.py": "from .tables import clean, RATE\n",
            "lib/tables.py": "RATE = 1\n\n\ndef clean(x):\n    return x\n",
        },
        ("lib/tables.py", "RATE = 1", "RATE = 2"),
        "constant `RATE` in lib/tables.py:1 changed",
    ),
    "constant": (
        {
            "crafts.py": "from lib import config\n\n\ndef craft(x):\n    return x * config.RATE\n",
            "lib/config.py": "A = 1\n\nRATE = 1\n",
        },
        ("lib/config.py", "RATE = 1", "RATE = 2"),
        "constant `RATE` in lib/config.py:3 changed",
    ),
    "constant that is changed after it is made": (
        {"crafts.py": "RATES = {}\nfor n in range(3):\n    RATES[n] = n * 2\n\n\ndef craft(x):\n    return RATES[x]\n"},
        ("crafts.py", "* 2", "* 3"),
        "constant `RATES` in crafts.py:1 changed",
    ),
    "closure's value": (
        {
            "crafts.py": "def scale(by):\n    def inner(x):\n        return x * by\n\n    return inner\n\n\n"
            "double = scale(2)\n\n\ndef craft(x):\n    return double(x)\n"
        },
        ("crafts.py", "scale(2)", "scale(3)"),
        "helper `inner` in crafts.py:2 changed",
    ),
    "closure's body": (
        {
            "crafts.py": "def scale(by):\n    def inner(x):\n        return x * by\n\n    return inner\n\n\n"
            "double = scale(2)\n\n\ndef craft(x):\n    return double(x)\n"
        },
        ("crafts.py", "x * by", "x / by"),
        "helper `inner` in crafts.py:2 changed",
    ),
    "nested function": (
        {"crafts.py": "def craft(x):\n    def inner(y):\n        return y + 1\n\n    return inner(x)\n"},
        ("crafts.py", "y + 1", "y + 2"),
        "`craft` in crafts.py:1 changed",
    ),
    "helper of a nested function": (
        {
            "crafts.py": "def clean(x):\n    return x\n\n\ndef craft(x):\n"
            "    def inner(y):\n        return [clean(z) for z in y]\n\n    return inner(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "global in the nested function, local in the outer one": (
        {
            "crafts.py": "RATE = 1\n\n\ndef craft(x):\n    def inner(RATE):\n        return RATE\n\n    return inner(x) + RATE\n"
        },
        ("crafts.py", "RATE = 1", "RATE = 2"),
        "constant `RATE` in crafts.py:1 changed",
    ),
    "recursive function": (
        {"crafts.py": "def down(x):\n    return down(x - 1) if x else 0\n\n\ndef craft(x):\n    return down(x)\n"},
        ("crafts.py", "else 0", "else 1"),
        "helper `down` in crafts.py:1 changed",
    ),
    "functions that call each other": (
        {
            "crafts.py": "def even(x):\n    return not x or odd(x - 1)\n\n\ndef odd(x):\n    return x and even(x - 1)\n\n\n"
            "def craft(x):\n    return even(x)\n"
        },
        ("crafts.py", "x and", "bool(x) and"),
        "helper `odd` in crafts.py:5 changed",
    ),
    "method": (
        {
            "crafts.py": "from lib.model import Model\n\n\ndef craft(x):\n    return Model().fit(x)\n",
            "lib/model.py": "class Model:\n    def fit(self, x):\n        return self.helper(x)\n\n"
            "    def helper(self, x):\n        return x + 1\n",
        },
        ("lib/model.py", "x + 1", "x + 2"),
        "method `Model.helper` in lib/model.py:5 changed",
    ),
    "method of a base class": (
        {
            "crafts.py": "from lib.model import Model\n\n\ndef craft(x):\n    return Model().fit(x)\n",
            "lib/model.py": "from lib.base import Base\n\n\nclass Model(Base):\n"
            "    def fit(self, x):\n        return super().fit(x)\n",
            "lib/base.py": "class Base:\n    def fit(self, x):\n        return x + 1\n",
        },
        ("lib/base.py", "x + 1", "x + 2"),
        "method `Base.fit` in lib/base.py:2 changed",
    ),
    "class attribute": (
        {"crafts.py": "class Model:\n    rate = 1\n\n\ndef craft(x):\n    return Model.rate * x\n"},
        ("crafts.py", "rate = 1", "rate = 2"),
        "class `Model` in crafts.py:1 changed",
    ),
    "static method": (
        {
            "crafts.py": "class Model:\n    @staticmethod\n    def clean(x):\n        return x\n\n\n"
            "def craft(x):\n    return Model.clean(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "method `Model.clean` in crafts.py:3 changed",
    ),
    "class method": (
        {
            "crafts.py": "class Model:\n    @classmethod\n    def clean(cls, x):\n        return x\n\n\n"
            "def craft(x):\n    return Model.clean(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "method `Model.clean` in crafts.py:3 changed",
    ),
    "property": (
        {
            "crafts.py": "class Model:\n    @property\n    def rate(self):\n        return 1\n\n\n"
            "def craft(x):\n    return Model().rate * x\n"
        },
        ("crafts.py", "return 1", "return 2"),
        "method `Model.rate` in crafts.py:3 changed",
    ),
    "cached property": (
        {
            "crafts.py": "from functools import cached_property\n\n\nclass Model:\n    @cached_property\n"
            "    def rate(self):\n        return 1\n\n\ndef craft(x):\n    return Model().rate * x\n"
        },
        ("crafts.py", "return 1", "return 2"),
        "method `Model.rate` in crafts.py:6 changed",
    ),
    "metaclass": (
        {
            "crafts.py": "class Meta(type):\n    def __call__(cls, x):\n        return x + 1\n\n\n"
            "class Model(metaclass=Meta):\n    pass\n\n\ndef craft(x):\n    return Model(x)\n"
        },
        ("crafts.py", "x + 1", "x + 2"),
        "method `Meta.__call__` in crafts.py:2 changed",
    ),
    "descriptor": (
        {
            "crafts.py": "class Rate:\n    def __get__(self, obj, of=None):\n        return 1\n\n\n"
            "class Model:\n    rate = Rate()\n\n\ndef craft(x):\n    return Model().rate * x\n"
        },
        ("crafts.py", "return 1", "return 2"),
        "method `Rate.__get__` in crafts.py:2 changed",
    ),
    "decorator": (
        {
            "crafts.py": "from lib.deco import twice\n\n\n@twice\ndef clean(x):\n    return x\n\n\n"
            "def craft(x):\n    return clean(x)\n",
            "lib/deco.py": "import functools\n\n\ndef twice(f):\n    @functools.wraps(f)\n"
            "    def wrapper(x):\n        return f(f(x))\n\n    return wrapper\n",
        },
        ("lib/deco.py", "f(f(x))", "f(f(f(x)))"),
        "helper `wrapper` in lib/deco.py:6 changed",
    ),
    "what is decorated": (
        {
            "crafts.py": "from lib.deco import twice\n\n\n@twice\ndef clean(x):\n    return x\n\n\n"
            "def craft(x):\n    return clean(x)\n",
            "lib/deco.py": "import functools\n\n\ndef twice(f):\n    @functools.wraps(f)\n"
            "    def wrapper(x):\n        return f(f(x))\n\n    return wrapper\n",
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:5 changed",
    ),
    "argument of a decorator": (
        {
            "crafts.py": "def times(n):\n    def deco(f):\n        def wrapper(x):\n            return f(x) * n\n\n"
            "        return wrapper\n\n    return deco\n\n\n@times(2)\ndef clean(x):\n    return x\n\n\n"
            "def craft(x):\n    return clean(x)\n"
        },
        ("crafts.py", "times(2)", "times(3)"),
        "changed",
    ),
    "decorator of a class": (
        {
            "crafts.py": "def add(cls):\n    cls.rate = 1\n    return cls\n\n\n@add\nclass Model:\n    pass\n\n\n"
            "def craft(x):\n    return Model.rate * x\n"
        },
        ("crafts.py", "rate = 1", "rate = 2"),
        "helper `add` in crafts.py:1 changed",
    ),
    "cache around a helper": (
        {
            "crafts.py": "import functools\n\n\n@functools.lru_cache(maxsize=None)\ndef clean(x):\n    return x\n\n\n"
            "def craft(x):\n    return clean(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:5 changed",
    ),
    "single dispatch": (
        {
            "crafts.py": "import functools\n\n\n@functools.singledispatch\ndef clean(x):\n    return x\n\n\n"
            "@clean.register\ndef _(x: int):\n    return x + 1\n\n\ndef craft(x):\n    return clean(x)\n"
        },
        ("crafts.py", "x + 1", "x + 2"),
        "helper `_` in crafts.py:10 changed",
    ),
    "default": (
        {"crafts.py": "def clean(x, by=1):\n    return x * by\n\n\ndef craft(x):\n    return clean(x)\n"},
        ("crafts.py", "by=1", "by=2"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "default of a keyword": (
        {"crafts.py": "def clean(x, *, by=1):\n    return x * by\n\n\ndef craft(x):\n    return clean(x)\n"},
        ("crafts.py", "by=1", "by=2"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "function as default": (
        {"crafts.py": "def plus(x):\n    return x + 1\n\n\ndef craft(x, how=plus):\n    return how(x)\n"},
        ("crafts.py", "x + 1", "x + 2"),
        "helper `plus` in crafts.py:1 changed",
    ),
    "name of a parameter": (
        {"crafts.py": "def clean(x, by=1):\n    return x * by\n\n\ndef craft(x):\n    return clean(x)\n"},
        ("crafts.py", "by", "of"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "partial's argument": (
        {
            "crafts.py": "from functools import partial\n\n\ndef scale(x, by):\n    return x * by\n\n\n"
            "double = partial(scale, by=2)\n\n\ndef craft(x):\n    return double(x)\n"
        },
        ("crafts.py", "by=2", "by=3"),
        "constant `double` in crafts.py:8 changed",
    ),
    "partial's function": (
        {
            "crafts.py": "from functools import partial\n\n\ndef scale(x, by):\n    return x * by\n\n\n"
            "double = partial(scale, by=2)\n\n\ndef craft(x):\n    return double(x)\n"
        },
        ("crafts.py", "x * by", "x / by"),
        "helper `scale` in crafts.py:4 changed",
    ),
    "field of a dataclass": (
        {
            "crafts.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass Options:\n    rate: int = 1\n\n\n"
            "def craft(x):\n    return Options().rate * x\n"
        },
        ("crafts.py", "rate: int = 1", "rate: int = 2"),
        "class `Options` in crafts.py:5 changed",
    ),
    "factory of a field": (
        {
            "crafts.py": "from dataclasses import dataclass, field\n\n\ndef make():\n    return [1]\n\n\n@dataclass\n"
            "class Options:\n    rates: list = field(default_factory=make)\n\n\ndef craft(x):\n    return Options().rates\n"
        },
        ("crafts.py", "[1]", "[2]"),
        "helper `make` in crafts.py:4 changed",
    ),
    "order of fields": (
        {
            "crafts.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass Options:\n    a: int\n    b: int\n\n\n"
            "def craft(x):\n    return Options(1, 2)\n"
        },
        ("crafts.py", "a: int\n    b: int", "b: int\n    a: int"),
        "class `Options` in crafts.py:5 changed",
    ),
    "instance of a dataclass": (
        {
            "crafts.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass Options:\n    rate: int\n\n\n"
            "OPTIONS = Options(1)\n\n\ndef craft(x):\n    return OPTIONS.rate * x\n"
        },
        ("crafts.py", "Options(1)", "Options(2)"),
        "constant `OPTIONS` in crafts.py:9 changed",
    ),
    "method of an instance": (
        {
            "crafts.py": "class Cleaner:\n    def clean(self, x):\n        return x\n\n\nCLEANER = Cleaner()\n\n\n"
            "def craft(x):\n    return CLEANER.clean(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "method `Cleaner.clean` in crafts.py:2 changed",
    ),
    "bound method": (
        {
            "crafts.py": "class Cleaner:\n    def clean(self, x):\n        return x\n\n\nclean = Cleaner().clean\n\n\n"
            "def craft(x):\n    return clean(x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "method `Cleaner.clean` in crafts.py:2 changed",
    ),
    "callable instance": (
        {
            "crafts.py": "class Scale:\n    def __init__(self, by):\n        self.by = by\n\n"
            "    def __call__(self, x):\n        return x * self.by\n\n\ndouble = Scale(2)\n\n\n"
            "def craft(x):\n    return double(x)\n"
        },
        ("crafts.py", "Scale(2)", "Scale(3)"),
        "constant `double` in crafts.py:9 changed",
    ),
    "named tuple": (
        {
            "crafts.py": "from typing import NamedTuple\n\n\nclass Options(NamedTuple):\n    rate: int = 1\n\n\n"
            "def craft(x):\n    return Options().rate * x\n"
        },
        ("crafts.py", "rate: int = 1", "rate: int = 2"),
        "class `Options` in crafts.py:4 changed",
    ),
    "member of an enum": (
        {
            "crafts.py": "from enum import Enum\n\n\nclass Rate(Enum):\n    LOW = 1\n    HIGH = 2\n\n\n"
            "def craft(x):\n    return x * Rate.LOW.value\n"
        },
        ("crafts.py", "LOW = 1", "LOW = 0"),
        "class `Rate` in crafts.py:4 changed",
    ),
    "lambda": (
        {"crafts.py": "plus = lambda x: x + 1\n\n\ndef craft(x):\n    return plus(x)\n"},
        ("crafts.py", "x + 1", "x + 2"),
        "helper `<lambda>` in crafts.py:1 changed",
    ),
    "one of two lambdas in a line": (
        {"crafts.py": "HOW = {'a': lambda x: x + 1, 'b': lambda x: x}\n\n\ndef craft(x):\n    return HOW['b'](x)\n"},
        ("crafts.py", "lambda x: x}", "lambda x: -x}"),
        "helper `<lambda>` in crafts.py:1 changed",
    ),
    "function in a dict": (
        {"crafts.py": "def clean(x):\n    return x\n\n\nHOW = {'a': [clean]}\n\n\ndef craft(x):\n    return HOW['a'][0](x)\n"},
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "which function is meant": (
        {
            "crafts.py": "def one(x):\n    return 1\n\n\ndef two(x):\n    return 2\n\n\na, b = one, two\n\n\n"
            "def craft(x):\n    return a(x) - b(x)\n"
        },
        ("crafts.py", "one, two", "two, one"),
        "`craft` in crafts.py:12 uses other code under the same names",
    ),
    "which closure is meant": (
        {
            "crafts.py": "def scale(by):\n    def inner(x):\n        return x * by\n\n    return inner\n\n\n"
            "a, b = scale(2), scale(3)\n\n\ndef craft(x):\n    return a(x) - b(x)\n"
        },
        ("crafts.py", "scale(2), scale(3)", "scale(3), scale(2)"),
        "`craft` in crafts.py:11 uses other code under the same names",
    ),
    "import in a function": (
        {
            "crafts.py": "def craft(x):\n    from lib.tables import clean\n\n    return clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "import of a module in a function": (
        {
            "crafts.py": "def craft(x):\n    import lib.tables as t\n\n    return [t.clean(y) for y in x]\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "import of a dotted module in a function": (
        {
            "crafts.py": "def craft(x):\n    import lib.tables\n\n    return lib.tables.clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "relative import of a module in a function": (
        {
            "crafts.py": "from lib.steps import work\n\n\ndef craft(x):\n    return work(x)\n",
            "lib/steps.py": "def work(x):\n    from . import tables\n\n    return tables.clean(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
    "array": (
        {"crafts.py": "import numpy as np\n\nWEIGHTS = np.array([1, 2])\n\n\ndef craft(x):\n    return WEIGHTS @ x\n"},
        ("crafts.py", "[1, 2]", "[1, 3]"),
        "constant `WEIGHTS` in crafts.py:3 changed",
    ),
    "type of an array": (
        {"crafts.py": "import numpy as np\n\nWEIGHTS = np.array([1, 2])\n\n\ndef craft(x):\n    return WEIGHTS @ x\n"},
        ("crafts.py", "[1, 2]", "[1, 2.0]"),
        "constant `WEIGHTS` in crafts.py:3 changed",
    ),
    "regular expression": (
        {"crafts.py": "import re\n\nDIGIT = re.compile('[0-8]')\n\n\ndef craft(x):\n    return DIGIT.sub('', x)\n"},
        ("crafts.py", "0-8", "0-9"),
        "constant `DIGIT` in crafts.py:3 changed",
    ),
    "foreign object": (
        {
            "crafts.py": "import random\n\nDICE = random.Random(1)\n\n\ndef craft(x):\n    return DICE.random() + x\n"
        },
        ("crafts.py", "Random(1)", "Random(2)"),
        "constant `DICE` in crafts.py:3 changed",
    ),
    "constant that functions change": (
        {
            "crafts.py": "SEEN = {'a': 1}\n\n\ndef craft(x):\n    SEEN[x] = 2\n    return SEEN\n"
        },
        ("crafts.py", "'a': 1", "'a': 2"),
        "constant `SEEN` in crafts.py:1 changed",
    ),
    "registry": (
        {
            "crafts.py": "REGISTRY = {}\n\n\ndef register(f):\n    REGISTRY[f.__name__] = f\n    return f\n\n\n"
            "@register\ndef clean(x):\n    return x\n\n\ndef craft(x):\n    return REGISTRY['clean'](x)\n"
        },
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `clean` in crafts.py:10 changed",
    ),
    "generator": (
        {"crafts.py": "def rows(x):\n    yield from x\n\n\ndef craft(x):\n    return list(rows(x))\n"},
        ("crafts.py", "yield from x", "yield from x[1:]"),
        "helper `rows` in crafts.py:1 changed",
    ),
    "coroutine": (
        {"crafts.py": "async def fetch(x):\n    return x\n\n\nasync def craft(x):\n    return await fetch(x)\n"},
        ("crafts.py", "return x\n", "return -x\n"),
        "helper `fetch` in crafts.py:1 changed",
    ),
    "attribute of a function": (
        {"crafts.py": "def clean(x):\n    return x * clean.rate\n\n\nclean.rate = 1\n\n\ndef craft(x):\n    return clean(x)\n"},
        ("crafts.py", "rate = 1", "rate = 2"),
        "helper `clean` in crafts.py:1 changed",
    ),
    "name of a constant attribute that is asked for": (
        {
            "crafts.py": "from lib import tables\n\n\ndef craft(x):\n    return getattr(tables, 'clean')(x)\n",
            "lib/tables.py": "def clean(x):\n    return x\n",
        },
        ("lib/tables.py", "return x", "return -x"),
        "helper `clean` in lib/tables.py:1 changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOTICED)
def test_an_edit_is_noticed_and_named(what: str, tmp_path: Path) -> None:
    files, edit, said = NOTICED[what]
    before, after, why = compared(tmp_path, files, edited(files, edit))
    assert before.digest != after.digest
    assert any(sentence.endswith(said) for sentence in why), why
    assert [sentence for sentence in why if "is new" in sentence or "not used" in sentence] == []


@pytest.mark.parametrize("what", NOTICED)
def test_the_same_code_is_the_same_in_another_folder(what: str, tmp_path: Path) -> None:
    files = NOTICED[what][0]
    before, after, why = compared(tmp_path, files, files)
    assert (before.digest, before.parts, why) == (after.digest, after.parts, [])
