"""Real kernels of Jupyter, which leave the folders of whoever runs the tests alone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def own_environment(folder: Path, **more: str) -> dict[str, str]:
    """Variables for a kernel whose files all lie in a folder."""
    (folder / "none.toml").touch()
    own = {
        "ELLIPTIO_CONFIG_FILE": str(folder / "none.toml"),
        "ELLIPTIO_USER_DIR": str(folder / "user"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": str(ROOT),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("ELLIPTIO_")} | own | more


@contextlib.contextmanager
def own_folders(environ: dict[str, str]) -> Iterator[None]:
    """What the client of a kernel writes goes where the kernel's own files go."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_PLATFORM_DIRS"):
            patch.setenv(name, environ[name])
        yield


def specs() -> Any:
    """Whatever kernels are installed: this finds the Python that runs the tests."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name=kernel_name, language="python")

    return ThisPython()


def execute(notebook: Any, folder: Path, environ: dict[str, str]) -> None:
    """Execute a notebook in a folder; its outputs are in it then."""
    from nbclient import NotebookClient

    with own_folders(environ):
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
        client.km = client.create_kernel_manager()
        client.km.kernel_spec_manager = specs()
        client.execute(env=environ)


class Kernel:
    """A kernel that goes on between requests."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str, *, fails: bool = False, **how: Any) -> str:
        """Execute a cell, and return what it printed."""
        printed: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, timeout=60, output_hook=hear, **how)
        assert (reply["content"]["status"] == "error") == fails, reply["content"]
        return "".join(printed)


@contextlib.contextmanager
def running(folder: Path, environ: dict[str, str]) -> Iterator[Kernel]:
    """Start a kernel, and end it."""
    from jupyter_client.manager import KernelManager

    with own_folders(environ):
        manager = KernelManager(kernel_spec_manager=specs())
        manager.start_kernel(env=environ, cwd=str(folder))
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield Kernel(client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
