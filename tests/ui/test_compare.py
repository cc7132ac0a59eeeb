"""Compare two to twelve artifacts and runs: what differs first, what is the same folded, and inside of files."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lineage.comparison.several import compare_several
from elliptio.lineage.comparison.sides import of_artifact, of_run
from elliptio.ui.pages.rows import run_link
from elliptio.ui.previews.comparing import compare_apart
from elliptio.ui.previews.reading import UnfitError
from tests.ui.conftest import client_of, damage, saved
from tests.ui.looking import faults
from tests.ui.test_injections import NAMES, PAYLOADS, check, quoted

Made = dict[str, Any]


def url_of(*ids: str, kind: str = "") -> str:
    return f"/compare{kind}?" + "&".join(f"id={one}" for one in ids)


def two(h: eio.Handler, name: str = "raw.txt") -> list[str]:
    """Two files of one name, of two runs."""
    found = []
    for depth, content in (
        (2, "species,mass\nAdelie,3700\nGentoo,5000\n"),
        (4, "species,mass\nAdelie,3750\nGentoo,5000\n"),
    ):
        with h.run("train", {"depth": depth, "seed": 7}) as run:
            found.append(saved(run, name, content, {"project": "penguins", "stage": f"s{depth}"}).artifact_id)
            run.log(loss=1 / depth)
    return found


def unlike(text: str) -> str:
    """The part of a page that shows what differs."""
    return text.partition('class="unlike"')[2].partition("</table>")[0]


def test_what_differs_stands_first_and_the_same_is_folded(h: eio.Handler) -> None:
    a, b = two(h)
    client = client_of(h)
    text = client.get(url_of(a, b)).text
    rows = dict(re.findall(r'<th scope="row"><code>([^<]*)</code></th>(.*?)</tr>', unlike(text), re.DOTALL))
    assert {"depth", "stage", "loss", "raw.txt"} <= rows.keys()
    assert not {"seed", "project", "pandas"} & rows.keys()
    assert ">2</td><td" in rows["depth"]
    assert "+2" in rows["depth"]
    assert "-0.25" in rows["loss"]
    folded = text.partition('<details class="card alike">')[2]
    count = int(re.search(r"<summary>Same: ([0-9,]+)</summary>", folded)[1].replace(",", ""))  # type: ignore[index]
    answer = client.get(url_of(a, b, kind=".json")).json()
    assert count == sum(answer["same_counts"].values()) > 20
    assert "<code>seed</code>" in folded
    assert "<code>pandas</code>" in folded
    check(text, "compare")


def test_the_answer_as_json(local: eio.Handler) -> None:
    a, b = two(local, "raw.csv")
    answer = client_of(local).get(url_of(a, b, kind=".json")).json()
    assert answer["ids"] == [a, b]
    assert answer["same"] is False
    assert answer["differing"]["params"] == [{"name": "depth", "values": [2, 4]}]
    assert answer["differing"]["metrics"] == [{"name": "loss", "values": [0.5, 0.25]}]
    ((name, values),) = [tuple(row.values()) for row in answer["differing"]["files"]]
    assert (name, [value["sha256"] for value in values]) == ("raw.csv", [local.show(one).file.sha256 for one in (a, b)])
    assert answer["inside"]["table"]["differing"] == 1
    assert answer["inside"]["table"]["columns"] == [{"name": "mass", "differing": 1, "largest": 50.0, "mean": 50.0}]


def test_of_two_it_says_what_compare_says(local: eio.Handler) -> None:
    a, b = two(local)
    runs = [local.show(one).metadata.run_id for one in (a, b)]
    for pair in itertools.permutations([a, b, *runs], 2):
        told = local.compare(*pair).to_dict()
        sides = [of_run(local.lake, one) if one.startswith("run_") else of_artifact(local.show(one)) for one in pair]
        for section, rows in compare_several(sides).items():
            names = [row.name for row in rows if not row.same]
            if section == "git":
                assert (names == []) == told["git"]["same"]
            else:
                assert names == [one.get("name") or one["relpath"] for one in told[section]], (section, pair)


def test_runs_and_artifacts_and_whatever_names_them(local: eio.Handler) -> None:
    a, b = two(local)
    runs = [local.show(one).metadata.run_id for one in (a, b)]
    local.tag(a, "prod")
    client = client_of(local)
    text = client.get(url_of(*runs)).text
    assert f'href="./{run_link(runs[0] or "")}"' in text
    assert "depth" in unlike(text)
    assert client.get(url_of(runs[0], b)).status_code == 200
    answer = client.get(url_of("tag:prod", "raw.txt:latest", b, kind=".json")).json()
    assert answer["ids"] == [a, b]


def test_what_is_unlike_most_is_marked(local: eio.Handler) -> None:
    made = [saved(local, "a.txt", "x", {"stage": "s", "n": number}).artifact_id for number in (1, 1, 2)]
    made.append(saved(local, "a.txt", "x", {"stage": "s"}).artifact_id)
    text = client_of(local).get(url_of(*made)).text
    (row,) = re.findall(r"<code>n</code></th>(.*?)</tr>", unlike(text), re.DOTALL)
    assert re.findall(r'<td class="(\w*)">([^<]*)', row) == [("", "1"), ("", "1"), ("odd", "2"), ("odd", "-")]
    assert "Inside" not in text


def test_those_of_one_name_are_told_apart(local: eio.Handler) -> None:
    def heads(depths: list[int | None]) -> list[str]:
        ids = []
        for depth in depths:
            with local.run("train", {} if depth is None else {"depth": depth, "seed": 1}) as run:
                run.log(loss=0.5)
            ids.append(run.run_id)
        text = client_of(local).get(url_of(*ids)).text
        found = [re.sub("<.*?>", " ", one).split() for one in re.findall(r"<b>train</b></a>(.*?)<a class", text)]
        return [" ".join(one).replace(end[-6:], "END") for one, end in zip(found, ids, strict=True)]

    assert heads([2, 3, 4]) == ["depth=2", "depth=3", "depth=4"]
    assert heads([2, 2, 4]) == ["depth=2 …END", "depth=2 …END", "depth=4"]
    assert heads([None, None, None]) == ["…END"] * 3
    for name in ("a.txt", "b.txt"):
        saved(local, name, name)
    ids = [local.latest({"file_relpaths": name}).artifact_id for name in ("a.txt", "b.txt")]
    assert ids[0][-6:] not in unlike(client_of(local).get(url_of(*ids)).text).partition("</thead>")[0].replace(
        ids[0], ""
    )


def test_metrics_are_rounded_unless_that_hides_a_difference(local: eio.Handler) -> None:
    ids = []
    for loss, score in ((1 / 3, 0.51234567), (0.25, 0.51234568)):
        with local.run("train") as run:
            run.log(loss=loss, score=score)
        ids.append(run.run_id)
    text = unlike(client_of(local).get(url_of(*ids)).text)
    assert ">0.3333<" in text
    assert ">0.51234567<" in text
    assert ">0.51234568<" in text
    answer = client_of(local).get(url_of(*ids, kind=".json")).json()
    assert answer["differing"]["metrics"][0]["values"][0] == 1 / 3


def test_a_section_is_compared_among_those_who_have_it(local: eio.Handler) -> None:
    a, b = two(local)
    alone = saved(local, "raw.csv", "x", {}).artifact_id
    answer = client_of(local).get(url_of(a, b, alone, kind=".json")).json()
    assert answer["differing"]["params"] == [{"name": "depth", "values": [2, 4, None]}]
    assert answer["same_counts"]["params"] == 1
    assert "params" not in client_of(local).get(url_of(a, alone, kind=".json")).json()["differing"]


def test_two_to_twelve(local: eio.Handler) -> None:
    made = [saved(local, "a.txt", str(number)).artifact_id for number in range(13)]
    client = client_of(local)
    assert client.get(url_of(*made[:12])).status_code == 200
    assert "Name two to 12" in client.get("/compare").text
    assert client.get("/compare.json").status_code == 400
    for wrong in (made, made[:1], [made[0], made[0]]):
        assert client.get(url_of(*wrong)).status_code == 400, len(wrong)
        assert client.get(url_of(*wrong, kind=".json")).status_code == 400
    assert client.get(url_of(made[0], made[0][:-1])).status_code == 400
    assert client.get(url_of(made[0], "artifact_none")).status_code == 404
    assert client.get(url_of(made[0], "run_none")).status_code == 404
    one_less = re.findall(r'class="out" href="([^"]*)"', client.get(url_of(*made[:3])).text)
    assert len(one_less) == 3
    left = client.get("/compare" + one_less[0].replace("&amp;", "&")).text
    assert made[0] not in left
    assert made[1] in left


def test_the_same_of_the_same(local: eio.Handler) -> None:
    made = [saved(local, "a.txt", "x").artifact_id for _ in range(2)]
    text = client_of(local).get(url_of(*made)).text
    assert "<h1>The same " in text
    assert client_of(local).get(url_of(*made, kind=".json")).json()["same"] is True


@pytest.mark.slow
def test_texts_are_compared_by_lines(local: eio.Handler) -> None:
    made = []
    for word in ("old", "new"):
        with local.new(["a.txt", "b.txt", "t.csv"]) as new:
            for file in new.files.values():
                file.upload_string(f"{word}\n")
        made.append(new.artifact_id)
    client = client_of(local)
    text = client.get(url_of(*made)).text
    assert '<span class="del">-old</span>' in text
    assert '<span class="add">+new</span>' in text
    assert "a/b.txt" in client.get(url_of(*made) + "&file=1").text
    assert "Columns only in b" in client.get(url_of(*made) + "&file=2").text


def test_nothing_is_shown_of_what_is_not_what_was_saved(local: eio.Handler) -> None:
    a, b = two(local, "raw.csv")
    damage(local.show(b).file)
    client = client_of(local)
    text = client.get(url_of(a, b)).text
    assert "is damaged" in text
    assert "Values that differ" not in text
    assert "Problems seen here" in client.get("/").text


@pytest.mark.slow
def test_a_table_that_ends_its_reader_ends_nothing_else(local: eio.Handler) -> None:
    with pytest.raises(UnfitError):
        compare_apart("a.parquet", b"PAR1" + b"\xff" * 100 + b"PAR1", b"PAR1")
    a, b = (saved(local, "a.parquet", b"PAR1" + bytes([fill]) * 100 + b"PAR1").artifact_id for fill in (255, 254))
    assert "cannot be read as a table" in client_of(local).get(url_of(a, b)).text


@pytest.mark.slow
def test_parquet_is_compared_by_values(local: eio.Handler, tmp_path: Path) -> None:
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    made = []
    for score in (1, 3):
        pd.DataFrame({"score": [score, 5]}).to_parquet(tmp_path / "t.parquet")
        made.append(local.upload(tmp_path / "t.parquet").artifact_id)
    table = client_of(local).get(url_of(*made, kind=".json")).json()["inside"]["table"]
    assert (table["differing"], table["columns"][0]["largest"]) == (1, 2.0)


def test_what_is_left_out_is_said(local: eio.Handler) -> None:
    made = [saved(local, "a.txt", "x", {f"label{n}": n + shift for n in range(230)}).artifact_id for shift in (0, 1)]
    client = client_of(local)
    assert "30 more that differ are not shown here" in client.get(url_of(*made)).text
    assert len(client.get(url_of(*made, kind=".json")).json()["differing"]["labels"]) == 230


def test_the_list_leads_there(local: eio.Handler) -> None:
    a, b = two(local)
    text = client_of(local).get("/artifacts").text
    assert re.search(r'<form id="compare" action="\./compare" method="get">', text)
    assert sorted(
        re.findall(r'<input class="pick" type="checkbox" form="compare" name="id" value="([^"]*)"', text)
    ) == sorted([a, b])


def test_an_artifact_leads_to_the_one_before(h: eio.Handler) -> None:
    first = saved(h, "raw.csv", "1", {"project": "p"})
    other = saved(h, "raw.csv", "2", {"project": "q"})
    second = saved(h, "raw.csv", "3", {"project": "p"})
    third = saved(h, "raw.csv", "4", {"project": "p"}, based_on=[other])
    client = client_of(h)

    def link(one: eio.Artifact) -> str:
        return client.get(f"/artifacts/{one.artifact_id}").text

    assert "Compare with" not in link(first)
    assert f'../compare?id={first.artifact_id}&amp;id={second.artifact_id}">Compare with the one before' in link(second)
    assert f'../compare?id={other.artifact_id}&amp;id={third.artifact_id}">Compare with what it is based on' in link(
        third
    )


def test_a_name_may_look_like_a_pattern(local: eio.Handler) -> None:
    made = [saved(local, "a*[b].csv", text, {"project": "*"}) for text in "12"]
    assert "Compare with the one before" in client_of(local).get(f"/artifacts/{made[1].artifact_id}").text


def test_looking_leaves_no_trace(local: eio.Handler) -> None:
    a, b = two(local)
    client_of(local).get(url_of(a, b))
    assert saved(local, "next.txt", "x").metadata.based_on == []


@pytest.mark.slow
def test_what_others_wrote_is_text(local: eio.Handler) -> None:
    client = client_of(local)
    for payload, name in zip(PAYLOADS, NAMES, strict=True):
        made, plain = [], "".join(one for one in payload if one.isprintable() and one not in "/\\")[:60]
        for number in (1, 2):
            labels = {"project": f"{payload}{number}", f"x {payload.replace('.', '')}"[:60]: number}
            with (
                eio.mock_username(f"{plain}{number}"),
                local.run(plain, {"x": f"{payload}{number}"}, labels=labels) as run,
            ):
                made.append(saved(run, f"{name}.txt", f"{payload}\n{number}\n", labels))
        runs = [one.metadata.run_id or "" for one in made]
        for ids in ([one.artifact_id for one in made], runs, [*runs, made[0].artifact_id]):
            answer = client.get(url_of(*ids))
            assert answer.status_code == 200, answer.text
            check(answer.text, payload)


@pytest.mark.slow
def test_names_of_columns_are_text(local: eio.Handler) -> None:
    header = ",".join('"' + one.replace('"', '""') + '"' for one in PAYLOADS)
    made = [saved(local, "a.csv", f"{header}\n" + f"{n}," * (len(PAYLOADS) - 1) + f"{n}\n").artifact_id for n in (1, 2)]
    text = client_of(local).get(url_of(*made)).text
    assert f"{len(PAYLOADS)} of {len(PAYLOADS)} differ" in text
    check(text, "columns")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_asked_for_is_text(local: eio.Handler, payload: str) -> None:
    client = client_of(local)
    for url in ("/compare?id={}", "/compare?id={}&id=b", "/compare.json?id=a&id={}", "/compare.json?file={}"):
        answer = client.get(url.format(quoted(payload)))
        assert answer.status_code in (400, 404)
        check(answer.text, url)


@pytest.mark.slow
def test_the_pages_please_everybody(served: Any, chromium: Any, local: eio.Handler) -> None:
    a, b = two(local)
    runs = [local.show(one).metadata.run_id or "" for one in (a, b)]
    third = saved(local, "raw.txt", "x", {"project": "penguins"}).artifact_id
    paths = [
        url_of(a, b)[1:],
        url_of(a, b, third)[1:],
        url_of(*runs)[1:],
        "compare",
        f"compare?id={a}",
        f"artifacts/{b}",
    ]
    assert faults(chromium, served, paths) == []


@pytest.mark.slow
def test_by_keys_and_by_mouse(served: Any, chromium: Any, local: eio.Handler) -> None:
    a, b = two(local)
    for scripts in (True, False):
        context = chromium.new_context(java_script_enabled=scripts)
        page = context.new_page()
        page.goto(served.url)
        page.goto(f"{served.place}artifacts")
        if scripts:
            for key in "jxjxc":
                page.keyboard.press(key)
        else:
            for mark in page.locator("input.pick").all():
                mark.check()
            page.click("text=Compare marked")
        page.wait_for_url(f"**/compare?id={b}&id={a}")
        page.click("summary:has-text('Same:')")
        assert page.is_visible("details.alike >> text=seed")
        context.close()
