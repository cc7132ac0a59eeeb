"""``elliptio ui --export``: pages as files, whole or not at all, that need no server, no JavaScript and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import elliptio as eio
from elliptio.cli import main
from elliptio.models import DataModel, identity
from elliptio.pipelines import Catalog, Entry
from elliptio.ui import exporting
from elliptio.ui.exporting import export
from tests.ui.conftest import damage, saved, story
from tests.ui.looking import WANTED, listen
from tests.ui.test_flows import FLOW
from tests.ui.test_injections import MARK, PAYLOADS, check, hostile
from tests.ui.test_injections import NAMES as FILE_NAMES
from tests.ui.test_pipelines import NAMES, Project, project

__all__ = ["project"]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf50000000820181a5f0a1160000000049454e44ae426082"
)
LINK = re.compile(r' (?:href|src)="([^"]*)"')
META = re.compile(r"<meta http-equiv=[^>]*>")


def pages(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.html")):
        yield path, path.read_text()


def check_links(folder: Path) -> set[Path]:
    """Every link leads to a file that was written; return those that are led to."""
    led = set()
    for path, text in pages(folder):
        for link in map(unescape, LINK.findall(text)):
            if not link.startswith(("#", "data:")):
                to = (path.parent / unquote(link)).resolve()
                assert to.is_file(), (path, link)
                assert to.is_relative_to(folder.resolve()), (path, link)
                led.add(to)
    return led


def test_pages_of_artifacts_and_their_lineage(h: eio.Handler, tmp_path: Path) -> None:
    made = story(h)
    other = saved(h, "other.txt", "not of this story")
    folder = tmp_path / "handed on"
    report = export(h, folder, [made["model"].artifact_id])
    led = check_links(folder)
    assert (report.artifacts, report.left_out, report.files, report.damaged) == (2, 0, 0, 0)
    assert {path.resolve() for path, _ in pages(folder)} == {one for one in led if one.suffix == ".html"}
    assert report.pages == len(list(pages(folder)))
    for one in made.values():
        assert (folder / f"artifacts/{one.artifact_id}.html").is_file()
        assert (folder / f"lineage/{one.artifact_id}.html").is_file()
    assert not any(other.artifact_id in text for _, text in pages(folder))
    assert "Adelie" in (folder / f"artifacts/{made['raw'].artifact_id}.html").read_text()
    assert "made again" not in (folder / f"artifacts/{made['raw'].artifact_id}.html").read_text()
    for _, text in pages(folder):
        assert "<script" not in text
        assert "<form" not in text
        assert "just now" not in text


def test_the_run_that_made_one_is_there_and_no_other(h: eio.Handler, tmp_path: Path) -> None:
    made = story(h)
    with h.run("train", {"depth": 99}) as other:
        other.log(accuracy=0.99)
    folder = tmp_path / "handed on"
    export(h, folder, [made["model"].artifact_id])
    check_links(folder)
    run_id = made["model"].metadata.run_id
    assert [path.name for path in (folder / "runs").iterdir()] == [f"{run_id}.html"]
    text = (folder / f"runs/{run_id}.html").read_text()
    assert "accuracy" in text
    assert "data-events" not in text
    assert "refresh" not in text
    assert other.run_id not in text
    assert f"runs/{run_id}.html" in (folder / f"artifacts/{made['model'].artifact_id}.html").read_text()


def test_what_they_are_a_part_of_is_there_and_no_other_version(project: Project, tmp_path: Path) -> None:
    first = project.run(NAMES)  # which took raw in
    project.edit("lib/steps.py", "number * 2", "number * 4")
    older = project.run(NAMES)
    project.edit("lib/steps.py", "number * 4", "number * 3")
    newer = project.run(NAMES)
    of = {name: one for step in newer.rows for name, one in step.artifact_ids.items()}
    folder = tmp_path / "handed on"
    export(project.handler, folder, [of["report"]])
    led = check_links(folder)
    assert {path.resolve() for path, _ in pages(folder)} == {one for one in led if one.suffix == ".html"}
    entries = sorted(path.name for path in (folder / "catalog").iterdir())
    assert entries == ["clean.html", "raw.html", "report.html"]
    assert {path.stem for path in (folder / "pipelines").iterdir()} == {first.run_id, newer.run_id}
    assert {path.stem for path in (folder / "snapshots").iterdir()} == {first.snapshot.id, newer.snapshot.id}
    build = (folder / "pipelines" / f"{newer.run_id}.html").read_text()
    assert "helper `worth` in lib/steps.py:3 changed" in unescape(build)
    assert "../catalog/report.html" in (folder / f"artifacts/{of['report']}.html").read_text()
    gone = {one for step in older.rows for one in step.artifact_ids.values()} - set(of.values())
    for path, text in pages(folder):
        if path.parent.name in ("catalog", "pipelines", "snapshots"):
            assert not any(one in text for one in (older.run_id, older.snapshot.id, *gone)), path


def test_models_and_flows_are_there(local: eio.Handler, tmp_path: Path) -> None:
    known = dict(identity._defined)

    class Score(DataModel, version=1):
        value: float

    scores = [local.save(Score(0.5), label) for label in ("first", "second")]
    identity._defined.clear()
    identity._defined.update(known)
    for _ in range(2):
        FLOW.run({"upto": 3}, record=local)
    (total, _) = local.find({"labels.stream": "sum"}).index
    flow = local.show(total).labels["flow_id"]
    folder = tmp_path / "out"
    export(local, folder, [scores[0].artifact_id, total])
    check_links(folder)
    assert [path.stem for path in (folder / "models").iterdir()] == [scores[0].artifact_id]
    assert [path.stem for path in (folder / "flows").iterdir()] == [flow]
    assert "counting" in (folder / f"flows/{flow}.html").read_text()
    for path, text in pages(folder):
        assert scores[1].artifact_id not in text, path


def test_entries_of_one_name_have_pages_of_their_own(local: eio.Handler, tmp_path: Path) -> None:
    names = ("a/b", "a.b", "A b")
    saved = [
        Catalog([Entry.read({"name": name, "type": "json"})], project=project, handler=local).save(name, {"a": project})
        for name in names
        for project in ("one", "two")
    ]
    folder = tmp_path / "out"
    export(local, folder, [one.artifact_id for one in saved])
    check_links(folder)
    assert len(list((folder / "catalog").iterdir())) == len(saved)
    assert {path.parent.name for path in folder.rglob("*.html")} >= {"catalog", "out"}


def test_by_the_command(local: eio.Handler, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story(local)
    folder, root = tmp_path / "out", str(local.store.root)
    assert main(["ui", "--root", root, "--export", str(folder), "tag:prod", "--with-files"]) == 0
    assert capsys.readouterr().out.startswith(f"{folder}/index.html\n")
    assert [path.read_text() for path in folder.rglob("model.json")] == ['{"depth": 4}']
    before = sorted(folder.rglob("*"))
    assert main(["ui", "--root", root, "--export", str(folder), "tag:prod"]) != 0
    assert "not an empty folder" in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--export", "out"], "whose pages"),
        (["tag:prod"], "--export DIR"),
        (["--with-files"], "--export DIR"),
        (["--export", "out", "tag:none"], "tag"),
    ],
)
def test_what_is_asked_wrongly(
    local: eio.Handler, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story(local)
    assert main(["ui", "--no-open", "--root", str(local.store.root), *options]) != 0
    assert says in capsys.readouterr().err
    assert not Path("out").exists()


def test_what_is_there_is_never_replaced(local: eio.Handler, tmp_path: Path) -> None:
    made = story(local)
    file = tmp_path / "a.txt"
    file.write_text("mine")
    full = tmp_path / "full"
    full.mkdir()
    (full / ".hidden").write_text("mine")
    for place in (file, full):
        with pytest.raises(eio.ConfigError, match="not an empty folder"):
            export(local, place, [made["raw"].artifact_id])
    assert file.read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    export(local, empty, [made["raw"].artifact_id])
    assert (empty / "index.html").is_file()


def test_nothing_is_left_of_what_failed(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = story(local)
    place = tmp_path / "place"
    place.mkdir()
    real, written = Path.write_bytes, []

    def fail(path: Path, content: bytes) -> int:
        written.append(path)
        assert not (place / "out").exists()
        if len(written) == 6:
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(eio.StoreError, match="space"):
        export(local, place / "out", [made["raw"].artifact_id])
    assert list(place.iterdir()) == []


def test_what_is_damaged_is_not_handed_on(local: eio.Handler, tmp_path: Path) -> None:
    made = story(local)
    damage(made["raw"].file)
    report = export(local, tmp_path / "out", ["tag:prod"], with_files=True)
    assert (report.damaged, report.files) == (1, 1)
    check_links(tmp_path / "out")
    assert not list((tmp_path / "out").rglob("raw.csv"))
    text = (tmp_path / "out" / f"artifacts/{made['raw'].artifact_id}.html").read_text()
    assert "not what was saved" in text
    assert "Adelie" not in text


def test_pictures_are_shown_and_programs_are_texts(local: eio.Handler, tmp_path: Path) -> None:
    with local.new(["a b.png", "page.HTML", "p.svg", ".x", "deep/er/t.txt"]) as new:
        new.files["a b.png"].local_path.write_bytes(PNG)
        for name in ("page.HTML", "p.svg", ".x", "deep/er/t.txt"):
            new.files[name].local_path.parent.mkdir(parents=True, exist_ok=True)
            new.files[name].local_path.write_text("<script>alert(1)</script>")
    folder = tmp_path / "out"
    export(local, folder, [new.artifact_id], with_files=True)
    check_links(folder)
    place = folder / f"artifacts/{new.artifact_id}/files"
    assert sorted(path.name for path in place.rglob("*") if path.is_file() and path.suffix != ".html") == [
        "a_b.png", "p.svg.txt", "page.HTML.txt", "shown.png", "t.txt", "x",
    ]  # fmt: skip
    assert not any("<iframe" in text for _, text in pages(folder))


def test_of_a_large_lineage_the_nearest(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_ARTIFACTS", 3)
    chain = [saved(local, "0.txt", "0")]
    for number in range(1, 6):
        chain.append(saved(local, f"{number}.txt", str(number), based_on=[chain[-1].artifact_id]))
    report = export(local, tmp_path / "out", [chain[3].artifact_id])
    assert (report.artifacts, report.left_out) == (3, 3)
    check_links(tmp_path / "out")
    assert "3 more farther away were not written" in (tmp_path / "out/index.html").read_text()


def test_a_deleted_parent_has_a_page(local: eio.Handler, tmp_path: Path) -> None:
    made = story(local)
    local.delete(made["raw"], force=True)
    export(local, tmp_path / "out", ["tag:prod"])
    check_links(tmp_path / "out")
    assert "was deleted by" in (tmp_path / "out" / f"artifacts/{made['raw'].artifact_id}.html").read_text()


def test_what_others_wrote_is_text_there_too(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        one for payload, name in zip(PAYLOADS[:3], FILE_NAMES[:3], strict=True)
        for one in hostile(local, payload, name, monkeypatch)
    ]  # fmt: skip
    export(local, tmp_path / "out", [one.artifact_id for one in made], with_files=True)
    check_links(tmp_path / "out")
    for path, text in pages(tmp_path / "out"):
        assert len(META.findall(text)) == 1
        check(META.sub("", text), str(path))


@pytest.mark.slow
def test_a_browser_reads_it_from_a_folder(
    local: eio.Handler, tmp_path: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    made = story(local)
    hostile(local, PAYLOADS[0], FILE_NAMES[0], monkeypatch)
    folder = tmp_path / "out"
    export(local, folder, [*local.search(columns=[], max_docs=0).ids])
    seen: list[str] = []
    for scripts in (False, True):
        context = chromium.new_context(java_script_enabled=scripts, bypass_csp=scripts)
        page = context.new_page()
        listen(page, seen, ("file://",))
        page.goto((folder / "index.html").as_uri())
        page.click("text=model.json")
        page.click("a.btn:has-text('Lineage')")
        page.click(f"svg.lineage a[href*='{made['raw'].artifact_id}']")
        assert page.url == (folder / f"artifacts/{made['raw'].artifact_id}.html").as_uri()
        assert page.is_visible("text=Adelie")
        assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") == "12px"
        if scripts:
            wanted = {**WANTED, "preload": False}
            for path in (
                "index.html",
                f"artifacts/{made['raw'].artifact_id}.html",
                f"lineage/{made['raw'].artifact_id}.html",
            ):
                page.goto((folder / path).as_uri())
                for one in axe.run(page, options=wanted).response["violations"]:
                    seen += [f"{path} {one['id']} {node['html'][:200]}" for node in one["nodes"]]
                for width in (390, 1280):
                    page.set_viewport_size({"width": width, "height": 900})
                    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        context.close()
    assert MARK not in " ".join(seen)
    assert seen == []
