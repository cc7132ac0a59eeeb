"""Make steps for another process, which tells where it stands, then one step after the other."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elliptio.pipelines.session import BaseSession

is_importing_main = False
"""True in a process that imports the script of another one, to find its crafts."""


def command(fd: int) -> str:
    """Program of such a process: it finds modules where this one does."""
    return f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({fd})"


def beginning(session: BaseSession, run: Mapping[str, str | None]) -> bytes:
    """Facts that such a process is told first, about the process that it works for."""
    main = sys.modules["__main__"]
    # As multiprocessing does it for what it spawns.
    whole = spawn.get_preparation_data("elliptio-step")
    told = {name: whole[name] for name in ("sys_path", "sys_argv", "dir")}
    script = {name: whole[name] for name in whole if name.startswith("init_main")}
    start = {
        "told": told,
        "script": script,
        "file": getattr(main, "__file__", None),
        "run": dict(run),
        "root": str(session.root),
        "handler": session.handler,
    }
    return pickle.dumps(start)


def serve(fd: int) -> None:
    """Make steps until the other side hangs up."""
    connection = Connection(fd)
    try:
        start = connection.recv_bytes()
        session: BaseSession | None = None
        script: dict[str, Any] = {}
        while True:
            data, run = pickle.loads(connection.recv_bytes())
            from elliptio.pipelines.builds.runners import answers, elsewhere

            def make(data: Any = data, run: Any = run) -> Any:
                nonlocal session
                if session is None:
                    session = _begin(start, script)
                if data["craft"].startswith("__main__:"):
                    _import_main(script)
                return elsewhere.run_in(session, data, run, tells=True)

            connection.send_bytes(pickle.dumps(answers.safely(make)))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def _begin(start: bytes, script: dict[str, Any]) -> BaseSession:
    from elliptio.pipelines.builds.runners.elsewhere import open_session
    from elliptio.runs.running import joined

    told = pickle.loads(start)
    spawn.prepare(told["told"])
    script.update(told["script"])
    if told["file"] is not None:
        # The program that runs is that of the other process: what is recorded of it is looked for there.
        sys.modules["__main__"].__file__ = told["file"]
    os.environ.update({name: value for name, value in told["run"].items() if value is not None})
    handler = told["handler"]
    handler._scope = joined(handler.lake)
    return open_session(told["root"], handler)


def _import_main(script: dict[str, Any]) -> None:
    """Import the script of the other process, once, under another name than ``__main__``."""
    global is_importing_main
    if not script:
        return
    is_importing_main = True
    # Else the script is taken for imported.
    vars(sys.modules["__main__"]).pop("__file__", None)
    try:
        spawn.prepare(script)
        script.clear()
    finally:
        is_importing_main = False
