"""Let a page of what goes on follow it, or stay as it is: the address says which."""

from __future__ import annotations

from elliptio.ui.asked import Asked, WrongError

ON, OFF = "on", "off"


def is_paused(asked: Asked) -> bool:
    """Tell whether a page is to stay as it is while runs go on.

    Raises
    ------
    WrongError
        If the address says neither.

    """
    said = asked.get("live", ON)
    if said not in (ON, OFF):
        raise WrongError(f"live is {ON} or {OFF}, not {said[:40]!r}.")
    return said == OFF


def choices(asked: Asked) -> list[tuple[str, str, bool]]:
    """Link the same page as one that follows, and as one that stays as it is."""
    paused = is_paused(asked)
    return [("Live", asked.link(live=None), not paused), ("Pause", asked.link(live=OFF), paused)]
