"""Show fields and their values in a line; nothing that is not loaded yet is loaded for that."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

_LONGEST = 200
"""Characters of a value."""


def fields_text(values: Mapping[str, Any], lazy: Mapping[str, Any], order: list[str] | None = None) -> str:
    """Show fields and their values."""
    names = order or list({**values, **lazy})
    return ", ".join(f"{name}={value_text(values[name]) if name in values else '…'}" for name in names)


@reprlib.recursive_repr("…")
def value_text(value: Any) -> str:
    """Show a value: what is large is said by its class and shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and not hasattr(value, "__dataclass_fields__"):
        return f"<{type(value).__qualname__} {'x'.join(map(str, shape))}>"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]} … {text[-10:]}"
