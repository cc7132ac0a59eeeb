"""Know what of Python reaches code, its docstrings and hints, or the environment by itself, by whatever name."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from elliptio.pipelines.code.facts import Text

_DOORS = frozenset(
    {
        "builtins.eval", "builtins.exec", "builtins.__import__", "sys.modules", "pkgutil.resolve_name", "pydoc.locate",
        "importlib.import_module", "importlib.reload", "importlib.__import__", "importlib.machinery.SourceFileLoader",
        "importlib.util.spec_from_file_location", "importlib.util.module_from_spec", "zipimport.zipimporter",
        "ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll", "os.system", "os.popen", "os.posix_spawn", "os.posix_spawnp",
        "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "runpy.run_module", "runpy.run_path",
        "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen",
        "subprocess.getoutput", "subprocess.getstatusoutput", "inspect.getdoc", "inspect.getsource",
        "inspect.getsourcelines", "inspect.get_annotations", "typing.get_type_hints",
    }
)  # fmt: skip
_FAMILIES = "os.exec", "os.spawn", "sys.modules."
_ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})
_HOMES = {"posix": "os", "nt": "os", "asyncio.subprocess": "asyncio", "importlib._bootstrap": "importlib"}


def doors_of(text: Text, module: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names in a piece of text that stand for such, as they are written, or imported, there, and the deed."""
    for chain in text.names:
        deed = _deed(_spelled(module, chain))
        if deed:
            yield ".".join(chain), deed
    for level, base, taken, chain in text.imports:
        # `import a.b` binds `a`.
        name = ".".join(filter(None, [base.partition(".")[0] if taken == "" else base, taken, *chain]))
        if not level and _deed(name):
            yield name, _deed(name)


def _deed(name: str) -> str:
    if name in _DOORS or name.startswith(_FAMILIES):
        return "reaches"
    return "reads" if name in _ENVIRONMENT or name.startswith("os.environ.") else ""


def _spelled(module: dict[str, Any], chain: Any) -> str:
    """Name what a chain of names stands for by the module that has it."""
    value: Any = module[chain[0]] if chain[0] in module else vars(builtins).get(chain[0])
    kind = type(value)
    if issubclass(kind, ModuleType):
        return ".".join([value.__name__, *chain[1:]])
    if issubclass(kind, FunctionType | BuiltinFunctionType | type):
        return f"{_HOMES.get(str(value.__module__), value.__module__)}.{value.__qualname__}"
    return "sys.modules" if value is sys.modules else "os.environ" if value is os.environ else ""
