"""A view of a lake in a browser: looked at, traced and compared, while nothing that is done there is recorded.

It is a layer on `Handler`, which loads it by its name for `Handler.ui`. ``elliptio ui`` starts it. Nothing of it is
loaded before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elliptio.errors import MissingExtraError

if TYPE_CHECKING:
    from elliptio.handler import Handler
    from elliptio.ui.framing import Framed
    from elliptio.ui.serving import Server

__all__ = ["check_extra", "framed", "server_of"]


def check_extra() -> None:
    """Refuse to go on where what it needs is not installed.

    Raises
    ------
    MissingExtraError
        If so; the message names the extra.

    """
    try:
        import jinja2
        import starlette
        import uvicorn
    except ImportError as error:
        raise MissingExtraError(
            f"The view in a browser needs Starlette, uvicorn and Jinja2 ({error}). Run: pip install 'elliptio[ui]'"
        ) from error
    del jinja2, starlette, uvicorn


def server_of() -> type[Server]:
    """Load the server.

    Raises
    ------
    MissingExtraError
        If what it needs is not installed.

    """
    check_extra()
    from elliptio.ui.serving import Server

    return Server


def framed(handler: Handler, *, origin: str | None, port: int, height: int) -> Framed:
    """Show a lake in a notebook; see `Handler.ui`."""
    check_extra()
    from elliptio.ui.framing import framed as served

    return served(handler, origin=origin, port=port, height=height)
