"""What every page must be in a browser: fit for each width, accessible in both schemes, light, of one host, quiet."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import pytest

WIDTHS = (390, 768, 1280, 1920)
WANTED = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def browser_checks(chromium: Any, served: Any, paths: Sequence[str]) -> None:
    """Look at some pages of a view at every width and in both schemes."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found: list[Any] = []
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(served.url)
        for path in paths:
            page.goto(served.place + path)
            violations = axe.run(page, options=WANTED).response["violations"]
            found += [(path, scheme, one["id"], node["html"][:160]) for one in violations for node in one["nodes"]]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += [(path, width, beyond)] if beyond > 0 else []
        context.close()
    assert found == []
    for path in paths:
        assert weight(chromium, served, path)


def weight(chromium: Any, served: Any, path: str) -> bool:
    """Tell whether a page, cold, asks for little, and nobody else."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.url)
    asked: list[tuple[str, int]] = []
    page.on("console", lambda message: asked.append((f"console {message.text}", 0)))
    page.on("response", lambda answer: asked.append((answer.url, len(gzip.compress(answer.body())))))
    page.goto(served.place + path, wait_until="networkidle")
    context.close()
    assert len(asked) <= 8, asked
    assert sum(size for _, size in asked) <= 100_000, asked
    assert all(where.startswith(served.place) for where, _ in asked), asked
    return True


def listen(page: Any, seen: list[str], ours: tuple[str, ...]) -> None:
    """Note what no page may do: open a dialog, complain, break a rule of the policy, ask for what is not ours."""
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: seen.append(f"console {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("request", lambda one: seen.append(one.url) if not one.url.startswith((*ours, "data:")) else None)
