"""Fork children of an interpreter that has imported what they run: to import takes most of what a short child takes.

Each child is a process of its own, with its arguments, folder, environment and output, that can be killed as any
other. What a program imports, and when, is not tested with these.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass
class Child:
    """Hold a child that runs: what it prints, and how to end it."""

    parent: Parent
    pid: int
    stdout: io.TextIOWrapper

    def kill(self) -> None:
        """Kill it, which must not have been waited for."""
        os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> tuple[str, int]:
        """Wait for its end; give what it printed that was not read, and its return code as `subprocess` says it."""
        with self.stdout:
            printed = self.stdout.read()
        return printed, self.parent.wait(self.pid)


class Parent:
    """Fork children that call `main` of a module with their arguments."""

    def __init__(self, module: str, *also: str) -> None:
        """Start an interpreter that imports the module, and what else its children would import on their way."""
        self._ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno()), module, *also]
            folder = Path(__file__).parents[1]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=folder)
        self._answers = self._ours.makefile()

    def start(self, *arguments: object, cwd: Path) -> Child:
        """Start a child in a folder, with the environment of this moment."""
        ours, theirs = os.pipe()
        self._ask({"run": [str(each) for each in arguments], "cwd": str(cwd), "env": dict(os.environ)})
        socket.send_fds(self._ours, [b"\n"], [theirs])
        os.close(theirs)
        return Child(self, int(self._answers.readline()), open(ours))

    def wait(self, pid: int) -> int:
        """Wait for the end of a child."""
        self._ask({"wait": pid})
        return int(self._answers.readline())

    def close(self) -> None:
        """End the interpreter."""
        self._answers.close()
        self._ours.close()
        self._process.wait(60)

    def _ask(self, question: dict[str, Any]) -> None:
        text = json.dumps(question).encode()
        self._ours.sendall(len(text).to_bytes(8) + text)


def answer(asked: socket.socket, module: str, *also: str) -> None:
    """Fork children, and wait for them, as long as somebody asks."""
    main = importlib.import_module(module).main
    for name in also:
        importlib.import_module(name)
    while size := asked.recv(8, socket.MSG_WAITALL):
        question = json.loads(asked.recv(int.from_bytes(size), socket.MSG_WAITALL))
        if "wait" in question:
            said = os.waitstatus_to_exitcode(os.waitpid(question["wait"], 0)[1])
        else:
            _, (stdout,), *_ = socket.recv_fds(asked, 1, 1)
            if not (said := os.fork()):
                become(main, stdout, question)
            os.close(stdout)
        asked.sendall(b"%d\n" % said)


def become(main: Any, stdout: int, question: dict[str, Any]) -> NoReturn:
    """Run in a child what was asked for."""
    code = 1
    try:
        os.dup2(stdout, 1)
        os.chdir(question["cwd"])
        os.environ.clear()
        os.environ.update(question["env"])
        random.seed()
        main(*question["run"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        answer(asked, *sys.argv[2:])
