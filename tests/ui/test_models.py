"""Data models in the browser: classes, models and their fields, by what was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pandas as pd
import pytest
from PIL import Image

import elliptio as eio
from elliptio.models import DataModel, engine_context, identity
from elliptio.models.sync import Node, current_node, write_node_models
from elliptio.ui.pages.fields import type_of
from tests.ui.conftest import client_of, damage
from tests.ui.test_injections import PAYLOADS, check
from tests.ui.test_pipelines import quoted, text_of


@pytest.fixture(autouse=True)
def own_names() -> Iterator[None]:
    before = dict(identity._defined)
    yield
    identity._defined.clear()
    identity._defined.update(before)


def net() -> Any:
    class Net(DataModel, version=2):
        rate: float
        layers: list[int]
        notes: dict[str, str]
        frame: pd.DataFrame
        picture: Image.Image
        by: str | None = None

    return Net


def made(cls: Any, rate: float, **more: Any) -> Any:
    table = pd.DataFrame({"species": ["Adelie", "Gentoo"], "mass": [3700, 5000]})
    return cls(rate, [64, 32], {"x": "y"}, table, Image.new("RGB", (8, 8), "red"), **more)


def test_a_lake_without_models_says_how_to_begin(local: eio.Handler) -> None:
    client = client_of(local)
    assert "class Score(DataModel, version=1)" in client.get("/models").text
    assert client.get("/models/Net").status_code == 404


def test_all_models_of_a_class_are_listed_page_by_page(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    class Score(DataModel, version=1):
        value: int

    monkeypatch.setattr("elliptio.ui.pages.models.PAGE", 2)
    made = [local.save(Score(number), f"fold {number}").artifact_id for number in range(5)]
    client, url, seen = client_of(local), "/models/Score", list[str]()
    while url:
        text = client.get(url).text
        assert "5 models" in text
        seen += re.findall(r'<tr data-id="([^"]+)"', text)
        older = re.search(r'rel="next" href="([^"]*)"', text)
        url = f"/models/Score{unescape(older[1])}" if older else ""
    assert seen == made[::-1]
    assert client.get("/models/Score?after=x").status_code == 400


@pytest.mark.slow
def test_classes_their_models_and_fields(h: eio.Handler) -> None:
    cls = net()
    with eio.mock_username("andy"):
        h.save(made(cls, 0.25), "first")
    with eio.mock_username("brenda"):
        second = h.save(made(cls, 0.75, by="brenda"), "second")
    identity._defined.clear()  # as in the process of a view, which imports nothing
    client = client_of(h)
    listed = text_of(client.get("/models").text)
    assert "Net rate, layers, notes, frame, picture, by 2 2 second" in listed
    page = client.get("/models/Net").text
    check(page, "class")
    text = text_of(page)
    assert "second 0.75 [64, 32]" in text
    assert "first 0.25 [64, 32]" in text
    found = text_of(client.get(f"/models/Net?q={quoted('rate:>0.5 who:brenda')}").text)
    assert "1 model" in found
    assert "first" not in found
    assert "0 models" in text_of(client.get(f"/models/Net?q={quoted('layers:7')}").text)
    assert "1 model" in text_of(client.get(f"/models/Net?q={quoted('label:first')}").text)
    one = client.get(f"/models/Net/{second.artifact_id}").text
    check(one, "model")
    text = text_of(one)
    assert "rate float 0.75" in text
    assert "layers list[int] [64, 32]" in text
    assert "by str | None brenda" in text
    assert "2 by 2: species, mass" in text
    assert "Adelie" in text
    assert f'<img src="../../artifacts/{second.artifact_id}/files/' in one
    assert client.get(f"/models/Other/{second.artifact_id}").status_code == 404
    shown = client.get(f"/artifacts/{second.artifact_id}").text
    assert f"models/Net/{second.artifact_id}" in shown
    assert "0.75" in shown


def test_a_model_has_only_the_fields_of_its_version(local: eio.Handler) -> None:
    class Net(DataModel, version=1):
        rate: float

    local.save(Net(0.25), "before")
    identity._defined.clear()
    local.save(made(net(), 0.75), "after")
    page = client_of(local).get("/models/Net").text
    after, before = (re.sub("<.*?>", " ", row).split() for row in re.findall(r"<tr data-id.*?</tr>", page))
    assert "DataFrame" in after
    assert before[:3] == ["before", "0.25", "1"]


def test_a_question_that_cannot_be_answered_is_pointed_at(local: eio.Handler) -> None:
    local.save(made(net(), 0.5), "first")
    page = client_of(local).get(f"/models/Net?q={quoted('rate:<high')}").text
    assert 'role="alert"' in page
    assert "no number" in page
    assert "first" in page


def test_a_model_that_is_damaged_shows_what_its_document_says(local: eio.Handler) -> None:
    saved = local.save(made(net(), 0.5), "first")
    damage(saved.files["model.json"])
    page = client_of(local).get(f"/models/Net/{saved.artifact_id}")
    assert page.status_code == 200
    assert "Not all of it can be shown" in page.text
    assert "rate" in page.text


def test_the_node_of_a_model_is_shown_among_those_around_it(local: eio.Handler) -> None:
    class Score(DataModel, version=1):
        value: float

    with engine_context(local), current_node(Node) as around, current_node(Node) as node:
        (identifier,) = write_node_models("current", {"score": Score(0.5)}).values()
    page = client_of(local).get(f"/models/Score/{identifier}").text
    assert around.node_id in page
    assert node.node_id in page


def test_types_are_written_as_people_write_them() -> None:
    union = {"union": [{"class": "a.b:Island"}, "none"]}
    kinds: list[tuple[Any, str]] = [
        ("float", "float"), ({"list": "int"}, "list[int]"), ({"file": "pandas.DataFrame"}, "DataFrame"),
        ({"dict": ["str", "int"]}, "dict[str, int]"), (union, "Island | None"), ({"tuple*": "int"}, "tuple[int, …]"),
        ({"literal": ["a"]}, "Literal['a']"), (None, "?"), ({}, "?"),
    ]  # fmt: skip
    assert [type_of(kind) for kind, _ in kinds] == [said for _, said in kinds]
    deep: Any = "int"
    for _ in range(50):
        deep = {"list": deep}
    assert type_of(deep).count("list") == 6


@pytest.mark.slow
def test_what_others_wrote_is_text(local: eio.Handler) -> None:
    class Hostile(DataModel, version=1):
        text: str
        some: dict[str, str]

    client = client_of(local)
    for number, payload in enumerate(PAYLOADS, 1):
        plain = "".join(one for one in payload if one not in ".$\x00")
        saved = local.save(Hostile(payload, {plain: payload}), payload)
        listed = ["/models/Hostile", "/models"] if number % 20 == 0 or number == len(PAYLOADS) else []
        for url in (f"/models/Hostile/{saved.artifact_id}", f"/artifacts/{saved.artifact_id}", *listed):
            answer = client.get(url)
            assert answer.status_code == 200, answer.text
            check(answer.text, payload)
        for url in (f"/models/{quoted(payload)}", f"/models/Hostile?q={quoted(payload)}"):
            answer = client.get(url)
            assert answer.status_code in (200, 404), answer.text
            check(answer.text, payload)


@pytest.mark.slow
def test_what_others_wrote_into_frames_is_text(local: eio.Handler) -> None:
    """Several in each: a process of its own reads a frame."""

    class Hostile(DataModel, version=1):
        frame: pd.DataFrame

    client, several = client_of(local), 20
    for begin in range(0, len(PAYLOADS), several):
        payloads = PAYLOADS[begin : begin + several]
        saved = local.save(Hostile(pd.DataFrame({one: [one] for one in payloads})))
        for url in ("/models/Hostile", f"/models/Hostile/{saved.artifact_id}", f"/artifacts/{saved.artifact_id}"):
            answer = client.get(url)
            assert answer.status_code == 200, answer.text
            check(answer.text, url)
            if saved.artifact_id in url:
                assert answer.text.count("<th") >= len(payloads)
