"""Pictures of pipelines: SVG without any program to draw it, readable wherever it is shown."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from elliptio.pipelines import Artifact, Craft, Pipeline, Volatile
from elliptio.pipelines.graphs.drawing import MOST_BOXES

NAMESPACE = "{http://www.w3.org/2000/svg}"


@Craft()
def clean(raw: Artifact) -> Artifact("clean"):  # type: ignore[valid-type]
    """Clean."""


@Craft(per=("day",))
def daily(clean: Artifact, day: int) -> Artifact.of("per_day", "log"):  # type: ignore[valid-type]
    """Sum up a day."""


@Craft()
def fit(per_day: Artifact) -> Volatile("model"):  # type: ignore[valid-type]
    """Fit."""


@Craft()
def report(model: Volatile, log: Artifact) -> Artifact("<report> & \"more\""):  # type: ignore[valid-type] # fmt: skip
    """Report."""


@Craft()
def grown(count: Artifact) -> Artifact("count"):  # type: ignore[valid-type]
    """Count one more."""


def boxes(svg: str) -> dict[str, tuple[float, float]]:
    """Names of what is drawn, and where."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{NAMESPACE}g"):
        text = group.find(f"{NAMESPACE}text")
        if text is not None:
            x, y = re.findall(r"[\d.]+", group.get("transform") or "")
            found[f"{group.get('class')} {text.text}"] = (float(x), float(y))
    return found


def test_crafts_entries_and_values_are_drawn_from_left_to_right() -> None:
    found = boxes((clean + daily + fit + report).plot().svg)
    assert set(found) == {
        "entry raw", "craft clean", "entry clean", "craft daily", "entry per_day", "entry log", "craft fit",
        "volatile model", "craft report", 'entry <report> & "more"',
    }  # fmt: skip
    way = ["entry raw", "craft clean", "entry clean", "craft daily", "entry per_day", "craft fit", "volatile model"]
    columns = [found[name][0] for name in [*way, "craft report"]]
    assert columns == sorted(set(columns))
    assert len(set(found.values())) == len(found)


def test_what_a_craft_reads_and_writes_is_drawn_before_and_after() -> None:
    found = boxes((Pipeline() + grown).plot().svg)
    assert {name: place[0] for name, place in found.items()}.keys() == {"version count", "craft grown", "entry count"}
    assert found["version count"] < found["craft grown"] < found["entry count"]


def test_a_picture_needs_neither_styles_nor_scripts() -> None:
    svg = (clean + report).plot().svg
    assert "<style" not in svg
    assert "<script" not in svg
    assert not re.search(r"""(?:href|src|style)\s*=""", svg)
    for rect in ElementTree.fromstring(svg).iter(f"{NAMESPACE}rect"):
        assert rect.get("fill"), "a box brings its own background, for light and dark pages"
        assert rect.get("stroke")
    for text in ElementTree.fromstring(svg).iter(f"{NAMESPACE}text"):
        assert text.get("fill")
        assert text.get("font-size")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_it_can_be_read_on_light_and_dark_pages() -> None:
    tree: Any = ElementTree.fromstring((clean + fit + report).plot().svg)
    strokes = {element.get("stroke") for element in tree.iter() if element.get("stroke")}
    assert all(contrast(stroke, page) >= 3 for stroke in strokes for page in ("#ffffff", "#111111"))
    fills = {rect.get("fill") for rect in tree.iter(f"{NAMESPACE}rect")}
    letters = {text.get("fill") for text in tree.iter(f"{NAMESPACE}text")}
    assert all(contrast(letter, fill) >= 4.5 for letter in letters for fill in fills)


def test_a_notebook_shows_it_and_where_styles_are_taken_away_lines_of_text() -> None:
    pipeline = clean + report
    page = pipeline._repr_html_()
    assert "<svg" in page
    assert "raw → [clean] → clean" in page
    assert str(pipeline.plot()) == 'raw → [clean] → clean\n(model), log → [report] → <report> & "more"'
    assert pipeline.plot()._repr_svg_() == pipeline.plot().svg


def test_mermaid_shows_names_as_they_are() -> None:
    text = (clean + daily + fit + report + grown).to_mermaid()
    assert text.startswith("flowchart LR\n")
    assert '["clean"]' in text or '(["clean"])' in text
    assert "#60;report#62; #38; #34;more#34;" in text
    assert "count (before)" in text.replace("#40;", "(").replace("#41;", ")")
    assert re.search(r"class n\d+ volatile", text)


def test_a_pipeline_without_crafts_has_a_picture() -> None:
    ElementTree.fromstring(Pipeline().plot().svg)
    assert Pipeline().to_mermaid() == "flowchart LR\n"


def test_of_a_long_pipeline_the_first_crafts_are_drawn_and_the_others_counted() -> None:
    pipeline = Pipeline()
    for number in range(1000):

        def step(x: Any) -> None:
            """Pass on."""

        step.__annotations__ = {"x": Artifact(f"e{number}"), "return": Artifact(f"e{number + 1}")}
        pipeline += Craft(name=f"step{number}")(step)
    svg = pipeline.plot().svg
    assert len(boxes(svg)) <= MOST_BOXES
    crafts = sum(name.startswith("craft ") for name in boxes(svg))
    assert f"… and {1000 - crafts:,} more crafts" in svg
