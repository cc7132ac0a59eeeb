"""Resolve the annotations of a class: texts, later definitions, `TYPE_CHECKING` imports, enclosing functions.

Only what the user's own source says is evaluated, never what a stored document says.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import FunctionType, MemberDescriptorType
from typing import Any, ForwardRef

LOCALS = "__model_locals__"
"""Attribute of a class with the names of the function that it is defined in."""


class UnresolvedError(Exception):
    """An annotation cannot be evaluated; the message says why."""


class NotImported:
    """Stands for a class that the source imports under `TYPE_CHECKING`, and that nobody has imported yet."""

    module: str
    name: str

    def __class_getitem__(cls, _item: Any) -> Any:
        return cls


class Scope(Mapping[str, Any]):
    """The names that the annotations of a class may use, the nearest first.

    Parameters
    ----------
    cls
        The class.
    owner
        The class whose fields are described, which may be a subclass: `Self` means it.
    around
        Names of the function that it is defined in, if it is known.

    """

    def __init__(self, cls: type, owner: type, around: Mapping[str, Any] | None) -> None:
        self.cls, self.owner = cls, owner
        self.module = sys.modules.get(cls.__module__)
        parameters = {each.__name__: each for each in getattr(cls, "__type_params__", ())}
        own = {name: value for name, value in vars(cls).items() if _is_meant(name, value, cls)}
        found = vars(cls).get(LOCALS)
        self.levels: list[Mapping[str, Any]] = [parameters, own]
        self.levels += [each for each in (found, around) if each is not None]
        self.levels += [{cls.__name__: cls} if "<locals>" in cls.__qualname__ else {}]
        self.levels += [vars(self.module) if self.module else {}, vars(builtins)]

    def __getitem__(self, name: str) -> Any:
        for level in self.levels:
            if name in level:
                return level[name]
        if self.module is not None and (target := _checked_imports(self.module.__name__).get(name)):
            return _imported(*target)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for level in self.levels for name in level))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def resolve(self, hint: Any) -> Any:
        """Evaluate an annotation that is a text; others stay as they are.

        Raises
        ------
        UnresolvedError
            If it cannot be.

        """
        text = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
        if not isinstance(text, str):
            return hint
        try:
            # An unpacked one, such as "*tuple[int]", is an expression only in brackets.
            return eval(compile(text.strip(), "<annotation>", "eval"), {"__builtins__": vars(builtins)}, self)
        except KeyError as error:
            raise UnresolvedError(self._unknown(str(error.args[0]))) from None
        except NameError as error:
            raise UnresolvedError(self._unknown(error.name or text)) from None
        except Exception as error:
            raise UnresolvedError(f"the annotation {text!r} is wrong: {type(error).__name__}: {error}") from None

    def _unknown(self, name: str) -> str:
        where = self.cls.__module__
        return f"the name {name!r} of its annotation is not defined in {where} (yet): define or import it there"


def _is_meant(name: str, value: Any, cls: type) -> bool:
    # The default of a field stands under the field's name, and `date: date | None = None` means the class.
    other = isinstance(value, FunctionType | property | classmethod | staticmethod | MemberDescriptorType)
    return not other and name not in own_annotations(cls) and not name.startswith("__")


def own_annotations(cls: type) -> dict[str, Any]:
    """Give the annotations that stand in the body of a class, not evaluated where that fails."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return dict(inspect.get_annotations(cls))


def hints_of(cls: type, around: Mapping[str, Any] | None = None) -> dict[str, tuple[Any, Scope]]:
    """Give the annotations of a class and its bases, each with the names that it may use, not evaluated yet."""
    found: dict[str, tuple[Any, Scope]] = {}
    for base in reversed(getattr(cls, "__mro__", (cls,))):
        if base is object:
            continue
        own = own_annotations(base)
        if own:
            scope = Scope(base, cls, around)
            found.update({name: (hint, scope) for name, hint in own.items()})
    return found


def _imported(module: str, name: str) -> Any:
    """Give what a `TYPE_CHECKING` import names if it is loaded; nothing is imported."""
    if not name:
        return sys.modules.get(module) or _absent(module, "")
    value = getattr(sys.modules.get(module), name, None) or sys.modules.get(f"{module}.{name}")
    return _absent(module, name) if value is None else value


def _absent(module: str, name: str) -> type:
    return type(name or module, (NotImported,), {"module": module, "name": name})


@lru_cache(maxsize=256)
def _checked_imports(module: str) -> dict[str, tuple[str, str]]:
    """Read from the source of a module what it imports under `TYPE_CHECKING`: name → (module, name in it)."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, SyntaxError, KeyError):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                found.update(_names_of(statement, module))
    return found


def _names_of(statement: ast.stmt, module: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(statement, ast.Import):
        for each in statement.names:
            whole = each.asname is not None
            yield (
                each.asname or each.name.partition(".")[0],
                (
                    each.name if whole else each.name.partition(".")[0],
                    "",
                ),
            )
    elif isinstance(statement, ast.ImportFrom):
        source = _absolute(statement, module)
        for each in statement.names:
            yield each.asname or each.name, (source, each.name)


def _absolute(statement: ast.ImportFrom, module: str) -> str:
    if not statement.level:
        return statement.module or ""
    package = getattr(sys.modules.get(module), "__package__", None) or module.rpartition(".")[0]
    parts = package.split(".")
    kept = parts[: len(parts) - statement.level + 1]
    return ".".join([*kept, *([statement.module] if statement.module else [])])
