"""Refuse what is asked of fields that none of their values can equal, with what may be meant."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.finding.meaning import check_zones, compared, futile, is_operators
from elliptio.formats.libraries import meant

_SCALARS = {
    "none": (), "bool": ("bool",), "int": ("number",), "float": ("number",), "decimal": ("number",),
    "timedelta": ("number",), "str": ("text",), "bytes": ("text",), "path": ("text",), "date": ("text",),
    "time": ("text",), "uuid": ("text",), "datetime": ("moment", "naive"), "complex": ("number", "object"),
}  # fmt: skip
"""Forms that queries see of scalars, by their names in descriptions; of a naive datetime that is its text."""
_SAID = {"bool": "true or false", "number": "a number", "text": "a text", "object": "an object with fields",
         "moment": "a datetime", "list": "a list"}  # fmt: skip
_LISTS = ("list", "set", "frozenset", "tuple*", "tuple")
_SUMMED = ("count", "min", "max", "key", "value")
"""Fields of long lists, and of dicts whose keys are no names."""
_EXACT = ("$eq", "$ne", "$in", "$nin", "$all")

Described = tuple[Any, Mapping[str, Any]]
"""A description, and the table of classes that it belongs to."""


def ends(
    description: Any, classes: Mapping[str, Any], parts: Sequence[str], seen: tuple[tuple[str, int], ...] = ()
) -> Iterator[Any]:
    """Follow a path to all descriptions that it may lead to; "any" where those are not known.

    In lists a path goes on without a part of its own, so a class that holds lists of itself is `seen` again at the same
    part: it leads nowhere else then.
    """
    if not parts or description == "any":
        yield description
    elif description == "complex":
        yield from ["float"] if parts[0] in ("real", "imag") else []
    elif isinstance(description, Mapping) and "file" not in description:
        what, of = next(iter(description.items()))
        if what == "class":
            if (of, len(parts)) not in seen:
                yield from _ends_of_class(classes.get(of, {}), classes, parts, (*seen, (of, len(parts))))
        elif what == "union":
            for each in of:
                yield from ends(each, classes, parts, seen)
        elif what in ("dict", *_LISTS):
            if parts[0] in _SUMMED:
                yield "any"
            for each in of[1:] if what == "dict" else of if what == "tuple" else [of]:
                yield from ends(each, classes, parts[1:] if what == "dict" or parts[0].isdigit() else parts, seen)


def _ends_of_class(
    entry: Mapping[str, Any], classes: Mapping[str, Any], parts: Sequence[str], seen: tuple[tuple[str, int], ...]
) -> Iterator[Any]:
    if entry.get("kind") == "alias":
        yield from ends(entry["is"], classes, parts, seen)
    elif "fields" not in entry:
        yield from [] if entry.get("kind") == "enum" else ["any"]
    elif parts[0] in entry["fields"]:
        yield from ends(entry["fields"][parts[0]], classes, parts[1:], seen)


def names_at(description: Any, classes: Mapping[str, Any], parts: Sequence[str]) -> set[str]:
    """Name the fields of the classes up to which a path can be followed, of all but its last part at most."""
    for number in range(len(parts) - 1, -1, -1):
        found = {
            name
            for end in ends(description, classes, parts[:number])
            for key in _classes_in(end, classes)
            for name in classes[key].get("fields", ())
        }
        if found:
            return found
    return set()


def _classes_in(description: Any, classes: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(description, list):
        for each in description:
            yield from _classes_in(each, classes, seen)
    elif isinstance(description, Mapping) and "file" not in description:
        key = description.get("class")
        if isinstance(key, str) and key in classes and key not in seen:
            yield key
            yield from _classes_in(classes[key].get("is"), classes, (*seen, key))
        for what in ("union", *_LISTS):
            yield from _classes_in(description.get(what), classes, seen)


def check_values(name: str, described: Sequence[Described], operand: Any, said: Any) -> None:
    """Refuse values that a field can never equal.

    Parameters
    ----------
    name
        What is asked for.
    described
        What the versions of the class say of it.
    operand, said
        The condition as it is written, and in the form that is stored.

    Raises
    ------
    QueryError
        The message says what the field has, and what may be meant.

    """
    several = [forms_of(*one) for one in described]
    if not several or None in several:
        return
    forms = {form for one in several for form in one or ()}
    written, stored = (one if is_operators(one) else {"$eq": one} for one in (operand, said))
    for value, form in zip(compared(written), compared(stored), strict=False):
        kind = _form_of(form)
        if kind is not None and kind not in forms and not (kind == "text" and "naive" in forms):
            one_of = " or ".join(_SAID[each] for each in sorted(forms - {"naive"}))
            why = f"it is {one_of}" if one_of else "it lies in a file"
            likely = _likely(value, kind, forms)
            raise futile(name, value, why, None if likely is None else {name: likely})
    choices = [_choices(*one) for one in described]
    if choices and None not in choices:
        _check_choices(name, {each for one in choices for each in one or ()}, stored)


def check_moments(name: str, described: Sequence[Described], operand: Any, is_there: Callable[[str], bool]) -> None:
    """Refuse datetimes without a zone where all that were saved have one, and the other way round.

    Parameters
    ----------
    name, described
        As `check_values` takes them.
    operand
        The condition in the form that is written.
    is_there
        Tells whether the field has a value of a type of BSON.

    Raises
    ------
    QueryError
        The message says what to write.

    """
    several = [forms_of(*one) or {"text"} for one in described]
    if not any("naive" in one for one in several) or any("text" in one for one in several):
        return
    values = list(compared(operand if is_operators(operand) else {"$eq": operand}))
    aware = [value for value in values if isinstance(value, datetime) and value.utcoffset() is not None]
    if aware and not is_there("date") and is_there("string"):
        why = "none of those that were saved has a zone"
        raise futile(name, aware[0], why, {name: aware[0].replace(tzinfo=None)})
    if values and not aware and any(map(_is_timeless, values)) and not is_there("string") and is_there("date"):
        check_zones(operand, name)
        raise futile(name, values[0], "all that were saved are datetimes with a zone", None)


def _is_timeless(value: Any) -> bool:
    return isinstance(value, str) or (hasattr(value, "isoformat") and getattr(value, "tzinfo", None) is None)


def forms_of(description: Any, classes: Mapping[str, Any], seen: tuple[str, ...] = ()) -> set[str] | None:
    """Say in which forms queries see the values of a description; None where that is not known."""
    if isinstance(description, str):
        return set(_SCALARS[description]) if description in _SCALARS else None
    if "file" in description:
        return set()
    what, of = next(iter(description.items()))
    if what == "class":
        return _forms_of_class(of, classes, seen)
    if what in ("path", "literal"):
        return {"text"} if what == "path" else _forms_of_members(of)
    if what == "dict":
        return {"object", "list"}
    if what not in ("union", *_LISTS):
        return None
    inner = [forms_of(each, classes, seen) for each in (of if isinstance(of, list) else [of])]
    if None in inner:
        return None
    return {form for one in inner for form in one or ()} | (set() if what == "union" else {"list"})


def _forms_of_class(key: str, classes: Mapping[str, Any], seen: tuple[str, ...]) -> set[str] | None:
    entry = classes.get(key, {})
    if entry.get("kind") == "alias":
        return set() if key in seen else forms_of(entry["is"], classes, (*seen, key))
    if entry.get("kind") == "enum":
        if entry.get("plain"):
            return _forms_of_members([each.get("value") for each in entry["members"].values()])
        return {"text"}
    return {"object"} if "fields" in entry else None


def _forms_of_members(values: Sequence[Any]) -> set[str] | None:
    forms = {_form_of(value) for value in values if value is not None}
    return None if forms & {None, "object"} else {form for form in forms if form}


def _form_of(value: Any) -> str | None:
    """Name the form of a value as it is stored for queries; None for what is compared with all."""
    for form, kinds in _KINDS.items():
        if isinstance(value, kinds):
            return form
    return "number" if type(value).__name__ == "Decimal128" else None


_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "moment": (datetime,), "list": (list, tuple),
    "object": (Mapping,),
}  # fmt: skip


def _likely(value: Any, kind: str, forms: set[str]) -> Any:
    """Guess what may be meant by a value that a field cannot equal."""
    if kind == "list":
        return {"$in": value}
    if "number" in forms and isinstance(value, str):
        for made in (int, float):
            with contextlib.suppress(ValueError):
                return made(value)
    if "bool" in forms and kind == "number" and value in (0, 1):
        return bool(value)
    return str(value) if "text" in forms and kind in ("number", "bool") else None


def _choices(description: Any, classes: Mapping[str, Any]) -> set[Any] | None:
    """List the values of an Enum or Literal, as queries see them; None where there are others."""
    if description == "none":
        return set()
    if not isinstance(description, Mapping) or "file" in description:
        return None
    what, of = next(iter(description.items()))
    if what == "literal":
        return None if any(isinstance(each, Mapping) for each in of) else set(of)
    if what in ("union", *_LISTS):
        several = [_choices(each, classes) for each in (of if isinstance(of, list) else [of])]
        return None if None in several else {each for one in several for each in one or ()}
    entry = classes.get(of, {}) if what == "class" else {}
    if entry.get("kind") != "enum" or entry.get("flag"):
        return None
    return {each.get("value") if entry.get("plain") else name for name, each in entry["members"].items()}


def _check_choices(name: str, choices: set[Any], stored: Mapping[str, Any]) -> None:
    for operator, asked in stored.items():
        if operator in _EXACT:
            for value in asked if operator not in ("$eq", "$ne") and isinstance(asked, list) else [asked]:
                if isinstance(value, str) and value not in choices:
                    known = [str(each) for each in choices if each is not None]
                    raise futile(name, value, f"it has no such member; {meant(value, known)}", None)
