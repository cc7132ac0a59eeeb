"""Say what counts of a function by its code object alone, where its source is not at hand or is another one."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

from elliptio.pipelines.code.facts import FunctionFacts, Text, digest_of

_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_CHANGES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_FLAGS = 0x3FF
"""Of a code object, those that say what it does, and not which future it was compiled for."""
_DOUBTFUL = frozenset({"eval", "exec", "globals", "__import__"})


def exact(code: CodeType) -> str:
    """Name a code object by all that it is, lines and file included."""
    try:
        # Version 2 writes no references, which depend on who else holds an object.
        written = marshal.dumps(code, 2)
    except ValueError:
        return ""
    return hashlib.sha256(written).hexdigest()[:32]


def loose(code: CodeType) -> str:
    """Name a code object by what it does: positions, file, names of locals and docstring do not count."""
    return digest_of(_tokens(code))


def _tokens(code: CodeType) -> Iterator[str]:
    import dis

    arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    yield f"{sys.version_info[:2]} {code.co_flags & _FLAGS} {code.co_nlocals}"
    yield f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount}"
    yield " ".join(code.co_varnames[:arguments])
    yield f"{code.co_exceptiontable.hex()} {' '.join(code.co_names)}"
    written, constants, high = code.co_code, frozenset(dis.hasconst), 0
    for operation, low in zip(written[::2], written[1::2], strict=True):
        argument = high | low
        high = argument << 8 if operation == dis.EXTENDED_ARG else 0
        if operation in constants:
            # By what it is: a docstring moves all numbers.
            yield f"{operation} {_constant(code.co_consts[argument])}"
        elif operation != dis.EXTENDED_ARG:
            yield f"{operation} {argument}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield f"code {constant.co_name}"
            yield from _tokens(constant)


def _constant(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_constant, value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return f"code {value.co_name}" if isinstance(value, CodeType) else repr(value)


def facts_by_bytecode(code: CodeType) -> FunctionFacts:
    """Say what counts of a function, as its source would."""
    names: dict[tuple[str, ...], None] = {}
    imports: dict[tuple[int, str, str | None, tuple[str, ...]], None] = {}
    changed: set[str] = set()
    _read(code, names, imports, changed)
    lines = [(code.co_firstlineno, f"{name}()", None) for (name, *_) in names if name in _DOUBTFUL]
    text = Text(
        loose(code), [list(n) for n in names], [(*i[:3], list(i[3])) for i in imports], list(code.co_freevars),
        sorted(changed), lines,
    )  # fmt: skip
    return FunctionFacts(code.co_qualname, code.co_firstlineno, text, Text(""))


def _read(code: CodeType, names: dict[Any, None], imports: dict[Any, None], changed: set[str]) -> None:
    import dis

    chain: list[str] = []
    level, module = 0, ""
    constant: Any = None
    for step in dis.get_instructions(code):
        name = step.opname
        if name in _ATTRIBUTES and chain:
            chain.append(str(step.argval))
            continue
        if chain:
            names[tuple(chain)] = None
            chain = []
        if name in _GLOBALS:
            chain = [str(step.argval)]
        elif name in _CHANGES:
            changed.add(str(step.argval))
        elif name == "IMPORT_NAME":
            level, module = level if isinstance(level, int) else 0, str(step.argval)
            imports[(level, module, None, ())] = None
        elif name == "IMPORT_FROM":
            imports[(level, module, str(step.argval), ())] = None
        elif name == "LOAD_CONST":
            level, constant = (constant, step.argval) if isinstance(constant, int) else (0, step.argval)
    if chain:
        names[tuple(chain)] = None
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _read(inner, names, imports, changed)
