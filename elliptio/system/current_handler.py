"""Remember the handler that counts where none is named: the one that was made, or entered with ``with``, last."""

from __future__ import annotations

import weakref
from typing import Any

from elliptio.system.forking import Lock

_open: list[weakref.ref[Any]] = []
_lock = Lock()


def opened(handler: Any) -> None:
    """Take note of a handler that was made or entered."""
    with _lock:
        _drop(handler)
        _open.append(weakref.ref(handler))


def closed(handler: Any) -> None:
    """Forget a handler: the one before it counts again."""
    with _lock:
        _drop(handler)


def current() -> Any | None:
    """Return the handler of this process that was made or entered last and is neither closed nor gone, else None."""
    with _lock:
        for reference in reversed(_open):
            handler = reference()
            if handler is not None:
                return handler
    return None


def _drop(handler: Any) -> None:
    _open[:] = [reference for reference in _open if reference() not in (None, handler)]
