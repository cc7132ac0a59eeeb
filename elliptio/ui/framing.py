"""Show a lake in a notebook: a server in a thread of this process, and a frame that it is looked at in."""

from __future__ import annotations

import atexit
import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from elliptio.errors import ConfigError
from elliptio.lake.lake import Lake
from elliptio.ui.serving import Server, is_loopback

if TYPE_CHECKING:
    from elliptio.handler import Handler

_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")


class Framed:
    """A view of a lake that this process serves, until it ends or until `close`.

    In a notebook it shows itself in a frame.

    Attributes
    ----------
    url
        Address that lets in, with the token: to be opened in a tab of its own.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> view = h.ui()
    >>> view.url
    'http://127.0.0.1:.../?token=...'
    >>> view.close()

    """

    def __init__(self, server: Server, where: str, height: int, asked: tuple[object, ...]) -> None:
        self._server = server
        self._where = where
        self._asked = asked
        self._process = os.getpid()
        self.height = height
        self._closed = False
        server.start()
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"<view at {self.url}>" if self.is_open else "<view, closed>"

    def _repr_html_(self) -> str:
        if not self.is_open:
            return "<p>This view is closed: <code>h.ui()</code> opens another one.</p>"
        where, height = html.escape(self.url), max(int(self.height), 100)
        return (
            f'<iframe src="{where}" width="100%" height="{height}" style="border:1px solid #8884;border-radius:8px" '
            f'title="elliptio"></iframe><p><a href="{where}" target="_blank" rel="noopener">Open it in a tab</a></p>'
        )

    @property
    def url(self) -> str:
        """Address that lets in, with the token."""
        return f"{self._where}?token={self._server.policy.token}"

    @property
    def is_open(self) -> bool:
        """True while it is served; a process that was forked serves nothing."""
        return not self._closed and self._process == os.getpid()

    def close(self) -> None:
        """Stop serving. Idempotent."""
        if self.is_open:
            self._closed = True
            atexit.unregister(self.close)
            self._server.stop()


class _Held:
    """The view of a lake in this process."""

    def __init__(self) -> None:
        self.framed: Framed | None = None


def framed(handler: Handler, *, origin: str | None, port: int, height: int) -> Framed:
    """Serve a view of a lake in a thread, and return it; one that was asked for in the same way is there already.

    Raises
    ------
    ConfigError
        If the origin is none, or the port is taken.

    """
    asked = (origin, port)
    held = handler.lake.own(_Held)
    if held.framed is not None:
        if held.framed.is_open and held.framed._asked == asked:
            held.framed.height = height
            return held.framed
        held.framed.close()
    pages = origins(origin, os.environ)
    first = urlsplit(pages[0]) if pages else None
    names = [first.netloc] if first and not is_loopback(first.hostname or "") else []
    server = Server(_to_look(handler), port=port, hosts=names, framed_by=" ".join(pages) or None)
    held.framed = Framed(server, _place(server, pages, os.environ), height, asked)
    return held.framed


def _to_look(handler: Handler) -> Handler:
    """Take a handler of its own for the view, on the same lake: that says on its pages what others are warned of."""
    seen = object.__new__(type(handler))
    seen.__dict__.update(handler.__dict__)
    lake = handler.lake
    seen.lake = Lake(lake.store, lake.index, shared=lake.shared, downloads=lake.downloads)
    seen.lake.named = lake.named
    return seen


def origins(origin: str | None, environ: Mapping[str, str]) -> list[str]:
    """List the origins of pages that may show it in a frame: that which was given, else Jupyter's, if that is known.

    Raises
    ------
    ConfigError
        If what was given is none.

    """
    if origin is not None:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(f"origin is one such as 'http://localhost:8888', not {origin!r}.")
        return [_origin(origin)]
    found = environ.get("JUPYTERHUB_PUBLIC_URL") or _jupyter(environ)
    if not found:
        return []
    parts = urlsplit(found)
    if parts.hostname not in ("localhost", "127.0.0.1"):
        return [_origin(found)]
    other = "127.0.0.1" if parts.hostname == "localhost" else "localhost"
    return [_origin(found), f"{parts.scheme}://{other}:{parts.port}"]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _jupyter(environ: Mapping[str, str]) -> str:
    """Find the address of the Jupyter server that began this kernel; empty where none did, or it is not known."""
    parent = environ.get("JPY_PARENT_PID", "")
    if not parent.isdecimal():
        return ""
    try:
        from jupyter_core.paths import jupyter_runtime_dir

        found = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{parent}.json").read_text())
        url = str(found["url"])
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        return ""
    return url if urlsplit(url).scheme in ("http", "https") else ""


def _place(server: Server, pages: list[str], environ: Mapping[str, str]) -> str:
    """Return where a browser finds it: on this machine, or through the proxy of a JupyterHub."""
    prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if prefix:
        return f"{pages[0] if pages else ''}{prefix.rstrip('/')}/proxy/{server.port}/"
    name = urlsplit(pages[0]).hostname if pages else None
    # A cookie goes into a frame only where both have the same name.
    return server.place.replace("127.0.0.1", "localhost", 1) if name == "localhost" else server.place
