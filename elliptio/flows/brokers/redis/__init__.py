"""Keep flows in Redis or Valkey: signed, atomic by scripts, and gone by themselves in the end."""

from __future__ import annotations

from elliptio.flows.brokers.redis.broker import RedisBroker

__all__ = ["RedisBroker"]
