"""Serialize bytes as they are."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["bytes_serializer"]

bytes_serializer = FormatSerializer("elliptio-bytes", "binary", ("builtins.bytes",))
"""Bytes as they are."""
