"""Write the files of a project for a test."""

from __future__ import annotations

from pathlib import Path


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root
