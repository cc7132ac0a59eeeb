"""Read the hints of a craft: which of its parameters are loaded, and what becomes of its results."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FrameType, FunctionType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from elliptio.pipelines.errors import CraftDefinitionError


class Reference:
    """A hint that names what a craft takes or gives: `Artifact` or `Volatile`.

    Parameters
    ----------
    name
        Name of the entry or the value; a parameter without it has its own.

    """

    def __init__(self, name: str = "", *more: str) -> None:
        if more:
            several = ", ".join(map(repr, (name, *more)))
            raise CraftDefinitionError(
                f"{type(self).__name__} takes one name; several results are {type(self).__name__}.of({several})."
            )
        if not isinstance(name, str) or not name:
            raise CraftDefinitionError(
                f"{type(self).__name__} takes a name, a text such as 'masterFile', not {name!r}."
            )
        self.name = name

    @classmethod
    def of(cls, *names: str) -> list[Any]:
        """Return the hint of several results, in order; lists of them can be added."""
        if not names:
            raise CraftDefinitionError(f"{cls.__name__}.of takes at least one name.")
        return [cls(name) for name in names]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.name))


class Artifact(Reference):
    """Hint of what is loaded from the catalog, or saved to it.

    Examples
    --------
    >>> from elliptio.pipelines import Artifact, Craft
    >>> @Craft()
    ... def add_col(masterFile: Artifact, val: int = 1) -> Artifact("augmentedFile"):
    ...     return masterFile.assign(foo=val)
    >>> add_col.outputs
    (Output(name='augmentedFile', volatile=False),)

    """


class Volatile(Reference):
    """Hint of what crafts of a pipeline pass on without saving it.

    Examples
    --------
    >>> from elliptio.pipelines import Craft, Volatile
    >>> @Craft()
    ... def create_var() -> Volatile("myValue"):
    ...     return 10
    >>> create_var.outputs
    (Output(name='myValue', volatile=True),)

    """


REQUIRED: Any = inspect.Parameter.empty
"""Default of a parameter that has none."""


class Input(NamedTuple):
    """A parameter that is loaded from an entry, or taken from an earlier craft."""

    parameter: str
    name: str
    volatile: bool
    default: Any = REQUIRED

    @property
    def is_needed(self) -> bool:
        """True where it has no default."""
        return self.default is REQUIRED


class Output(NamedTuple):
    """A result that is saved to an entry, or passed on."""

    name: str
    volatile: bool


class Signature(NamedTuple):
    """Parameters and results of a craft.

    Attributes
    ----------
    inputs, outputs
        What is loaded, and what is saved or passed on.
    parameters
        Defaults of the plain parameters by name, in order; `REQUIRED` where there is none.
    takes_more
        Whether it takes any keyword.
    positional_only
        Names of those that are given by their place.

    """

    inputs: tuple[Input, ...]
    parameters: Mapping[str, Any]
    outputs: tuple[Output, ...]
    takes_more: bool
    positional_only: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of the entries that it reads and writes."""
        read = [one.name for one in self.inputs if not one.volatile]
        return (*read, *[one.name for one in self.outputs if not one.volatile])


def read(function: Callable[..., Any], where: FrameType | None) -> Signature:
    """Read the hints of a function, those that are texts too.

    Parameters
    ----------
    function
        The function.
    where
        The frame that it is decorated in: hints may use its names.

    Raises
    ------
    CraftDefinitionError
        If a hint is none, or it takes ``*args``.

    """
    name = f"{function.__module__}.{function.__qualname__}"
    names = _Names(function, where)
    inputs, parameters = [], {}
    taken, returned = _plain_signature(function) or _signature(function)
    for one in taken:
        if one.kind == _SEVERAL:
            raise CraftDefinitionError(f"The craft {name} takes *{one.name}: name its parameters.")
        if one.kind == _MORE:
            continue
        reference = _reference(names.value(one.hint), one.name, f"{name}: the hint of {one.name!r}")
        if reference is None:
            parameters[one.name] = one.default
        else:
            inputs.append(Input(one.name, reference.name, isinstance(reference, Volatile), one.default))
    outputs = _outputs(names.value(returned), name)
    takes_more = any(one.kind == _MORE for one in taken)
    places = tuple(one.name for one in taken if one.kind == _BY_PLACE)
    return Signature(tuple(inputs), parameters, outputs, takes_more, places)


_BY_PLACE, _SEVERAL, _MORE = (
    int(kind)
    for kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
)


class _Taken(NamedTuple):
    """A parameter of a function, as `inspect` tells it."""

    name: str
    kind: int
    default: Any
    hint: Any


def _signature(function: Callable[..., Any]) -> tuple[list[_Taken], Any]:
    """Read the parameters of any function, and the hint of its result."""
    found = inspect.signature(function)
    taken = [_Taken(one.name, int(one.kind), one.default, one.annotation) for one in found.parameters.values()]
    return taken, found.return_annotation


def _plain_signature(function: Callable[..., Any]) -> tuple[list[_Taken], Any] | None:
    """Read those of a function without ``*`` and ``/``, as nearly all are: `inspect` takes five times as long."""
    if type(function) is not FunctionType or function.__dict__ or function.__kwdefaults__:
        return None
    code = function.__code__
    if code.co_posonlyargcount or code.co_kwonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        return None
    names, defaults, hints = code.co_varnames[: code.co_argcount], function.__defaults__ or (), function.__annotations__
    values = (REQUIRED,) * (len(names) - len(defaults)) + defaults
    keyword = int(inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [_Taken(name, keyword, value, hints.get(name, REQUIRED)) for name, value in zip(names, values, strict=True)]
    return taken, hints.get("return", inspect.Signature.empty)


class _Names:
    """Evaluates hints that are texts, as ``from __future__ import annotations`` makes them."""

    def __init__(self, function: Callable[..., Any], where: FrameType | None) -> None:
        self._globals = getattr(function, "__globals__", {})
        self._frame = where
        self._name = f"{function.__module__}.{function.__qualname__}"

    def value(self, hint: Any) -> Any:
        if not isinstance(hint, str):
            return hint
        try:
            return self.value(self._evaluated(hint))  # a text within a text, where quotes were not needed
        except Exception as error:  # any expression may stand there
            if "Artifact" in hint or "Volatile" in hint:
                raise CraftDefinitionError(f"{self._name}: the hint {hint!r} cannot be read: {error}.") from error
            return type(hint, (_Plain,), {})

    def _evaluated(self, hint: str) -> Any:
        try:
            return eval(hint, self._globals, self._locals())
        except NameError:
            if "Annotated" not in hint:
                raise
        # The real type is for type checkers, and may be imported for them alone.
        tree = _without_types(ast.parse(hint.strip(), mode="eval"))
        return eval(compile(tree, "<hint>", "eval"), {**self._globals, _PLAIN: _Plain}, self._locals())

    def _locals(self) -> dict[str, Any]:
        """Names of the functions around it, the innermost winning."""
        found: dict[str, Any] = {}
        frame = self._frame
        while frame is not None and frame.f_globals is self._globals and frame.f_locals is not frame.f_globals:
            found = {**frame.f_locals, **found}
            frame = frame.f_back
        return found


class _Plain:
    """Stands for a hint that is no business of a craft."""


_PLAIN = "__plain__"


def _without_types(tree: ast.Expression) -> ast.Expression:
    """Leave of each ``Annotated[type, …]`` what stands beside the type."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if name == "Annotated":
                node.slice.elts[0] = ast.Name(_PLAIN, ast.Load())
    return ast.fix_missing_locations(tree)


_UNIONS = (Union, UnionType)
"""Origins of ``Optional[…]`` and ``… | None``."""


def _reference(hint: Any, parameter: str, where: str) -> Reference | None:
    """Return what a hint of a parameter refers to; None if it is a plain one."""
    if isinstance(hint, type):  # mostly; and that of no other hint is asked
        return hint(parameter) if issubclass(hint, Reference) else None
    origin = get_origin(hint)
    if origin is Annotated:
        found = [one for one in get_args(hint)[1:] if _is_reference(one)]
        if len(found) > 1:
            raise CraftDefinitionError(f"{where} names several: {found!r}.")
        hint = found[0] if found else None
    if isinstance(hint, type) and issubclass(hint, Reference):
        return hint(parameter)
    if isinstance(hint, Reference):
        return hint
    if origin in _UNIONS:
        several = [one for part in get_args(hint) if (one := _reference(part, parameter, where)) is not None]
        if len(several) > 1:
            raise CraftDefinitionError(f"{where} names several: {several!r}.")
        return several[0] if several else None
    if isinstance(hint, list | tuple) and any(map(_is_reference, hint)):
        raise CraftDefinitionError(f"{where} names several: a parameter takes one.")
    return None


def _is_reference(hint: Any) -> bool:
    return isinstance(hint, Reference) or (isinstance(hint, type) and issubclass(hint, Reference))


def _outputs(hint: Any, name: str) -> tuple[Output, ...]:
    if hint in (inspect.Signature.empty, None, type(None)):
        return ()
    if isinstance(hint, Reference):
        return (Output(hint.name, isinstance(hint, Volatile)),)
    parts = list(hint) if isinstance(hint, list | tuple) else [hint]
    if get_origin(hint) is tuple:
        parts = list(get_args(hint))
    outputs = []
    for part in parts:
        found = part
        if get_origin(part) is Annotated:
            found = next((one for one in get_args(part)[1:] if _is_reference(one)), part)
        if not isinstance(found, Reference):
            what = f"name it, {found.__name__}('name')" if _is_reference(found) else "annotate it"
            raise CraftDefinitionError(
                f"The craft {name} returns {_shown(part)}, which says not where that goes: {what}, such as "
                "-> Artifact('name') or -> Annotated[pd.DataFrame, Artifact('name')]."
            )
        outputs.append(Output(found.name, isinstance(found, Volatile)))
    twice = [one.name for number, one in enumerate(outputs) if any(one.name == each.name for each in outputs[:number])]
    if twice:
        raise CraftDefinitionError(f"The craft {name} gives {twice[0]!r} twice.")
    return tuple(outputs)


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else repr(hint)
