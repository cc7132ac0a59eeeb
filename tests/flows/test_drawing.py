"""Pictures of flows: text, Mermaid and SVG, readable wherever they are shown, whatever names they get."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from elliptio.flows.drawing import MOST_BOXES, Box, Link, boxes_and_links, html, mermaid, svg, text

NAMESPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("x")</script>\x1b[31m\n]--> & `'

STEPS = [Box("total", waits=frozenset({"rows"})), Box("clean"), Box("show")]
LINKS: list[Link] = [
    (None, "clean", "raw"),
    ("clean", "total", "rows"),
    ("clean", "show", "rows"),
    ("total", None, "sum"),
    ("show", None, "page"),
]


def boxes(picture: str) -> dict[str, tuple[float, float]]:
    """Names of what is drawn, and where."""
    found = {}
    for group in ElementTree.fromstring(picture).iter(f"{NAMESPACE}g"):
        name = group.find(f"{NAMESPACE}text")
        if name is not None:
            x, y = re.findall(r"[\d.]+", group.get("transform") or "")
            found[f"{group.get('class')} {name.text}"] = (float(x), float(y))
    return found


def test_the_plan_of_a_flow_can_be_drawn() -> None:
    plan = [
        {"name": "total", "inputs": ["rows"], "outputs": ["sum"], "wait": ["rows"]},
        {"name": "clean", "inputs": ["raw"], "outputs": ["rows"], "wait": []},
        {"name": "show", "inputs": ["rows"], "outputs": ["page"], "wait": []},
    ]
    boxes, links = boxes_and_links(plan)
    assert boxes == STEPS
    assert sorted(links, key=str) == sorted(LINKS, key=str)
    assert [box.kind for box in boxes_and_links(plan, failed={"show"})[0]] == ["step", "step", "failed"]


def test_text_reads_from_what_comes_in_to_what_goes_out_with_a_bar_before_who_waits() -> None:
    assert text(STEPS, LINKS).splitlines() == [
        "raw → [clean] → rows",
        "rows → ▌[total] → sum",
        "rows → [show] → page",
    ]


def test_a_step_that_waits_for_some_of_its_inputs_has_the_bar_at_those() -> None:
    links: list[Link] = [(None, "join", "left"), (None, "join", "right"), ("join", None, "both")]
    assert text([Box("join", waits=frozenset({"right"}))], links) == "left, ▌right → [join] → both"
    assert text([Box("join", waits=frozenset({"left", "right"}))], links) == "left, right → ▌[join] → both"
    assert "waits for right" in svg([Box("join", waits=frozenset({"right"}))], links)


def test_counts_and_failures_of_a_flow_that_runs_are_shown() -> None:
    steps = [Box("clean"), Box("total", kind="failed"), Box("show")]
    counts = {"rows": "1,200, 90/s", "sum": "0"}
    assert "rows (1,200, 90/s) → [total] ✗ → sum (0)" in text(steps, LINKS, counts)
    assert 'class="failed"' in svg(steps, LINKS, counts)
    assert ">1,200, 90/s<" in svg(steps, LINKS, counts)
    assert "class s1 failed" in mermaid(steps, LINKS, counts)
    assert '-->|"rows#58; 1,200, 90#47;s"|' in mermaid(steps, LINKS, counts)


def test_a_picture_goes_from_left_to_right() -> None:
    found = boxes(svg(STEPS, LINKS))
    assert set(found) == {
        "input raw", "step clean", "stream rows", "step total", "step show", "output sum", "output page",
    }  # fmt: skip
    columns = [found[name][0] for name in ("input raw", "step clean", "stream rows", "step total", "output sum")]
    assert columns == sorted(set(columns))
    assert len(set(found.values())) == len(found)


def test_mermaid_joins_steps_by_their_streams() -> None:
    lines = [line.strip() for line in mermaid(STEPS, LINKS).splitlines()]
    assert lines == [
        "flowchart LR",
        's0[["total"]]',
        's1["clean"]',
        's2["show"]',
        'i0(["raw"])',
        'o1(["sum"])',
        'o2(["page"])',
        "i0 --> s1",
        's1 -->|"rows"| s0',
        's1 -->|"rows"| s2',
        "s0 --> o1",
        "s2 --> o2",
    ]


def test_names_are_shown_as_they_are_and_do_nothing() -> None:
    steps = [Box(HOSTILE, waits=frozenset({HOSTILE}))]
    links: list[Link] = [(None, HOSTILE, HOSTILE), (HOSTILE, None, "é 漢")]
    counts = {HOSTILE: HOSTILE}
    page = html(steps, links, counts)
    assert "<script" not in page
    ElementTree.fromstring(svg(steps, links, counts))
    for made in (text(steps, links, counts), mermaid(steps, links, counts), page):
        assert "\x1b" not in made
    assert len(text(steps, links, counts).splitlines()) == 1
    chart = mermaid(steps, links, counts)
    assert len(chart.splitlines()) == 6
    assert not re.search(r'[<>`&]|"[^"]*"[^"]*"', re.sub(r'-->|"(?=\]|\))|(?<=\[)"', "", chart))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_it_can_be_read_on_light_and_dark_pages_without_styles_or_scripts() -> None:
    picture = svg([*STEPS, Box("bad", kind="failed")], [*LINKS, ("bad", None, "none")])
    assert "<style" not in picture
    assert not re.search(r"""(?:href|src|style)\s*=""", picture)
    tree: Any = ElementTree.fromstring(picture)
    strokes = {element.get("stroke") for element in tree.iter() if element.get("stroke")}
    assert all(contrast(stroke, page) >= 3 for stroke in strokes for page in ("#ffffff", "#111111"))
    fills = {rect.get("fill") for rect in tree.iter(f"{NAMESPACE}rect")}
    letters = {one.get("fill") for one in tree.iter(f"{NAMESPACE}text")}
    assert all(contrast(letter, fill) >= 4.5 for letter in letters for fill in fills)


def test_a_large_flow_is_drawn_in_part_and_says_so() -> None:
    steps = [Box(f"s{number}") for number in range(1000)]
    links: list[Link] = [(None, "s0", "x0"), *((f"s{n}", f"s{n + 1}", f"x{n + 1}") for n in range(999))]
    picture = svg(steps, links)
    assert len(boxes(picture)) <= MOST_BOXES
    assert re.search(r"… and \d+ more steps", picture)
    assert len(text(steps, links).splitlines()) == 1000


@pytest.mark.parametrize("links", [[], [(None, None, "unused")]])
def test_a_flow_without_steps_has_a_picture(links: list[Link]) -> None:
    assert text([], links) == "a flow without steps"
    assert mermaid([], links).startswith("flowchart LR")
    ElementTree.fromstring(svg([], links))
    assert "a flow without steps" in html([], links)


def test_a_circle_is_drawn_too() -> None:
    links: list[Link] = [("a", "b", "x"), ("b", "a", "y")]
    assert text([Box("a"), Box("b")], links) == "y → [a] → x\nx → [b] → y"
    ElementTree.fromstring(svg([Box("a"), Box("b")], links))
