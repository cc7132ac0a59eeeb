"""Verbs that look at a project, and lay one out: configurations, artifacts, snapshots, compile, new, step."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from elliptio.pipelines import Session
from tests.pipelines.cli.conftest import Run, edit

ROOT = Path(__file__).parents[3]


def test_configurations(cli: Run, shop: Path) -> None:
    assert cli("configurations", "ls").out.splitlines() == [
        "CONFIGURATION  FROM  DEFINED IN",
        "base                 pipelines/parameters.yaml:1",
        "winter_sale    base  pipelines/parameters.yaml:3",
    ]
    assert cli("configurations", "describe", "winter_sale").out.splitlines() == [
        "Configuration winter_sale  from base  (pipelines/parameters.yaml:3)",
        "  top: 2",
        "  shop.crafts.add_turnover:",
        "    discount: 0.3",
    ]
    found = cli("configurations", "describe", "winter_sale", "--json").json
    assert found["parameters"] == {"top": 2, "shop.crafts.add_turnover": {"discount": 0.3}}
    assert [row["name"] for row in cli("configurations", "ls", "--json").json] == ["base", "winter_sale"]
    done = cli("configurations", "describe", "bse")
    assert (done.code, done.error) == (1, "There is no configuration 'bse'; did you mean 'base'?\n")


def test_artifacts(cli: Run, shop: Path, tmp_path: Path) -> None:
    assert cli("artifacts", "ls").out.splitlines() == [
        "ENTRY          TYPE  KEYS  PATH                       DEFINED IN",
        "best_products  csv   top   data/made/best_!{top}.csv  catalog/made.yaml:6",
        "sales          csv         data/raw/sales.csv         catalog/raw.yaml:2",
        "turnover       csv         data/made/turnover.csv     catalog/made.yaml:2",
    ]
    assert "versions  none in the lake" in cli("artifacts", "describe", "turnover").out
    assert not (tmp_path / "lake").exists()
    cli("pipelines", "run", "report")
    out = cli("artifacts", "describe", "best_products").out
    assert "built  top=2  (current)" in out
    found = cli("artifacts", "describe", "best_products", "--json").json
    assert (found["type"], found["keys"], found["extra"]) == ("csv", ["top"], {"path": "data/made/best_!{top}.csv"})
    assert [version["keys"] for version in found["versions"]] == [{"top": 2}]
    done = cli("artifacts", "describe", "turnovr")
    assert (done.code, done.error) == (1, "There is no entry 'turnovr' in the catalog; did you mean 'turnover'?\n")


def test_passwords_of_entries_are_not_shown(cli: Run, shop: Path) -> None:
    (shop / "configuration/locals.yaml").write_text("db_password: hunter2secret\n")
    (shop / "catalog/db.yaml").write_text(
        "- {name: people, type: sql, extra: {connection_string: 'postgresql://me:{{ db_password }}@h/db', query: a}}\n"
        "- {name: old, type: odbc, extra: {connection_string: 'Driver=X;UID=me;PWD=other;', query: a}}\n"
    )
    for words in (("ls",), ("describe", "people"), ("describe", "old")):
        for more in ((), ("--json",)):
            done = cli("artifacts", *words, *more)
            assert done.code == 0
            assert "hunter2secret" not in done.out
            assert "other" not in done.out
    assert "PWD=***;" in cli("artifacts", "describe", "old").out


@pytest.mark.slow
def test_snapshots(cli: Run, shop: Path) -> None:
    assert cli("snapshots", "ls", "--json").json == []
    one = cli("pipelines", "run", "report", "--json").json["snapshot"]
    other = cli("pipelines", "run", "report", "-P", "top=1", "--json").json["snapshot"]
    assert cli("snapshots", "tag", one[:10], "prod").out == f"report:prod is {one}\n"
    rows = cli("snapshots", "ls", "--json").json
    found = [(row["id"], row["graph"], row["tags"]) for row in rows]
    assert found == [(other, "report", []), (one, "report", ["prod"])]
    assert cli("snapshots", "ls", "prepare", "--json").json == []
    shown = cli("snapshots", "show", "report:prod", "--json").json
    assert (shown["id"], shown["parameters"]["choose_best"]) == (one, {"top": 2})
    assert {row["entry"]: row["role"] for row in shown["artifacts"]} == {
        "sales": "input",
        "turnover": "output",
        "best_products": "output",
    }
    assert "crafts      add_turnover, choose_best" in cli("snapshots", "show", "report:latest").out
    diff = cli("snapshots", "diff", "report:prod", "report:latest", "--json").json
    assert {"what": "parameter", "name": "choose_best.top", "here": 2, "there": 1} in diff
    assert "They are the same." in cli("snapshots", "diff", one, "report:prod").err

    assert "Existing 'prod' tag for the graph 'report'" in cli("snapshots", "tag", other, "prod").error
    assert cli("snapshots", "tag", other, "prod", "--overwrite").code == 0
    assert cli("snapshots", "show", "report:prod", "--json").json["id"] == other
    assert "did you mean 'prod'?" in cli("snapshots", "show", "report:prd").error
    assert "did you mean 'report'?" in cli("snapshots", "show", "reprt:latest").error
    assert (
        "There is no snapshot of the graph 'reprt'; did you mean 'report'?"
        in cli("snapshots", "show", "reprt:prod").error
    )
    assert "No snapshot here has an id that begins with 'zz'" in cli("snapshots", "show", "zz").error
    assert "begins with 'prod': did you mean 'report:prod'?" in cli("snapshots", "show", "prod").error


def test_compile(cli: Run, shop: Path) -> None:
    assert cli("compile").out == "written    lib/jupyter/explore.py\n"
    assert cli("compile", "--json").json["unchanged"] == ["lib/jupyter/explore.py"]
    edit(shop / "lib/jupyter/explore.py", "len(sales)", "len(sales) + 1")
    done = cli("compile")
    assert (done.code, done.out) == (1, "refused    lib/jupyter/explore.py\n")
    assert "somebody edited what was compiled" in done.error
    assert cli("compile", "--force").code == 0


def test_new(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("new", "mine")
    assert done.code == 0
    assert "mine/lib/shop/crafts.py" in done.out.splitlines()
    assert cli("pipelines", "ls", "-p", "mine", "--json").json
    assert "is not empty" in cli("new", "mine").error
    assert cli("new", "other", "--json").json["root"] == str(tmp_path / "other")


class Sent:
    """Runs no step: gives its data to the command, as on another machine."""

    one_by_one = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: list[Any] = []

    def submit(self, step: Any) -> Future[Any]:
        file = self.folder / "step.json"
        file.write_text(json.dumps(step.data()))
        done = subprocess.run(
            [sys.executable, "-m", "elliptio", "step", "run", str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == "hello\n" * ("add_turnover" in step.call.craft.name)
        self.answers.append(json.loads(done.stdout))
        future: Future[Any] = Future()
        future.set_result(self.answers[-1])
        return future

    def close(self) -> None:
        pass


@pytest.mark.slow
def test_a_step_is_data_that_another_process_makes(shop: Path, tmp_path: Path) -> None:
    edit(shop / "lib/shop/crafts.py", "    return sales.assign", "    print('hello')\n    return sales.assign")
    runner = Sent(tmp_path)
    with Session(shop) as sess:
        build = sess.pipelines_definitions["report"].run(runner=runner)
        assert build.ok
        assert [list(answer["artifacts"]) for answer in runner.answers] == [["turnover"], ["best_products"]]
        assert sess.catalog.current("turnover").artifact_id == runner.answers[0]["artifacts"]["turnover"]
    sess.handler.close()


def test_what_is_no_step_is_refused(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "step.json").write_text('{"craft": "x"}')
    done = cli("step", "run", tmp_path / "step.json")
    assert done.code == 2
    assert "is no step: it lacks 'root'" in done.err
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    done = cli("step", "run", tmp_path / "bytes.json")
    assert done.code == 2
    assert "bytes.json is no step: it is not JSON" in done.err


def test_what_is_read_from_standard_input_is_named_so(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, says in (("{", "is no step: it is not JSON"), ("{}", "is no step: it lacks 'root'")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        done = cli("step", "run", "-")
        assert done.code == 2
        assert f"standard input {says}" in done.err


def test_a_file_of_a_step_that_cannot_be_read_is_said_in_words(cli: Run, tmp_path: Path) -> None:
    for file, says in ((tmp_path / "nothing.json", "No such file or directory."), (tmp_path, "Is a directory.")):
        done = cli("step", "run", file)
        assert (done.code, done.error) == (1, f"cannot read {file}: {says}\n")


@pytest.mark.slow
def test_a_stranger_begins_runs_edits_a_helper_and_runs_again(tmp_path: Path) -> None:
    """As somebody types it, each line in a process of its own."""
    # Other tests may have opened projects in this process.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**clean, "PYTHONPATH": str(ROOT), "ELLIPTIO_ROOT": str(tmp_path / "lake"), "COLUMNS": "80"}

    def elliptio(*words: str, folder: str = "shop") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "elliptio", *words],
            cwd=tmp_path / folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert "elliptio pipelines run report" in elliptio("new", "shop", folder=".")
    assert elliptio("pipelines", "plan", "report").startswith("report: 2 to make, 0 to skip\n")
    assert elliptio("pipelines", "run", "report", "-c", "base").startswith("report: 2 made")
    assert elliptio("pipelines", "run", "report", "-c", "base").startswith("report: 2 skipped")

    crafts = tmp_path / "shop/lib/shop/crafts.py"
    edit(crafts, '"""Crafts:', '"""My crafts:')  # a text that does not count
    assert elliptio("pipelines", "plan", "report", "-c", "base").startswith("report: 0 to make, 2 to skip")
    edit(crafts, "* (1 - discount)", "* (1 - discount) * 1.19")
    plan = elliptio("pipelines", "plan", "report", "-c", "base")
    assert "make  add_turnover  helper `worth` in lib/shop/crafts.py:19 changed\n" in plan
    assert elliptio("pipelines", "run", "report", "-c", "base").startswith("report: 2 made")
    assert "7.14" in (tmp_path / "shop/data/made/turnover.csv").read_text()

    # A helper whose results stay equal: what depends on its table is not made again.
    edit(crafts, "* 1.19", "* (1.19)")
    assert elliptio("pipelines", "run", "report", "-c", "base").startswith("report: 2 skipped")
    edit(tmp_path / "shop/data/raw/sales.csv", "16,0.20", "16,0.30")
    plan = elliptio("pipelines", "plan", "report", "-c", "base")
    assert "make  add_turnover  input sales changed\n" in plan
    assert elliptio("pipelines", "run", "report", "-c", "base", "-j", "2").startswith("report: 2 made")
    assert elliptio("pipelines", "audit", "report", "-c", "base", "--sample", "100%").startswith("report: 2 of 2 steps")


ASKED = """
import sys
from elliptio.cli import main
code = main(sys.argv[1:])
heavy = {"pandas", "numpy", "jinja2", "git", "boto3", "pyarrow"}
sys.exit(f"{code} {sorted(heavy & set(sys.modules))}")
"""


@pytest.mark.slow
def test_looking_imports_nothing_heavy(cli: Run, shop: Path, tmp_path: Path) -> None:
    cli("pipelines", "run", "report")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words in (["ls"], ["describe", "report"], ["plan", "report"]):
        asked = [sys.executable, "-c", ASKED, "pipelines", *words]
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        assert done.stderr == "0 []\n"


def test_a_catalog_of_kedro_is_written_into_the_project(cli: Run, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "catalog.yml").write_text("rates: {type: json.JSONDataset, filepath: data/rates.json}")
    assert (
        cli("catalog", "import", "kedro", tmp_path / "catalog.yml", "--to", "catalog/kedro.yaml", "-p", shop).code == 0
    )
    assert "rates" in [row["name"] for row in cli("artifacts", "ls", "--json").json]
