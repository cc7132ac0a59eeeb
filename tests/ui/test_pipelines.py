"""Pipelines in the browser: what each step did and why, by what builds recorded alone."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

import pytest

from elliptio.pipelines import Catalog, Entry
from tests.pipelines.projects import Project
from tests.ui.conftest import client_of
from tests.ui.test_injections import PAYLOADS, check

CRAFTS = """
from elliptio.pipelines import Artifact, Craft, Volatile

def worth(number):
    return number * 2

@Craft()
def clean(raw: Artifact, by: int = 1, password: str = "hunter2secret") -> Artifact("clean"):
    return worth(raw["a"]) * by

@Craft()
def pass_on(clean: Artifact) -> Volatile("half"):
    return clean / 2

@Craft()
def report(half: Volatile, clean: Artifact) -> Artifact("report"):
    return half + clean
"""
CATALOG = """
- {name: raw, type: json, extra: {path: raw.json}}
- {name: clean, type: json}
- {name: report, type: json}
"""
NAMES = "steps.clean steps.pass_on steps.report"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "shop")
    made.write("lib/steps.py", CRAFTS)
    made.write("catalog/all.yaml", CATALOG)
    made.write("raw.json", '{"a": 1}')
    return made


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page))


def test_a_lake_without_builds_says_how_to_begin(project: Project) -> None:
    client = client_of(project.handler)
    page = client.get("/pipelines")
    assert page.status_code == 200
    assert "elliptio pipelines run report" in page.text
    assert 'data-key="p"' not in page.text
    assert client.get("/pipelines/none").status_code == 404


def test_each_step_with_its_state_and_the_line_that_changed(project: Project) -> None:
    project.run(NAMES)
    project.edit("lib/steps.py", "number * 2", "number * 3")
    build = project.run(NAMES, {"by": 4})
    client = client_of(project.handler)
    listed = client.get("/pipelines").text
    assert 'data-key="p" aria-current="page"' in listed
    assert "pipelines/test" in listed
    page = client.get("/pipelines/test").text
    check(page, "pipeline")
    text = text_of(page)
    assert "helper `worth` in lib/steps.py:3 changed; parameter by: 1 → 4" in text
    assert "input clean changed" in text
    assert re.search(r"clean by 4 given", text)
    assert "hunter2secret" not in page
    assert page.count('<tr id="s') == 3
    assert page.count('class="box run"') == 3
    assert [one for one in ("made", "kept", "failed", "not run", "entry") if f"</i>{one}<" in page] == ["made", "entry"]
    assert f'href="../catalog/raw?project={quoted(project.session().catalog.project)}"' in page
    for identifier in (one for step in build.rows for one in step.artifact_ids.values()):
        assert f'href="../artifacts/{identifier}"' in page
    assert f'href="../snapshots/{build.snapshot.id}"' in page


def test_an_artifact_and_a_run_lead_to_what_they_are_a_part_of(project: Project) -> None:
    build = project.run(NAMES)
    (made,) = [step.artifact_ids["clean"] for step in build.rows if "clean" in step.artifact_ids]
    client, name = client_of(project.handler), quoted(project.session().catalog.project)
    page = client.get(f"/artifacts/{made}").text
    assert f'<dt>Entry</dt><dd title="clean"><a class="l" href="../catalog/clean?project={name}">' in page
    assert f'<dt>Pipeline</dt><dd title="test"><a class="l" href="../pipelines/test?build={build.run_id}">' in page
    step = project.handler.show(made).metadata.run_id
    for run in (step, build.run_id):
        assert f'href="../pipelines/test?build={build.run_id}">test</a>' in client.get(f"/runs/{run}").text


def test_an_entry_of_the_same_name_in_another_project_is_not_taken_for_it(project: Project) -> None:
    project.run(NAMES)
    other = Catalog([Entry.read({"name": "clean", "type": "json"})], project="other", handler=project.handler)
    newer = other.save("clean", {"of": "another"}).artifact_id
    client = client_of(project.handler)
    links = re.findall(r'href="\.\./(catalog/clean[^"]*)"', client.get("/pipelines/test").text)
    links += re.findall(
        r'href="\.\./(catalog/clean[^"]*)"', client.get(f"/snapshots/{project.run(NAMES).snapshot.id}").text
    )
    assert len(links) >= 3
    for link in links:
        assert newer not in client.get(f"/{unescape(link)}").text


def test_an_older_build_is_chosen_in_the_address(project: Project) -> None:
    first, second = project.run(NAMES), project.run(NAMES, volatiles=False)
    client = client_of(project.handler)
    page = client.get("/pipelines/test").text
    assert "2 kept" not in text_of(client.get(f"/pipelines/test?build={first.run_id}").text).split("Builds")[0]
    assert "3 kept" in text_of(page).split("Builds")[0]
    assert f"?build={first.run_id}" in page
    assert second.run_id in page
    assert client.get("/pipelines/test?build=run_none").status_code == 404


def test_it_says_how_many_builds_are_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.ui.pages.pipelines.MOST_BUILDS", 2)
    for _ in range(3):
        project.run(NAMES)
    assert "The newest 2 are shown." in client_of(project.handler).get("/pipelines/test").text


def test_what_failed_and_what_was_not_run(project: Project) -> None:
    project.edit("lib/steps.py", "return clean / 2", "raise ValueError('no good')")
    project.run(NAMES, on_error="return")
    page = client_of(project.handler).get("/pipelines/test").text
    text = text_of(page)
    assert "no good" in text
    assert "1 made 1 failed 1 not run" in text
    assert 'class="box lost"' in page
    assert 'class="box gone"' in page


def test_a_build_that_was_killed_shows_the_steps_that_have_a_run(project: Project) -> None:
    with project.handler.run("test", {"by": 2}, labels={"pipeline": "test"}) as run, run.run("clean"):
        pass
    page = client_of(project.handler).get("/pipelines/test").text
    assert "recorded no graph" in page
    assert "<b>clean</b>" in page


def test_many_steps_are_folded_to_forty_boxes(project: Project) -> None:
    head = "from elliptio.pipelines import Artifact, Craft, Volatile\n"
    text = "".join(f"@Craft()\ndef s{n}(raw: Artifact) -> Volatile('v{n}'):\n    return 1\n" for n in range(120))
    project.write("lib/many.py", head + text)
    project.run(" ".join(f"many.s{n}" for n in range(120)))
    page = client_of(project.handler).get("/pipelines/test").text
    assert 0 < page.count('<g class="box') <= 40
    assert page.count('<tr id="s') == 120
    opened = re.search(r'href="(\?open=[^"]*)"', page)
    assert opened is not None
    assert client_of(project.handler).get(f"/pipelines/test{opened[1]}").status_code == 200


def test_no_code_of_a_project_is_imported(project: Project) -> None:
    project.run(NAMES)
    for name in ("steps",):
        sys.modules.pop(name, None)
    client = client_of(project.handler)
    assert client.get("/pipelines/test").status_code == 200
    assert "steps" not in sys.modules


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_is_text(project: Project, payload: str) -> None:
    from elliptio.lake import records

    name = payload[:60]
    with project.handler.run("b", {"x": payload}, labels={"pipeline": name}) as run:
        pass
    graph = {"name": name, "crafts": [{"name": payload, "function": payload, "inputs": [["a", payload, False]],
             "outputs": [[payload + "2", False]], "per": [payload], "cache": True, "code": ""}]}  # fmt: skip
    import json

    steps = [{"craft": payload, "status": "failed", "why": payload, "count": 2, "keys": [payload, payload],
              "artifact_ids": {payload: payload}}]  # fmt: skip
    content = {"graph": json.dumps(graph), "snapshot": payload, "counts": {"failed": 2}, "steps": json.dumps(steps),
               "left_out": 1, "news": [payload]}  # fmt: skip
    about = {"project": payload, "pipeline": name, "run_id": run.run_id}
    records.add(project.handler.lake, "build", about, content, username="andy")
    client = client_of(project.handler)
    for url in ("/pipelines", f"/pipelines/{quoted(name)}", f"/pipelines/{quoted(name)}?open={quoted(payload)}"):
        answer = client.get(url)
        assert answer.status_code in (200, 404), answer.text
        check(answer.text, url)


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
