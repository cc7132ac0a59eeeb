"""``elliptio completion``."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.conftest import Run


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["elliptio", "ru"], {"runs"}),
        (["elliptio", "find", "--us"], {"--user"}),
        (["elliptio", "--root", "x", "find", "--us"], {"--user"}),
        (["elliptio", "runs", "--status", "f"], {"finished", "failed"}),
        (["elliptio", "completion", ""], {"bash", "zsh", "fish"}),
        (["elliptio", "--jso"], {"--json"}),
        (["elliptio", "pipel"], {"pipelines"}),
        (["elliptio", "pipelines", "pl"], {"plan", "plot"}),
        (["elliptio", "pipelines", "--path", "x", "pla"], {"plan"}),
        (["elliptio", "pipelines", "run", "report", "--conf"], {"--configuration"}),
        (["elliptio", "pipelines", "--jso"], {"--json"}),
        (["elliptio", "snapshots", "tag", "x", "--over"], {"--overwrite"}),
        (["elliptio", "catalog", "import", "k"], {"kedro"}),
    ],
)
def test_bash_completes_verbs_options_and_their_values(anywhere: Run, words: list[str], expected: set[str]) -> None:
    script = anywhere("completion", "bash").out
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f'COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _elliptio; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert (set(done.stdout.split()), done.stderr) == (expected, "")


@pytest.mark.slow
def test_zsh_and_fish_have_their_scripts(anywhere: Run) -> None:
    assert "bashcompinit" in anywhere("completion", "zsh").out
    fish = anywhere("completion", "fish").out
    assert "complete -c elliptio -n __fish_use_subcommand -f -a find -d 'find artifacts, the newest first'" in fish
    assert "-l status -x -a 'running finished failed killed'" in fish
    assert "-n '__fish_seen_subcommand_from pipelines; and __fish_seen_subcommand_from run' -l refresh" in fish
    assert anywhere("completion", "csh").code == 2
