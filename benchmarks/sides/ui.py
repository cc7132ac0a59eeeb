"""`elliptio ui`, asked over its port as a browser asks it, without the browser."""

from __future__ import annotations

import contextlib
import html
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import elliptio as eio
from benchmarks.lakes import artifact_id, filled, one_parent
from benchmarks.place import Action, Place

ROWS = 100
"""Rows of a page."""

METRICS = 4


class _Browser:
    """Opens the address with the token, and then pages over one connection."""

    def __init__(self, url: str) -> None:
        self._place, _, token = url.partition("?")
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._cookie = ""
        self._connection.request("GET", f"/?{token}")
        entered = self._connection.getresponse()
        entered.read()
        self._cookie = (entered.getheader("set-cookie") or "").partition(";")[0]

    def get(self, path: str) -> str:
        address = urlsplit(urljoin(self._place, path))
        target = f"{address.path}?{address.query}" if address.query else address.path
        self._connection.request("GET", target, headers={"cookie": self._cookie})
        answer = self._connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, (answer.status, path, body[:500])
        return body

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def _served(h: eio.Handler) -> Iterator[_Browser]:
    from elliptio.ui import server_of

    server = server_of()(h)
    server.start()
    browser = _Browser(server.url)
    yield browser
    browser.close()
    server.stop()


def _three_children(number: int) -> list[str]:
    return [artifact_id((number - 1) // 3)] if number else []


_PARENTS = {"lake": one_parent, "tree": _three_children}


def _lake(place: Place, name: str = "lake") -> Path:
    """Give the root of a filled lake."""
    root = place.shared / f"{name}-{place.documents}"
    if not root.exists():
        _elsewhere("fill", place.folder, place.shared, place.documents, name)
    return root


def _elsewhere(function: str, *arguments: object) -> str:
    """Do something in another process: the memory of this one, and its time, are those of the view."""
    code = f"import sys; from benchmarks.sides.ui import {function}; {function}(*sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def fill(folder: str, shared: str, documents: str, name: str) -> None:
    filled(Place(Path(folder), Path(shared), documents=int(documents)), name, _PARENTS[name]).close()


def _command(root: Path) -> list[str]:
    return [sys.executable, "-m", "elliptio", "ui", "--no-open", "--root", str(root)]


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def first_page(place: Place) -> Iterator[Action]:
    """From the start of the command to a page of artifacts."""
    command = _command(_lake(place))
    started: list[subprocess.Popen[str]] = []

    def action() -> None:
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        browser = _Browser(_address(started[0]))
        assert browser.get("artifacts").count("<tr data-id=") == min(ROWS, place.documents)
        browser.close()

    while True:
        yield action
        process = started.pop()
        process.terminate()
        process.communicate()


def first_page_of_fewer(place: Place) -> Iterator[Action]:
    return first_page(replace(place, documents=max(1, place.documents // 10)))


def older_pages(place: Place) -> Iterator[Action]:
    """Page after page of the list, each with its numbers, from the newest again at the end."""
    with eio.Handler(_lake(place), progress=False) as h, _served(h) as browser:
        path = "artifacts"

        def action() -> None:
            nonlocal path
            path = _older(browser.get(path))

        while True:
            yield action


def _older(page: str) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', page)
    return f"artifacts{html.unescape(found[1])}" if found else "artifacts"


def crawl(place: Place) -> Iterator[Action]:
    """Look at `place.count` pages: of the list, of artifacts, of their lineage, of runs and tags."""
    with eio.Handler(_lake(place), progress=False) as h, _served(h) as browser:

        def action() -> None:
            path = "artifacts"
            for number in range(place.count):
                which = number % 5
                if which == 0:
                    page = browser.get(path)
                    path, ids = _older(page), re.findall(r'<tr data-id="([^"]+)"', page)
                elif which < 4:
                    browser.get(f"{('artifacts', 'lineage')[which % 2]}/{ids[number % len(ids)]}?depth=2")
                else:
                    browser.get(("runs", "tags", "environments", "problems", "")[number // 5 % 5])

        while True:
            yield action


def lineage_of_a_chain(place: Place) -> Iterator[Action]:
    return _lineage(place, "lake", place.documents // 2)


def lineage_of_a_tree(place: Place) -> Iterator[Action]:
    return _lineage(place, "tree", 0)


def _lineage(place: Place, name: str, number: int) -> Iterator[Action]:
    with eio.Handler(_lake(place, name), progress=False) as h, _served(h) as browser:
        while True:
            yield lambda: browser.get(f"lineage/{artifact_id(number)}")


def charts(place: Place) -> Iterator[Action]:
    """What a run measured among `place.count` runs of its name, `place.documents` points each; nothing was read yet."""
    root = place.folder / "measured"
    run_id = _elsewhere("measure", root, place.count, place.documents)
    while True:  # each time another process: what one reads behind its pages is no business of the next
        with subprocess.Popen(_command(root), stdout=subprocess.PIPE, text=True) as process:
            try:
                browser = _Browser(_address(process))
                yield lambda browser=browser: _drawn(browser, run_id)
                browser.close()
            finally:
                process.terminate()


def measure(root: str, runs: str, points: str) -> None:
    """Measure something in each of several runs, and print the identifier of the last one."""
    with eio.Handler(root, progress=False) as h:
        for _ in range(int(runs)):
            with h.run("train") as run:
                for step in range(int(points)):
                    run.log({f"metric_{metric}": 1 / (1 + step + metric) for metric in range(METRICS)}, step=step)
    print(run.run_id)


def _drawn(browser: _Browser, run_id: str) -> None:
    assert browser.get(f"runs/{run_id}").count('class="mine" d="') >= METRICS


def preview(place: Place) -> Iterator[Action]:
    """Show the beginning of a table of `place.size` bytes, most of which were never written."""
    source = place.folder / "large.csv"
    source.write_text("a,b\n" + "1,2\n" * 300_000)
    os.truncate(source, place.size)
    with eio.Handler(place.folder / "linking", progress=False) as h:
        identifier = h.link(source, hash=False).artifact_id
        with _served(h) as browser:
            before = _bytes_read()

            def action() -> None:
                assert '<td class="i n">99</td>' in browser.get(f"artifacts/{identifier}/files/0")

            yield action
            place.notes["read_mb"] = round((_bytes_read() - before) / (1 << 20), 1)
            while True:
                yield action


def _bytes_read() -> int:
    try:
        return int(next(line for line in Path("/proc/self/io").read_text().splitlines() if "rchar" in line).split()[1])
    except (OSError, StopIteration):
        return 0
