"""Decide at which lake models and nodes are: one for the process, another one for a block."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from elliptio.errors import ConfigError
from elliptio.handler import Handler
from elliptio.masking import hide_login
from elliptio.system import current_handler

_of_process: list[Handler] = []
"""The handler of this process, if one was set."""

_of_block: ContextVar[Handler | None] = ContextVar("elliptio_engine", default=None)

_usual: list[Handler] = []
"""The handler where nobody made or set one."""

FILES = ".files"
"""End of the name of the folder of files beside a database."""

_MEMORY: list[tempfile.TemporaryDirectory[str]] = []


def set_engine(engine: Any = None, create_tables: bool = False) -> Callable[[], None]:
    """Set the lake of models and nodes for this process.

    Parameters
    ----------
    engine
        A `Handler`, the root of a lake, or the URL of a database of SQLite, ``"sqlite+aiosqlite:///example.db"``: that
        file is the index, the files lie in the folder ``example.db.files`` beside it. What is in memory is a lake that
        goes with the process. None: the default handler again.
    create_tables
        Makes no difference: what is needed is made at its first use.

    Returns
    -------
    Callable
        Sets what was set before.

    Raises
    ------
    ConfigError
        If there is no such lake.

    """
    before = list(_of_process)
    opened = [] if engine is None else [_handler(engine)]
    _of_process[:] = opened

    def reset() -> None:
        _of_process[:] = before
        for handler in opened:
            if handler is not engine:
                handler.close()

    return reset


@contextlib.contextmanager
def engine_context(engine: Any, *, create_tables: bool = False) -> Iterator[Handler]:
    """Set the lake of models and nodes for a block, in this task or thread only; parameters as of `set_engine`."""
    handler = _handler(engine)
    token = _of_block.set(handler)
    try:
        yield handler
    finally:
        with contextlib.suppress(ValueError):  # a fixture may leave the block in another context
            _of_block.reset(token)
        if handler is not engine:
            handler.close()


def current_engine(given: Handler | None = None) -> Handler:
    """Return the handler that counts here: the one given, that of the block, of the process, else the default one."""
    found = _of_block.get() if given is None else given
    if found is not None:
        return found
    if _of_process:
        return _of_process[-1]
    made: Handler | None = current_handler.current()
    if made is not None:
        return made
    if not _usual:
        _usual.append(Handler())
    return _usual[0]


def _handler(engine: Any) -> Handler:
    if isinstance(engine, Handler):
        return engine
    if hasattr(engine, "url") and type(engine).__module__.startswith("sqlalchemy"):
        engine = engine.url.render_as_string(hide_password=False)
    if not isinstance(engine, str | os.PathLike):
        raise ConfigError(
            "An engine is a Handler, the root of a lake, or a URL such as sqlite+aiosqlite:///example.db, not "
            f"{hide_login(repr(engine))}."
        )
    scheme, separator, rest = str(os.fspath(engine)).partition("://")
    if separator and scheme.partition("+")[0] == "sqlite":
        return _of_database(rest)
    if separator and scheme not in ("s3", "file"):
        raise ConfigError(
            f"The engine {hide_login(str(engine))!r} is none of elliptio: use sqlite:///file, the root of a lake, or "
            "set_engine(Handler(root, index=…))."
        )
    return Handler(engine)


def _of_database(rest: str) -> Handler:
    """Open the lake whose index is a database: ``/relative.db`` or ``//absolute.db``, as in SQLAlchemy."""
    name = unquote(rest.partition("?")[0]).removeprefix("/")
    if name in ("", ":memory:"):
        _MEMORY.append(tempfile.TemporaryDirectory(prefix="elliptio-", ignore_cleanup_errors=True))
        return Handler(_MEMORY[-1].name)
    path = Path(name).expanduser().absolute()
    return Handler(f"{path}{FILES}", index=f"sqlite:///{path}")
