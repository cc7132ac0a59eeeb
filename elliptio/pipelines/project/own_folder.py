"""Keep the project's own folder: what is remembered about it on this machine, and git does not see."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NAME = ".elliptio-project"


def own_folder(root: Path) -> Path | None:
    """Locate the project's own folder, made if missing; None where nobody may write there."""
    folder = root / NAME
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / ".gitignore").exists():
            with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x") as file:
                file.write("*\n")
    except OSError:
        return None
    return folder


def replace(path: Path, content: bytes, *, private: bool = False) -> None:
    """Put bytes at a path at once: who reads it sees the old ones or the new ones, never a part.

    Raises
    ------
    OSError
        If that cannot be done; nothing is left behind then.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
