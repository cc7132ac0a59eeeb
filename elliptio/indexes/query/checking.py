"""Check queries and sorts, and make them plain, before any index sees them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from elliptio.errors import QueryError
from elliptio.indexes.query.values import TYPE_CODES, check_depth, check_path, check_text, guess, plain_value, short
from elliptio.naming import normalize_package

_TYPE_NUMBERS: Final = frozenset(code for codes in TYPE_CODES.values() for code in codes)

_LOGICAL: Final = ("$and", "$or", "$nor")
_REFUSED: Final = {
    "$where": "runs JavaScript, which only MongoDB can; fetch the documents and filter them in Python",
    "$expr": "computes, which only MongoDB can; fetch the documents and filter them in Python",
    "$jsonSchema": "is only known to MongoDB; use $type and $exists",
    "$text": "needs a text index, which only MongoDB has; use $regex",
    **dict.fromkeys(
        ("$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$geoNear", "$within", "$box", "$center"),
        "asks for places, which elliptio does not index",
    ),
    **dict.fromkeys(
        ("$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear"),
        "tests bits, which elliptio does not; use $mod or fetch the documents and filter them in Python",
    ),
    **dict.fromkeys(("$rand", "$sampleRate"), "answers by chance; fetch the documents and draw from them"),
}


def check_query(query: Mapping[str, Any]) -> None:
    """Refuse a query that is malformed, or that not every index can answer exactly.

    Raises
    ------
    QueryError
        Its message names the operator or path, says what is wrong and what to do instead.
    """
    normalize_query(query)


def normalize_query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Check a query and copy it in plain types.

    Parameters
    ----------
    query
        A MongoDB query. Values may also be tuples, paths, UUIDs, and numpy's and pandas' scalars and arrays.

    Returns
    -------
    dict
        A deep copy of plain BSON types; datetimes are aware and UTC. Normalizing it again changes nothing.

    Raises
    ------
    QueryError
        If the query is malformed, or asks what elliptio does not answer.
    """
    return _query(query, "a query", 0)


def _query(query: Any, what: str, depth: int) -> dict[str, Any]:
    if depth:
        check_depth(depth)
    if not isinstance(query, Mapping):
        raise QueryError(f"{what} is a dict like {{'username': 'andy'}}, not a {type(query).__name__}")
    plain: dict[str, Any] = {}
    for key, operand in query.items():
        if not isinstance(key, str):
            raise QueryError(f"{what} has the key {key!r}: keys are field names, so strings")
        if key in _LOGICAL:
            plain[key] = _alternatives(key, operand, depth)
        elif key == "$comment":
            plain[key] = plain_value(operand, key, depth + 1)
        elif key.startswith("$"):
            raise _misplaced(key)
        else:
            plain[check_path(key)] = _condition(key, operand, depth + 1)
    return plain


def _alternatives(key: str, operand: Any, depth: int) -> list[dict[str, Any]]:
    if not isinstance(operand, list | tuple) or not operand:
        raise QueryError(f"{key} takes a list of at least one query, not {short(operand)}")
    return [_query(each, f"each element of {key}", depth + 1) for each in operand]


def _misplaced(key: str) -> QueryError:
    if key in _REFUSED:
        return QueryError(f"{key} {_REFUSED[key]}")
    if key in _OPERATORS:
        return QueryError(f"{key} needs a field: write {{'field': {{'{key}': …}}}}")
    return QueryError(f"there is no operator {key}{guess(key, [*_LOGICAL, *_OPERATORS])}")


# --- what a field shall be -----------------------------------------------------------------------------------------


def _condition(path: str, operand: Any, depth: int) -> Any:
    if isinstance(operand, Mapping) and any(isinstance(key, str) and key.startswith("$") for key in operand):
        return _operators(path, operand, depth)
    plain = _literal(path, operand, depth)
    if not _is_regex(plain):
        return plain
    from elliptio.indexes.query.predicate import regex_operand

    # It means the same to MongoDB; there are servers that find nothing by a pattern alone (docs/queries.md).
    pattern, options = regex_operand(plain)
    return {"$regex": pattern, "$options": options}


def _is_regex(value: Any) -> bool:
    return isinstance(value, re.Pattern) or (type(value).__name__ == "Regex" and type(value).__module__ == "bson.regex")


def _literal(path: str, operand: Any, depth: int) -> Any:
    if _is_regex(operand):
        _check_regex(path, operand, "")
        return operand
    return plain_value(operand, path, depth)


def _operators(path: str, operators: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    check_depth(depth)
    plain: dict[str, Any] = {}
    for name, operand in operators.items():
        if not isinstance(name, str) or not name.startswith("$"):
            raise QueryError(
                f"{path}: operators and the field {name!r} are mixed; ask for the field by its path '{path}.{name}'"
            )
        if name in _REFUSED:
            raise QueryError(f"{path}: {name} {_REFUSED[name]}")
        if name in _LOGICAL:
            raise QueryError(f"{path}: {name} joins queries, not operators: write {{'{name}': [{{'{path}': …}}, …]}}")
        if name not in _OPERATORS:
            raise QueryError(f"{path}: there is no operator {name}{guess(name, list(_OPERATORS))}")
        plain[name] = _OPERATORS[name](f"{path}: {name}", operand, depth + 1)
    if "$options" in plain and "$regex" not in plain:
        raise QueryError(f"{path}: $options needs a $regex beside it")
    if "$regex" in plain:
        _check_regex(path, plain["$regex"], plain.get("$options", ""))
    return plain


def _check_regex(path: str, pattern: Any, options: str) -> None:
    from elliptio.indexes.query.patterns import compile_pattern

    if not isinstance(pattern, str):
        from bson import Regex

        from elliptio.indexes.query.ordering import regex_options

        if not isinstance(pattern, re.Pattern | Regex) or not isinstance(pattern.pattern, str):
            raise QueryError(f"{path}: a regular expression is a str, not {short(pattern)}")
        own = regex_options(int(pattern.flags))
        if own and options:
            raise QueryError(
                f"{path}: options stand both in the pattern ({own}) and in $options; give the pattern as a str"
            )
        pattern, options = pattern.pattern, own
    try:
        compile_pattern(check_text(pattern, path), options)
    except QueryError as error:
        raise QueryError(f"{path}: {error}") from error


def _equal(where: str, operand: Any, depth: int) -> Any:
    return plain_value(operand, where, depth)


def _compared(where: str, operand: Any, depth: int) -> Any:
    if _is_regex(operand):
        raise QueryError(f"{where} compares values, not regular expressions; use $regex, or $not with one")
    return plain_value(operand, where, depth)


def _list(where: str, operand: Any) -> list[Any]:
    if type(operand).__module__.partition(".")[0] in ("numpy", "pandas"):
        operand = plain_value(operand, where)
    if not isinstance(operand, list | tuple):
        raise QueryError(f"{where} takes a list, not {short(operand)}")
    return list(operand)


def _one_of(where: str, operand: Any, depth: int) -> list[Any]:
    return [_literal(where, each, depth + 1) for each in _list(where, operand)]


def _all(where: str, operand: Any, depth: int) -> list[Any]:
    operands = _list(where, operand)
    nested = [isinstance(each, Mapping) and "$elemMatch" in each for each in operands]
    if not any(nested):
        return _one_of(where, operands, depth)
    if not all(nested) or any(len(each) > 1 for each in operands):
        raise QueryError(f"{where} takes values, or only {{'$elemMatch': …}}, not both")
    return [{"$elemMatch": _elem_match(f"{where}.$elemMatch", each["$elemMatch"], depth + 1)} for each in operands]


def _elem_match(where: str, operand: Any, depth: int) -> dict[str, Any]:
    if not isinstance(operand, Mapping):
        raise QueryError(f"{where} takes a query or operators, not {short(operand)}")
    first = next(iter(operand), None)
    if isinstance(first, str) and first.startswith("$") and first not in (*_LOGICAL, "$comment"):
        return _operators(where, operand, depth)
    return _query(operand, where, depth)


def _not(where: str, operand: Any, depth: int) -> Any:
    if _is_regex(operand):
        return _literal(where, operand, depth)
    if not isinstance(operand, Mapping) or not operand:
        raise QueryError(f"{where} takes operators or a regular expression, not {short(operand)}; see $ne for values")
    return _operators(where, operand, depth)


def _exists(where: str, operand: Any, depth: int) -> bool:
    operand = plain_value(operand, where, depth)
    if not isinstance(operand, bool | int | float):
        raise QueryError(f"{where} takes True or False, not {short(operand)}")
    return bool(operand)


def _whole(where: str, operand: Any, depth: int, *, truncate: bool = False) -> int:
    number = plain_value(operand, where, depth)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise QueryError(f"{where} takes a whole number, not {short(operand)}")
    if not math.isfinite(number) or not (truncate or number == int(number)) or not -(2**63) <= number < 2**63:
        raise QueryError(f"{where} takes a whole number, not {number}")
    return int(number)


def _size(where: str, operand: Any, depth: int) -> int:
    size = _whole(where, operand, depth)
    if not 0 <= size < 2**31:
        raise QueryError(f"{where} takes a number of elements, not {size}; for a range ask for 'path.N' with $exists")
    return size


def _mod(where: str, operand: Any, depth: int) -> list[int]:
    operands = _list(where, operand)
    if len(operands) != 2:
        raise QueryError(f"{where} takes [divisor, remainder], not {short(operand)}")
    divisor, remainder = (_whole(where, each, depth, truncate=True) for each in operands)
    if divisor == 0:
        raise QueryError(f"{where} cannot divide by 0")
    return [divisor, remainder]


def _type(where: str, operand: Any, depth: int) -> Any:
    several = isinstance(operand, list | tuple)
    kinds = [
        each if isinstance(each, str) else _whole(where, each, depth) for each in (operand if several else [operand])
    ]
    for kind in kinds:
        if isinstance(kind, str) and kind not in TYPE_CODES:
            raise QueryError(f"{where}: there is no type {kind!r}{guess(kind, list(TYPE_CODES))}")
        if isinstance(kind, int) and kind not in _TYPE_NUMBERS:
            raise QueryError(f"{where}: there is no type {kind}; use a name like 'string'")
    if not kinds:
        raise QueryError(f"{where} takes at least one type")
    return kinds if several else kinds[0]


def _regex(where: str, operand: Any, depth: int) -> Any:
    return operand if _is_regex(operand) else plain_value(operand, where, depth)


def _options(where: str, operand: Any, depth: int) -> str:
    if not isinstance(operand, str):
        raise QueryError(f"{where} takes a str like 'i', not {short(operand)}")
    return str.__str__(operand)


_OPERATORS: Final[dict[str, Callable[[str, Any, int], Any]]] = {
    "$eq": _equal, "$ne": _compared, "$gt": _compared, "$gte": _compared, "$lt": _compared, "$lte": _compared,
    "$in": _one_of, "$nin": _one_of, "$all": _all, "$elemMatch": _elem_match, "$size": _size, "$exists": _exists,
    "$type": _type, "$regex": _regex, "$options": _options, "$mod": _mod, "$not": _not,
}  # fmt: skip


# --- sorts ---------------------------------------------------------------------------------------------------------


def check_sort(sort: Any) -> list[tuple[str, int]]:
    """Check a sort and spell it out.

    Parameters
    ----------
    sort
        None, ``"path"``, ``"-path"``, ``("path", -1)``, ``{"path": -1}``, or a list of these.

    Returns
    -------
    list
        (dotted path, 1 or -1) pairs, most significant first.

    Raises
    ------
    QueryError
        If it is malformed.
    """
    if isinstance(sort, Mapping):
        parts: list[Any] = list(sort.items())
    elif sort is None or isinstance(sort, str) or _is_pair(sort):
        parts = [] if sort is None else [sort]
    elif isinstance(sort, list | tuple):
        parts = [pair for each in sort for pair in (each.items() if isinstance(each, Mapping) else [each])]
    else:
        raise QueryError(f"a sort is like '-creation_time' or [('username', 1)], not {short(sort)}")
    pairs = [_sort_pair(each) for each in parts]
    if len(pairs) > 32 or len({path for path, _ in pairs}) < len(pairs):
        raise QueryError("a sort names each path once, and at most 32")
    return pairs


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and not isinstance(value[1], str)


def _sort_pair(part: Any) -> tuple[str, int]:
    if isinstance(part, str):
        path, direction = part.removeprefix("-"), -1 if part.startswith("-") else 1
    elif isinstance(part, list | tuple) and len(part) == 2:
        path, direction = part
    else:
        raise QueryError(f"a sort is like '-creation_time' or ('username', 1), not {short(part)}")
    if not isinstance(path, str):
        raise QueryError(f"a sort names a path, not {short(path)}")
    if isinstance(direction, bool) or direction not in (1, -1):
        raise QueryError(f"the sort by {path!r} is ascending with 1 or descending with -1, not {short(direction)}")
    return check_path(path), int(direction)


# --- clauses on the environment ------------------------------------------------------------------------------------

Resolve = Callable[[dict[str, Any]], tuple[list[str], list[str]]]


def split_environment(query: Mapping[str, Any], fields: tuple[str, ...], resolve: Resolve) -> dict[str, Any]:
    """Replace the clauses on fields of the environment by clauses on ``environment_id``.

    Parameters
    ----------
    query
        A normalized query on artifacts.
    fields
        The names of the fields that environments have.
    resolve
        Gets a query on environments and returns the ids of those that match and of those that do not.

    Returns
    -------
    dict
        The same query in terms of artifacts. An artifact without an environment is one with an empty one.
    """
    plain: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    clauses = []
    for key, operand in query.items():
        if key in _LOGICAL:
            plain[key] = [split_environment(each, fields, resolve) for each in operand]
        elif key.partition(".")[0] not in fields:
            plain[key] = operand
        elif (path := _environment_path(key)) in environment:
            clauses.append(_by_environment({path: operand}, resolve))
        else:
            environment[path] = operand
    if environment:
        clauses.append(_by_environment(environment, resolve))
    if len(clauses) == 1 and "environment_id" not in plain:
        return plain | clauses[0]
    return {"$and": [*([plain] if plain else []), *clauses]} if clauses else plain


def _environment_path(path: str) -> str:
    root, dot, rest = path.partition(".")
    return f"{root}.{normalize_package(rest)}" if root == "python_packages" and dot else path


def _by_environment(query: dict[str, Any], resolve: Resolve) -> dict[str, Any]:
    from elliptio.indexes.query.predicate import compile_query

    matching, others = resolve(query)
    if compile_query(query)({}):
        return {"environment_id": {"$nin": others}}
    return {"environment_id": {"$in": matching}}
