"""`elliptio pipelines`: what is there, what would run and why, what ran."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from elliptio.cli import main
from elliptio.system import progress
from tests.pipelines.cli.conftest import Run, edit


def fates(found: Any) -> dict[str, str]:
    return {step["craft"]: step["status"] for step in found["steps"]}


def test_ls_names_the_pipelines_and_where_they_are_defined(cli: Run, shop: Path) -> None:
    done = cli("pipelines", "ls")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "PIPELINE  CRAFTS                     DEFINED IN",
        "prepare   add_turnover               pipelines/definitions.yaml:1",
        "report    add_turnover, choose_best  pipelines/definitions.yaml:4",
    ]
    found = cli("pipelines", "ls", "--json").json
    assert [row["name"] for row in found] == ["prepare", "report"]
    assert found[1]["crafts"] == ["shop.crafts.add_turnover", "shop.crafts.choose_best"]


def test_ls_shows_a_pipeline_that_is_wrong_beside_the_others(cli: Run, shop: Path) -> None:
    with (shop / "pipelines/definitions.yaml").open("a") as file:
        file.write("broken:\n  operators: [nobody]\n")
    done = cli("pipelines", "ls", "--json")
    assert done.code == 0
    assert [row["name"] for row in done.json if row["error"]] == ["broken"]
    assert "broken    error: " in cli("pipelines", "ls").out


def test_ls_needs_neither_a_lake_nor_the_crafts(cli: Run, shop: Path, tmp_path: Path) -> None:
    (shop / "lib/shop/crafts.py").write_text("raise RuntimeError")
    assert cli("pipelines", "ls").code == 0
    assert not (tmp_path / "lake").exists()


def test_describe_shows_stages_inputs_outputs_parameters_and_places(cli: Run, shop: Path) -> None:
    out = cli("pipelines", "describe", "report").out
    assert out.splitlines() == [
        "Pipeline report  (pipelines/definitions.yaml:4)",
        "  inputs   sales",
        "  outputs  turnover, best_products",
        "",
        "1. add_turnover  (lib/shop/crafts.py:6)",
        "  Add what each sale brought.",
        "  takes       sales",
        "  makes       turnover",
        "  parameters  discount=0.0",
        "",
        "2. choose_best  (lib/shop/crafts.py:12)",
        "  Choose the products that brought most.",
        "  takes       turnover",
        "  makes       best_products",
        "  parameters  top=2",
    ]
    found = cli("pipelines", "describe", "report", "--json").json
    assert found["stages"] == [["add_turnover"], ["choose_best"]]
    assert found["crafts"][1]["parameters"] == {"top": {"needed": False, "default": 2}}


@pytest.mark.parametrize("verb", ["describe", "plan", "run", "plot", "audit"])
def test_an_unknown_pipeline_is_one_line_with_the_one_that_may_be_meant(cli: Run, shop: Path, verb: str) -> None:
    done = cli("pipelines", verb, "reprot")
    assert (done.code, done.out) == (1, "")
    assert done.error == "There is no pipeline 'reprot'; did you mean 'report'?\n"
    as_json = cli("pipelines", verb, "reprot", "--json")
    assert (as_json.code, as_json.out) == (1, "")


def test_unknown_configurations_crafts_and_runners_are_one_line(cli: Run, shop: Path) -> None:
    assert "did you mean 'winter_sale'?" in cli("pipelines", "run", "report", "-c", "winter_sal").error
    assert "did you mean 'choose_best'?" in cli("pipelines", "plan", "report", "--select", "choose_bst").error
    assert "did you mean 'threads'?" in cli("pipelines", "run", "report", "--runner", "thread").error
    assert "did you mean 'choose_best'?" in cli("pipelines", "accept", "report", "choose_bst", "--reason", "x").error


def test_mistyped_verbs_and_options_are_answered_with_those_that_may_be_meant(cli: Run, shop: Path) -> None:
    for words, meant in {
        ("pipelines", "rn"): "run",
        ("pipelines", "describ", "report"): "describe",
        ("configurations", "lss"): "ls",
        ("pipelines", "run", "report", "--refesh"): "--refresh",
        ("piplines", "ls"): "pipelines",
    }.items():
        done = cli(*words)
        assert done.code == 2
        assert f"did you mean {meant!r}?" in done.err


def test_a_group_without_a_verb_says_which_there_are(cli: Run, shop: Path) -> None:
    done = cli("pipelines")
    assert done.code == 2
    assert "say what to do: ls, describe, plan, run, plot, accept, audit" in done.err
    assert "run what changed" in cli("pipelines", "--help").out


def test_run_makes_what_changed_and_plan_says_so_before_with_the_line(cli: Run, shop: Path) -> None:
    assert fates(cli("pipelines", "plan", "report", "--json").json) == {"add_turnover": "make", "choose_best": "make"}
    assert fates(cli("pipelines", "run", "report", "--json").json) == {"add_turnover": "made", "choose_best": "made"}
    assert (shop / "data/made/best_2.csv").is_file()
    done = cli("pipelines", "run", "report")
    assert done.out.splitlines()[1:] == ["skipped  add_turnover  unchanged", "skipped  choose_best   unchanged"]

    edit(shop / "lib/shop/crafts.py", "* (1 - discount)", "* (1 - discount) * 2")
    assert cli("pipelines", "plan", "report").out.splitlines() == [
        "report: 2 to make, 0 to skip",
        "make  add_turnover  helper `worth` in lib/shop/crafts.py:19 changed",
        "make  choose_best   add_turnover is made first: run only if what it makes",
        "                    changes",
    ]
    assert fates(cli("pipelines", "run", "report", "--json").json) == {"add_turnover": "made", "choose_best": "made"}
    assert fates(cli("pipelines", "plan", "report", "--json").json) == {"add_turnover": "skip", "choose_best": "skip"}


def test_run_takes_configurations_and_parameters(cli: Run, shop: Path) -> None:
    assert cli("pipelines", "run", "report", "-c", "winter_sale").code == 0
    assert "3.92" in (shop / "data/made/turnover.csv").read_text()  # 7 * 0.80 * 0.7
    given = ("-c", "winter_sale", "-P", "top=1", "-P", "add_turnover.discount=0")
    done = cli("pipelines", "run", "report", *given, "--json")
    assert done.code == 0
    whys = {step["craft"]: step["why"] for step in done.json["steps"]}
    assert whys["add_turnover"] == "parameter discount: 0.3 → 0"
    assert (shop / "data/made/best_1.csv").read_text().count("\n") == 2
    assert cli("pipelines", "run", "report", "-P", "top").code == 2
    assert cli("pipelines", "run", "report", "-P", "top=[1").code == 2
    for verb in ("plan", "run", "audit"):
        done = cli("pipelines", verb, "report", "-P", "top=one")
        assert (done.code, done.error) == (1, "The craft choose_best takes top: int, not 'one'.\n")


def test_run_selects_and_refreshes(cli: Run, shop: Path) -> None:
    assert fates(cli("pipelines", "run", "report", "--select", "+choose_best", "--json").json) == {
        "add_turnover": "made",
        "choose_best": "made",
    }
    assert fates(cli("pipelines", "run", "report", "--select", "add_turnover", "--refresh", "--json").json) == {
        "add_turnover": "made"
    }


def test_a_run_that_fails_shows_what_was_done_and_ends_with_1(cli: Run, shop: Path) -> None:
    edit(shop / "lib/shop/crafts.py", "    total = ", "    raise ValueError('no total')\n    total = ")
    done = cli("pipelines", "run", "report")
    assert done.code == 1
    words = [line.split()[:2] for line in done.out.splitlines()[1:]]
    assert words == [["made", "add_turnover"], ["failed", "choose_best"]]
    assert "The craft choose_best failed: ValueError: no total (lib/shop/crafts.py:15). It was given" in done.error
    assert "sess.inputs('choose_best'" in done.err
    found = cli("pipelines", "run", "report", "--json")
    assert (found.code, found.json["ok"]) == (1, False)


def test_what_crafts_print_is_no_part_of_the_json(cli: Run, shop: Path) -> None:
    edit(shop / "lib/shop/crafts.py", "    return sales.assign", "    print('hello')\n    return sales.assign")
    done = cli("pipelines", "run", "report", "--json")
    assert done.json["ok"]
    assert "hello" in done.err


def test_volatile_crafts_run_only_where_somebody_needs_them(cli: Run, shop: Path) -> None:
    with (shop / "lib/shop/crafts.py").open("a") as file:
        file.write(
            "\n\nfrom elliptio.pipelines import Volatile\n\n\n@Craft()\ndef count() -> Volatile('count'):\n"
            "    return 1\n"
        )
    with (shop / "pipelines/definitions.yaml").open("a") as file:
        file.write("    - shop.crafts.count\n")
    assert fates(cli("pipelines", "run", "report", "--json").json)["count"] == "skipped"
    assert cli("pipelines", "describe", "report", "--json").json["volatiles"] == ["count"]


@pytest.mark.slow
def test_the_project_is_named_by_an_option_of_each_verb(
    cli: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "ProjectNotFound" in cli("pipelines", "ls", "--json").err
    for words in (
        ("pipelines", "ls"),
        ("pipelines", "describe", "report"),
        ("pipelines", "plan", "report"),
        ("pipelines", "run", "report"),
        ("pipelines", "plot", "report"),
        ("configurations", "ls"),
        ("artifacts", "ls"),
        ("artifacts", "describe", "turnover"),
        ("snapshots", "ls"),
        ("compile",),
    ):
        assert cli(*words, "-p", shop).code == 0
        assert cli(*words, "--path", shop / "lib").code == 0


def test_the_lake_of_the_options_wins(cli: Run, shop: Path, tmp_path: Path) -> None:
    assert cli("pipelines", "run", "report", "--root", tmp_path / "other").code == 0
    assert (tmp_path / "other").is_dir()
    assert not (tmp_path / "lake").exists()


def test_plot_prints_svg_or_mermaid(cli: Run, shop: Path, tmp_path: Path) -> None:
    assert cli("pipelines", "plot", "report").out.startswith("<svg ")
    assert cli("pipelines", "plot", "report", "--mermaid").out.startswith("flowchart LR\n")
    done = cli("pipelines", "plot", "report", "--svg", tmp_path / "p.svg")
    assert done.out.strip() == str(tmp_path / "p.svg")
    assert "add_turnover" in (tmp_path / "p.svg").read_text()


@pytest.mark.slow
def test_several_steps_at_once_run_in_processes(cli: Run, shop: Path) -> None:
    done = cli("pipelines", "run", "report", "-j", "2", "--json")
    assert fates(done.json) == {"add_turnover": "made", "choose_best": "made"}
    assert cli("pipelines", "run", "report", "-j", "0").code == 2
    runs = cli("runs", "--json").json
    assert {run["name"] for run in runs} == {"report", "add_turnover", "choose_best"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.slow
def test_a_terminal_shows_which_steps_are_under_way(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(shop / "lib/shop/crafts.py", "    total = ", "    import time; time.sleep(0.4)\n    total = ")
    monkeypatch.setattr(progress, "DELAY", 0.05)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test may have imported it
    texts = []
    for option, stream in (("--refresh", Terminal()), ("--no-progress", Terminal()), ("--refresh", io.StringIO())):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["pipelines", "run", "report", "--refresh", option]) == 0
        texts.append(stream.getvalue())
    assert "choose_best" in texts[0]
    assert texts[1:] == ["", ""]
