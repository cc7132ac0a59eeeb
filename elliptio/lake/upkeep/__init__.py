"""Keep a lake whole: verify, rebuild, collect, delete, relocate."""

from datetime import timedelta

GRACE = timedelta(hours=24)
"""Age below which files may still be in the making, if nobody says otherwise."""
