"""Recorded flows in the browser: steps and streams, by their runs and artifacts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

import elliptio as eio
from elliptio.flows import IO, Flow, IOVal, Processor
from elliptio.flows.errors import StepFailedError
from elliptio.flows.sealing import planning
from tests.ui.conftest import client_of, damage
from tests.ui.test_injections import PAYLOADS, check
from tests.ui.test_pipelines import quoted, text_of

counting = Processor(name="counting", inputs=["upto"], outputs=["number"])
adding = Processor(name="adding", inputs=["number"], outputs=["sum"], wait=True)


@counting
async def _count(upto: IO[int]) -> AsyncIterator[IOVal[int]]:
    for one in range(await upto.first()):
        yield IOVal(name="number", value=one)


@adding
async def _add(number: IO[int]) -> int:
    values = await number.collect()
    if len(values) == 2:
        raise ValueError("no sum")
    return sum(values)


FLOW = Flow.from_tasks(counting, adding).resolve()


def legend(page: str) -> list[str]:
    (found,) = re.findall(r'<div class="foot legend">(.*?)</div>', page)
    return re.findall(r"</i>([^<]*)", found)


def run_id(h: eio.Handler) -> str:
    (identifier,) = {run["labels"]["flow_id"] for run in h.lake.find_runs({"labels.flow_id": {"$exists": True}})}
    return str(identifier)


def test_a_lake_without_flows_says_how_to_begin(local: eio.Handler) -> None:
    client = client_of(local)
    assert "record=" in client.get("/flows").text
    assert client.get("/flows/none").status_code == 404


def test_steps_and_streams_of_a_flow(h: eio.Handler) -> None:
    with eio.mock_username("andy"):
        assert FLOW.run({"upto": 5}, record=h) == {"sum": [10]}
    identifier = run_id(h)
    client = client_of(h)
    listed = client.get("/flows").text
    check(listed, "flows")
    assert f"flows/{identifier}" in listed
    assert "2 3 A andy" in text_of(listed)
    page = client.get(f"/flows/{identifier}").text
    check(page, "flow")
    text = text_of(page)
    assert "number counting done 5" in text
    assert "sum adding done 1" in text
    assert "upto input done 1" in text
    assert "counting finished upto number" in text
    assert "adding finished number sum" in text
    assert page.count('<g class="box') == 5
    assert legend(page) == ["step", "sealed stream, or what it was given"]
    assert page.count('<path class="e"') == 4
    for artifact in h.find({"labels.flow_id": identifier}).index:
        assert f"../artifacts/{artifact}" in page
        assert '<dt>Flow</dt><dd title="stream ' in (shown := client.get(f"/artifacts/{artifact}").text)
        assert f'href="../flows/{identifier}"' in shown
    for run in h.lake.find_runs({"labels.flow_id": identifier}):
        assert f'href="../flows/{identifier}"' in client.get(f"/runs/{run['_id']}").text


def test_a_flow_that_failed(local: eio.Handler) -> None:
    with pytest.raises(StepFailedError):
        FLOW.run({"upto": 2}, record=local)
    page = client_of(local).get(f"/flows/{run_id(local)}").text
    assert "adding failed" in text_of(page)
    assert page.count('<path class="e"') == 4
    assert "sum, not sealed" in page
    assert "adding failed The step &#39;adding&#39; failed: ValueError: no sum number sum" in text_of(page)
    assert 'class="box lost"' in page


def test_what_was_damaged_is_not_counted(local: eio.Handler) -> None:
    FLOW.run({"upto": 5}, record=local)
    sealed = local.show(local.search({"labels.stream": "number"}, columns=[]).ids[0])
    damage(next(file for file in sealed.files.values() if file.relpath.endswith(".stream.json")))
    page = client_of(local).get(f"/flows/{run_id(local)}")
    assert page.status_code == 200
    assert "number counting done 5" not in text_of(page.text)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_is_text(local: eio.Handler, payload: str) -> None:
    name = payload[:60]
    labels = {"flow": payload, "flow_id": name}
    with local.run("flow", {"x": payload}, labels=labels) as run:
        run.note(payload)
        with run.run("step", labels=labels) as step, step.new(["a.stream.json"], {**labels, "stream": payload}) as new:
            new.file.upload_string('{"count": 2, "status": "<b>"}')
    client = client_of(local)
    planning.keep(local.lake, labels, {"step": ([payload], [payload + "2"])}, username="andy")
    for url in ("/flows", f"/flows/{quoted(name)}"):
        answer = client.get(url)
        assert answer.status_code in (200, 404), answer.text
        check(answer.text, url)


def test_a_flow_without_a_plan_is_drawn_by_what_its_streams_were_made_from(local: eio.Handler) -> None:
    FLOW.run({"upto": 5}, record=local)
    identifier = run_id(local)
    for record in list(local.lake.index.find("records", {"kind": planning.FLOW})):
        local.lake.index.delete("records", [record["_id"]])
    page = client_of(local).get(f"/flows/{identifier}").text
    assert page.count('<path class="e"') == 4
    assert "counting finished upto number" in text_of(page)
