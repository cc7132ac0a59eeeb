"""Know the calls that reach code which their text does not name."""

from __future__ import annotations

import ast

from elliptio.pipelines.code.walking import Doubt, Ref, Walk, reference

_LONGEST = 60
_BY_NAME = frozenset(
    {"eval", "exec", "globals", "__import__", "import_module", "run_module", "run_path", "get_ipython"}
)
_SHOW_NAMES = frozenset({"eval", "exec", "locals", "vars", "dir"})
_BY_MODULE = {
    "importlib": {"import_module", "reload"},
    "runpy": {"run_module", "run_path"},
    "os": {"system", "popen"},
    "subprocess": {"run", "call", "check_call", "check_output", "Popen", "getoutput"},
    "ctypes": {"CDLL", "PyDLL", "cdll"},
    "builtins": {"eval", "exec", "__import__"},
}


def doubt_about(walk: Walk, node: ast.Call | ast.Subscript) -> None:
    """Note a call if it reaches what its text does not say."""
    if isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Attribute) and ast.unparse(node.value) == "sys.modules":
            _note(walk, node, None)
        return
    function = node.func
    if isinstance(function, ast.Attribute):
        is_known = isinstance(function.value, ast.Name) and function.attr in _BY_MODULE.get(function.value.id, ())
        if is_known or function.attr == "__subclasses__":
            _note(walk, node, None)
    elif isinstance(function, ast.Name):
        if function.id in _SHOW_NAMES and (not node.args or function.id in ("eval", "exec")):
            walk.scope.shows_names = True
        if function.id in _BY_NAME:
            _note(walk, node, None)
        elif function.id in ("getattr", "vars") and node.args:
            _attribute_of(walk, node)


def _attribute_of(walk: Walk, node: ast.Call) -> None:
    subject = reference(walk, node.args[0])
    name = node.args[1] if len(node.args) > 1 else None
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        if subject is not None:
            walk.refer(subject.name, (*subject.chain, name.value))
    elif len(node.args) > 1 or subject is not None:
        _note(walk, node, subject)


def _note(walk: Walk, node: ast.Call | ast.Subscript, subject: Ref | None) -> None:
    text = " ".join(ast.unparse(node).split())
    walk.doubts.append(Doubt(node.lineno, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…", subject))
