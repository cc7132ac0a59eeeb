"""Keep flows in a Redis server."""

from __future__ import annotations

import os
import socket
from typing import Any
from weakref import WeakValueDictionary

from elliptio.errors import ConfigError
from elliptio.flows import settings
from elliptio.flows.brokers.defining import Steps
from elliptio.flows.brokers.redis import scripts
from elliptio.flows.brokers.redis.channel import Keys, RedisChannel, Shared
from elliptio.flows.brokers.redis.client import Call, Client
from elliptio.flows.brokers.redis.entries import Records
from elliptio.flows.brokers.redis.queue import RedisSteps
from elliptio.flows.serializing import Serializer
from elliptio.flows.serializing.batches import Batches
from elliptio.flows.serializing.signing import Signer
from elliptio.masking import hide_login, hide_words

_LIST = ["elliptio:{flows}:made", "elliptio:{flows}:until"]


class RedisBroker:
    """Keep flows in Redis 6.2 or newer, or in Valkey, where all processes with the same secret see them.

    It can be used by several event loops, on asyncio and on trio, also at once: each has connections of its own, which
    `aclose` closes in the loop that calls it. Close it in each before that ends. It can be used again after that.

    Parameters
    ----------
    url
        Its address: ``redis://``, ``rediss://`` or ``unix://``. By default what ``ELLIPTIO_FLOWS_REDIS`` says.
    secret
        What values are signed with, the same in all processes; by default what ``ELLIPTIO_FLOWS_SECRET`` says. There is
        no other default: whoever knows it can write values that are taken for ours.
    limit, limit_bytes
        How far the slowest attached reader of a stream may be behind, in values and in bytes.
    lease
        How long a worker may be silent before another one takes its step over, in seconds.
    ttl
        How long a flow is kept after the last that was written to it, in seconds.
    serializer
        Turns values into bytes, in another way than `Serializer` does.

    Raises
    ------
    ConfigError
        If there is no address, or no secret, or one of these cannot be.

    Examples
    --------
    >>> from elliptio.flows.brokers.redis import RedisBroker
    >>> RedisBroker("redis://:password@localhost:6379/0", secret="known to all workers")
    RedisBroker('redis://localhost:6379/0')

    """

    shared = True

    def __init__(
        self,
        url: str | None = None,
        *,
        secret: str | bytes | None = None,
        limit: int | None = None,
        limit_bytes: int | None = None,
        lease: float | None = None,
        ttl: float | None = None,
        serializer: Serializer | None = None,
    ) -> None:
        self.settings = settings.load(
            {
                "serialization_secret": secret, "limit": limit, "limit_bytes": limit_bytes, "lease": lease, "ttl": ttl,
            }
        )  # fmt: skip
        self._client = _client(_address(url))
        key = self.settings.serialization_secret
        if key is None:
            raise ConfigError(
                f"Values in Redis are signed, for which there is no secret: give secret=…, or set {settings.SECRET}, "
                'the same in all processes. One is made by: python -c "import secrets; print(secrets.token_hex())"'
            )
        self._signer, self._batches = Signer(key), Batches(serializer)
        self._steps = RedisSteps(self._client, self.settings.ttl)
        self.steps: Steps | None = self._steps
        worker = f"{socket.gethostname()}:{os.getpid()}"
        self._shared = Shared(self._client, self.settings, worker, self._register, self._unregister)
        self._channels: WeakValueDictionary[str, RedisChannel] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"RedisBroker({str(self._client.address)!r})"

    def flow(self, flow_id: str) -> RedisChannel:
        """Give the channel of one execution; nothing is asked or written yet."""
        found = self._channels.get(flow_id)
        if found is None:
            found = RedisChannel(self._shared, Records(self._signer, self._batches, flow_id), flow_id)
            self._channels[flow_id] = found
        return found

    async def state(self, flow_id: str) -> dict[str, Any] | None:
        """Tell what is known of a flow, None if nothing is."""
        return await self.flow(flow_id).state()

    async def flows(self) -> list[str]:
        """List the identifiers of all flows that are kept, newest first."""
        names = [name.decode() for name in await self._client.ask("ZREVRANGE", _LIST[0], 0, -1)]
        if not names:
            return []
        kept = await self._client.ask_all([("EXISTS", Keys(name).all) for name in names])
        gone = [name for name, there in zip(names, kept, strict=True) if there == 0]
        if gone:
            await self._client.ask_all([("ZREM", key, *gone) for key in _LIST])
        return [name for name, there in zip(names, kept, strict=True) if there != 0]

    async def aclose(self) -> None:
        """Close the connections of this event loop. What is kept stays."""
        await self._client.aclose()

    def _register(self, flow: str) -> Call:
        return scripts.REGISTER, _LIST, (flow, self._shared.ttl)

    async def _unregister(self, flow: str) -> None:
        await self._client.ask_all([("ZREM", key, flow) for key in _LIST])
        await self._steps.forget(flow)


def _address(url: str | None) -> str:
    if url is not None and not isinstance(url, str):
        raise ConfigError(f"url must be the address of a Redis, as redis://localhost:6379/0, not {url!r}.")
    found = url or os.environ.get(settings.REDIS, "").strip()
    if not found:
        raise ConfigError(f"There is no Redis: give its url, as redis://localhost:6379/0, or set {settings.REDIS}.")
    if not found.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError(
            f"{hide_login(found)!r} is no address of a Redis, which begins with redis://, rediss:// or unix://."
        )
    return found


def _client(url: str) -> Client:
    try:
        return Client(url)
    except (ValueError, OSError) as error:  # such as a port that is none, or a certificate that is not there
        said = hide_words(str(error), url)
        raise ConfigError(f"{hide_login(url)!r} cannot be the address of a Redis: {said}") from None
