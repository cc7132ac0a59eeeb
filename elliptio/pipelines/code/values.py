"""Write values down, so that equal ones are written alike on every machine, and types count: 1 is not 1.0."""

from __future__ import annotations

import hashlib
import logging
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

from elliptio.pipelines.code.places import Project

_log = logging.getLogger(__name__)

_AS_THEY_ARE = (type(None), bool, int, float, complex, bytes, type(Ellipsis), type(NotImplemented), range, slice)
_BY_REPR = frozenset(
    {
        ("datetime", "date"), ("datetime", "time"), ("datetime", "timedelta"), ("datetime", "timezone"),
        ("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID"), ("zoneinfo", "ZoneInfo"),
        ("operator", "itemgetter"), ("operator", "attrgetter"), ("operator", "methodcaller"),
        ("types", "GenericAlias"), ("types", "UnionType"), ("datetime", "datetime"), ("array", "array"),
        ("ipaddress", "IPv4Network"), ("ipaddress", "IPv4Address"),
    }
)  # fmt: skip
_DEEPEST = 100


class NotPlainError(Exception):
    """A value is no plain data."""


def _is_of_a_package(function: Any) -> bool:
    """Tell whether a universal function is one of NumPy's or SciPy's own, and not made of some other function."""
    homes = (sys.modules.get(name) for name in ("numpy", "scipy.special"))
    return any(getattr(home, function.__name__, None) is function for home in homes)


class Writing:
    """Writes one value down.

    Parameters
    ----------
    project
        Whose place is left out of texts.
    refer
        Is asked about what is no data: returns how a function, a class, a module or an object is named, or None if
        it cannot say. It may write down what such an object holds, by the writing that it is given.

    """

    def __init__(self, project: Project, refer: Callable[[Any, Writing], str | None]) -> None:
        self.project, self._refer = project, refer
        self.tokens: list[str] = []
        self._open: list[int] = []

    def tries(self, value: Any) -> bool:
        """Write a value and return True; write nothing and return False if it is no plain data."""
        before = len(self.tokens)
        try:
            self.write(value)
        except Exception as error:
            # An object may raise anything when it is looked at, as proxies do.
            if not isinstance(error, NotPlainError):
                _log.debug("cannot write down an object of type %s", type(value), exc_info=True)
            del self.tokens[before:]
            return False
        return True

    def write(self, value: Any) -> None:
        """Write a value, or raise NotPlainError."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            self.tokens.append(f"{kind.__name__} {value!r}")
        elif kind is str:
            self.tokens.append(f"str {self.project.portable(value)!r}")
        elif id(value) in self._open:
            self.tokens.append(f"again {len(self._open) - self._open.index(id(value))}")
        elif len(self._open) > _DEEPEST:
            raise NotPlainError
        else:
            self._open.append(id(value))
            try:
                if kind in (tuple, list):
                    self.tokens.append(kind.__name__)
                    self.sequence(value)
                else:
                    self._write_object(value, kind)
            finally:
                self._open.pop()

    def _write_object(self, value: Any, kind: type) -> None:
        named = self._refer(value, self)
        if named is not None:
            self.tokens.append(named)
            return
        root = kind.__module__.partition(".")[0]
        if root == "numpy":
            self._array(value)
        elif root == "pandas":
            self._pandas(value)
        elif (kind.__module__, kind.__name__) in _BY_REPR:
            self.tokens.append(f"{kind.__name__} {value!r} {getattr(value, 'tzinfo', None)!r}")
        else:
            self._container(value, kind)

    def _container(self, value: Any, kind: type) -> None:
        import collections
        import enum
        import pathlib
        import re

        self.tokens.append(kind.__name__)
        if isinstance(value, enum.Enum):
            self.tokens.append(str(value))
        elif kind is collections.deque:
            self.tokens.append(f"of {value.maxlen}")
            self.sequence(value)
        elif isinstance(value, tuple) and hasattr(kind, "_fields"):
            self.sequence(value)
        elif kind in (set, frozenset):
            self.tokens += sorted(self.apart(item) for item in value)
        elif kind in (dict, types.MappingProxyType, collections.OrderedDict, collections.Counter):
            self.mapping(value)
        elif kind is collections.defaultdict:
            self.write(value.default_factory)
            self.mapping(value)
        elif kind is collections.ChainMap:
            self.sequence(value.maps)
        elif kind is types.SimpleNamespace:
            self.mapping(vars(value))
        elif kind in (bytearray, memoryview):
            self.write(bytes(value))
        elif isinstance(value, re.Pattern):
            self.tokens.append(f"{value.pattern!r} {value.flags}")
        elif isinstance(value, pathlib.PurePath):
            self.tokens[-1] = f"path {self.project.portable(str(value))!r}"
        elif isinstance(value, BaseException) or kind.__module__ == "typing":
            self.tokens.append(repr(value))
        else:
            raise NotPlainError

    def sequence(self, items: Iterable[Any]) -> None:
        """Write items in their order."""
        self.tokens.append("[")
        for item in items:
            self.write(item)
        self.tokens.append("]")

    def mapping(self, items: Any) -> None:
        """Write a mapping: in its order, which a loop over it follows; what holds code is a registry, without one."""
        known = len(self.tokens)
        written = [f"{self.apart(key)}: {self.apart(value)}" for key, value in items.items()]
        if any(callable(value) for value in items.values()):
            written.sort()
        assert len(self.tokens) == known
        self.tokens += ("{", *written, "}")

    def apart(self, value: Any) -> str:
        """Write a value as one token."""
        before, self.tokens = self.tokens, []
        try:
            self.write(value)
            return " ".join(self.tokens)
        finally:
            self.tokens = before

    def _array(self, value: Any) -> None:
        import numpy as np

        if isinstance(value, np.dtype):
            self.tokens.append(f"dtype {value.descr if value.names else value.str}")
        elif isinstance(value, np.ufunc) and _is_of_a_package(value):
            self.tokens.append(f"ufunc {value.__name__}")
        elif isinstance(value, np.ma.MaskedArray):
            self.tokens.append("masked")
            self.sequence([np.asarray(value.filled()), np.ma.getmaskarray(value)])
        elif isinstance(value, np.ndarray | np.generic):
            dtype = value.dtype
            self.tokens.append(f"{type(value).__name__} {dtype.descr if dtype.names else dtype.str} {value.shape}")
            if dtype.hasobject:
                self.sequence(np.asarray(value).ravel().tolist())
            else:
                self.tokens.append(hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest())
        else:
            raise NotPlainError

    def _pandas(self, value: Any) -> None:
        import pandas as pd

        self.tokens.append(type(value).__name__)
        if getattr(value, "attrs", None):
            self.write(value.attrs)
        if isinstance(value, pd.DataFrame):
            self.sequence([value.columns, value.index])
            for number in range(value.shape[1]):
                self._column(value.iloc[:, number])
        elif isinstance(value, pd.Series):
            self.sequence([value.name, value.index])
            self._column(value)
        elif isinstance(value, pd.Index):
            self.sequence(value.names)
            self._column(value)
        elif isinstance(value, pd.Timestamp | pd.Timedelta | pd.Period | pd.Interval | pd.offsets.BaseOffset):
            self.tokens.append(f"{value!r}")
        elif isinstance(value, pd.api.extensions.ExtensionArray):
            self._column(value)
        elif value is pd.NA or value is pd.NaT or isinstance(value, pd.api.extensions.ExtensionDtype):
            self.tokens.append(repr(value))
        else:
            raise NotPlainError

    def _column(self, column: Any) -> None:
        import numpy as np
        import pandas as pd

        self.tokens.append(str(column.dtype))
        if isinstance(column.dtype, pd.CategoricalDtype):
            # Also those that no row has; what comes before what is their order.
            self.sequence([column.dtype.ordered, list(column.dtype.categories)])
        if isinstance(column.dtype, np.dtype) and not column.dtype.hasobject:
            self._array(np.asarray(column))
        else:
            self.sequence(list(column))
