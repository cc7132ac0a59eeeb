"""Environments: which there are, who uses them, who has a package, and how two of them differ."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

import elliptio as eio
from elliptio.lake.lake import ENVIRONMENTS
from elliptio.provenance.machine import environment_id
from elliptio.ui.pages.rows import run_link
from elliptio.ui.shortcuts import bar_of
from tests.ui.conftest import client_of, saved
from tests.ui.looking import faults
from tests.ui.test_injections import PAYLOADS, check, quoted


def moved_to(h: eio.Handler, artifact: eio.Artifact, **packages: Any) -> str:
    """Let the index say that an artifact was made in another environment."""
    had = dict(h.lake.environment(artifact.metadata.environment_id))
    other = {**had, "python_packages": {**had["python_packages"], **packages}}
    other = {name: value for name, value in other.items() if name != "_id"}
    found = {"_id": environment_id(other), **other}
    h.lake.index.insert(ENVIRONMENTS, found)
    h.lake.replace({**h.lake.get(artifact.artifact_id), "environment_id": found["_id"]})
    return str(found["_id"])


def two(h: eio.Handler) -> tuple[str, str]:
    with eio.mock_username("andy"):
        old = saved(h, "old.csv", "a,b\n1,2\n")
    with eio.mock_username("brenda"), h.run("train") as run:
        new = saved(run, "new.csv", "a,b\n1,3\n")
    return moved_to(h, old, numpy="2.4.0", torch="2.9.0"), str(new.metadata.environment_id)


def listed(text: str) -> list[list[str]]:
    """Cells of the table of environments."""
    body = text.partition('aria-label="Environments">')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(<td>.*?)</tr>", body, re.DOTALL)
    return [[re.sub("<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row)] for row in rows]


def test_each_environment_and_who_uses_it(h: eio.Handler) -> None:
    old, new = two(h)
    client = client_of(h)
    rows = {row[0]: row for row in listed(client.get("/environments").text)}
    assert rows.keys() == {one.removeprefix("environment_")[:10] for one in (old, new)}
    (a, b) = (rows[one.removeprefix("environment_")[:10]] for one in (old, new))
    assert (a[4:6], b[4:6]) == (["1", "0"], ["1", "1"])
    assert int(a[3]) >= int(b[3]) > 50
    assert listed(client.get("/environments").text)[0][0] == b[0], "the last used first"


def test_of_few_environments_each_is_asked_for(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        saved(local, f"{number}.txt", str(number))
    moved_to(local, saved(local, "other.txt", "x"), numpy="2.4.0")
    read = list[str]()
    find = local.lake.index.find

    def noted(collection: str, *args: Any, **options: Any) -> Any:
        for document in find(collection, *args, **options):
            read.append(collection)
            yield document

    monkeypatch.setattr(local.lake.index, "find", noted)
    text = client_of(local).get("/environments").text
    assert sorted(row[4] for row in listed(text)) == ["1", "8"]
    assert read.count("artifacts") <= 3
    used = [one for one in find(ENVIRONMENTS, {}) if local.lake.count({"environment_id": one["_id"]})]
    assert len(used) == 2
    wanted = [quote(bar_of({"environment_id": one["_id"]})) for one in used]
    assert sorted(re.findall(r'artifacts\?q=(environment_id[^"&]*)', text)) == sorted(wanted)


def test_who_has_a_package(h: eio.Handler) -> None:
    old, new = two(h)
    client = client_of(h)
    text = client.get("/environments?package=numpy=2.4.0").text
    assert 'href="./artifacts?q=package%3Anumpy%3D2.4.0"' in text
    assert "old.csv" in text
    assert "new.csv" not in text
    assert [row[0] for row in listed(text)] == [old.removeprefix("environment_")[:10]]
    assert "old.csv" in client.get("/artifacts?q=package%3Anumpy%3D2.4.0").text
    for spelled in ("numpy==2.4.0", "numpy 2.4.0", " NumPy = 2.4.0", "torch", "torch=2.*"):
        assert listed(client.get(f"/environments?package={quoted(spelled)}").text) == listed(text), spelled
    none = client.get("/environments?package=nothing=1")
    assert none.status_code == 200
    assert "No environment that is used here has it." in none.text
    assert client.get("/environments?package=numpy%3E2").status_code == 400
    del new


def test_one_of_them(local: eio.Handler) -> None:
    old, new = two(local)
    client = client_of(local)
    text = client.get(f"/environments/{old}").text
    assert '<a href="../environments?package=torch%3D2.9.0" title="Who has it"><code>2.9.0</code></a>' in text
    assert "old.csv" in text
    assert "new.csv" not in text
    assert f"with={new}" in text
    run = local.runs.search(None, columns=["name"]).ids[0]
    assert f'href="../{run_link(run)}"' in client.get(f"/environments/{new}").text
    for wrong in ("environment_none", "x", old[:-1]):
        assert client.get(f"/environments/{wrong}").status_code == 404


def test_two_of_them(local: eio.Handler) -> None:
    old, new = two(local)
    client = client_of(local)
    text = client.get(f"/environments/{new}?with={old}").text
    rows = re.findall(
        r'<th scope="row"><code>(.*?)</code></th>.*?<code>(.*?)</code>.*?<code>(.*?)</code>.*?">(.*?)</td>', text
    )
    assert ("torch", "-", "2.9.0", "added") in rows
    assert [row[0] for row in rows] == ["numpy", "torch"]
    back = client.get(f"/environments/{old}?with={new}").text
    assert ">removed</td>" in back
    assert client.get(f"/environments/{old}?with={old}").status_code == 400
    assert client.get(f"/environments/{old}?with=x").status_code == 404


def test_an_empty_lake_and_one_of_others(local: eio.Handler) -> None:
    client = client_of(local)
    assert "Nothing was recorded yet" in client.get("/environments").text
    local.lake.index.insert(ENVIRONMENTS, {"_id": "environment_of_others", "python_packages": {"a": "1"}})
    assert "1 more is known, which nothing in this lake uses" in client.get("/environments").text


def test_what_is_left_out_is_said(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.pages.environments.MOST", 1)
    monkeypatch.setattr("elliptio.ui.pages.environments.MOST_PACKAGES", 5)
    old, _ = two(local)
    assert "1 that were used longer ago are not shown" in client_of(local).get("/environments").text
    assert "more are not shown" in client_of(local).get(f"/environments/{old}").text


def test_what_others_wrote_is_text(local: eio.Handler) -> None:
    client = client_of(local)
    artifact = saved(local, "a.txt", "x")
    for payload in PAYLOADS:
        name = payload.replace(".", "").replace("$", "") or "x"
        other = moved_to(local, artifact, **{name: payload})
        document = {
            "_id": f"environment_{payload}",
            "python": payload,
            "platform": {"system": payload},
            "container": payload,
            "python_packages": payload,
            "gpus": [payload],
            "cpu": {"model": payload},
        }
        local.lake.index.insert(ENVIRONMENTS, document)
        urls = ["/environments", f"/environments/{other}", f"/environments?package={quoted(payload)}",
                f"/environments/{quoted(payload)}", f"/environments/{other}?with={quoted(document['_id'])}",
                f"/environments/{other}?with={artifact.metadata.environment_id}"]  # fmt: skip
        for url in urls:
            answer = client.get(url)
            assert answer.status_code < 500, (url, answer.text)
            check(answer.text, url)


@pytest.mark.slow
def test_the_pages_please_everybody(served: Any, chromium: Any, local: eio.Handler) -> None:
    old, new = two(local)
    paths = ["environments", "environments?package=numpy=2.4.0", "environments?package=x%3E1", f"environments/{old}",
             f"environments/{old}?with={new}"]  # fmt: skip
    assert faults(chromium, served, paths) == []
