"""Turn what can show itself into a page of HTML."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from elliptio.errors import ValueRefusedError


def page_of(value: Any) -> bytes:
    """Return the page of what has ``save``, ``to_html`` or ``_repr_html_``; a text is a page already.

    Raises
    ------
    ValueRefusedError
        If it has none of them.

    """
    if isinstance(value, str):
        return value.encode()
    failed: Exception | None = None
    if callable(getattr(value, "save", None)):
        try:
            saved = _saved(value)
        except Exception as error:  # whatever its class raises; its `save` may be of another kind
            failed, saved = error, None
        if saved is not None:
            return saved
    for name in ("to_html", "_repr_html_"):
        method = getattr(value, name, None)
        text = method() if callable(method) else None
        if isinstance(text, str):
            return text.encode()
    if failed is not None:
        raise ValueRefusedError(
            f"A value of type {type(value).__name__} did not save itself as a page: {type(failed).__name__}: {failed}"
        ) from failed
    raise ValueRefusedError(
        f"A value of type {type(value).__name__} cannot be shown on a page: it has no save(path), to_html() or "
        "_repr_html_()."
    )


def _saved(value: Any) -> bytes | None:
    with tempfile.TemporaryDirectory(prefix="elliptio-page-") as folder:
        path = Path(folder, "page.html")
        value.save(str(path))
        return path.read_bytes() if path.exists() else None
