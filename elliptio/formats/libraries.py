"""Ask libraries for what formats need: that they are installed, and that they have the options of a user."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from elliptio.errors import ElliptioError, FormatError, FormatOptionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator


def need(module: str, install: str, what: str) -> Any:
    """Import a library, or say what to install.

    Raises
    ------
    MissingExtraError
        If it is not there.

    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs {module.partition('.')[0]}: pip install '{install}' ({error})"
        ) from error


def check_options(
    format: str,
    options: Mapping[str, Any],
    *functions: Callable[..., Any],
    own: Iterable[str] = (),
    but: Iterable[str] = (),
) -> None:
    """Refuse an option that a format does not have.

    Parameters
    ----------
    format
        Name of the format.
    options
        What the user gave.
    functions
        Functions of the library that the options are passed on to.
    own
        Further options that there are.
    but
        Parameters of the functions that are no options: the format decides about them.

    Raises
    ------
    FormatOptionError
        If there is no such option.

    """
    if not options:
        return
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    known = {
        name
        for function in functions
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in plain
    }
    known = (known - set(but) - {"self"}) | set(own)
    for name in options:
        if name not in known:
            raise FormatOptionError(f"The format {format!r} has no option {name!r}; {meant(name, known)}")


def meant(name: str, known: Iterable[str]) -> str:
    """Say which of the known names may be meant, or all of them."""
    from difflib import get_close_matches

    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(names)}." if names else "there is none."


@contextmanager
def parsing(format: str) -> Iterator[None]:
    """Name what cannot be read: libraries fail in as many ways as there are parsers below them.

    Raises
    ------
    FormatError
        If it is damaged, of another format, or is read with options that do not suit it.

    """
    try:
        yield
    except (ElliptioError, MemoryError):
        raise
    except Exception as error:
        raise FormatError(f"It cannot be read as {format!r}: {type(error).__name__}: {error}") from error


def is_a(value: Any, name: str) -> bool:
    """Tell whether a value is of a class with this dotted name: where its module is not imported, it is not."""
    module, _, rest = name.rpartition(".")
    kind = getattr(sys.modules.get(module), rest, None)
    # What is made in a notebook is found by what it says of itself alone.
    return isinstance(value, kind) if isinstance(kind, type) else name in _own_names(type(value))


def _own_names(kind: type) -> Sequence[str]:
    return [f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__]
