"""Serialize frames and series of pandas."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["dataframe_serializer"]

dataframe_serializer = FormatSerializer("elliptio-pandas", "parquet", ("pandas.DataFrame", "pandas.Series"))
"""A frame as Parquet, which keeps its index, types, categories and attributes."""
