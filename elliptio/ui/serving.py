"""Serve a view on a port of this machine, and open it in a browser."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import secrets
import socket
import threading
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn

from elliptio.errors import ConfigError
from elliptio.ui.app import application
from elliptio.ui.entrance import Entrance
from elliptio.ui.guard import Policy, is_host
from elliptio.ui.view import View

if TYPE_CHECKING:
    from elliptio.handler import Handler

log = logging.getLogger(__name__)

LONGEST_HEADERS = 64 << 10
WRITABLE = frozenset({"tags", "views"})
SHORTEST_TOKEN = 16


class Server:
    """A view of a lake, served on a port.

    Parameters
    ----------
    handler
        The lake.
    host, port
        Where it listens; 0: a port that is free.
    base, token, hosts, write, framed_by
        As of `Policy`; a token is made where none is given.
    exposed
        Whether somebody has said that others may reach it.

    Raises
    ------
    ConfigError
        If it would be within reach of others and nobody has said so, or an option is wrong.

    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        base: str = "",
        token: str | None = None,
        hosts: Sequence[str] = (),
        write: Sequence[str] = (),
        framed_by: str | None = None,
        exposed: bool = False,
    ) -> None:
        check_reach(host, token, exposed=exposed)
        base, hosts = checked_base(base), checked_hosts(hosts)
        unknown = [each for each in write if each not in WRITABLE]
        if unknown:
            raise ConfigError(f"--write takes {', '.join(sorted(WRITABLE))}, not {unknown[0]!r}.")
        self._socket = listening(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.policy = Policy(
            token=secrets.token_urlsafe(32) if token is None else token,
            port=self.port,
            hosts=hosts,
            base=base,
            write=frozenset(write),
            framed_by=framed_by,
        )
        self.view = View(handler, self.policy)
        self._server = uvicorn.Server(_config(application(self.view)))

    @property
    def url(self) -> str:
        """Address that lets in, with the token."""
        return f"{self.place}?token={self.policy.token}"

    @property
    def place(self) -> str:
        """Address without the token."""
        name = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        shown = f"[{name}]" if ":" in name else name
        return f"http://{shown}:{self.port}{self.policy.base}/"

    @property
    def ssh_line(self) -> str | None:
        """Command that leads here for whoever came by ssh; None where nobody did."""
        return ssh_line(self.port)

    def run(self, *, opening: bool = False) -> None:
        """Serve until it is interrupted; with `opening`, show it in a browser."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        if opening:
            # The port listens already, so nothing has to be waited for.
            threading.Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:
            pass
        finally:
            self._socket.close()

    def start(self) -> None:
        """Serve in a thread, as long as the process lives or until `stop`."""
        self._thread = threading.Thread(target=self.run, name="elliptio-ui", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop what `start` began."""
        self._server.should_exit = True
        self._thread.join(10)


def _config(served: Entrance) -> uvicorn.Config:
    return uvicorn.Config(
        served,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        limit_concurrency=256,
        h11_max_incomplete_event_size=LONGEST_HEADERS,
        timeout_graceful_shutdown=1,
    )


def check_reach(host: str, token: str | None, *, exposed: bool) -> None:
    """Refuse to listen where others can reach it, unless a token was chosen and somebody knows what that means.

    Raises
    ------
    ConfigError
        If so, or if the token is easily guessed.

    """
    if token is not None and (len(token) < SHORTEST_TOKEN or not all(one.isalnum() or one in "-_." for one in token)):
        raise ConfigError(
            f"A token has at least {SHORTEST_TOKEN} letters, digits, '-', '_' and '.', against guessing: give "
            "such a one by --token TOKEN or ELLIPTIO_UI_TOKEN, or leave it out for a new one."
        )
    if not is_loopback(host) and not (token and exposed):
        raise ConfigError(
            f"{host!r} can be reached from other machines, over a line that is not encrypted. Rather listen here and "
            "use `ssh -L`. If it must be, say so: --token TOKEN --i-know"
        )


def checked_hosts(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return names of proxies.

    Raises
    ------
    ConfigError
        If one is no name, so that no request would ever fit it.

    """
    for one in hosts:
        if not is_host(one):
            raise ConfigError(f"--allow-host takes one name, such as hub.example or hub.example:8443, not {one!r}.")
    return tuple(hosts)


def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_base(base: str) -> str:
    """Return a path with a slash before it and none behind.

    Raises
    ------
    ConfigError
        If it is none.

    """
    found = f"/{base.strip('/')}" if base.strip("/") else ""
    # JupyterHub leaves the @ of who is called by an address as it is, and writes other letters as %XX.
    letters = r"([A-Za-z0-9/._~@-]|%(?!2[Ff]|00)[0-9A-Fa-f]{2})*"
    if re.search(r"//|/\.\.?(/|$)", found) or not re.fullmatch(letters, found):
        raise ConfigError(f"--base-path is a path such as /lake, not {base!r}.")
    return found


def listening(host: str, port: int) -> socket.socket:
    """Open a socket that listens.

    Raises
    ------
    ConfigError
        If the port is taken, or the address is none of this machine.

    """
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((name, port))
        made.listen(128)
    except (OSError, OverflowError) as error:
        made.close()
        why = str(error).rstrip(".")
        raise ConfigError(f"Cannot listen on {host}:{port}: {why}. --port 0 takes one that is free.") from error
    return made


def ssh_line(port: int) -> str | None:
    """Write the command that leads here from the machine that somebody came from by ssh; None where nobody did."""
    came = os.environ.get("SSH_CONNECTION", "").split()
    return f"ssh -L {port}:127.0.0.1:{port} {came[2] if len(came) == 4 else 'THIS_MACHINE'}" if came else None
