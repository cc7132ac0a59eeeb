"""Serialize tables of Arrow."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["feather_serializer", "parquet_serializer"]

feather_serializer = FormatSerializer("elliptio-feather", "feather", ("pyarrow.Table",))
"""A table as Arrow's own file: quick to read, larger than Parquet."""

parquet_serializer = FormatSerializer("elliptio-parquet", "parquet", ("pyarrow.Table",))
"""A table as Parquet."""
