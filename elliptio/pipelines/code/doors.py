"""Know the functions of Python that reach code, or its docstrings and hints, by themselves, by whatever name."""

from __future__ import annotations

import builtins
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
_HOMES = {"posix": "os", "nt": "os", "asyncio.subprocess": "asyncio", "importlib._bootstrap": "importlib"}


def doors_of(text: Text, module: dict[str, Any]) -> Iterator[str]:
    """Yield the names in a piece of text that stand for such functions, as they are written, or imported, there."""
    for chain in text.names:
        if _is_door(_spelled(module, chain)):
            yield ".".join(chain)
    for level, base, taken, chain in text.imports:
        # `import a.b` binds `a`.
        name = ".".join(filter(None, [base.partition(".")[0] if taken == "" else base, taken, *chain]))
        if not level and _is_door(name):
            yield name


def _is_door(name: str) -> bool:
    return name in _DOORS or name.startswith(_FAMILIES)


def _spelled(module: dict[str, Any], chain: Any) -> str:
    """Name what a chain of names stands for by the module that has it."""
    value: Any = module[chain[0]] if chain[0] in module else vars(builtins).get(chain[0])
    kind = type(value)
    if issubclass(kind, ModuleType):
        return ".".join([value.__name__, *chain[1:]])
    if issubclass(kind, FunctionType | BuiltinFunctionType | type):
        return f"{_HOMES.get(str(value.__module__), value.__module__)}.{value.__qualname__}"
    return "sys.modules" if value is sys.modules else ""
