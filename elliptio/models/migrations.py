"""Lead what older versions of a class wrote to what it is now: by its hook, or by a chain of steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from elliptio.models.errors import MigrationError, ModelDefinitionError

MIGRATIONS = "__model_migrations__"
"""Attribute of a model's class: its steps, by the version that each begins at."""
_PENDING = "__model_migrations_here__"

Data = dict[str, Any]


class Step(NamedTuple):
    """A migration from one version to another."""

    begins: int
    ends: int
    function: Callable[[Data], Data]


def migration(begins: int, ends: int) -> Callable[[Callable[[Data], Data]], Any]:
    """Declare a function of the class body as the step from one version of a data model to another.

    It gets the fields as a dict, and returns those of the version that it leads to.

    Raises
    ------
    ModelDefinitionError
        If it does not lead from a version to a higher one.

    Examples
    --------
    >>> from elliptio.models import DataModel, migration
    >>> class Training(DataModel, version=2):
    ...     rate: float
    ...     @migration(1, 2)
    ...     def renamed(data):
    ...         return {"rate": data["learning_rate"]}

    """
    if type(begins) is not int or type(ends) is not int or begins >= ends:
        raise ModelDefinitionError(
            f"A migration leads from a version to a higher one, not from {begins!r} to {ends!r}."
        )
    # Two functions of one name, such as ``_``, are two steps: the body keeps only the last under its name.
    body = sys._getframe(1).f_locals

    def declared(function: Any) -> Any:
        plain = function.__func__ if isinstance(function, staticmethod) else function
        body.setdefault(_PENDING, []).append(Step(begins, ends, plain))
        return staticmethod(plain)

    return declared


def migrations_of(name: str, namespace: dict[str, Any], version: int) -> Mapping[int, Step]:
    """Collect the steps that a class body declares.

    Raises
    ------
    ModelDefinitionError
        If two begin at one version, or one leads beyond the version of the class.

    """
    steps: dict[int, Step] = {}
    for step in namespace.pop(_PENDING, ()):
        if step.begins in steps:
            raise ModelDefinitionError(f"{name} has two migrations from version {step.begins}: leave one.")
        if step.ends > version:
            raise ModelDefinitionError(
                f"{name} has a migration to version {step.ends}, and is of version {version}: raise it to that."
            )
        steps[step.begins] = step
    return steps


def hook_of(cls: type) -> Callable[[int, Data], Any] | None:
    """Return the hook of a class that takes what other versions wrote, under either of its names."""
    return getattr(cls, "model_migrate", None) or getattr(cls, "model_init", None)


def migrated(cls: Any, version: int, data: Data) -> Data:
    """Lead fields of another version to those of a class by its steps; what fits needs none.

    Raises
    ------
    MigrationError
        If it is newer, a step is missing, or what they lead to are not the fields of the class.

    """
    what = f"{cls.__qualname__} (version {cls.__model_version__})"
    steps: Mapping[int, Step] = cls.__dict__[MIGRATIONS]
    if version > cls.__model_version__:
        raise MigrationError(
            f"{what} cannot take version {version}, which is newer: update the code that defines it, or give it "
            "model_migrate."
        )
    at = version
    while at in steps:
        data, at = steps[at].function(dict(data)), steps[at].ends
        if not isinstance(data, dict):
            raise MigrationError(f"The migration of {what} to version {at} returned {data!r}, not a dict of fields.")
    later = [begins for begins in steps if begins > at]
    if later:
        raise MigrationError(f"{what} has no migration from version {at}: there is one from {min(later)} only.")
    check_names(cls, data, f"{what} cannot take version {version}")
    return data


def check_names(cls: Any, data: Mapping[str, Any], what: str) -> None:
    """Refuse fields that a class cannot be made of.

    Raises
    ------
    MigrationError
        If one is unknown, or one without a default is missing.

    """
    own = {one.name: one for one in fields(cls)}
    unknown = sorted(data.keys() - own.keys())
    missing = [
        name
        for name, one in own.items()
        if name not in data and one.init and one.default is MISSING and one.default_factory is MISSING
    ]
    if unknown or missing:
        lacks = [f"no field {', '.join(map(repr, unknown))}"] if unknown else []
        lacks += [f"no default of {', '.join(map(repr, missing))}"] if missing else []
        raise MigrationError(f"{what}: it has {' and '.join(lacks)}. Write @migration(…), or model_migrate.")
