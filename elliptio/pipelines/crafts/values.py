"""Give a craft the partitions of an input as a mapping, each loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from elliptio.pipelines.catalog.keys import Keys, Value, canonical
from elliptio.pipelines.catalog.versions import Version

Key = Value | tuple[Value, ...]


class LazyPartitions(Mapping[Any, Any]):
    """The partitions of an input by their keys: a value of the one key, or a tuple in the order of the entry's keys.

    Parameters
    ----------
    names
        Names of the keys that are left, in the order of the entry's.
    versions
        The partitions.
    load
        Loads one.

    """

    def __init__(self, names: Sequence[str], versions: Mapping[Keys, Version], load: Callable[[Version], Any]) -> None:
        self._versions: dict[Key, Version] = {}
        for keys, version in sorted(versions.items(), key=lambda item: item[0].order_by(names)):
            values = tuple(keys[name] for name in names)
            self._versions[values[0] if len(values) == 1 else values] = version
        self._load = load
        self._loaded: dict[Key, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        key = tuple(map(canonical, key)) if isinstance(key, tuple) else canonical(key)
        if key not in self._loaded:
            self._loaded[key] = self._load(self._versions[key])
        return self._loaded[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    def __contains__(self, key: object) -> bool:
        return (tuple(map(canonical, key)) if isinstance(key, tuple) else canonical(key)) in self._versions

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} partitions)"
