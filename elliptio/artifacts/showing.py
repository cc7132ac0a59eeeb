"""Let a notebook and IPython show an object as ``print`` does."""

from __future__ import annotations

from typing import Any


class ShownAsText:
    """An object whose text is what a reader wants to see of it, in a terminal and in a notebook."""

    def __init_subclass__(cls) -> None:
        # IPython takes the first class, from the most derived one on, that has this or a `__repr__` of its own.
        cls._repr_pretty_ = cls.__dict__.get("_repr_pretty_", ShownAsText._repr_pretty_)  # type: ignore[method-assign]

    def _repr_html_(self) -> str:
        from elliptio.artifacts.display import text_html

        return text_html(str(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{type(self).__name__}(...)" if cycle else str(self))
