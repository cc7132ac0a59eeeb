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
_LEFT_OUT = frozenset({"__doc__", "__annotations__"})


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


def doubt_about_texts(walk: Walk, node: ast.Attribute | ast.Name, name: str) -> None:
    """Note who reads docstrings or hints: they leave no trace in the digest of what they belong to."""
    if name in _LEFT_OUT and isinstance(node.ctx, ast.Load):
        _note(walk, node, None)


def doubt_about_settings(walk: Walk, node: ast.Attribute) -> None:
    """Note settings and pipelines of a session: they are no parameters, and nobody knows here which are asked for."""
    if node.attr not in ("settings", "pipelines_definitions") or not isinstance(node.ctx, ast.Load):
        return
    root: ast.AST = node.value
    while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
        root = root.func if isinstance(root, ast.Call) else root.value
    if not isinstance(root, ast.Name) or root.id in ("self", "cls"):
        return
    # What a name of the module stands for is followed by its value.
    is_local = walk.scope.owner(root.id) is not None
    if is_local or ast.unparse(node.value).endswith((".get_session()", ".get_active_session()")):
        _note(walk, node, None)


def _attribute_of(walk: Walk, node: ast.Call) -> None:
    subject = reference(walk, node.args[0])
    name = node.args[1] if len(node.args) > 1 else None
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        if subject is not None:
            walk.refer(subject.name, (*subject.chain, name.value))
    elif len(node.args) > 1 or subject is not None:
        _note(walk, node, subject)


def _note(walk: Walk, node: ast.expr, subject: Ref | None) -> None:
    text = " ".join(ast.unparse(node).split())
    walk.doubts.append(Doubt(node.lineno, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…", subject))
