"""``/views``: links that have a name, for all who use the lake; saved here where that is allowed."""

from __future__ import annotations

from typing import Any

from elliptio.errors import ElliptioError
from elliptio.lake import saved_views
from elliptio.provenance.process import username
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, ForeignFormError, TakenError, WrongError, see_other, written
from elliptio.ui.view import View

VIEWS = "views"
MOST = 200
FEW = 12
"""Views that are shown in all, and beside other things."""

_KEPT = ("q", "sort", "cols", "deleted")


def show(view: View, asked: Asked) -> Answer:
    """List the saved views."""
    return view.page("views.html", asked, saved=saved_of(view, MOST), **writing(view))


def change(view: View, asked: Asked) -> Answer:
    """Save a view or take it away, if it is still as the form showed it.

    Raises
    ------
    ForeignFormError
        If it is no form of ours.
    WrongError
        If it says nothing that can be done.
    TakenError
        If somebody else was quicker.

    """
    form = asked.form
    if VIEWS not in view.policy.write or not view.policy.is_form_token(form.get("form_token", "")):
        raise ForeignFormError("This is not a form of this view. Open the list of views, and send it from there.")
    what, name, seen = form.get("what"), form.get("name", "").strip(), form.get("seen", "")
    if what not in ("save", "remove") or not (seen == "" or (seen.isascii() and seen.isdigit() and len(seen) < 9)):
        raise WrongError("A view is saved or removed.")
    if what == "remove" and not int(seen or 0):
        raise WrongError("Take a view away from the list of views.")
    url = form.get("url", "").strip() if what == "save" else None
    if not saved_views.save(view.h.lake, name, url, username=username(), seen=int(seen or 0)):
        raise TakenError(f"There is a view {name!r} that is not the one you saw: look again, or choose another name.")
    return see_other("views")


def saved_of(view: View, most: int = FEW) -> dict[str, Any]:
    """Say which views are saved, and which files are none; a store that fails takes nothing else of a page away."""
    try:
        found, problems = saved_views.current(view.h.lake)
    except ElliptioError as error:
        found, problems = [], [str(error)]
    now = view.clock()
    shown = [
        {"name": one.name, "url": one.url, "number": one.number, "who": wording.person(one.username),
         "when": wording.when(one.time, now), "exact": wording.exact(one.time)}
        for one in found[:most]
    ]  # fmt: skip
    problems = [wording.plain(one) for one in problems]
    return {"views": shown, "more": len(found) - len(shown), "problems": problems[:20], "wrong": len(problems)}


def writing(view: View) -> dict[str, Any]:
    """Return what a form of views needs."""
    return {"may_save": VIEWS in view.policy.write, "form_token": view.policy.form_token}


def link_of(asked: Asked) -> str:
    """Write the link of a list as it is asked for, without the place in it; empty where it cannot be saved."""
    url = written("artifacts", [(key, value) for key, value in asked.query if key in _KEPT])
    return url if len(url) <= saved_views.LONGEST_URL else ""
