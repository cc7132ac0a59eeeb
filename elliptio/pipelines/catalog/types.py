"""Know what the type of an entry can be, and what its `extra` may hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from elliptio.pipelines.errors import EntryError, sentence

CLASSES: dict[str, Any] = {}
"""Classes of users, by the names of their types."""

ALIASES = {"xlsx": "excel", "xslx": "excel", "html": "text"}
"""Names of formats that catalogs use too."""

SUFFIXES = {"html": ".html", "datapane": ".html", "odbc": ".parquet", "sql": ".parquet"}
"""Suffixes of files where that of the format is not the one."""

QUERIES = ("odbc", "sql")
"""Types whose entries are the result of a query."""

SECRET = "connection_string"
"""Name in `extra` whose value is shown and recorded nowhere."""

PAGE = "datapane"
"""Type of a page of HTML that anything can be shown on."""


class ExtraField(NamedTuple):
    """Values of a name that `extra` may have: their types, and whether it must be there."""

    kinds: tuple[type, ...]
    needed: bool = False


_PATH = {"path": ExtraField((str,)), "history": ExtraField((bool,))}
_QUERY = {SECRET: ExtraField((str,), True), "query": ExtraField((str,), True)}


USUAL = frozenset({"csv", "parquet", "pickle", "json", *ALIASES, *QUERIES, PAGE})
"""Types that are known without a look at all formats."""


def format_of(type: str) -> str:
    """Return the name of the format that an entry's type is kept in."""
    return "parquet" if type in QUERIES else "text" if type == PAGE else ALIASES.get(type, type)


def suffix_of(type: str) -> str:
    """Return the suffix of the file of an entry that has no path."""
    from elliptio.formats import registry

    return SUFFIXES.get(type) or next(iter(registry.get(format_of(type)).suffixes), "")


def built_in() -> dict[str, str]:
    """Return the types that are no class of a user, and the format of each."""
    from elliptio.formats import registry

    return {name: format_of(name) for name in sorted({*registry.names(), *ALIASES, *QUERIES, PAGE})}


def is_custom(type: str) -> bool:
    """Tell whether a type is a class of a user."""
    return type in CLASSES


def class_of(type: str) -> list[Any]:
    """Return the class of a user that a type is, or that is its format; none if it is one of elliptio."""
    if type in CLASSES:
        return [CLASSES[type]]
    from elliptio.formats import registry

    cls = registry.get(format_of(type)).__class__
    return [] if cls.__module__.startswith("elliptio.") else [cls]


def check_type(type: Any, where: str) -> str:
    """Return what can be a type.

    Raises
    ------
    EntryError
        If it can be none.

    """
    if isinstance(type, str) and (type in USUAL or is_custom(type)):
        return type
    from elliptio.formats import registry

    if not isinstance(type, str) or not registry.is_known(type):
        from elliptio.formats.libraries import meant

        known = {**built_in(), **CLASSES}
        raise EntryError(f"{where}: there is no type {type!r}; {meant(str(type), sorted(known))}")
    return type


def check_extra(type: str, extra: Any, where: str) -> Any:
    """Return an entry's `extra`, as a mapping, or as the ``Extra`` of the user's class.

    Raises
    ------
    EntryError
        If it holds what it may not, or lacks something.

    """
    extra = {} if extra is None else extra
    if not isinstance(extra, Mapping) or not all(isinstance(name, str) for name in extra):
        # Not what it is: that may be a connection string.
        raise EntryError(f"{where}: `extra` is a mapping such as {{path: data.csv}}, not {_kind_of(extra)}.")
    cls = CLASSES.get(type)
    if cls is not None:
        return _made(getattr(cls, "Extra", None), dict(extra), where)
    allowed = _QUERY if type in QUERIES else _PATH
    for name, value in extra.items():
        if name not in allowed:
            from elliptio.formats.libraries import meant

            raise EntryError(f"{where}: the type {type} has no {name!r} in `extra`; {meant(name, list(allowed))}")
        if not isinstance(value, allowed[name].kinds) or value == "":
            wanted = " or ".join(
                {"str": "a text", "bool": "true or false"}[kind.__name__] for kind in allowed[name].kinds
            )
            shown = _kind_of(value) if name == SECRET else repr(value)
            raise EntryError(f"{where}: {name} in `extra` is {wanted}, not {shown}.")
    if extra.get("history") is False and "://" in extra.get("path", "://"):
        raise EntryError(f"{where}: history: false keeps no copy in the lake, so it needs a `path` of this machine.")
    lacking = [name for name, field in allowed.items() if field.needed and name not in extra]
    if lacking:
        raise EntryError(f"{where}: the type {type} needs {' and '.join(map(repr, lacking))} in `extra`.")
    return dict(extra)


def extras_of(type: str) -> list[str]:
    """Name what may stand in the `extra` of entries of one of elliptio's own types."""
    return list(_QUERY if type in QUERIES else _PATH)


def _kind_of(value: Any) -> str:
    known = {"str": "a text", "dict": "a mapping", "list": "a list"}
    return known.get(type(value).__name__, f"of type {type(value).__name__}")


def _made(schema: Any, extra: dict[str, Any], where: str) -> Any:
    if schema is None:
        return extra
    fields: list[str] = [
        *(getattr(schema, "__dataclass_fields__", None) or getattr(schema, "model_fields", None) or ())
    ]
    unknown = [name for name in extra if fields and name not in fields]
    if unknown:
        from elliptio.formats.libraries import meant

        raise EntryError(f"{where}: {schema.__qualname__} has no {unknown[0]!r}; {meant(unknown[0], fields)}")
    try:
        made = schema(**extra)
    except Exception as error:  # the class is a user's
        said = sentence(str(error)) + (f" `extra` takes {', '.join(map(repr, fields))}." if fields else "")
        raise EntryError(f"{where}: `extra` does not fit {schema.__qualname__}: {said}") from error
    _check_kinds(schema, made, where)
    return made


def _check_kinds(schema: Any, made: Any, where: str) -> None:
    """Refuse values of another plain type than a dataclass says; pydantic does so itself."""
    if hasattr(schema, "__pydantic_fields__") or not dataclasses.is_dataclass(schema):
        return
    import typing

    try:
        hints = typing.get_type_hints(schema)
    except Exception:  # hints need not be resolvable
        return
    for field in dataclasses.fields(schema):
        hint, value = hints.get(field.name), getattr(made, field.name)
        kinds = (*typing.get_args(hint), hint) if hint is not None else ()
        plain = tuple(kind for kind in kinds if isinstance(kind, type))
        is_plain = plain and all(kind in (int, str, float, bool, type(None)) for kind in plain)
        fits = isinstance(value, plain) or (float in plain and isinstance(value, int))
        if is_plain and (not fits or (isinstance(value, bool) and bool not in plain)):
            raise EntryError(
                f"{where}: {field.name} in `extra` does not fit {type(made).__qualname__}: it is {value!r}."
            )
