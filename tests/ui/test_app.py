"""Answering a page."""

from __future__ import annotations

import gc

import pytest

import elliptio as eio
from elliptio.ui.app import guarded
from elliptio.ui.asked import Answer, Asked, NotThereError
from elliptio.ui.view import View
from tests.ui.conftest import policy


@pytest.mark.parametrize("fails", [False, True])
def test_no_cycles_are_searched_for_while_a_page_is_made(local: eio.Handler, fails: bool) -> None:
    seen = []

    def page(view: View, asked: Asked) -> Answer:
        seen.append(gc.isenabled())
        if fails:
            raise NotThereError("It is gone.")
        return Answer(b"")

    assert guarded(View(local, policy()), page, Asked("/")).status == (404 if fails else 200)
    assert (seen, gc.isenabled()) == ([False], True)
