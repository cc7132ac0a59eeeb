"""Tell which fields may hold big values: those are decoded when they are touched."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any


class Bigness:
    """The answers that the descriptions of one document give about big values.

    Parameters
    ----------
    classes
        The table.
    root
        KEY of the class that is decoded.

    """

    def __init__(self, classes: Mapping[str, Any], root: Any) -> None:
        self.classes, self.root = classes, root
        self._big: dict[str, bool] = {}

    def fields(self, described: Mapping[str, Any]) -> set[str]:
        """Name the fields that may hold files."""
        return {name for name, each in described.items() if self._description(each)}

    def _description(self, description: Any) -> bool:
        """Tell whether values of a description may hold files."""
        if isinstance(description, str):
            return description in ("any", "bytes")
        if not isinstance(description, Mapping):
            return False
        if "file" in description:
            return True
        key = description.get("class")
        if isinstance(key, str):
            return self._class(key) or self._subclass()
        parts = [each for of in description.values() for each in (of if isinstance(of, list) else [of])]
        return any(isinstance(each, str | dict) and self._description(each) for each in parts)

    def _class(self, key: str) -> bool:
        if key not in self._big:
            self._big[key] = False
            entry = self.classes.get(key)
            if isinstance(entry, Mapping):
                fields = entry.get("fields", {})
                inner = [entry["is"]] if "is" in entry else list(fields.values()) if isinstance(fields, Mapping) else []
                self._big[key] = entry.get("kind") == "base" or any(map(self._description, inner))
        return self._big[key]

    @cached_property
    def _of_this_document(self) -> set[str]:
        """KEYs of the classes that no declared type reaches: those of subclasses, and of what stands in `Any`."""
        reached: set[str] = set()
        left: list[Any] = [{"class": self.root}]
        while left:
            each = left.pop()
            if isinstance(each, list):
                left.extend(each)
            elif isinstance(each, dict):
                key = each.get("class")
                if isinstance(key, str) and key not in reached:
                    reached.add(key)
                    entry = self.classes.get(key)
                    left.extend([entry.get("is"), entry.get("fields")] if isinstance(entry, dict) else [])
                left.extend(inner for inner in each.values() if isinstance(inner, dict | list))
        return set(self.classes) - reached

    def _subclass(self) -> bool:
        return any(map(self._class, self._of_this_document))


def holds_file(plain: Any) -> bool:
    """Tell whether plain data may name a file."""
    if type(plain) not in (dict, list):
        return False
    left: list[Any] = [plain]
    while left:
        each = left.pop()
        if type(each) is dict:
            if "$file" in each:
                return True
            left.extend(inner for inner in each.values() if type(inner) in (dict, list))
        else:
            left.extend(inner for inner in each if type(inner) in (dict, list))
    return False
