"""Run the command ``elliptio``: one file a verb."""

from __future__ import annotations

from elliptio.cli.main import main

__all__ = ["main"]
