"""Making an artifact again: its code, its packages, its inputs, its command; and whether the result is the same."""

from __future__ import annotations

from elliptio.reproduction.reproduction import Reproduction

__all__ = ["Reproduction"]
