"""Tell a user once where files go, when it is a project's file that says so: who clones a repository did not choose."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from elliptio.config import NoHomeError, Setting, project_file_of, user_data_folder
from elliptio.lake.lake import Lake

log = logging.getLogger(__name__)

TOLD = "told-places.txt"
"""File in the user's data folder: a line for each place that the user was told of."""


def notice_of(settings: Mapping[str, Setting], lake: Lake, *, root_given: bool) -> Callable[[], None] | None:
    """Return what tells the user where the first save goes; None where no project's file says so."""
    places = {} if root_given else {name: settings[name] for name in ("root", "local_root", "s3_bucket_name")}
    if lake.shared:
        places["index"] = settings["index"]
    file = next(filter(None, map(project_file_of, places.values())), None)
    if file is None:
        return None
    where = f"{lake.store.root} (index {lake.index.address})" if lake.shared else lake.store.root
    return partial(_tell, lake, where, file, settings)


def _tell(lake: Lake, where: str, file: str, settings: Mapping[str, Setting]) -> None:
    lake.notice = None
    told, line = _memory(settings), f"{where} by {file}"
    with contextlib.suppress(OSError, ValueError):
        if told is not None and line in told.read_text(encoding="utf-8").splitlines():
            return
    log.warning("Files are saved to %s, as %s says. This is said once.", where, file)
    with contextlib.suppress(OSError, ValueError):
        if told is not None:
            told.parent.mkdir(parents=True, exist_ok=True)
            with open(told, "a", encoding="utf-8") as file_of_lines:
                file_of_lines.write(f"{line}\n")


def _memory(settings: Mapping[str, Setting]) -> Path | None:
    """Locate the file of what was told; a project's file has no say in it."""
    chosen = settings["user_dir"]
    own = {"user_dir": Setting("user_dir", None, "default") if project_file_of(chosen) else chosen}
    try:
        return user_data_folder(own) / TOLD
    except NoHomeError:
        return None
