"""Make a wheel of the elliptio that runs now, so that another environment gets the same: no index may have it."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib import import_module
from pathlib import Path

_ENTRY_POINTS = """\
[console_scripts]
elliptio = elliptio.cli:main

[elliptio.formats]
model = elliptio.models.assembling:MODEL
stream = elliptio.flows.assembling:STREAM

[fsspec.specs]
elliptio = elliptio.urls:ElliptioFileSystem

[jupyter_serverproxy_servers]
elliptio = elliptio.ui.jupyter:launcher
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: elliptio\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def own_version() -> str:
    """Return the version of the elliptio that runs now."""
    return str(import_module("elliptio").__version__)


def write_own_wheel(folder: Path) -> Path:
    """Write it into a folder, and return its path."""
    version = own_version()
    info = f"elliptio-{version}.dist-info"
    package = Path(import_module("elliptio").__file__ or "").parent
    content = {
        f"elliptio/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    content |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: elliptio\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
        f"{info}/entry_points.txt": _ENTRY_POINTS.encode(),
    }
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"elliptio-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in content.items():
            wheel.writestr(name, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
