"""Hold the settings of a project: found whatever the case of the letters, secrets hidden where they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elliptio.pipelines.errors import UnknownNameError
from elliptio.pipelines.project.names import meant, same

_SHORTEST_HIDDEN = 4


class Settings(Mapping[str, Any]):
    """The settings of a project, for reading; names are found whatever the case of their letters, at every level.

    Examples
    --------
    >>> settings = Settings({"Datastore": {"database": "sales"}})
    >>> settings["DATASTORE"]["Database"]
    'sales'

    """

    def __init__(self, values: Mapping[Any, Any] | None = None, *, origin: str = "the settings") -> None:
        self._values: dict[Any, Any] = plain(values or {})
        self._folded: dict[str, list[Any]] | None = None
        self.origin = origin

    def __getitem__(self, name: str) -> Any:
        key = self._key(name)
        if key is _NONE:
            raise UnknownNameError(f"There is no {name!r} in {self.origin}; {meant(name, self._values)}")
        return self._wrapped(key, self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return self._key(name) is not _NONE

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or something else if there is none of this name."""
        key = self._key(name)
        return default if key is _NONE else self._wrapped(key, self._values[key])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain dicts and lists of the caller's own."""
        own: dict[str, Any] = plain(self._values)
        return own

    def __repr__(self) -> str:
        return f"Settings({shown(self._values)!r})"

    def _key(self, name: object) -> Any:
        try:
            if name in self._values:
                return name
        except TypeError:
            return _NONE
        alike = self._alike(name)
        if len(alike) > 1:
            raise UnknownNameError(
                f"{name!r} may be {' or '.join(map(repr, alike))} in {self.origin}: write it as it is written there"
            )
        return alike[0] if alike else _NONE

    def _alike(self, name: object) -> list[Any]:
        """List the names that differ from this one by the case of letters at most."""
        if self._folded is None:
            folded: dict[str, list[Any]] = {}
            for key in self._values:
                if isinstance(key, str):
                    folded.setdefault(key.casefold(), []).append(key)
            self._folded = folded
        return self._folded.get(name.casefold(), []) if isinstance(name, str) else []

    def _wrapped(self, key: Any, value: Any) -> Any:
        if isinstance(value, dict):
            inner = Settings(origin=f"{key!r} of {self.origin}")
            inner._values = value  # nobody changes it, so it need not be copied
            return inner
        return [self._wrapped(key, each) for each in value] if isinstance(value, list) else value


_NONE = object()


def plain(value: Any) -> Any:
    """Copy a value with dicts and lists of its own in place of any mapping and list."""
    if isinstance(value, Mapping):
        values = value._values if isinstance(value, Settings) else value
        return {key: plain(each) for key, each in values.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def shown(value: Any) -> Any:
    """Copy values so that they may be shown: without those whose name tells of a secret, without passwords in URLs."""
    from elliptio.masking import hide_password

    if isinstance(value, Mapping):
        return {key: "***" if _is_secret(key, each) else shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    return hide_password(value) if isinstance(value, str) else value


def secrets_of(settings: Mapping[Any, Any]) -> dict[str, str]:
    """Collect the texts in settings that nobody should see, and the name of each."""
    found: dict[str, str] = {}
    for key, value in plain(settings).items():
        _collect_secrets(str(key), value, _is_secret(key, value), found)
    return found


def _collect_secrets(name: str, value: Any, is_secret: bool, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            inside = is_secret or _is_secret(key, each)
            _collect_secrets(str(key), each, inside, found)
    elif isinstance(value, list):
        for each in value:
            _collect_secrets(name, each, is_secret, found)
    elif (is_secret or (isinstance(value, str) and shown(value) != value)) and len(str(value)) >= _SHORTEST_HIDDEN:
        found[str(value)] = name


def hide(message: str, settings: Mapping[Any, Any]) -> str:
    """Mask in a message what of the settings is secret."""
    for text in sorted(secrets_of(settings), key=len, reverse=True):
        message = message.replace(text, "***")
    return message


def _is_secret(key: object, value: Any) -> bool:
    from elliptio.provenance.secrets.names import is_secret_argument, is_secret_option

    if not isinstance(key, str) or value is None or isinstance(value, bool):
        return False
    if isinstance(value, dict | list):
        return is_secret_option(key) or is_secret_argument(key, "values")
    return is_secret_option(key) or is_secret_argument(key, str(value))


def merged(base: Mapping[Any, Any], over: Mapping[Any, Any], *, any_case: bool = False) -> dict[Any, Any]:
    """Lay mappings over each other, level by level: the second wins, lists are replaced whole.

    With `any_case`, `Name` in the second is `name` of the first, and keeps its spelling there.
    """
    result = dict(base)
    for key, value in over.items():
        place = key
        if any_case and key not in result:
            alike = [each for each in base if same(each, key)]
            place = alike[0] if len(alike) == 1 else key
        old = result.get(place)
        is_deep = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[place] = merged(old, value, any_case=any_case) if is_deep else value  # type: ignore[arg-type]
    return result
