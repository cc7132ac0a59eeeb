"""Ctrl-C while a flow is run from code in which an event loop runs already, as in a cell of a notebook."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FLOW = """
import asyncio, os, signal, threading
from elliptio.flows import Flow, Processor

slow = Processor(name="slow", inputs=["upto"], outputs=["number"])

@slow
async def _slow(upto):
    try:
        print("began", flush=True)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.sleep(60)
        yield 1
    finally:
        print("ended", flush=True)

async def main():
    Flow.from_tasks(slow).resolve().run({"upto": 3})

def run():
    RUN

try:
    run()
except KeyboardInterrupt:
    print("interrupted", [one.name for one in threading.enumerate() if one.name.startswith("elliptio")])
"""


@pytest.mark.parametrize(
    "run",
    ["asyncio.run(main())", "asyncio.new_event_loop().run_until_complete(main())"],
    ids=["asyncio.run", "notebook"],
)
def test_an_interrupt_ends_a_flow_that_runs_beside_a_loop(tmp_path: Path, run: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(FLOW.replace("RUN", run))
    # Ctrl-C is ignored in what a shell starts in the background, and so would be in its children.
    default = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False, preexec_fn=default
    )
    assert done.stdout.splitlines() == ["began", "ended", "interrupted []"], done.stderr
