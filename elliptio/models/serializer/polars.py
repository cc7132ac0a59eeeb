"""Serialize frames and series of polars."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["dataframe_serializer", "polars_serializer"]

polars_serializer = FormatSerializer("elliptio-polars", "parquet", ("polars.DataFrame", "polars.Series"))
"""A frame as Parquet."""

dataframe_serializer = polars_serializer
