"""What a craft saves: for the keys that are asked for, and over nothing that somebody wrote."""

from __future__ import annotations

import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from elliptio.lake import run_records
from elliptio.pipelines import (
    Artifact,
    ArtifactInteractor,
    Craft,
    MissingKeysError,
    Pipeline,
    PipelineDefinitionError,
    VersionNotFoundError,
)
from elliptio.pipelines.catalog import wholeness
from tests.pipelines.projects import Project, fates, reasons
from tests.pipelines.sessions import project as project_of
from tests.pipelines.sessions import session

CATALOG = """
- {name: raw, type: json, extra: {path: raw.json}}
- {name: out, type: json, extra: {path: "out_!{k}.json"}}
- {name: sum, type: json, extra: {path: sum.json}}
"""

STEPS = """
from pathlib import Path
from elliptio.pipelines import Artifact, Craft

@Craft()
def copied(raw: Artifact) -> Artifact("out"):
    return raw

@Craft()
def added(raw: Artifact, a: int = 0) -> Artifact("sum"):
    return raw + a
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("catalog/all.yaml", CATALOG)
    project.write("lib/steps.py", STEPS)
    project.write("raw.json", "1")
    return project


@pytest.mark.parametrize("do", [Project.run, Project.plan])
def test_a_key_that_nobody_gives_is_said_before_anything_runs(shop: Project, do: Any) -> None:
    with pytest.raises(MissingKeysError) as error:
        do(shop, "steps.added steps.copied")
    assert str(error.value) == (
        "The craft copied makes 'out', which needs a value for 'k': pass k=…, or run the craft per=('k',)."
    )
    assert list(shop.session().catalog.versions("sum").index) == []


@pytest.mark.parametrize("error", [PipelineDefinitionError, KeyError, ValueError])
@pytest.mark.parametrize("hint", ["Artifact", "Volatile"])
def test_an_input_that_nobody_makes_is_an_unknown_name(shop: Project, hint: str, error: type[Exception]) -> None:
    shop.edit("lib/steps.py", "added(raw: Artifact", f"added(rw: {hint}")
    shop.edit("lib/steps.py", "import Artifact,", "import Artifact, Volatile,")
    with pytest.raises(error, match=r"\? → rw → added"):
        shop.run("steps.added")


def test_a_part_that_lacks_what_it_needs_says_who_makes_that(shop: Project) -> None:
    shop.edit("lib/steps.py", "copied(raw: Artifact", "copied(sum: Artifact")
    shop.edit("lib/steps.py", "return raw\n", "return sum\n")
    with pytest.raises(VersionNotFoundError, match=r"no file at sum\.json\. added makes it, and is not selected\."):
        shop.run("steps.added steps.copied", {"k": 1}, select="copied")


def test_the_same_for_another_key_is_another_step(shop: Project) -> None:
    assert fates(shop.run("steps.copied", {"k": 1})) == {"copied": "made"}
    assert fates(shop.run("steps.copied", {"K": "2"})) == {"copied": "made"}
    assert (
        fates(shop.run("steps.copied", {"k": 2})) == fates(shop.run("steps.copied", {"k": 1})) == {"copied": "skipped"}
    )
    catalog = shop.session().catalog
    assert catalog.load("out", k=1) == catalog.load("out", k=2) == 1
    assert (shop.root / "out_2.json").exists()


def test_what_was_deleted_is_said(shop: Project) -> None:
    shop.run("steps.added", {"a": 1})
    build = shop.run("steps.added", {"a": 2})
    shop.handler.delete(build.rows[0].artifact_ids["sum"], force=True)
    (why,) = reasons(shop.plan("steps.added", {"a": 2})).values()
    assert re.fullmatch(r"what it made was deleted by \w+ on 20\d\d-\d\d-\d\d", why)
    assert reasons(shop.plan("steps.added", {"a": 3})) == {"added": "parameter a: 1 → 3"}
    assert fates(shop.run("steps.added", {"a": 2})) == {"added": "made"}
    assert fates(shop.run("steps.added", {"a": 2})) == {"added": "skipped"}


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ([1], [1, 2], "[1] → [1, 2]"),
        ({"x": 1}, (1,), "{'x': 1} → (1,)"),
        ("1", 1, "'1' → 1"),
        ("one", date(2024, 1, 2), "'one' → datetime.date(2024, 1, 2)"),
        (Decimal(1), "two (2)", "Decimal('1') → 'two (2)'"),
    ],
)
def test_a_parameter_is_told_as_it_is_written(shop: Project, before: Any, now: Any, says: str) -> None:
    shop.edit("lib/steps.py", "return raw + a", "return raw")
    shop.run("steps.added", {"a": before})
    assert reasons(shop.plan("steps.added", {"a": now})) == {"added": f"parameter a: {says}"}


def test_what_is_damaged_in_the_lake_is_made_again(shop: Project) -> None:
    build = shop.run("steps.added", {"a": 6})
    artifact = shop.handler.show(build.rows[0].artifact_ids["sum"])
    kept = Path(str(artifact.file.remote_url))
    kept.chmod(0o644)
    kept.write_text("8")
    (shop.root / "sum.json").unlink()
    build = shop.run("steps.added", {"a": 6})
    assert fates(build) == {"added": "made"}
    assert reasons(build) == {"added": "what it made of 'sum' is damaged in the lake"}
    assert (shop.root / "sum.json").read_text().strip() == "7"
    assert fates(shop.run("steps.added", {"a": 6})) == {"added": "skipped"}


def overwrite(path: Path, how: str) -> None:
    """Give a file of the lake other content of the same size, as people and tools do."""
    content = path.read_bytes().replace(b"7", b"8")
    before = path.stat()
    if how == "moved over it":
        other = path.with_name("other")
        other.write_bytes(content)
        os.utime(other, ns=(0, 0))
        other.replace(path)
        return
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
    if how == "its time set back":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("how", ["written", "moved over it", "its time set back"])
def test_what_was_tampered_with_in_the_lake_is_made_again(
    shop: Project, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wholeness, "LINGER", 0)
    build = shop.run("steps.added", {"a": 6})
    kept = Path(str(shop.handler.show(build.rows[0].artifact_ids["sum"]).file.remote_url))
    size = kept.stat().st_size
    overwrite(kept, how)
    assert kept.stat().st_size == size
    assert reasons(shop.plan("steps.added", {"a": 6})) == {"added": "what it made of 'sum' is damaged in the lake"}
    assert fates(shop.run("steps.added", {"a": 6})) == {"added": "made"}
    assert shop.session().catalog.load("sum") == 7
    assert fates(shop.run("steps.added", {"a": 6})) == {"added": "skipped"}


def test_a_file_that_is_younger_than_its_manifest_is_read_once(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a lake that was copied without its times are: not at each run."""
    read: list[str] = []
    real = wholeness.sha256_of

    def reading(path: str) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(wholeness, "sha256_of", reading)
    build = shop.run("steps.added")
    assert fates(shop.run("steps.added")) == {"added": "skipped"}
    assert not read
    kept = Path(str(shop.handler.show(build.rows[0].artifact_ids["sum"]).file.remote_url))
    os.utime(kept)
    for _ in range(3):
        assert fates(shop.run("steps.added")) == {"added": "skipped"}
    assert read == [str(kept)]


def test_tags_retries_and_runners_are_no_reason(shop: Project) -> None:
    shop.run("steps.added")
    shop.edit("lib/steps.py", "@Craft()\ndef added", '@Craft(tags=("nightly",), retries=3)\ndef added')
    assert fates(shop.plan("steps.added")) == {"added": "skip"}
    assert fates(shop.run("steps.added", runner="threads", workers=2)) == {"added": "skipped"}


def test_what_a_class_of_a_user_is_given_counts(tmp_path: Path) -> None:
    class Marked(ArtifactInteractor, interactor_name="marked"):
        def __init__(self, artifact: Any, *args: Any, session: Any, **kwargs: Any) -> None:
            pass

        def load(self, **kwargs: Any) -> None:
            return None

        def save(self, asset: Any, **kwargs: Any) -> bytes:
            return f"{asset}{kwargs['mark']}".encode()

    @Craft()
    def say() -> Artifact("own"):  # type: ignore[valid-type]
        return "hello"

    with session(project_of(tmp_path / "shop", {"name": "own", "type": "marked", "extra": {}})) as opened:
        joined = Pipeline() + say
        told = [joined.run({"mark": mark}).steps["status"].tolist() for mark in ("!", "?", "!")]
        assert told == [["made"], ["made"], ["skipped"]]
        assert opened.catalog.current("own").file.download(tmp_path).read_text() == "hello!"


def test_an_option_that_is_a_secret_is_named_and_not_shown(tmp_path: Path) -> None:
    class Sent(ArtifactInteractor, interactor_name="sent"):
        def load(self, **kwargs: Any) -> None:
            return None

        def save(self, asset: Any, **kwargs: Any) -> bytes:
            return b"sent"

    @Craft()
    def send() -> Artifact("mail"):  # type: ignore[valid-type]
        return "hello"

    why = []
    for password in ("hunter-two", "swordfish"):
        options = {"host": "here", "login": {"password": password}}
        root = project_of(tmp_path / "shop", {"name": "mail", "type": "sent", "extra": {}, "save_options": options})
        with session(root) as opened:
            why.append((Pipeline() + send).run().steps["why"].tolist())
            recipe = opened.catalog.current("mail").metadata.recipe
            assert password not in str(recipe)
            assert "here" in str(recipe)
    assert why[1] == ["an option of output mail: a secret, so its value was not recorded"]


def written_over(shop: Project) -> list[str]:
    """Texts of the versions that somebody wrote at the path of `sum`, the newest first."""
    catalog = shop.session().catalog
    found = catalog.versions("sum")
    assert not found["current"][found["origin"] == "taken in"].any()
    taken = found.index[found["origin"] == "taken in"]
    return [shop.handler.show(identifier).file.load(format="json") for identifier in taken]


def test_what_somebody_wrote_where_a_craft_saves_is_kept_and_told(shop: Project) -> None:
    path = shop.root / "sum.json"
    path.write_text('"was there first"')
    shop.run("steps.added")
    path.write_text('"written over"')
    planned = shop.plan("steps.added", {"a": 1})
    path.write_text('"written over again"')
    build = shop.run("steps.added", {"a": 1})
    assert len(planned.news) == len(build.news) == 1
    assert "sum" in build.news[0]
    assert path.read_text() == "2"
    assert written_over(shop) == ["written over again", "written over", "was there first"]


def test_so_is_what_is_written_while_the_craft_runs(shop: Project) -> None:
    shop.run("steps.added")
    shop.edit("lib/steps.py", "return raw + a", "Path(a).write_text('[]'); return raw")
    path = shop.root / "sum.json"
    shop.run("steps.added", {"a": str(path)})
    assert path.read_text() == "1"
    assert written_over(shop) == [[]]


def test_a_call_keeps_it_too(shop: Project) -> None:
    session = shop.session()
    with session:
        (added,) = shop.pipeline(session, "steps.added").crafts
        for text in ('"first"', '"second"'):
            (shop.root / "sum.json").write_text(text)
            added(a=3)
    assert (shop.root / "sum.json").read_text() == "4"
    assert written_over(shop) == ["second", "first"]


def test_a_value_that_fails_when_somebody_needs_it_is_made_once(project: Project) -> None:
    project.write("catalog/all.yaml", "[{name: a, type: json}, {name: b, type: json}, {name: c, type: json}]")
    project.write(
        "lib/steps.py",
        """
        from pathlib import Path
        from elliptio.pipelines import Artifact, Craft, Volatile

        @Craft()
        def first() -> Volatile("x"):
            with open(Path(__file__).with_name("count"), "a") as file:
                file.write("1")
            raise ValueError("no luck")

        @Craft()
        def second(x: Volatile) -> Volatile("y"):
            return x

        @Craft()
        def a(x: Volatile) -> Artifact("a"):
            return x

        @Craft()
        def b(y: Volatile) -> Artifact("b"):
            return y

        @Craft()
        def c() -> Artifact("c"):
            return 1
        """,
    )
    build = project.run("steps.first steps.second steps.a steps.b steps.c", volatiles=False, on_error="return")
    assert fates(build) == {"first": "failed", "second": "skipped", "a": "not run", "b": "not run", "c": "made"}
    assert reasons(build)["b"] == reasons(build)["a"] == "first failed"
    assert (project.root / "lib/count").read_text() == "1"
    assert isinstance(build.error.__cause__, ValueError)


SHARED = """
from elliptio.pipelines import Artifact, Craft, Session, Volatile

@Craft()
def both(raw: Artifact, by: int = 1) -> Artifact.of("sum") + [Volatile("v")]:
    return raw + by, raw

@Craft()
def rate() -> Volatile("rate"):
    return Session.get_session().catalog.load("raw")

@Craft()
def doubled(rate: Volatile) -> Volatile("twice"):
    return 2 * rate

@Craft()
def added(twice: Volatile) -> Artifact("sum"):
    return twice
"""


def test_what_is_made_again_for_the_values_that_it_passes_on_is_no_new_version(shop: Project) -> None:
    shop.write("lib/steps.py", SHARED)
    first = shop.run("steps.both")
    again = shop.run("steps.both")
    assert again.volatiles == {"v": 1}
    assert fates(again) == {"both": "made"}
    assert again.rows[0].artifact_ids == first.rows[0].artifact_ids
    (run,) = shop.handler.lake.find_runs({"parent": again.run_id})
    assert run_records.read(shop.handler.lake, run["_id"])["status"] == run["status"] == "finished"
    shop.run("steps.both", {"by": 2})
    (shop.root / "sum.json").unlink()
    shop.run("steps.both")
    catalog = shop.session().catalog
    assert catalog.load("sum") == 2, "what was there before is the current one again"
    assert (shop.root / "sum.json").read_text() == "2"
    assert len(catalog.versions("sum")) == 2


@pytest.mark.parametrize("volatiles", [True, False])
def test_what_a_craft_loads_by_itself_counts_for_what_its_values_are_for(shop: Project, volatiles: bool) -> None:
    shop.write("lib/steps.py", SHARED)
    for raw, fate in (("1", "made"), ("1", "skipped"), ("5", "made"), ("5", "skipped")):
        shop.write("raw.json", raw)
        build = shop.run("steps.rate steps.doubled steps.added", volatiles=volatiles)
        assert fates(build)["added"] == fate
        assert shop.session().catalog.load("sum") == 2 * int(raw)
