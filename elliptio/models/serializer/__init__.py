"""Turn values of fields into bytes and back: `Serializer`, and the built-in ones, each in the module of its library."""

from __future__ import annotations

from elliptio.models.serializer.choosing import get, of_value
from elliptio.models.serializer.defining import Serializer

__all__ = ["Serializer", "get", "of_value"]
