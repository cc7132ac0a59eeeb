"""What every page must be in a browser: fit for each width, accessible in both schemes, light, of one host, quiet."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import pytest

WIDTHS = (390, 768, 1280, 1920)
FIRST = {"width": 1280, "height": 720}
"""The size that a page is loaded in."""
WANTED = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What can differ between the two schemes."""


def faults(chromium: Any, served: Any, paths: Sequence[str]) -> list[Any]:
    """List what is wrong with some pages of a view: each is loaded once, and looked at in every way."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(color_scheme="light", reduced_motion="reduce", bypass_csp=True)
    context.new_page().goto(served.url)
    found: list[Any] = []
    # One page for all: each new one is a new process, whose start takes a third of looking at it.
    page, asked = context.new_page(), list[Any]()
    page.on("response", lambda answer: asked.append(answer))
    for path in paths:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(FIRST)
        asked.clear()
        page.goto(served.place + path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [(path, width, beyond)] if beyond > 0 else []
        violations = axe.run(page, options=WANTED).response["violations"]
        # Not before: scripts of the page may ask for more while it is looked at.
        found += [(path, *one) for one in heavy(asked, served.place)]
        page.emulate_media(color_scheme="dark")
        violations += page.evaluate("options => axe.run(document, options)", OF_COLOURS)["violations"]
        found += [(path, one["id"], node["html"][:160]) for one in violations for node in one["nodes"]]
    context.close()
    return found


def heavy(answers: Sequence[Any], place: str) -> list[Any]:
    """List what a page asked for if that is much, and whatever it asked others for; a stream has no end to weigh."""
    asked = [(one.url, len(gzip.compress(one.body()))) for one in answers if "/events" not in one.url]
    much = len(asked) > 8 or sum(size for _, size in asked) > 100_000
    return [("heavy", one) for one in asked if much or not one[0].startswith(place)]


def listen(page: Any, seen: list[str], ours: tuple[str, ...]) -> None:
    """Note what no page may do: open a dialog, complain, break a rule of the policy, ask for what is not ours."""
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: seen.append(f"console {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("request", lambda one: seen.append(one.url) if not one.url.startswith((*ours, "data:")) else None)


MARK_ALL = """() => {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")];
  const seen = all.filter((one) => one.checkVisibility() && one.getClientRects().length && !one.closest(".histogram"));
  seen.forEach((one, number) => { one.dataset.nth = number; });
  return seen.map((one) => one.outerHTML.slice(0, 160));
}"""
"""Bars of a histogram are left out: what they lead to is a word of the query."""

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const inner = one.querySelector("rect"), drawn = inner && getComputedStyle(inner);
  const shown = style.outlineStyle !== "none" || (drawn && parseFloat(drawn.strokeWidth) >= 2) || one.closest(".q");
  return [Number(one.dataset.nth ?? -1), Boolean(shown)];
}"""


def out_of_reach(page: Any) -> list[str]:
    """List what of a page cannot be come to by the key Tab alone, or does not show that it was come to."""
    every = page.evaluate(MARK_ALL)
    left, unseen = set(range(len(every))), list[str]()
    for _ in range(2 * len(every) + 20):
        page.keyboard.press("Tab")
        number, is_shown = page.evaluate(FOCUSED)
        left.discard(number)
        if number >= 0 and not is_shown:
            unseen.append(f"no sign of it: {every[number]}")
        if not left:
            break
    return [*unseen, *(every[number] for number in sorted(left))]
