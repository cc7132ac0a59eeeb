"""Resolve the settings of flows: argument > ``ELLIPTIO_FLOWS_*`` variable > default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from elliptio.errors import ConfigError
from elliptio.masking import hide_login

PREFIX = "ELLIPTIO_FLOWS_"

SECRET, REDIS = "ELLIPTIO_FLOWS_SECRET", "ELLIPTIO_FLOWS_REDIS"
"""Variables of the key that values are signed with, and of the URL of Redis."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of flows. Times are seconds, sizes bytes; each is above 0.

    Attributes
    ----------
    io_read_timeout
        How long one question for values waits.
    io_read_pending_timeout
        How long a reader waits for a value while nobody is alive who could write one.
    flow_execution_advancement_timeout
        How long a step that could start may take to be dispatched before that is an error.
    serialization_secret
        Key that values outside of this process are signed with; no default.
    lease
        How long a worker may be silent before another one takes its step over.
    attempts
        How many workers in a row may be lost with a step that makes nothing new, before it fails.
    limit, limit_bytes
        How far the slowest attached reader of a stream may be behind, in values and in bytes.
    ttl
        How long a flow is kept after the last that was written to it.

    Examples
    --------
    >>> Settings(lease=5).lease
    5

    """

    io_read_timeout: float = 1.0
    io_read_pending_timeout: float = 30.0
    flow_execution_advancement_timeout: float = 5.0
    serialization_secret: str | bytes | None = None
    lease: float = 15.0
    attempts: int = 5
    limit: int = 1000
    limit_bytes: int = 64 * 2**20
    ttl: float = 7 * 86400.0

    @property
    def limits(self) -> tuple[int, int]:
        """Values and bytes that a reader may be behind."""
        return self.limit, self.limit_bytes

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in NAMES if name != "serialization_secret")
        return f"Settings({', '.join(shown)})"


NAMES = tuple(field.name for field in fields(Settings))
"""All settings of flows."""


def load(given: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Resolve all settings.

    Raises
    ------
    ConfigError
        If one is unknown, cannot be read, or is not above 0.

    """
    given = given or {}
    environ = os.environ if environ is None else environ
    for name in given:
        if name not in NAMES:
            raise ConfigError(f"Flows have no setting {name!r}. There are: {', '.join(NAMES)}.")
    values = {}
    for name in NAMES:
        variable = SECRET if name == "serialization_secret" and SECRET in environ else PREFIX + name.upper()
        if given.get(name) is not None:
            values[name] = _READ[name](given[name], f"The setting {name!r}")
        elif environ.get(variable, "").strip():
            values[name] = _READ[name](environ[variable].strip(), f"The variable {variable}")
    return Settings(**values)


def shown(environ: Mapping[str, str] | None = None) -> dict[str, tuple[Any, str]]:
    """Tell each setting and Redis as they may be shown, and the variable that each comes from, else "default".

    Raises
    ------
    ConfigError
        If a variable cannot be read.

    """
    environ = os.environ if environ is None else environ
    found, known = load(environ=environ), {}
    for name in NAMES:
        variables = [PREFIX + name.upper()] if name != "serialization_secret" else [SECRET, PREFIX + name.upper()]
        origin = next((one for one in variables if environ.get(one, "").strip()), "default")
        known[name] = getattr(found, name), origin
    if known["serialization_secret"][0] is not None:
        known["serialization_secret"] = "(set, not shown)", known["serialization_secret"][1]
    url = environ.get(REDIS, "").strip()
    known["redis"] = (hide_login(url), REDIS) if url else (None, "default")
    return known


def _number(kind: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    def read(value: Any, what: str) -> Any:
        try:
            number = kind(value) if isinstance(value, str) else value
            fits = not isinstance(number, bool) and kind(number) == number and 0 < number < float("inf")
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            raise ConfigError(f"{what} must be a {'whole ' if kind is int else ''}number above 0, not {value!r}.")
        return kind(number)

    return read


def _secret(value: Any, what: str) -> str | bytes:
    if not isinstance(value, str | bytes) or len(value) < 8:
        raise ConfigError(f"{what} must be a text or bytes of at least 8 characters.")
    return value


_WHOLE = frozenset({"attempts", "limit", "limit_bytes"})

_READ: dict[str, Callable[[Any, str], Any]] = {
    name: _secret if name == "serialization_secret" else _number(int if name in _WHOLE else float) for name in NAMES
}
