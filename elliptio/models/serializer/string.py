"""Serialize texts."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["string_serializer"]

string_serializer = FormatSerializer("elliptio-string", "text", ("builtins.str",))
"""A text as UTF-8."""
