"""Serialize arrays of numpy."""

from __future__ import annotations

from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["array_serializer", "numpy_serializer"]

numpy_serializer = FormatSerializer("elliptio-numpy", "npy", ("numpy.ndarray",))
"""An array of any shape and type as npy; one of objects is refused."""

array_serializer = numpy_serializer
