"""The cells of a notebook are recorded as they ran, whatever is in them, and cost nothing elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import elliptio as eio
from elliptio.provenance import cells
from elliptio.provenance import collecting as provenance
from elliptio.provenance.cells import to_notebook
from elliptio.provenance.process import executed_cells
from tests.kernels import Kernel, own_environment, running
from tests.performance.counting import calls_of
from tests.provenance.secrets.secret_cases import INNOCENT, SECRETS

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_sources", {})
    monkeypatch.setattr(cells, "_last", ([], None))


def read(content: bytes) -> Any:
    """A notebook, valid by Jupyter's own rules."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(json.loads(content))
    return notebook


def notebook(executed: list[str]) -> Any:
    made = to_notebook(executed)
    assert made is not None
    return read(made.content)


def code(found: Any) -> list[tuple[int, str]]:
    return [(cell.execution_count, cell.source) for cell in found.cells if cell.cell_type == "code"]


def notes(found: Any) -> str:
    return "".join(cell.source for cell in found.cells if cell.cell_type == "markdown")


# --- in real kernels ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernel")


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    with running(folder, own_environment(folder, ELLIPTIO_ROOT=str(folder / "lake"))) as started:
        started.run("import elliptio as eio\nh = eio.Handler()", store_history=False)
        # One write for each line: print() makes two, between which another thread may write.
        save = "def save(**more): print(h.upload('a.txt', **more).artifact_id + '\\n', end='')"
        started.run(save, store_history=False)
        (folder / "a.txt").write_text("a")
        yield started


def saved(folder: Path, printed: str) -> tuple[eio.Artifact, list[tuple[int, str]]]:
    artifact = eio.Handler(folder / "lake").get(printed.split()[-1])
    return artifact, code(read(artifact.logs["cells.ipynb"].open().read()))


@pytest.mark.slow
def test_cells_are_recorded_as_they_ran(kernel: Kernel, folder: Path) -> None:
    (folder / "other.py").write_text("ran = True\n")
    kernel.run("a = 1")
    kernel.run("a = 1")
    kernel.run("hidden = 1", store_history=False)
    kernel.run("silent = 1", silent=True)
    kernel.run("%run other.py\n!echo hello")
    kernel.run("%%capture\nprint('ü \u2028 ☃')\r\nb = '''x\r\ny'''")
    kernel.run("1 / 0", fails=True)
    last = "assert ran  # a comment\nsave()"
    artifact, found = saved(folder, kernel.run(last))
    assert found == [
        (1, "a = 1"),
        (2, "a = 1"),
        (3, "%run other.py\n!echo hello"),
        (4, "%%capture\nprint('ü \u2028 ☃')\r\nb = '''x\r\ny'''"),
        (5, "1 / 0"),
        (6, last),
    ]
    assert artifact.metadata.log_relpaths == ["cells.ipynb"]
    assert artifact.metadata.redactions == []
    assert eio.Handler(folder / "lake").verify(artifact.artifact_id).ok


@pytest.mark.slow
def test_secrets_in_cells_are_masked_and_reported(kernel: Kernel, folder: Path) -> None:
    kernel.run(f"a = 1\nkey = '{TOKEN}'")
    artifact, found = saved(folder, kernel.run("save()"))
    assert found == [(1, "a = 1\nkey = '***'"), (2, "save()")]
    assert artifact.metadata.redactions == [{"kind": "github-token", "where": "cells.ipynb, cell 1, line 2"}]
    # Not the index: to close a file of SQLite's in the process that has it open takes its locks away.
    beside = [path for path in (folder / "lake").rglob("*") if path.is_file() and "index" not in path.name]
    assert len(beside) > 3
    assert TOKEN.encode() not in b"".join(path.read_bytes() for path in beside)


@pytest.mark.slow
def test_reset_takes_names_or_the_history_away(kernel: Kernel, folder: Path) -> None:
    kernel.run("a = 1")
    keep = "import elliptio as eio\nprint(eio.Handler().upload('a.txt').artifact_id)"
    kernel.run("%reset -f")
    _, found = saved(folder, kernel.run(keep))
    assert found == [(1, "a = 1"), (2, "%reset -f"), (3, keep)]
    kernel.run("%reset -f in")
    artifact, found = saved(folder, kernel.run(keep))
    assert found == [(5, keep)]
    assert "4 cells were cleared" in notes(read(artifact.logs["cells.ipynb"].open().read()))


@pytest.mark.slow
def test_a_block_has_the_cells_until_it_ends(kernel: Kernel, folder: Path) -> None:
    kernel.run("import contextlib\nstack = contextlib.ExitStack()\nnew = stack.enter_context(h.new(['x']))")
    kernel.run("new.file.upload_string('x')")
    _, found = saved(folder, kernel.run("stack.close(); print(new.artifact_id)"))
    assert [number for number, _ in found] == [1, 2, 3]
    nested = "with h.new(['y']) as outer:\n  with h.new(['z']) as inner:\n    inner.file.upload_string('z')"
    nested += "\n  outer.file.upload_string('y')\nprint(inner.artifact_id)"
    _, found = saved(folder, kernel.run(nested))
    assert found[-1] == (4, nested)


@pytest.mark.slow
def test_a_save_in_the_background_has_the_cells_up_to_its_call(kernel: Kernel, folder: Path) -> None:
    kernel.run("import threading\nfree = threading.Event()\nh._background.submit(free.wait, drop=lambda: None)")
    kernel.run("later = h.upload('a.txt', wait=False)")
    kernel.run("a = 1")
    _, found = saved(folder, kernel.run("free.set()\nprint(later.result().artifact_id)"))
    assert [number for number, _ in found] == [1, 2]


@pytest.mark.slow
def test_threads_and_children_of_a_fork_have_the_cells_too(kernel: Kernel, folder: Path) -> None:
    threads = (
        "from concurrent.futures import ThreadPoolExecutor\nlist(ThreadPoolExecutor(4).map(lambda _: save(), range(8)))"
    )
    for identifier in kernel.run(threads).split():
        assert saved(folder, identifier)[1] == [(1, threads)]
    fork = """
import os
if (child := os.fork()) == 0:
    with open('id', 'w') as file:
        file.write(h.upload('a.txt').artifact_id)
    os._exit(0)
os.waitpid(child, 0)"""
    kernel.run(fork)
    assert saved(folder, (folder / "id").read_text())[1] == [(1, threads), (2, fork)]


@pytest.mark.slow
def test_no_cells_where_no_uncommitted_code_is_recorded(kernel: Kernel, folder: Path) -> None:
    kernel.run("%env ELLIPTIO_GIT_DIFF=none")
    printed = kernel.run("print(eio.Handler().upload('a.txt').artifact_id)")
    assert len(eio.Handler(folder / "lake").get(printed.strip()).logs) == 0


@pytest.mark.slow
def test_the_terminal_of_ipython(folder: Path) -> None:
    lines = "import elliptio as eio\na = 1\neio.Handler().upload('b.txt').artifact_id\n"
    (folder / "b.txt").write_text("b")
    environ = own_environment(folder, ELLIPTIO_ROOT=str(folder / "terminal"), TERM="dumb")
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--colors=NoColor"]
    subprocess.run(command, input=lines, env=environ, cwd=folder, check=True, capture_output=True, text=True)
    h = eio.Handler(folder / "terminal")
    found = code(read(h.get(h.find().index[0]).logs["cells.ipynb"].open().read()))
    assert found == [(number, line) for number, line in enumerate(lines.splitlines(), 1)]


# --- what becomes of them ---


def test_every_kind_of_secret_is_masked() -> None:
    executed = ["", *(around.format(secret) for _, around, secret in SECRETS)]
    made = to_notebook(executed)
    assert made is not None
    read(made.content)
    for _, _, secret in SECRETS:
        for line in secret.splitlines():
            if len(line) > 7 and "PRIVATE KEY" not in line:
                assert json.dumps(line)[1:-1].encode() not in made.content
    assert {number for number, _ in made.findings} == set(range(1, len(executed)))
    assert f"masked {len(made.findings):,} secrets" in notes(read(made.content))


@pytest.mark.parametrize(
    "cell",
    [
        "%env API_TOKEN hunter2secret",
        "x = 1\n%set_env DB_PASSWORD hunter2secret\n",
        "!curl -u me:hunter2secret https://example.org",
        "!mysql -phunter2secret birds",
        "out = 1\n  !tool --password hunter2secret\n",
    ],
)
def test_secrets_of_commands_are_masked(cell: str) -> None:
    made = to_notebook(["", cell])
    assert made is not None
    assert code(read(made.content)) == [(1, cell.replace("hunter2secret", "***"))]
    assert len(made.findings) == 1


@pytest.mark.parametrize(
    "cell", ["%env", "%env TOKEN", "%env TOKEN $token", "!ls  -u a ", "x = 5 % 3 != 2\n", "%env HOME /a"]
)
def test_commands_without_secrets_stay(cell: str) -> None:
    made = to_notebook(["", cell])
    assert made is not None
    assert code(read(made.content)) == [(1, cell)]


def test_what_is_no_secret_stays() -> None:
    assert code(notebook(["", *INNOCENT])) == list(enumerate(INNOCENT, 1))


@pytest.mark.parametrize(
    "text", ["a\r\nb\rc", "\ta\x0bb\x0cc\u2028d\x85e", "\0\x1b[0m", '"quoted" \\ back', " ", "☃ 𝄞", "a\n\n"]
)
def test_any_text_comes_back(text: str) -> None:
    assert code(notebook(["", text])) == [(1, text)]


def test_what_utf_8_cannot_hold_is_replaced() -> None:
    assert code(notebook(["", "a = '\udcff'"])) == [(1, "a = '?'")]


def test_the_last_cells_are_kept_and_what_is_not_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MAX_BYTES", 1000)
    found = notebook(["", *(f"{number:0300}" for number in range(5))])
    assert [number for number, _ in code(found)] == [3, 4, 5]
    assert "the first 2 cells were not kept" in notes(found)


def test_a_cell_full_of_data_does_not_push_out_the_others() -> None:
    found = code(notebook(["", "a = 1", "x" * (cells.MAX_CELL + 1), "b = 2"]))
    assert [found[0], found[2]] == [(1, "a = 1"), (3, "b = 2")]
    assert found[1][1] == "# elliptio: a cell of 1,048,577 characters was not kept; 1,048,576 are kept at most"


@pytest.mark.slow
def test_it_never_takes_more_than_it_may() -> None:
    made = to_notebook(["", *(f"# {number}\n" + "x" * 100_000 for number in range(200))])
    assert made is not None
    assert 4 << 20 < len(made.content) < cells.MAX_BYTES + (1 << 20)


def test_very_many_secrets_do_not_fill_the_document() -> None:
    content, masked = provenance.notebook_of(["", *(f"# {number}\nkey = '{TOKEN}'" for number in range(1500))])
    assert content is not None
    assert len(masked) == 1001
    assert masked[-1] == {"kind": "500 more", "where": "cells.ipynb"}


@pytest.mark.slow
def test_ten_thousand_cells_are_masked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    executed = ["", *(f"a{number} = {number}\nb = a{number} + 1" for number in range(10_000))]
    masked: list[str] = []
    redact = cells.redact
    monkeypatch.setattr(cells, "redact", lambda text: (masked.append(text), redact(text))[1])
    assert len(code(notebook(executed))) == len(masked) == 10_000
    first = to_notebook([*executed])
    assert to_notebook([*executed]) is first
    masked.clear()
    made = None

    def one_more() -> None:
        nonlocal made
        made = to_notebook([*executed, "c = 1"])

    assert calls_of(one_more) < 100_000  # a few each; to mask one takes a hundred
    assert masked == ["c = 1"]
    assert made is not None
    assert made.content.count(b'"cell_type"') == 10_001


# --- outside ---


@pytest.mark.slow
def test_nothing_is_loaded_to_ask(tmp_path: Path) -> None:
    script = (
        "import sys, elliptio as eio\n"
        f"artifact = eio.Handler({str(tmp_path / 'lake')!r}).upload(__file__)\n"
        "print('IPython' in sys.modules, len(artifact.logs))\n"
    )
    (tmp_path / "job.py").write_text(script)
    done = subprocess.run(
        [sys.executable, tmp_path / "job.py"], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["False", "0"]


@pytest.mark.parametrize(
    "shell",
    [
        types.SimpleNamespace(),
        types.SimpleNamespace(get_ipython=lambda: None),
        types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(history_manager=None)),
    ],
)
def test_no_cells_in_a_broken_kernel(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert executed_cells() == []


def test_nothing_about_cells_makes_a_save_fail(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "executed_cells", lambda: ["", None, b"x"])
    assert len(local.upload(data).logs) == 0
