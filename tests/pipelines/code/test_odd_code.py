"""Code that is written in odd ways: an edit of it is noticed, or the plan names what is not followed."""

# ruff: noqa: E501 - files of projects, a line each

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.code.edits import compared, edited, read

C, L = "crafts.py", "lib/tables.py"
ODD: dict[str, tuple[dict[str, str], tuple[str, str, str], str]] = {}


def h(name, files, edit, expect="noticed"):
    """Add a case."""
    ODD[name] = ({C: files} if isinstance(files, str) else files), edit, expect


CLEAN = "def clean(x):\n    return x + 1\n\n\n"
E1 = (C, "x + 1", "x + 2")


def c(body, pre=""):
    return CLEAN + pre + "def craft(x):\n" + "".join("    " + line + "\n" for line in body.split("\n"))


h(
    "match",
    c(
        "match x:\n    case {'a': a, **rest}:\n        return clean(a)\n    case [b, *more] | (b, more):\n        return clean(b)\n    case str() as s:\n        return s"
    ),
    E1,
)
h("walrus", c("return [y := clean(v) for v in x], y"), E1)
h("class in function", c("class A:\n    def go(self):\n        return clean(x)\nreturn A().go()"), E1)
h(
    "class in function base",
    CLEAN.replace("clean(x)", "f(x)")
    + "class B:\n    k = 1\n\ndef craft(x):\n    class A(B):\n        pass\n    return A\n",
    (C, "k = 1", "k = 2"),
)
h(
    "post init",
    c(
        "return D(x)",
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\n    def __post_init__(self):\n        self.a = clean(self.a)\n\n",
    ),
    E1,
)
h(
    "field metadata",
    c(
        "return D(x)",
        "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    a: int = field(default=1, metadata={'k': clean})\n\n",
    ),
    E1,
)
h(
    "enum missing",
    c(
        "return E(x)",
        "import enum\nclass E(enum.Enum):\n    A = 1\n    @classmethod\n    def _missing_(cls, v):\n        return cls(clean(v))\n\n",
    ),
    E1,
)
h(
    "enum method",
    c(
        "return E.A.go(x)",
        "import enum\nclass E(enum.Enum):\n    A = 1\n    def go(self, v):\n        return clean(v)\n\n",
    ),
    E1,
)
h(
    "flag constant",
    c("return F", "import enum\nclass K(enum.Flag):\n    A = 1\n    B = 2\n    C = 4\nF = K.A | K.B\n\n"),
    (C, "K.A | K.B", "K.A | K.C"),
)
h(
    "partialmethod",
    c(
        "return A().two(x)",
        "from functools import partialmethod\nclass A:\n    def one(self, x, by):\n        return x * by\n    two = partialmethod(one, by=2)\n\n",
    ),
    (C, "by=2", "by=3"),
)
h(
    "singledispatchmethod",
    c(
        "return A().go(x)",
        "from functools import singledispatchmethod\nclass A:\n    @singledispatchmethod\n    def go(self, x):\n        return x\n    @go.register\n    def _(self, x: int):\n        return clean(x)\n\n",
    ),
    E1,
)
h(
    "methodcaller",
    c("return M(x)", "from operator import methodcaller\nM = methodcaller('strip', 'a')\n\n"),
    (C, "'a'", "'b'"),
)
h(
    "contextmanager",
    c(
        "with cm(x) as y:\n    return y",
        "from contextlib import contextmanager\n@contextmanager\ndef cm(x):\n    yield clean(x)\n\n",
    ),
    E1,
)
h(
    "set_name descriptor",
    c(
        "return A().d",
        "class D:\n    def __set_name__(self, owner, name):\n        self.name = name\n    def __get__(self, o, t=None):\n        return clean(1)\nclass A:\n    d = D()\n\n",
    ),
    E1,
)
h(
    "module getattr",
    {
        C: "from lib import tables\ndef craft(x):\n    return tables.magic(x)\n",
        L: "def real(x):\n    return x + 1\ndef __getattr__(name):\n    return {'magic': real}[name]\n",
    },
    (L, "x + 1", "x + 2"),
)
h(
    "module alias",
    {C: "import lib.tables\ntt = lib.tables\ndef craft(x):\n    return tt.clean(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
)
h(
    "submodule by attribute",
    {C: "import lib\nimport lib.tables\ndef craft(x):\n    return lib.tables.clean(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
)
h(
    "lazy from package module",
    {C: "def craft(x):\n    from lib import tables\n    return tables.clean(x)\n", L: CLEAN, "lib/__init__.py": ""},
    (L, "x + 1", "x + 2"),
)
h(
    "lazy in nested",
    {
        C: "def craft(x):\n    import lib.tables as t\n    def inner(y):\n        return t.clean(y)\n    return inner(x)\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
)
h(
    "lazy in inner only",
    {
        C: "def craft(x):\n    def inner(y):\n        from lib.tables import clean as k\n        return k(y)\n    return inner(x)\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
)
h(
    "lazy in try",
    {
        C: "def craft(x):\n    try:\n        from lib.fast import clean\n    except ImportError:\n        from lib.tables import clean\n    return clean(x)\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
)
h(
    "conditional def taken",
    "import sys\nif sys:\n    def clean(x):\n        return x + 1\nelse:\n    def clean(x):\n        return x + 9\ndef craft(x):\n    return clean(x)\n",
    E1,
)
h(
    "conditional def not taken",
    "import sys\nif sys:\n    def clean(x):\n        return x + 1\nelse:\n    def clean(x):\n        return x + 9\ndef craft(x):\n    return clean(x)\n",
    (C, "x + 9", "x + 8"),
    "nothing",
)
h(
    "redefined first",
    "def clean(x):\n    return x + 9\ndef clean(x):\n    return x + 1\ndef craft(x):\n    return clean(x)\n",
    (C, "x + 9", "x + 8"),
    "nothing",
)
h(
    "redefined last",
    "def clean(x):\n    return x + 9\ndef clean(x):\n    return x + 1\ndef craft(x):\n    return clean(x)\n",
    E1,
)
h("lambda default", c("return f(x)", "f = lambda x, k=clean: k(x)\n"), E1)
h("lambda default value", c("return f(x)", "f = lambda x, k=7: k\n"), (C, "k=7", "k=8"))
h("class comprehension", c("return A.v", "class A:\n    n = 3\n    v = [clean(i) for i in range(n)]\n\n"), E1)
h("counter", "N = 5\ndef craft(x):\n    global N\n    N += 1\n    return N\n", (C, "N = 5", "N = 6"))
h(
    "decorator class",
    c(
        "return k(x)",
        "class deco:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, x):\n        return self.f(x) * 2\n@deco\ndef k(x):\n    return clean(x)\n\n",
    ),
    E1,
)
h(
    "decorator class call",
    c(
        "return k(x)",
        "class deco:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, x):\n        return self.f(x) * 2\n@deco\ndef k(x):\n    return clean(x)\n\n",
    ),
    (C, "* 2", "* 3"),
)
h(
    "decorated method",
    c(
        "return A().go(x)",
        "def deco(f):\n    def w(*a):\n        return f(*a)\n    return w\nclass A:\n    @deco\n    def go(self, x):\n        return clean(x)\n\n",
    ),
    E1,
)
h("property by lambda", c("return A().p", "class A:\n    p = property(lambda self: clean(1))\n\n"), E1)
h("staticmethod of helper", c("return A().p(x)", "class A:\n    p = staticmethod(clean)\n\n"), E1)
h("function as class attribute", c("return A.p(x)", "class A:\n    p = clean\n\n"), E1)
h(
    "base from call",
    "def make(k):\n    class Base:\n        rate = k\n        def go(self, x):\n            return x * self.rate\n    return Base\nclass A(make(2)):\n    pass\ndef craft(x):\n    return A().go(x)\n",
    (C, "make(2)", "make(3)"),
)
h(
    "type()",
    "def fit(self, x):\n    return x + 1\nModel = type('Model', (), {'fit': fit, 'k': 3})\ndef craft(x):\n    return Model().fit(x)\n",
    E1,
)
h(
    "type() attribute",
    "Model = type('Model', (), {'k': 3})\ndef craft(x):\n    return Model().k\n",
    (C, "'k': 3", "'k': 4"),
)
h(
    "namedtuple defaults",
    "from collections import namedtuple\nP = namedtuple('P', 'a b', defaults=[1])\ndef craft(x):\n    return P(x)\n",
    (C, "[1]", "[2]"),
)
h(
    "namedtuple instance",
    "from collections import namedtuple\nP = namedtuple('P', 'a b')\nQ = P(1, 2)\ndef craft(x):\n    return Q\n",
    (C, "P(1, 2)", "P(1, 3)"),
)
h("exec function", "exec('def clean(x):\\n    return x + 1')\ndef craft(x):\n    return clean(x)\n", E1)
h("eval", c("return eval('clean')(x)"), E1, "named")
h("globals", c("return globals()['clean'](x)"), E1, "named")
h(
    "import_module",
    {C: "import importlib\ndef craft(x):\n    return importlib.import_module('lib.tables').clean(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
    "named",
)
h(
    "import_module by from",
    {
        C: "from importlib import import_module\ndef craft(x):\n    return import_module('lib.' + 'tables').clean(x)\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
    "named",
)
h(
    "__import__",
    {C: "def craft(x):\n    return __import__('lib.tables').tables.clean(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
    "named",
)
T = {C: "from lib import tables\nimport lib.tables\nimport sys\ndef craft(x):\n    %s\n", L: CLEAN}


def t(name, body, expect="named"):
    h(name, {C: T[C] % body, L: CLEAN}, (L, "x + 1", "x + 2"), expect)


t("getattr computed", "return getattr(tables, 'cl' + 'ean')(x)")
t("getattr computed dotted", "return getattr(lib.tables, x)(x)")
t("getattr constant dotted", "return getattr(lib.tables, 'clean')(x)", "noticed")
t("sys.modules", "return sys.modules['lib.tables'].clean(x)")
t("vars", "return vars(tables)['clean'](x)")
t("__dict__", "return tables.__dict__['clean'](x)")
t("module as argument", "return sorted([tables])[0].clean(x)")
t("module in local", "t = tables\n    return t.clean(x)")
t("with module as default", "f = lambda t=tables: t.clean(x)\n    return f()")
h(
    "module global list",
    {C: "from lib import tables\nMODS = [tables]\ndef craft(x):\n    return MODS[0].clean(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
    "named",
)
h("list of helpers", c("return H[0](x)", "H = [clean, len]\n"), E1)
h(
    "instances with lambdas",
    c(
        "return H['a'].f(x)",
        "class A:\n    def __init__(self, f):\n        self.f = f\nH = {'a': A(lambda x: clean(x))}\n",
    ),
    E1,
)
h(
    "slots",
    "class A:\n    __slots__ = ('k',)\n    def __init__(self, k):\n        self.k = k\nS = A(1)\ndef craft(x):\n    return S.k\n",
    (C, "A(1)", "A(2)"),
)
h(
    "stateful instance",
    "class A:\n    def __init__(self, k):\n        self.k = k\n    def go(self):\n        self.k += 1\n        return self.k\nS = A(1)\ndef craft(x):\n    return S.go()\n",
    (C, "A(1)", "A(2)"),
)
h(
    "frame",
    "import pandas as pd\nT = pd.DataFrame({'a': [1, 2], 'b': ['x', None]})\ndef craft(x):\n    return T\n",
    (C, "'x'", "'y'"),
)
h(
    "frame index",
    "import pandas as pd\nT = pd.DataFrame({'a': [1, 2]}, index=['u', 'v'])\ndef craft(x):\n    return T\n",
    (C, "'v'", "'w'"),
)
h(
    "series tz",
    "import pandas as pd\nT = pd.Series(pd.to_datetime(['2020-01-01'], utc=True))\ndef craft(x):\n    return T\n",
    (C, "01-01", "01-02"),
)
h(
    "categorical",
    "import pandas as pd\nT = pd.Categorical(['a', 'b'])\ndef craft(x):\n    return T\n",
    (C, "'b'", "'c'"),
)
h(
    "object array",
    "import numpy as np\nT = np.array([1, 'a', None], dtype=object)\ndef craft(x):\n    return T\n",
    (C, "'a'", "'b'"),
)
h("float32", "import numpy as np\nT = np.float32(1)\ndef craft(x):\n    return T\n", (C, "float32", "float64"))
h(
    "generator",
    "import numpy as np\nT = np.random.default_rng(1)\ndef craft(x):\n    return T.random()\n",
    (C, "(1)", "(2)"),
)
h(
    "structured",
    "import numpy as np\nT = np.array([(1, 2)], dtype=[('a', int), ('b', int)])\ndef craft(x):\n    return T\n",
    (C, "'b'", "'c'"),
)
h("nan vs none", "T = [float('nan')]\ndef craft(x):\n    return T\n", (C, "float('nan')", "None"))
h(
    "datetime",
    "import datetime as dt\nT = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)\ndef craft(x):\n    return T\n",
    (C, "2020", "2021"),
)
h("decimal", "from decimal import Decimal\nT = Decimal('1.0')\ndef craft(x):\n    return T\n", (C, "1.0", "1.00"))
h(
    "path",
    "from pathlib import Path\nT = Path(__file__).parent / 'a.csv'\ndef craft(x):\n    return T\n",
    (C, "a.csv", "b.csv"),
)
h(
    "path text",
    "import os\nT = os.path.join(os.path.dirname(__file__), 'a.csv')\ndef craft(x):\n    return T\n",
    (C, "a.csv", "b.csv"),
)
h(
    "circular imports",
    {
        C: "from lib import tables\ndef craft(x):\n    return tables.a(x)\n",
        L: "import lib.other\ndef a(x):\n    return lib.other.b(x)\n",
        "lib/other.py": "import lib.tables\ndef b(x):\n    return lib.tables.a(x) + 1\n",
    },
    ("lib/other.py", "+ 1", "+ 2"),
)
h("cyclic constant", "T = [1]\nT.append(T)\ndef craft(x):\n    return T\n", (C, "[1]", "[2]"))
h("deep constant", "T = [1]\nfor _ in range(5000):\n    T = [T]\ndef craft(x):\n    return T\n", (C, "[1]", "[2]"))
h(
    "lock in closure",
    "import threading\ndef make(k):\n    lock = threading.Lock()\n    def go(x):\n        with lock:\n            return x * k\n    return go\nf = make(2)\ndef craft(x):\n    return f(x)\n",
    (C, "make(2)", "make(3)"),
)
h(
    "replaced defaults",
    "def clean(x, k=1):\n    return k\nclean.__defaults__ = (5,)\ndef craft(x):\n    return clean(x)\n",
    (C, "(5,)", "(6,)"),
)
h("replaced code", c("return other(x)", "def other(x):\n    return 0\nother.__code__ = clean.__code__\n"), E1)
h(
    "monkeypatch",
    {
        C: "from lib import tables\ndef mine(x):\n    return x + 1\ntables.clean = mine\ndef craft(x):\n    return tables.go(x)\n",
        L: "def clean(x):\n    return 0\ndef go(x):\n    return clean(x)\n",
    },
    E1,
)
h(
    "two stars",
    {
        C: "from lib.tables import *\nfrom lib.other import *\ndef craft(x):\n    return RATE\n",
        L: "RATE = 1\n",
        "lib/other.py": "RATE = 2\n",
    },
    ("lib/other.py", "2", "3"),
)
h(
    "two stars shadowed",
    {
        C: "from lib.tables import *\nfrom lib.other import *\ndef craft(x):\n    return RATE\n",
        L: "RATE = 1\n",
        "lib/other.py": "RATE = 2\n",
    },
    (L, "1", "7"),
    "nothing",
)
h(
    "init_subclass",
    c(
        "return A.k",
        "class B:\n    def __init_subclass__(cls, n, **k):\n        cls.k = clean(n)\nclass A(B, n=1):\n    pass\n\n",
    ),
    E1,
)
h(
    "init_subclass keyword",
    "class B:\n    def __init_subclass__(cls, n, **k):\n        cls.k = lambda s: n\nclass A(B, n=1):\n    pass\ndef craft(x):\n    return A().k()\n",
    (C, "n=1", "n=2"),
)
h("class getitem", c("return A[1]", "class A:\n    def __class_getitem__(cls, n):\n        return clean(n)\n\n"), E1)
h(
    "generic abc",
    c(
        "return A().go(x)",
        "from abc import ABC, abstractmethod\nfrom typing import Generic, TypeVar\nT = TypeVar('T')\nclass B(ABC, Generic[T]):\n    @abstractmethod\n    def go(self, x: T) -> T: ...\nclass A(B[int]):\n    def go(self, x):\n        return clean(x)\n\n",
    ),
    E1,
)
h("vectorize", c("return v(x)", "import numpy as np\n@np.vectorize\ndef v(x):\n    return clean(x)\n\n"), E1)
h(
    "vectorize body",
    "import numpy as np\n@np.vectorize\ndef v(x):\n    return x + 1\n\ndef craft(x):\n    return v(x)\n",
    E1,
)
h(
    "cache on method",
    c(
        "return A().go(x)",
        "from functools import cache\nclass A:\n    @cache\n    def go(self, x):\n        return clean(x)\n\n",
    ),
    E1,
)
h("fstring", "RATE = 1\ndef craft(x):\n    return f'{RATE:>{x}}'\n", (C, "RATE = 1", "RATE = 2"))
h("fstring text", "def craft(x):\n    return f'a{x}b'\n", (C, "a{x}b", "a{x}c"))
h("shadowed builtin", "def len(x):\n    return 1\ndef craft(x):\n    return len(x)\n", (C, "return 1", "return 2"))
h(
    "computed constant",
    {
        C: "from lib.tables import RATE\ndef craft(x):\n    return RATE\n",
        L: "def make():\n    return 3\nRATE = make()\n",
    },
    (L, "return 3", "return 4"),
)
h("long sum", "def craft(x):\n    return " + " + ".join(["x"] * 900) + " + 1\n", (C, "x + 1", "x + 2"))
h(
    "deep ifs",
    "def craft(x):\n" + "".join("    " + " " * i + f"if x > {i}:\n" for i in range(90)) + " " * 94 + "return 1\n",
    (C, "return 1", "return 2"),
)
h("reduce", c("from functools import reduce\nreturn reduce(lambda a, b: clean(a), x)"), E1)
h("starred and kwargs", c("return max(*map(clean, x), **{'key': clean})"), E1)
h("try star", c("try:\n    x = clean(x)\nexcept* ValueError as group:\n    x = group\nreturn x"), E1)
h("with nested names", c("with open(x) as f, open(x) as g:\n    return clean(f.read() + g.read())"), E1)
h(
    "decorator order",
    "def a(f):\n    return lambda x: f(x) + 1\ndef b(f):\n    return lambda x: f(x) * 2\n@a\n@b\ndef k(x):\n    return x\ndef craft(x):\n    return k(x)\n",
    (C, "@a\n@b", "@b\n@a"),
)
h(
    "same factory stacked",
    "def a(n):\n    def d(f):\n        return lambda x: f(x) * n\n    return d\n@a(2)\n@a(3)\ndef k(x):\n    return x\ndef craft(x):\n    return k(x)\n",
    (C, "@a(2)\n@a(3)", "@a(3)\n@a(2)"),
)
h(
    "private names",
    c(
        "return A().go(x)",
        "class A:\n    def __help(self, x):\n        return clean(x)\n    def go(self, x):\n        return self.__help(x)\n\n",
    ),
    E1,
)
h(
    "class variable of base via instance",
    {
        C: "from lib.tables import A\nOBJ = A()\ndef craft(x):\n    return OBJ.rate\n",
        L: "class B:\n    rate = 1\nclass A(B):\n    pass\n",
    },
    (L, "rate = 1", "rate = 2"),
)
h("nested class", "class A:\n    class B:\n        k = 1\ndef craft(x):\n    return A.B.k\n", (C, "k = 1", "k = 2"))
h("dict subclass", "class D(dict):\n    pass\nT = D(a=1)\ndef craft(x):\n    return T\n", (C, "a=1", "a=2"))
h("int subclass", "class D(int):\n    pass\nT = D(1)\ndef craft(x):\n    return T\n", (C, "D(1)", "D(2)"))
h("exception class", c("raise E(x)", "class E(Exception):\n    def __str__(self):\n        return clean(1)\n\n"), E1)
h(
    "compiled template",
    "from string import Template\nT = Template('a $x')\ndef craft(x):\n    return T\n",
    (C, "a $x", "b $x"),
)
h("chained assign", "A = B = 1\ndef craft(x):\n    return B\n", (C, "= 1", "= 2"))
h("tuple unpack", "A, (B, *D) = 1, (2, 3)\ndef craft(x):\n    return D\n", (C, "(2, 3)", "(2, 4)"))
h("bare annotation global", "A: int = 1\ndef craft(x):\n    return A\n", (C, "= 1", "= 2"))
h("async comp", c("async def g():\n    return [clean(i) async for i in x if await i]\nreturn g"), E1)
h(
    "nonlocal",
    "def craft(x):\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    up()\n    return n\n",
    (C, "n += 1", "n += 2"),
)
h(
    "nonlocal renamed2",
    "def craft(x):\n    qq = 0\n    def up():\n        nonlocal qq\n        qq += 1\n    up()\n    return qq\n",
    (C, "qq", "mm"),
    "nothing",
)
h("locals()", "def craft(x):\n    total = 1\n    return locals()\n", (C, "total", "amount"))
h(
    "subprocess",
    "import subprocess\ndef craft(x):\n    return subprocess.run(['Rscript', 'x.R'])\n",
    (C, "", "# c\n"),
    "named",
)
h("undefined", "def craft(x):\n    return later(x)\n", (C, "", "# c\n"), "named")
h(
    "dynamic default factory",
    "from collections import defaultdict\ndef f():\n    return 1\nT = defaultdict(f)\ndef craft(x):\n    return T[x]\n",
    (C, "return 1", "return 2"),
)
h(
    "mutable registry memo",
    "M = {}\ndef clean(x):\n    if x not in M:\n        M[x] = x + 1\n    return M[x]\ndef craft(x):\n    return clean(x)\n",
    E1,
)
h(
    "two same line lambdas other",
    "a, b = (lambda x: x + 1), (lambda x: x * 2)\ndef craft(x):\n    return a(x)\n",
    (C, "x + 1", "x + 2"),
)
h("bound builtin", "T = ['a'].index\ndef craft(x):\n    return T(x)\n", (C, "['a']", "['b']"))
h(
    "foreign partial",
    "from functools import partial\nimport json\nd = partial(json.dumps, indent=1)\ndef craft(x):\n    return d(x)\n",
    (C, "indent=1", "indent=2"),
)
h("range", "R = range(3)\ndef craft(x):\n    return list(R)\n", (C, "range(3)", "range(4)"))
h("slice", "R = slice(3)\ndef craft(x):\n    return x[R]\n", (C, "slice(3)", "slice(4)"))
h(
    "type alias class list",
    "KINDS = (int, str)\ndef craft(x):\n    return isinstance(x, KINDS)\n",
    (C, "(int, str)", "(int, float)"),
)
h("dtype", "import numpy as np\nD = np.dtype('int32')\ndef craft(x):\n    return D\n", (C, "int32", "int64"))
h(
    "dtype class",
    "import numpy as np\nD = {'a': np.int32, 'b': np.sum}\ndef craft(x):\n    return D\n",
    (C, "np.int32", "np.int64"),
)
h(
    "estimator",
    "from sklearn.linear_model import Ridge\nM = Ridge(alpha=1)\ndef craft(x):\n    return M.fit(x)\n",
    (C, "alpha=1", "alpha=2"),
)
h(
    "estimator attr",
    "from sklearn.linear_model import Ridge\nM = Ridge()\nM.alpha = 1\ndef craft(x):\n    return M.fit(x)\n",
    (C, "alpha = 1", "alpha = 2"),
)
h(
    "estimator class",
    {
        C: "from lib.tables import T\nfrom sklearn.pipeline import make_pipeline\nP = make_pipeline(T())\ndef craft(x):\n    return P.fit(x)\n",
        L: "from sklearn.base import BaseEstimator, TransformerMixin\nclass T(BaseEstimator, TransformerMixin):\n    def fit(self, X, y=None):\n        return self\n    def transform(self, X):\n        return X + 1\n",
    },
    (L, "X + 1", "X + 2"),
)
h("logger", c("LOG.info('x')\nreturn clean(x)", "import logging\nLOG = logging.getLogger(__name__)\n"), E1)


h(
    "modules swapped",
    {
        C: "import lib.a as p, lib.b as q\ndef craft(x):\n    return p.clean(q.clean(x))\n",
        "lib/a.py": "def clean(x):\n    return 1\n",
        "lib/b.py": "def clean(x):\n    return 2\n",
    },
    (C, "lib.a as p, lib.b as q", "lib.b as p, lib.a as q"),
)
h(
    "attribute of module via class body",
    {
        C: "from lib import tables\nclass A:\n    rate = tables.RATE\n    def go(self):\n        return self.rate\ndef craft(x):\n    return A().go()\n",
        L: "RATE = [1]\n",
    },
    (L, "[1]", "[2]"),
)
h("instance attr function", c("return A().f(x)", "class A:\n    def __init__(self):\n        self.f = clean\n\n"), E1)
h("global in default of nested", c("def g(y=clean(1)):\n    return y\nreturn g()"), E1)
h(
    "decorator in nested",
    c("@deco\ndef g(y):\n    return y\nreturn g(x)", "def deco(f):\n    return lambda y: clean(f(y))\n"),
    E1,
)
h("lambda in comprehension", c("return [(lambda v: clean(v))(i) for i in x]"), E1)
h("genexp in call in nested class", c("class A:\n    v = tuple(clean(i) for i in (1, 2))\nreturn A.v"), E1)
h(
    "conditional import",
    {
        C: "try:\n    from lib.fast import clean\nexcept ImportError:\n    from lib.tables import clean\ndef craft(x):\n    return clean(x)\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
)
h(
    "renamed import",
    {C: "from lib.tables import clean as c2\ndef craft(x):\n    return c2(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
)
h(
    "constant renamed import",
    {C: "from lib.tables import RATE as R\ndef craft(x):\n    return R\n", L: "RATE = 5\n"},
    (L, "5", "6"),
)
h(
    "three level reexport",
    {
        C: "from lib import RATE as R\ndef craft(x):\n    return R\n",
        "lib/__init__.py": "from .sub import *\n",
        "lib/sub/__init__.py": "from .tables import RATE\n__all__ = ['RATE']\n",
        "lib/sub/tables.py": "RATE = 5\n",
    },
    ("lib/sub/tables.py", "5", "6"),
)
h(
    "parent relative",
    {
        C: "from lib.sub.work import go\ndef craft(x):\n    return go(x)\n",
        "lib/__init__.py": "",
        "lib/tables.py": CLEAN,
        "lib/sub/__init__.py": "",
        "lib/sub/work.py": "def go(x):\n    from ..tables import clean\n    return clean(x)\n",
    },
    (L, "x + 1", "x + 2"),
)
h(
    "constant value by env of expression",
    "import math\nR = math.sqrt(2)\ndef craft(x):\n    return R\n",
    (C, "sqrt(2)", "sqrt(3)"),
)
h(
    "frozen dataclass default list",
    "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass D:\n    a: tuple = (1, 2)\nX = D()\ndef craft(x):\n    return X.a\n",
    (C, "(1, 2)", "(1, 3)"),
)
h(
    "dataclass frozen flag",
    "from dataclasses import dataclass\n@dataclass(order=False)\nclass D:\n    a: int\ndef craft(x):\n    return D(1) < D(2)\n",
    (C, "order=False", "order=True"),
)
h(
    "kw_only",
    "from dataclasses import dataclass, KW_ONLY\n@dataclass\nclass D:\n    a: int\n    _: KW_ONLY\n    b: int = 2\ndef craft(x):\n    return D(1)\n",
    (C, "b: int = 2", "b: int = 3"),
)
h(
    "inherit dataclass",
    {
        C: "from dataclasses import dataclass\nfrom lib.tables import B\n@dataclass\nclass D(B):\n    b: int = 1\ndef craft(x):\n    return D()\n",
        L: "from dataclasses import dataclass\n@dataclass\nclass B:\n    a: int = 1\n",
    },
    (L, "a: int = 1", "a: int = 2"),
)
h(
    "enum auto",
    "from enum import Enum, auto\nclass E(Enum):\n    A = auto()\n    B = auto()\ndef craft(x):\n    return E.B\n",
    (C, "    A = auto()\n", "    Z = auto()\n    A = auto()\n"),
)
h(
    "strenum",
    "from enum import StrEnum\nclass E(StrEnum):\n    A = 'a'\nD = E.A\ndef craft(x, e=E.A):\n    return e\n",
    (C, "'a'", "'b'"),
)
h(
    "intenum list",
    "from enum import IntEnum\nclass E(IntEnum):\n    A = 1\nL = [E.A]\ndef craft(x):\n    return L\n",
    (C, "A = 1", "A = 2"),
)
h(
    "enum default",
    "from enum import Enum\nclass E(Enum):\n    A = 1\n    B = 2\ndef craft(x, e=E.A):\n    return e\n",
    (C, "e=E.A", "e=E.B"),
)
h(
    "metaclass prepare",
    c(
        "return A",
        "class M(type):\n    @classmethod\n    def __prepare__(m, name, bases):\n        return {'k': clean(1)}\nclass A(metaclass=M):\n    pass\n",
    ),
    E1,
)
h(
    "getattr method of class",
    c("return A().magic", "class A:\n    def __getattr__(self, n):\n        return clean(1)\n"),
    E1,
)
h("operator overload", c("return A() + x", "class A:\n    def __add__(self, o):\n        return clean(o)\n"), E1)
h("iter protocol", c("return list(A())", "class A:\n    def __iter__(self):\n        yield clean(1)\n"), E1)
h(
    "context class",
    c(
        "with A() as a:\n    return a",
        "class A:\n    def __enter__(self):\n        return clean(1)\n    def __exit__(self, *a):\n        pass\n",
    ),
    E1,
)
h(
    "mixin",
    c(
        "return A().go(x)",
        "class M:\n    def go(self, x):\n        return clean(x)\nclass B:\n    pass\nclass A(B, M):\n    pass\n",
    ),
    E1,
)
h(
    "mro order",
    "class M:\n    def go(self):\n        return 1\nclass B:\n    def go(self):\n        return 2\nclass A(B, M):\n    pass\ndef craft(x):\n    return A().go()\n",
    (C, "A(B, M)", "A(M, B)"),
)
h(
    "static overridden",
    "class B:\n    @staticmethod\n    def go(x):\n        return 1\nclass A(B):\n    def go(self):\n        return 2\ndef craft(x):\n    return A.go(x)\n",
    (C, "return 2", "return 3"),
)
h(
    "static inherited",
    "class B:\n    @staticmethod\n    def go(x):\n        return 1\nclass A(B):\n    pass\ndef craft(x):\n    return A.go(x)\n",
    (C, "return 1", "return 3"),
)
h(
    "static unrelated attr",
    "class A:\n    other = 1\n    @staticmethod\n    def go(x):\n        return 1\ndef craft(x):\n    return A.go(x)\n",
    (C, "other = 1", "other = 2"),
    "nothing",
)
h(
    "static with class use",
    "class A:\n    other = 1\n    @staticmethod\n    def go(x):\n        return A.other\ndef craft(x):\n    return A.go(x)\n",
    (C, "other = 1", "other = 2"),
)
h(
    "async with/for",
    c("async def g():\n    async with x as y:\n        async for z in y:\n            clean(z)\nreturn g"),
    E1,
)
h("assert", "def craft(x):\n    assert x > 1, 'no'\n    return x\n", (C, "x > 1", "x > 2"))
h("del and global", c("global Q\nQ = clean(x)\nreturn Q"), E1, "noticed")
h("try finally", c("try:\n    pass\nfinally:\n    clean(x)"), E1)
h("while else", c("while x:\n    x -= 1\nelse:\n    clean(x)"), E1)
h("lambda args kw", "f = lambda *a, k=1, **kw: (a, k, kw)\ndef craft(x):\n    return f(x)\n", (C, "k=1", "k=2"))
h(
    "positional only",
    "def clean(a, b=1):\n    return a\ndef craft(x):\n    return clean(x)\n",
    (C, "a, b=1", "a, /, b=1"),
)
h("yield to return", "def clean(x):\n    yield x\ndef craft(x):\n    return clean(x)\n", (C, "yield x", "return x"))
h("async to sync", "async def clean(x):\n    return x\ndef craft(x):\n    return clean(x)\n", (C, "async def", "def"))
h("bytes and str", "def craft(x):\n    return 'a'\n", (C, "'a'", "b'a'"))
h("true and 1", "def craft(x):\n    return 1\n", (C, "return 1", "return True"))
h("zero and minus zero", "Z = 0.0\ndef craft(x):\n    return Z\n", (C, "Z = 0.0", "Z = -0.0"))
h("tuple and list constant", "Z = (1, 2)\ndef craft(x):\n    return Z\n", (C, "(1, 2)", "[1, 2]"))
h("set and frozenset", "Z = {1, 2}\ndef craft(x):\n    return Z\n", (C, "{1, 2}", "frozenset((1, 2))"))
h("nested structure boundary", "Z = [[1], [2]]\ndef craft(x):\n    return Z\n", (C, "[[1], [2]]", "[[1, [2]]]"))
h("string looks like token", "Z = ['a', 'b']\ndef craft(x):\n    return Z\n", (C, "['a', 'b']", "[\"a' str 'b\"]"))
h(
    "dict order",
    "Z = {'a': 1, 'b': 2}\ndef craft(x):\n    return list(Z)\n",
    (C, "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
)
h(
    "dict comp over set stable",
    "Z = {k: 1 for k in sorted({'a', 'b'})}\ndef craft(x):\n    return Z\n",
    (C, "'b'", "'c'"),
)
h("counter", "from collections import Counter\nZ = Counter('aab')\ndef craft(x):\n    return Z\n", (C, "aab", "abb"))
h("default in registry lambda", "H = {'a': lambda x, k=1: k}\ndef craft(x):\n    return H['a'](x)\n", (C, "k=1", "k=2"))
h(
    "property setter",
    c(
        "a = A()\na.p = x\nreturn a",
        "class A:\n    @property\n    def p(self):\n        return 1\n    @p.setter\n    def p(self, v):\n        self.v = clean(v)\n",
    ),
    E1,
)
h(
    "functools total_ordering",
    c(
        "return A() < x",
        "from functools import total_ordering\n@total_ordering\nclass A:\n    def __eq__(self, o):\n        return True\n    def __lt__(self, o):\n        return clean(o)\n",
    ),
    E1,
)
h(
    "threading local closure",
    c(
        "return f(x)",
        "import functools\ndef retry(n):\n    def deco(f):\n        @functools.wraps(f)\n        def w(*a):\n            for _ in range(n):\n                return f(*a)\n        return w\n    return deco\n@retry(3)\ndef f(x):\n    return clean(x)\n",
    ),
    (C, "retry(3)", "retry(4)"),
)
h(
    "exec in module with file",
    {
        C: "from pathlib import Path\nexec(Path(__file__.replace('crafts.py', 'lib/x.txt')).read_text())\ndef craft(x):\n    return clean(x)\n",
        "lib/x.txt": CLEAN,
    },
    ("lib/x.txt", "x + 1", "x + 2"),
)
h(
    "constant from a file",
    {
        C: "from pathlib import Path\nZ = Path(__file__).with_name('a.txt').read_text()\ndef craft(x):\n    return Z\n",
        "a.txt": "one",
    },
    ("a.txt", "one", "two"),
)
h("unicode", "é = 1\ndef craft(x):\n    return é, '\\ud800'\n", (C, "é = 1", "é = 2"))
h("crlf", "RATE = 1\r\ndef craft(x):\r\n    return RATE\r\n", (C, "RATE = 1", "RATE = 2"))
h("tabs", "def craft(x):\n\tif x:\n\t\treturn 1\n", (C, "return 1", "return 2"))
h("latin", "# -*- coding: latin-1 -*-\ndef craft(x):\n    return 1\n", (C, "return 1", "return 2"))
h("semi colons", "def craft(x): y = 1; return y\n", (C, "y = 1", "y = 2"))
h(
    "dunder all star",
    {
        C: "from lib.tables import *\ndef craft(x):\n    return _hidden(x)\n",
        L: "__all__ = ['_hidden']\ndef _hidden(x):\n    return 1\n",
    },
    (L, "return 1", "return 2"),
)
h(
    "helper in package init lazily",
    {C: "def craft(x):\n    import lib\n    return lib.clean(x)\n", "lib/__init__.py": CLEAN},
    ("lib/__init__.py", "x + 1", "x + 2"),
)
h(
    "lazy constant",
    {C: "def craft(x):\n    from lib.tables import RATE\n    return RATE\n", L: "RATE = 1\n"},
    (L, "1", "2"),
)
h(
    "lazy class",
    {
        C: "def craft(x):\n    from lib.tables import M\n    return M().go()\n",
        L: "class M:\n    def go(self):\n        return 1\n",
    },
    (L, "return 1", "return 2"),
)
h(
    "lazy import in method",
    {
        C: "class A:\n    def go(self):\n        from lib.tables import clean\n        return clean(1)\ndef craft(x):\n    return A().go()\n",
        L: CLEAN,
    },
    (L, "x + 1", "x + 2"),
)
h(
    "lazy alias captured",
    {C: "def craft(x):\n    import lib.tables as t\n    return (lambda: t.clean(x))()\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
)
h(
    "lazy reassign",
    {C: "def craft(x):\n    import lib.tables as t\n    c = t.clean\n    return c(x)\n", L: CLEAN},
    (L, "x + 1", "x + 2"),
)
h(
    "mutated imported constant",
    {C: "from lib.tables import T\nT['b'] = 2\ndef craft(x):\n    return T\n", L: "T = {'a': 1}\n"},
    (C, "= 2", "= 3"),
)
h("np poly", "import numpy as np\nP = np.poly1d([1, 2])\ndef craft(x):\n    return P(x)\n", (C, "[1, 2]", "[1, 3]"))
h(
    "closure over array",
    "import numpy as np\ndef make(w):\n    def go(x):\n        return w @ x\n    return go\ngo = make(np.array([1, 2]))\ndef craft(x):\n    return go(x)\n",
    (C, "[1, 2]", "[1, 3]"),
)
h("default frame", "import pandas as pd\ndef craft(x, t=pd.DataFrame({'a': [1]})):\n    return t\n", (C, "[1]", "[2]"))
h(
    "foreign subclass",
    "import pandas as pd\nclass F(pd.DataFrame):\n    def go(self):\n        return 1\ndef craft(x):\n    return F(x).go()\n",
    (C, "return 1", "return 2"),
)
h(
    "module-level default mutable arg",
    "def clean(x, seen=[]):\n    return seen\ndef craft(x):\n    return clean(x)\n",
    (C, "seen=[]", "seen=[1]"),
)
h(
    "class attr mutable in loop",
    "class A:\n    T = {}\nfor i in range(3):\n    A.T[i] = i * 2\ndef craft(x):\n    return A.T\n",
    (C, "i * 2", "i * 3"),
)
h(
    "setattr on class",
    "class A:\n    pass\nfor n in ('a', 'b'):\n    setattr(A, n, lambda self, n=n: n * 2)\ndef craft(x):\n    return A().a()\n",
    (C, "n * 2", "n * 3"),
)
h(
    "method added",
    "class A:\n    pass\ndef go(self):\n    return 1\nA.go = go\ndef craft(x):\n    return A().go()\n",
    (C, "return 1", "return 2"),
)
h(
    "partial of partial of method",
    "from functools import partial\nclass A:\n    def go(self, a, b):\n        return a + b\np = partial(partial(A().go, 1), b=2)\ndef craft(x):\n    return p()\n",
    (C, "a + b", "a - b"),
)
h(
    "import inside if false branch",
    {
        C: "def craft(x):\n    if x > 10**9:\n        from lib.missing import clean\n        return clean(x)\n    return 1\n",
        L: "",
    },
    (C, "return 1", "return 1 # c"),
    "named",
)


SLOW = pytest.mark.slow  # to import scikit-learn takes long


@pytest.mark.parametrize("what", [pytest.param(n, marks=SLOW if "estimator" in n else ()) for n in ODD])
def test_odd_code_is_noticed_or_named(what: str, tmp_path: Path) -> None:
    files, edit, expected = ODD[what]
    before, after, why = compared(tmp_path, files, edited(files, edit))
    again = read(tmp_path / "again", files)
    assert (again.digest, again.unfollowed) == (before.digest, before.unfollowed)
    assert (before.digest != after.digest) == bool(why)
    if expected == "noticed":
        assert why
    elif expected == "named":
        assert before.unfollowed
    else:
        assert not why
        assert not before.unfollowed
