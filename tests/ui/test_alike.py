"""The same lake on both stores and both indexes: the same pages, byte for byte but for where it lies."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

import elliptio as eio
from elliptio.ui.app import application
from elliptio.ui.view import View
from tests.ui.conftest import HOST, TOKEN, damage, policy, saved, story
from tests.ui.payloads import NAMES, PAYLOADS
from tests.ui.test_injections import hostile

MOST = 2
"""So many links are followed to a page with the same parameters: of all combinations there is no end."""

LATER = datetime.now(tz=UTC) + timedelta(days=400)


class Side:
    """One of the places of a lake, and what is there."""

    def __init__(self, h: eio.Handler) -> None:
        self.view = View(h, policy(), clock=lambda: LATER)
        self.client = TestClient(application(self.view), base_url=f"http://{HOST}", follow_redirects=False)
        self.client.cookies.set(policy().cookie, TOKEN)
        own = [h.index.address, h.store.root, self.view.lake_name]
        forms = {form for one in own for form in (one, escape(one), quote(one), quote(one, safe=""))}
        self._own = sorted(forms, key=len, reverse=True)

    def ask(self, url: str) -> tuple[int, str, str]:
        """Return what a page answers, without where the lake lies."""
        answer = self.client.get(url)
        text = answer.text
        for one in self._own:
            text = text.replace(one, "PLACE")
        # The doctor tells of this store and this index, and a command names the index of a team.
        text = re.sub(r'<section[^>]*id="doctor">.*?</section>', "", text, flags=re.DOTALL)
        text = text.replace(" --index PLACE", "")
        return answer.status_code, text, answer.headers.get("location", "")


def filled(h: eio.Handler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A lake with something of each kind."""
    made = story(h)
    h.tag(made["raw"], "prod", overwrite=True)
    h.tag(made["model"], "größe 50")
    h.note(made["raw"], "wrong units before May")
    hostile(h, PAYLOADS[0], NAMES[0], monkeypatch)
    gone = saved(h, "gone.txt", "x", based_on=[made["raw"].artifact_id])
    saved(h, "after.txt", "y", based_on=[gone.artifact_id])
    h.delete(gone, force=True)
    with h.new([f"part/{number:03}.csv" for number in range(30)]) as many:
        for number, file in enumerate(many.files.values()):
            file.local_path.parent.mkdir(parents=True, exist_ok=True)
            file.local_path.write_text(f"a,b\n{number},x\n")
    with pytest.raises(ValueError, match="boom"), h.run("fails", {"depth": 1}):
        raise ValueError("boom")
    place = tmp_path / "linked"
    place.mkdir()
    (place / "l.csv").write_text("1,2\n")
    h.link(place)
    damage(made["model"].file)
    h.verify()


def copied(h: eio.Handler, root: str, index: str | None = None) -> eio.Handler:
    """The same lake elsewhere, with an index made of its files: one in use knows when a run was heard last."""
    there = eio.Handler(root, index=index, progress=False)
    here = Path(str(h.store.root))
    for path in sorted(here.rglob("*")):
        key = path.relative_to(here).as_posix()
        if path.is_file() and "index.sqlite" not in key and "/staging/" not in key:
            there.store.create(key, path.read_bytes())
    report = there.reindex()
    assert report.ok, report.problems
    return there


@pytest.mark.slow
def test_both_indexes_and_stores_show_the_same(
    local: eio.Handler, s3_root: str, mongodb_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    filled(local, monkeypatch, tmp_path)
    other = copied(local, s3_root, f"{mongodb_url.rstrip('/')}/test_{uuid4().hex}")
    sides = [Side(copied(local, str(tmp_path / "copy"))), Side(other)]
    shapes: Counter[Any] = Counter()
    seen, waiting = {"/"}, ["/"]
    while waiting:
        url = waiting.pop(0)
        one, two = (side.ask(url) for side in sides)
        assert one == two, url
        status, text, location = one
        found = [location] if status == 303 else re.findall(r' (?:href|src|action)="([^"]*)"', text)
        for link in found if not url.startswith("/artifacts.") and "/raw" not in url else []:
            where = urljoin(f"http://x{url}", unescape(link)).partition("#")[0].removeprefix("http://x")
            parts = urlsplit(where)
            path = re.sub(r"/files/\d+", "/files/N", parts.path)
            shape = path, tuple(sorted(pair.partition("=")[0] for pair in parts.query.split("&")))
            if where not in seen and shapes[shape] < MOST:
                shapes[shape] += 1
                seen.add(where)
                waiting.append(where)
    assert len(seen) > 150
    kinds = {re.sub(r"artifact_[0-9a-f-]+|\d+|\?.*", "*", one) for one in seen}
    assert {
        "/artifacts*",
        "/lineage/*",
        "/tags",
        "/problems",
        "/artifacts/*/files/*/raw",
        "/artifacts/*/files/*",
    } <= kinds
    other.close()
