"""Keep the steps that wait for a worker: a sorted set for each name of a step, in which flows lie by when they show."""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from elliptio.flows.brokers.redis.client import Client, Script

BASE = "elliptio:{steps}:"
"""Beginning of their keys, which also is the channel on which one is called out that shows earlier than was known."""

_NAMES, _OFFERED = f"{BASE}names", f"{BASE}offered"

_BEGIN = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function n(x) return string.format('%.0f', x) end
local function keep(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end
"""

PUT = Script(
    _BEGIN
    + """
redis.call('ZADD', KEYS[1], 'NX', n(now), ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
keep(KEYS[1], ARGV[3])
keep(KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[2])
return {}
"""
)
TAKE = Script(
    _BEGIN
    + """
local which, flow, since, soon
for i, key in ipairs(KEYS) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  local score = tonumber(first[2])
  if score and score <= now and (not since or score < since) then which, flow, since = i, first[1], score end
  if score and (not soon or score < soon) then soon = score end
end
if not flow then return {soon and n(soon - now) or ''} end
redis.call('ZADD', KEYS[which], n(now + ARGV[1]), flow)
keep(KEYS[which], n(tonumber(ARGV[2]) + tonumber(ARGV[1])))
return {flow, which}
"""
)
KEEP = Script(
    _BEGIN
    + """
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]))
redis.call('ZADD', KEYS[1], 'XX', n(now + ARGV[2]), ARGV[1])
if before and now + ARGV[2] < before then redis.call('PUBLISH', ARGV[4], '') end
if redis.call('EXISTS', KEYS[1]) == 1 then keep(KEYS[1], n(tonumber(ARGV[3]) + tonumber(ARGV[2]))) end
return {}
"""
)
REMOVE = Script("""
for i = 2, #ARGV do
  redis.call('ZREM', KEYS[i], ARGV[1])
  if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('SREM', KEYS[1], ARGV[i]) end
end
return {}
""")
OFFER = Script(
    _BEGIN
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'GT', n(now + ARGV[1]), ARGV[i]) end
if redis.call('EXISTS', KEYS[1]) == 1 then keep(KEYS[1], ARGV[1]) end
return {}
"""
)
OFFERED = Script(
    _BEGIN
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', n(now))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)


class RedisSteps:
    """Keep steps for workers in Redis: see `elliptio.flows.brokers.defining.Steps`."""

    def __init__(self, client: Client, ttl: float) -> None:
        self._client, self._ttl = client, max(1, int(ttl * 1000))

    async def put(self, flow: str, step: str) -> None:
        """Add a step; one that is there already is there once."""
        await self._client.run(PUT, [_key(step), _NAMES], flow, step, self._ttl, BASE)

    async def take(self, steps: Iterable[str], ttl: float, wait: float) -> tuple[str, str] | None:
        """Take the flow and the name of a step that has one of these names, or None after ``wait`` seconds."""
        names = sorted(set(steps))
        until = anyio.current_time() + wait
        found, _ = await self._take(names, ttl)
        if found or wait <= 0:
            return found
        if not names:
            await anyio.sleep(wait)
            return None
        async with self._client.listening(BASE) as calls:
            while True:
                found, soon = await self._take(names, ttl)  # it may have come before this listened
                left = until - anyio.current_time()
                if found or left <= 0:
                    return found
                # What is hidden shows without a call; a call may be lost with the connection.
                with anyio.move_on_after(max(0.001, min(left, 1.0 if soon is None else soon))):
                    await self._call(calls)

    async def _call(self, calls: object) -> None:
        try:
            await calls.answer()  # type: ignore[attr-defined]
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await anyio.sleep(0.05)  # the next question finds out whether it can be reached

    async def _take(self, names: list[str], ttl: float) -> tuple[tuple[str, str] | None, float | None]:
        if not names:
            return None, None
        found = await self._client.run(TAKE, [_key(name) for name in names], _ms(ttl), self._ttl)
        if len(found) == 1:
            return None, int(found[0]) / 1000 if found[0] else None
        return (found[0].decode("utf-8", "surrogatepass"), names[found[1] - 1]), None

    async def keep(self, flow: str, step: str, ttl: float) -> None:
        """Hide a step for another while."""
        await self._client.run(KEEP, [_key(step)], flow, _ms(ttl), self._ttl, BASE)

    async def finish(self, flow: str, step: str) -> None:
        """Remove a step."""
        await self._remove(flow, [step])

    async def forget(self, flow: str) -> None:
        """Remove all steps of a flow."""
        names = await self._client.ask("SMEMBERS", _NAMES)
        if names:
            await self._remove(flow, [name.decode("utf-8", "surrogatepass") for name in names])

    async def _remove(self, flow: str, steps: list[str]) -> None:
        await self._client.run(REMOVE, [_NAMES, *map(_key, steps)], flow, *steps)

    async def offer(self, steps: Iterable[str], ttl: float) -> None:
        """Say for a while that this process takes steps of these names."""
        await self._client.run(OFFER, [_OFFERED], _ms(ttl), *steps)

    async def offered(self) -> set[str]:
        """List the names of steps that somebody takes."""
        found = await self._client.run(OFFERED, [_OFFERED])
        return {name.decode("utf-8", "surrogatepass") for name in found}


def _key(step: str) -> str:
    return f"{BASE}q:{step}"


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
