"""A catalog: values by name, versions that are artifacts, and windows for other tools."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import FormatError, FormatOptionError, StoreError, ValueRefusedError, WriteOnlyError
from elliptio.pipelines import ArgumentError, Artifact, Catalog, Craft
from elliptio.pipelines.errors import (
    DuplicateNameError,
    EntryError,
    MissingKeysError,
    UnknownNameError,
    VersionNotFoundError,
)
from elliptio.pipelines.io import ArtifactInteractor, Backend
from tests.pipelines.projects import Project

CATALOG = """
- {name: rates, type: json, extra: {path: out/rates.json}}
- {name: table, type: csv, extra: {path: out/table.csv}}
- {name: coeffs, type: pickle, extra: {path: "out/coeff_!{samples}.pkl"}}
- {name: sales, type: csv, extra: {path: "raw/!{day}.csv"}}
- {name: inside, type: parquet}
- {name: linked, type: csv, extra: {path: big.csv, history: false}}
- {name: page, type: datapane, extra: {path: page.html}}
"""


@pytest.fixture
def catalog(project: Project) -> Catalog:
    project.write("catalog/all.yaml", CATALOG)
    return project.session().catalog


def test_what_there_is(catalog: Catalog) -> None:
    assert "rates" in catalog
    assert "rate" not in catalog
    assert len(catalog) == 7
    assert list(catalog) == sorted(catalog)
    entry = catalog["coeffs"]
    assert (entry.name, entry.type, entry.keys, dict(entry.extra)) == (
        "coeffs", "pickle", ("samples",), {"path": "out/coeff_!{samples}.pkl"},
    )  # fmt: skip
    assert (entry.load_options, entry.save_options) == ({}, {})
    with pytest.raises(KeyError, match=r"'rate'.*did you mean 'rates'"):
        catalog["rate"]
    with pytest.raises(UnknownNameError):
        catalog.load("rate")


def test_a_save_is_an_artifact_and_a_file_at_the_path(catalog: Catalog, project: Project) -> None:
    saved = catalog.save("rates", {"a": 0.1})
    assert isinstance(saved, eio.Artifact)
    assert saved.metadata.entry == {"project": "shop", "name": "rates", "keys": {}, "origin": "saved"}
    assert json.loads((project.root / "out/rates.json").read_text()) == {"a": 0.1}
    assert project.handler.based_on == []
    assert catalog.load("rates") == {"a": 0.1}
    assert project.handler.based_on == [saved.artifact_id], "loading counts, saving does not"
    assert project.handler.get(saved.artifact_id).load() == {"a": 0.1}


def test_a_keyword_that_is_neither_key_nor_option_is_named_as_both(catalog: Catalog) -> None:
    catalog.save("rates", {"a": 1})
    for call in (lambda: catalog.load("rates", year=3), lambda: catalog.save("rates", {}, year=3)):
        with pytest.raises(FormatOptionError, match=r"'rates' has no key 'year'; it has none\..*'json' has no option"):
            call()


def test_a_path_that_is_a_folder_is_named(catalog: Catalog, project: Project) -> None:
    (project.root / "out/rates.json").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot read .*out/rates\.json: Is a directory"):
        catalog.load("rates")


def test_nothing_is_overwritten(catalog: Catalog) -> None:
    first = catalog.save("rates", {"a": 1})
    time.sleep(0.002)  # times are kept to the millisecond
    between = datetime.now(tz=UTC)
    time.sleep(0.002)
    second = catalog.save("rates", {"a": 2})
    assert catalog.load("rates", version=first.artifact_id) == {"a": 1}
    assert catalog.load("rates", version=between) == {"a": 1}
    assert catalog.load("rates", version=between.isoformat()) == {"a": 1}
    assert catalog.load("rates", version=datetime.now(tz=UTC).date()) == {"a": 2}
    catalog.handler.tag(first, "good")
    assert catalog.load("rates", version="tag:good") == catalog.load("rates", version="good") == {"a": 1}
    assert catalog.current("rates").artifact_id == catalog.latest("rates").artifact_id == second.artifact_id
    versions = catalog.versions("rates")
    assert versions.index.name == "artifact_id"
    assert versions.index.tolist() == [second.artifact_id, first.artifact_id]
    assert versions["current"].tolist() == [True, False]
    assert versions["origin"].tolist() == ["saved", "saved"]
    with pytest.raises(VersionNotFoundError, match="no tag 'gone'"):
        catalog.load("rates", version="gone")
    with pytest.raises(FileNotFoundError):
        catalog.load("rates", version=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(EntryError, match="zone"):
        catalog.load("rates", version=datetime(2020, 1, 1))


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (100, 100),
        ("100", 100),
        ("007", "007"),
        (1.5, "1.5"),
        (date(2026, 1, 31), "2026-01-31"),
        (True, "True"),
        (-3, -3),
    ],
)
def test_keys_have_one_form(catalog: Catalog, given: object, key: object) -> None:
    saved = catalog.save("coeffs", [1], samples=given)
    assert saved.metadata.entry["keys"] == {"samples": key}
    found = catalog.handler.find({"entry.name": "coeffs", "entry.keys.samples": key})
    assert found.index.tolist() == [saved.artifact_id]
    assert catalog.load("coeffs", samples=str(key)) == [1]
    assert catalog.load("coeffs", keys={"SAMPLES": given}) == [1]
    assert catalog.versions("coeffs", samples=given)["samples"].tolist() == [key]


@pytest.mark.parametrize("value", ["../x", "a/b", "", ".", "a\0b", "a\\b"])
def test_a_key_leads_nowhere_else(catalog: Catalog, value: str) -> None:
    with pytest.raises(ValueError, match="samples"):
        catalog.save("coeffs", [1], samples=value)


def test_a_key_that_is_missing_or_unknown_is_named(catalog: Catalog) -> None:
    with pytest.raises(MissingKeysError, match="samples") as missing:
        catalog.load("coeffs")
    assert isinstance(missing.value, KeyError)
    assert isinstance(missing.value, ValueError)
    with pytest.raises(EntryError, match="no key 'size'"):
        catalog.load("coeffs", keys={"size": 1, "samples": 1})
    with pytest.raises(EntryError, match="no key 'size'"):
        catalog.current("coeffs", samples=1, size=3)


def test_a_table_comes_back_as_it_was(catalog: Catalog) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    catalog.save("table", frame)
    assert catalog.load("table").columns.tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(catalog.load("table"), frame)
    pd.testing.assert_frame_equal(catalog.load("table", columns=["a"]), frame[["a"]])


def test_what_somebody_puts_at_a_path_is_taken_in(catalog: Catalog, project: Project) -> None:
    project.write("raw/2026-01-01.csv", "x\n1\n")
    project.write("raw/2.csv", "x\n2\n")
    project.write("raw/.hidden.csv", "x\n")
    project.write("raw/below/3.csv", "x\n")
    partitions = catalog.partitions("sales")
    assert partitions["day"].tolist() == [2, "2026-01-01"]
    assert catalog.load("sales", day="2026-01-01")["x"].tolist() == [1]
    assert catalog.versions("sales")["origin"].tolist() == ["taken in", "taken in"]
    project.write("raw/2.csv", "x\n5\n")
    assert catalog.load("sales", day=2)["x"].tolist() == [5]
    project.write("raw/2.csv", "x\n2\n")
    assert catalog.load("sales", day=2)["x"].tolist() == [2]
    assert len(catalog.versions("sales", day=2)) == 2, "the first one is current again"
    (project.root / "raw/2.csv").unlink()
    assert catalog.partitions("sales")["day"].tolist() == ["2026-01-01"]
    with pytest.raises(VersionNotFoundError, match="any more"):
        catalog.load("sales", day=2)


def test_the_window_of_another_entry_is_no_partition(project: Project) -> None:
    project.write(
        "catalog/all.yaml",
        """
        - {name: sales, type: csv, extra: {path: "raw/!{day}.csv"}}
        - {name: shops, type: csv, extra: {path: raw/shops.csv}}
        """,
    )
    project.write("raw/shops.csv", "x\n1\n")
    project.write("raw/1.csv", "x\n1\n")
    assert project.session().catalog.partitions("sales")["day"].tolist() == [1]


def test_a_file_that_is_missing_is_put_back(catalog: Catalog, project: Project) -> None:
    catalog.save("rates", {"a": 1})
    (project.root / "out/rates.json").unlink()
    assert catalog.load("rates") == {"a": 1}
    assert (project.root / "out/rates.json").exists()


def test_a_path_that_was_mistyped_later_is_told(catalog: Catalog, project: Project, tmp_path: Path) -> None:
    project.write("raw/1.csv", "x\n1\n")
    assert catalog.load("sales", day=1)["x"].tolist() == [1]
    catalog.save("rates", {"a": 1})
    project.edit("catalog/all.yaml", "out/rates.json", "out/rate.json")
    with pytest.warns(UserWarning, match=r"'rates': there was no file .*out/rate\.json: .* from .*rates\.json is used"):
        assert project.session().catalog.load("rates") == {"a": 1}
    assert project.session().catalog.load("rates") == {"a": 1}, "told once: it lies there now"
    # In a new checkout nothing lies anywhere yet.
    other = Project(tmp_path / "other", tmp_path / "shop-lake")
    other.write("catalog/all.yaml", CATALOG)
    assert other.session().catalog.load("rates") == {"a": 1}


def test_a_load_tells_of_what_it_puts_right(catalog: Catalog, project: Project) -> None:
    @Craft()
    def rated() -> Artifact("rates"):
        return {"a": 1}

    with project.session() as session:
        rated()
        project.write("out/rates.json", '{"a": 2}')
        with pytest.warns(UserWarning, match="'rates': its path was overwritten by somebody: kept as a version"):
            assert session.catalog.load("rates") == {"a": 1}
    assert json.loads((project.root / "out/rates.json").read_text()) == {"a": 1}


def test_a_value_that_is_refused_is_named_with_its_entry(catalog: Catalog) -> None:
    with pytest.raises(ValueRefusedError, match=r"entry 'rates' cannot be saved: rates.json: value is of type set"):
        catalog.save("rates", {1, 2})
    with pytest.raises(ValueRefusedError, match=r"entry 'sales' \(day=1\) cannot be saved: 1.csv: .* not a table"):
        catalog.save("sales", [1], day=1)


def test_two_checkouts_do_not_take_each_others_old_files_for_news(project: Project, tmp_path) -> None:
    project.write("catalog/all.yaml", CATALOG)
    other = Project(tmp_path / "other", tmp_path / "shop-lake")
    other.write("catalog/all.yaml", CATALOG)
    here, there = project.session().catalog, other.session().catalog
    here.save("rates", {"a": 1})
    assert there.load("rates") == {"a": 1}
    here.save("rates", {"a": 2})
    assert there.load("rates") == {"a": 2}, "what lies there is old, not new"
    assert json.loads((other.root / "out/rates.json").read_text()) == {"a": 2}
    assert len(there.versions("rates")) == 2


def test_without_a_path_it_lives_in_the_lake(catalog: Catalog, project: Project) -> None:
    frame = pd.DataFrame({"a": [1]})
    saved = catalog.save("inside", frame)
    assert saved.metadata.file_relpaths == ["inside.parquet"]
    pd.testing.assert_frame_equal(catalog.load("inside"), frame)
    assert not list(project.root.glob("*.parquet"))


def test_without_history_the_lake_keeps_no_copy(catalog: Catalog, project: Project) -> None:
    saved = catalog.save("linked", pd.DataFrame({"a": [1]}))
    assert saved.metadata.link is not None
    assert saved.metadata.files[0].sha256
    assert catalog.load("linked")["a"].tolist() == [1]
    project.write("big.csv", "a\n7\n")
    assert catalog.load("linked")["a"].tolist() == [7]
    assert catalog.versions("linked")["origin"].tolist() == ["taken in", "saved"]


def test_a_page_is_only_saved(catalog: Catalog, project: Project) -> None:
    catalog.save("page", pd.DataFrame({"a": [1]}))
    assert "<table" in (project.root / "page.html").read_text()
    with pytest.raises(WriteOnlyError, match="page"):
        catalog.load("page")


def test_catalogs_can_be_added(project: Project) -> None:
    project.write("one.yaml", "- {name: a, type: json}")
    project.write("two.yaml", "- {name: b, type: json}")
    one, two = (Catalog(project.root / name, handler=project.handler) for name in ("one.yaml", "two.yaml"))
    both = one + two
    assert list(both) == ["a", "b"]
    with pytest.raises(DuplicateNameError, match=r"one.yaml:1.*one.yaml:1"):
        _ = one + one


def test_what_two_projects_both_have_is_named_with_their_folders(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "catalog").mkdir(parents=True)
        (tmp_path / name / "catalog" / "all.yaml").write_text("- {name: a, type: json}")
    handler = eio.Handler(tmp_path / "lake")
    here, there = (Catalog("catalog", root=tmp_path / name, handler=handler) for name in ("here", "there"))
    with pytest.raises(DuplicateNameError, match=r"/here/catalog/all.yaml:1 and .*/there/catalog/all.yaml:1"):
        _ = here + there


def test_keys_named_like_an_argument_are_given_to_every_verb(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: odd, type: json, extra: {path: '!{name}_!{version}.json'}}")
    catalog = project.session().catalog
    keys = {"name": "n", "version": 2}
    saved = catalog.save("odd", 1, keys=keys)
    assert catalog.load("odd", keys=keys) == 1
    assert catalog.current("odd", keys=keys).artifact_id == saved.artifact_id
    assert list(catalog.versions("odd", keys=keys).index) == [saved.artifact_id]
    assert list(catalog.versions("odd", keys={"version": 3}).index) == []


def test_a_version_that_is_not_there_is_named_with_its_entry(catalog: Catalog) -> None:
    catalog.save("rates", {"a": 1})
    with pytest.raises(KeyError, match=r"'rates' has no version 'bad': There is no tag 'bad'") as caught:
        catalog.load("rates", version="bad")
    assert isinstance(caught.value, VersionNotFoundError)


def test_a_file_that_cannot_be_read_is_named_with_its_entry(catalog: Catalog, project: Project) -> None:
    project.write("out/rates.json", "{")
    with pytest.raises(
        ValueError, match=r"The entry 'rates' cannot be loaded: rates.json: .* read as 'json'"
    ) as caught:
        catalog.load("rates")
    assert isinstance(caught.value, FormatError)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {name: a, type: cvs}", r"all.yaml:1: a.*'cvs'.*did you mean 'csv'"),
        ("- {name: a, type: csv, extra: {paht: x}}", r"all.yaml:1: a.*'paht'.*did you mean 'path'"),
        ("- {name: a, type: sql, extra: {query: x}}", r"all.yaml:1: a.*connection_string"),
        ("- {name: a, type: csv, extra: {path: 3}}", "path in `extra` is a text"),
        ("- {name: a, type: csv, exrta: {}}", "did you mean 'extra'"),
        ("- {name: a, type: csv, history: false}", r"all.yaml:1: a: 'history' stands in `extra`"),
        ("- {name: a, type: odbc, extra: {query: x}}", "the type odbc needs 'connection_string'"),
        ("- {name: a, type: csv, extra: 3}", "not of type int"),
        ("- {name: a, type: csv, extra: {history: false}}", r"all.yaml:1: a: history: false.* needs a `path`"),
        ("- {name: a, type: csv, extra: {history: false, path: 's3://b/a'}}", "needs a `path` of this machine"),
        ("- {type: csv}", "needs a `name`"),
        ("- {name: a}", "needs a `type`"),
        ("a: {type: csv}", "a catalog is a list"),
        ("- csv", "an entry is a mapping"),
        ("- {name: a, type: csv, extra: {path: 'x_!{a b}.csv'}}", "is no key"),
        ("- {name: a, type: csv}\n- {name: a, type: json}", r"two entries 'a'.*all.yaml:1.*all.yaml:2"),
    ],
)
def test_a_wrong_entry_is_an_error_when_the_catalog_is_read(project: Project, text: str, says: str) -> None:
    project.write("catalog/all.yaml", text)
    with pytest.raises(ValueError, match=f"(?s){says}"):
        _ = project.session().catalog


def test_a_type_of_ones_own_keeps_what_it_returns(project: Project) -> None:
    class Reversed(ArtifactInteractor, interactor_name="reversed-of-test"):
        def __init__(self, artifact, *args, session, **more):
            self.session, self.artifact, self.more = session, artifact, more

        def load(self, **more):
            return (self.session.root / self.artifact.extra["path"]).read_text()[::-1]

        def save(self, asset, **more):
            path = self.session.root / self.artifact.extra["path"]
            path.write_text(asset[::-1])
            return path if asset.startswith("p") else None if asset.startswith("n") else asset[::-1].encode()

    project.write("catalog/all.yaml", "- {name: a, type: reversed-of-test, extra: {path: 'a_!{n}.txt'}}")
    catalog = project.session().catalog
    assert catalog.save("a", "data", n=1).file.download_string() == "atad"
    assert catalog.load("a", n=1) == "data"
    assert catalog.save("a", "path", n=1).file.download_string() == "htap"
    assert catalog.save("a", "none", n=1).metadata.file_count == 0
    assert catalog.load("a", n=1) == "none"
    assert project.handler.verify().ok


def test_a_wrong_extra_of_a_type_of_ones_own_tells_what_it_takes(project: Project) -> None:
    class Egged(ArtifactInteractor, interactor_name="egged-of-test"):
        @dataclass
        class Extra:
            egg: int
            ham: int | None = 0

    project.write("catalog/all.yaml", "- {name: a, type: egged-of-test, extra: {ham: 1}}")
    with pytest.raises(EntryError, match=r"all.yaml:1: a.*takes 'egg', 'ham'"):
        _ = project.session().catalog


def test_a_backend_of_ones_own_gets_the_keywords(project: Project) -> None:
    seen = {}

    class Store(Backend, prefix="kept-by-test"):
        def put(self, *, payload, fragment, **keys):
            seen[fragment.netloc + fragment.path] = payload, keys

        def get(self, *, fragment, **keys):
            return seen[fragment.netloc + fragment.path][0]

    project.write("catalog/all.yaml", "- {name: a, type: json, extra: {path: 'kept-by-test://here/!{n}.json'}}")
    catalog = project.session().catalog
    catalog.save("a", {"x": 1}, n=2)
    assert json.loads(seen["here/2.json"][0]) == {"x": 1}
    assert seen["here/2.json"][1]["n"] == 2
    assert catalog.load("a", n=2) == {"x": 1}
    seen["here/2.json"] = b'{"x": 5}', {}
    assert catalog.load("a", n=2) == {"x": 5}, "somebody wrote it"
    assert catalog.versions("a")["origin"].tolist() == ["taken in", "saved"]


def test_a_backend_gets_what_it_names_beside_the_keys_of_an_entry(project: Project) -> None:
    seen: list[tuple[str, Any]] = []

    class Named(Backend, prefix="named-by-test"):
        kept: ClassVar[dict[str, bytes]] = {}

        def put(self, *, payload, fragment, n, tenant="nobody"):
            self.kept[fragment.path] = payload
            seen.append(("put", tenant))

        def get(self, *, fragment, n):
            return self.kept[fragment.path]

    project.write("catalog/all.yaml", "- {name: a, type: json, extra: {path: 'named-by-test://here/!{n}.json'}}")
    catalog = project.session().catalog
    catalog.save("a", 1, n=2, tenant="eva", indent=2)
    assert catalog.load("a", n=2, tenant="eva") == 1
    assert seen == [("put", "eva")]
    with pytest.raises(eio.FormatOptionError, match="has no key 'tennant'"):
        catalog.save("a", 1, n=2, tennant="eva")


def test_a_backend_gets_the_parameters_of_crafts_and_pipelines(project: Project) -> None:
    seen: list[tuple[str, str, Any]] = []

    class Told(Backend, prefix="told-by-test"):
        kept: ClassVar[dict[str, bytes]] = {}

        def put(self, *, payload, fragment, **keywords):
            self.kept[fragment.path] = payload
            seen.append(("put", fragment.path, keywords))

        def get(self, *, fragment, **keywords):
            seen.append(("get", fragment.path, keywords))
            return self.kept[fragment.path]

    Told.kept["/raw.json"] = b"1"
    project.write(
        "catalog/all.yaml",
        """
        - {name: raw, type: json, extra: {path: "told-by-test://here/raw.json"}}
        - {name: out, type: json, extra: {path: "told-by-test://here/!{n}.json"}}
        """,
    )
    project.write(
        "lib/steps.py",
        """
        from elliptio.pipelines import Artifact, Craft

        @Craft()
        def made(raw: Artifact, by: int = 3) -> Artifact("out"):
            return raw + by
        """,
    )
    project.run("steps.made", {"n": 2, "tenant": "eva"})
    given = {"n": 2, "tenant": "eva"}
    assert ("get", "/raw.json", given) in seen
    assert ("put", "/2.json", {**given, "by": 3}) in seen
    seen.clear()
    session = project.session()
    with session:
        (made,) = project.pipeline(session, "steps.made").crafts
        assert made(n=5, tenant="ida") == 4
    assert ("get", "/raw.json", {"n": 5, "tenant": "ida", "by": 3}) in seen
    assert ("put", "/5.json", {"n": 5, "tenant": "ida", "by": 3}) in seen


@pytest.mark.parametrize("keys", [3, ["samples"], {1: 2}, b"x"])
@pytest.mark.parametrize("verb", ["load", "current", "versions"])
def test_keys_that_are_no_mapping_are_refused(catalog: Catalog, verb: str, keys: Any) -> None:
    with pytest.raises(ArgumentError, match=r"keys= takes a mapping from names of keys to their values"):
        getattr(catalog, verb)("coeffs", keys=keys)


@pytest.mark.parametrize("name", [None, 5, "x" * 10**6])
def test_a_name_that_cannot_be_one_is_unknown(catalog: Catalog, name: Any) -> None:
    assert name not in catalog
    with pytest.raises(UnknownNameError, match="There is no entry") as error:
        catalog.load(name)
    assert len(str(error.value)) < 500


def test_projects_do_not_mix(project: Project) -> None:
    project.write("catalog/all.yaml", "- {name: a, type: json}")
    project.session().catalog.save("a", 1)
    project.edit("pyproject.toml", "shop", "another")
    with pytest.raises(VersionNotFoundError, match="No data found for 'a'"):
        project.session().catalog.load("a")


def test_a_version_says_of_what_entry_it_is(catalog: Catalog) -> None:
    saved = catalog.save("coeffs", [1.5], samples=3)
    project = saved.metadata.entry["project"]
    assert f"  entry     coeffs samples=3 ({project})\n" in str(saved)
    assert f"coeffs samples=3 ({project})" in saved._repr_html_()


def test_the_newest_by_the_name_of_an_entry_is_asked_for_by_a_query(catalog: Catalog) -> None:
    saved, h = catalog.save("coeffs", [1.5], samples=3), catalog.handler
    with pytest.raises(eio.DocumentNotFoundError, match="a version of an entry of a catalog") as error:
        h.get("coeffs:latest")
    assert "h.latest({'entry.name': 'coeffs'})" in str(error.value)
    assert h.latest({"entry.name": "coeffs"}).artifact_id == saved.artifact_id
