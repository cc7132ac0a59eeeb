"""Ask a Redis server, with connections that are used again, and again where one was cut."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import Any
from weakref import WeakKeyDictionary

import anyio
from anyio.lowlevel import current_token

from elliptio.flows.brokers.redis.wire import Address, Connection, ServerError, packed
from elliptio.flows.errors import BrokerUnavailableError, TamperedDataError

PATIENCE = 10.0
"""Seconds for which a server that cannot be reached is tried again."""

ANSWER_SECONDS = 5.0
"""Time that an answer may take, apart from what the question itself waits."""

MAX_IDLE = 100
"""Connections that are kept for the next questions."""

_AGAIN = frozenset({"LOADING", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "BUSY", "OOM", "NOREPLICAS"})
"""Answers of a server that may answer otherwise in a moment."""

_DENIED = frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"})

_REDIRECTS = frozenset({"MOVED", "ASK", "CROSSSLOT"})

_LOST = (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ValueError)


class Script:
    """Hold a script of Lua, which the server knows by its hash."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.name = sha1(source.encode(), usedforsecurity=False).hexdigest()


Call = tuple[Script, Sequence[str], Sequence[Any]]
"""A script, its keys and its arguments."""


class Client:
    """Ask a server; every question may be asked again, so all of them do no harm twice.

    Connections belong to the event loop that opened them: each loop has its own, and closes its own.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.address = Address(url)
        self._patience = patience
        self._process = os.getpid()
        self._answered = 0.0
        self._known: set[str] = set()
        self._idle: WeakKeyDictionary[Any, list[Connection]] = WeakKeyDictionary()

    @property
    def idle(self) -> list[Connection]:
        """Connections of this loop that nobody uses."""
        if self._process != os.getpid():  # a fork: they are those of the process before
            self._process, self._idle = os.getpid(), WeakKeyDictionary()
        loop = current_token().native_token
        found = self._idle.get(loop)
        if found is None:
            found = self._idle[loop] = []
        return found

    async def ask(self, *command: Any, wait: float = 0) -> Any:
        """Ask, and return the answer.

        Raises
        ------
        BrokerUnavailableError
            If the server could not be reached.
        TamperedDataError
            If a key is of another kind than it was made.

        """
        (answer,) = await self.ask_all([command], wait)
        return self._good(answer)

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> list[Any]:
        """Run a script.

        Raises
        ------
        BrokerUnavailableError
            If the server could not be reached.
        TamperedDataError
            If it finds what it cannot work with.

        """
        (found,) = await self.run_all([(script, keys, arguments)])
        return found

    async def run_all(self, calls: Sequence[Call]) -> list[list[Any]]:
        """Run scripts one after the other, asked at once; see `run`."""
        answers = await self.ask_all([self._written(call) for call in calls])
        if any(map(_is_unknown, answers)):
            self._known.clear()
            answers = await self.ask_all([self._written(call) for call in calls])
        return [self._good(answer) for answer in answers]

    async def run_and_ask(self, call: Call, command: Sequence[Any], wait: float) -> tuple[list[Any], Any]:
        """Run a script and ask a question after it, which are sent at once; see `run` and `ask`."""
        ran, answer = await self.ask_all([self._written(call), command], wait)
        if _is_unknown(ran):
            self._known.clear()
            return (await self.run_all([call]))[0], self._good(answer)
        return self._good(ran), self._good(answer)

    def _written(self, call: Call) -> tuple[Any, ...]:
        """Write the call of a script: at first with its source, as the server may not know it yet."""
        script, keys, arguments = call
        if script.name in self._known:
            return "EVALSHA", script.name, len(keys), *keys, *arguments
        self._known.add(script.name)
        return "EVAL", script.source, len(keys), *keys, *arguments

    async def ask_all(self, commands: Sequence[Sequence[Any]], wait: float = 0) -> list[Any]:
        """Ask several questions at once, and return the answers, some of which may be a `ServerError`."""
        content = b"".join(packed(*command) for command in commands)
        until, pause = None, 0.01
        while True:
            error: Exception
            try:
                answers = await self._once(content, len(commands), wait)
                again = next((one for one in answers if isinstance(one, ServerError) and one.code in _AGAIN), None)
                if again is None:
                    return answers
                error = again
            except ssl.SSLCertVerificationError as unknown:
                raise BrokerUnavailableError(
                    f"The certificate of the Redis at {self.address} is not trusted: {unknown.verify_message}. Name "
                    "the file of who signed it: rediss://…?ssl_ca_certs=FILE."
                ) from unknown
            except _LOST as lost:
                error = lost
                await self._drop_idle()
            except ServerError as refused:  # by the first that a connection asks
                if refused.code not in _AGAIN:
                    raise self._denied(refused) from refused
                error = refused
            now = time.monotonic()
            until = now + self._patience if until is None else until
            if wait:  # what waits long is cut each time that the server goes, though others were answered meanwhile
                until = max(until, self._answered + self._patience)
            if now + pause > until:
                raise BrokerUnavailableError(
                    f"The Redis at {self.address} cannot be reached: {_said(error)}. Tried for {self._patience:g} s."
                ) from error
            await anyio.sleep(pause)
            pause = min(pause * 2, 0.25)

    async def _once(self, content: bytes, count: int, wait: float) -> list[Any]:
        idle = self.idle
        with anyio.fail_after(ANSWER_SECONDS + wait):
            connection = idle.pop() if idle else await self.address.connect()
            try:
                await connection.send(content)
                answers = [await connection.answer() for _ in range(count)]
            except BaseException:
                await connection.aclose()
                raise
        self._answered = time.monotonic()
        if len(idle) < MAX_IDLE:
            idle.append(connection)
        else:
            await connection.aclose()
        return answers

    def _good(self, answer: Any) -> Any:
        if not isinstance(answer, ServerError):
            return answer
        if answer.code in _AGAIN:
            return answer
        if answer.code in _DENIED or answer.code in _REDIRECTS or answer.is_unknown:
            raise self._denied(answer)
        raise TamperedDataError(f"The Redis at {self.address} holds something else than was written: {_said(answer)}")

    def _denied(self, answer: ServerError) -> BrokerUnavailableError:
        if answer.code in _REDIRECTS:
            return BrokerUnavailableError(
                f"The Redis at {self.address} is one of several nodes of a cluster ({answer}), and redirects to the "
                "others are not followed. Give the address of a Redis that holds all keys: one without a cluster, or "
                "the only node of one."
            )
        if answer.is_unknown:
            return BrokerUnavailableError(
                f"What answers at {self.address} does not know the commands of Redis 6.2: it is a Sentinel, which is "
                "not asked for the address of a server, or something else. Give the address of the Redis itself."
            )
        return BrokerUnavailableError(f"The Redis at {self.address} does not let this in: {_said(answer)}")

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[Connection]:
        """Open a connection that gets what is published.

        Raises
        ------
        BrokerUnavailableError
            If the server could not be reached.

        """
        await self.ask("PING")  # or waits until it can be reached
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                connection = await self.address.connect()
        except (*_LOST, ServerError) as error:
            raise BrokerUnavailableError(f"The Redis at {self.address} cannot be reached: {_said(error)}") from error
        try:
            await connection.send(packed("SUBSCRIBE", channel))
            await connection.answer()
            yield connection
        finally:
            await connection.aclose()

    async def _drop_idle(self) -> None:
        """Close what may be cut like the one that was."""
        idle = self.idle
        while idle:
            await idle.pop().aclose()

    async def aclose(self) -> None:
        """Close the connections of this loop."""
        with anyio.CancelScope(shield=True):
            await self._drop_idle()


def _is_unknown(answer: Any) -> bool:
    return isinstance(answer, ServerError) and answer.code == "NOSCRIPT"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removeprefix("ServerError: ").rstrip(": ")
