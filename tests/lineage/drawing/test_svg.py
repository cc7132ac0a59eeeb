"""A lineage as a picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from elliptio.lineage.drawing.folding import MOST_ALIKE, fold
from elliptio.lineage.drawing.nodes import Node
from elliptio.lineage.drawing.svg import _STYLE, svg
from tests.lineage.drawing.family import HOSTILE, chain, descendants, fan, hostile, node

_SPACE = "{http://www.w3.org/2000/svg}"


def boxes(picture: str) -> dict[str, list[str]]:
    """Kinds of each box, by its texts."""
    root = ElementTree.fromstring(picture)
    return {
        "|".join(text.text or "" for text in group.iter(f"{_SPACE}text")): group.get("class", "").split()
        for group in root.iter(f"{_SPACE}g")
    }


def test_what_is_seen_at_a_glance() -> None:
    nodes = [Node("old", -1, "unknown"), node("new"), Node("gone", 1, "deleted", node("gone").document)]
    picture = svg(nodes, [("new", "old"), ("gone", "new")], "new", 300)
    assert boxes(picture) == {
        "old|unknown": ["unknown"],
        "new.csv|andy  2026-11-03 09:12": ["here", "asked"],
        "gone.csv|andy  2026-11-03 09:12  deleted": ["deleted"],
    }
    root = ElementTree.fromstring(picture)
    hints = [hint.text for hint in root.iter(f"{_SPACE}title")]
    assert "new\nnew.csv\nandy  2026-11-03 09:12" in hints
    assert len(list(root.iter(f"{_SPACE}path"))) == 2
    assert "not drawn" not in picture


def test_boxes_lie_within_the_picture() -> None:
    picture = ElementTree.fromstring(svg(*descendants(fan(10), "root"), 300))
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    for group in picture.iter(f"{_SPACE}g"):
        x, y = map(float, group.get("transform", "")[len("translate(") : -1].split())
        assert 0 < x < x + 196 < width
        assert 0 < y < y + 38 < height


def test_what_others_wrote_stays_text() -> None:
    nodes, links, asked = hostile()
    picture = svg(nodes, links[:3] + [(node.artifact_id, asked) for node in nodes[4:12]], asked, 300)
    kinds = {element.tag.removeprefix(_SPACE) for element in ElementTree.fromstring(picture).iter()}
    assert kinds == {"svg", "style", "path", "g", "title", "rect", "text"}
    for text in HOSTILE[4:12]:
        assert any(text in shown for shown in boxes(picture))
    assert "\x1b" not in picture


def test_long_chains_are_folded() -> None:
    assert len(boxes(svg(*descendants(chain(8), "c0"), 300))) == 8
    nodes, links, asked = descendants(chain(1000), "c0")
    shown = list(boxes(svg(nodes, links, asked, 300)))
    assert "… 994 more …" in shown
    assert [text.split(".")[0] for text in shown] == ["c0", "c1", "c2", "… 994 more …", "c997", "c998", "c999"]


@pytest.mark.slow
def test_the_one_asked_about_is_in_no_fold() -> None:
    nodes, links, _ = descendants(chain(1000), "c0")
    folded = fold(nodes, links, "c500", 300)
    assert "c500" in folded.boxes
    assert sorted(folded.folds.values()) == [494, 495]


def test_many_that_are_alike_are_folded() -> None:
    assert len(boxes(svg(*descendants(fan(MOST_ALIKE), "root"), 300))) == 1 + MOST_ALIKE
    shown = boxes(svg(*descendants([*fan(60), ("f59", "x")], "root"), 300))
    assert len(shown) == 1 + MOST_ALIKE + 2
    assert "… 44 more …" in shown
    assert any(text.startswith("f59") for text in shown)


def test_of_too_many_the_nearest_are_drawn() -> None:
    edges = [(f"n{number // 3}", f"n{number}") for number in range(1, 1000)]
    picture = svg(*descendants(edges, "n0"), 100)
    shown = {text.split(".")[0] for text in boxes(picture)}
    assert shown == {f"n{number}" for number in range(100)}
    assert "900 more farther away are not drawn" in picture
    assert len(picture) < 60_000


PAGES = ("#ffffff", "#111111")
"""Pages of JupyterLab, light and dark."""


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_there_is_enough_contrast_on_light_and_dark_pages() -> None:
    """As WCAG has it: 3 to 1 for lines and borders, 4.5 to 1 for text."""
    rules = {
        selector.split()[-1] if selector.count(" ") == 1 else " ".join(selector.split()[1:]): dict(
            re.findall(r"([a-z-]+):(#[0-9a-f]{6}|[^;]+)", body)
        )
        for selector, body in re.findall(r"(\.elliptio-lineage [^{]*)\{([^}]*)\}", _STYLE)
    }
    lines = [rule["stroke"] for rule in rules.values() if "stroke" in rule]
    assert len(lines) >= 6
    assert not [line for line in [*lines, rules[".note"]["fill"]] for page in PAGES if contrast(line, page) < 3]
    assert not any("opacity" in name for rule in rules.values() for name in rule)
    fills = {name: rule["fill"] for name, rule in rules.items() if name.endswith("rect")}
    texts = [rules["text"]["fill"], rules["text+text"]["fill"]]
    deleted = rules[".deleted text,.elliptio-lineage .deleted text+text"]["fill"]
    for name, fill in fills.items():
        for text in [deleted] if "deleted" in name else texts:
            assert contrast(text, fill) >= 4.5, (name, text)
