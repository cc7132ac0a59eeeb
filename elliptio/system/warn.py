"""Warn at the line of the user, whatever lies between."""

from __future__ import annotations

import sys
import warnings
from types import FrameType


def warn(message: str, category: type[Warning]) -> None:
    """Show a warning that points at the first line outside elliptio."""
    warnings.warn(message, category, stacklevel=_levels_inside())


def is_inside(frame: FrameType) -> bool:
    """Tell whether a frame is of elliptio, or of a block that elliptio is called in."""
    return str(frame.f_globals.get("__name__", "")).split(".")[0] in ("elliptio", "contextlib")


def _levels_inside() -> int:
    """Count the frames of elliptio, and of the blocks that it is called in, above the caller's."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and is_inside(frame):
        frame = frame.f_back
        level += 1
    return level
