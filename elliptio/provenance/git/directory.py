"""Find the repository around a directory, its settings, and what shows that they changed."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from elliptio.provenance.git import command as git_command

_log = logging.getLogger(__name__)

Stamps = tuple[tuple[str, int, int] | None, ...]
"""Path, time of modification in nanoseconds and size in bytes of files; None for one that is not there."""

_GIT_LFS = re.compile(r"git-lfs (clean -- %f|filter-process)")
"""Commands that ``git lfs install`` sets."""

_known_settings: dict[Path, tuple[Stamps, dict[str, str]]] = {}


def find_toplevel(directory: str | os.PathLike[str], passed: set[str] | None = None) -> Path | None:
    """Return the root of the working tree around a directory, by looking for ``.git`` only; None if there is none.

    Folders that were looked into are added to `passed`; those that are among them already are not looked into again.
    """
    passed = set() if passed is None else passed
    try:
        path = os.path.realpath(directory) if directory else os.getcwd()
        while path not in passed:
            passed.add(path)
            if os.path.lexists(os.path.join(path, ".git")) and _git_directory(path) is not None:
                return Path(path)
            path = os.path.dirname(path)
        return None
    except (OSError, ValueError):
        _log.debug("cannot look for a repository around %s", directory, exc_info=True)
        return None


def _git_directory(path: str) -> str | None:
    """Return the git directory of a working tree's root, None if `path` is not one."""
    candidate = os.path.join(path, ".git")
    try:
        with open(candidate, "rb") as file:
            content = file.read(4096)
    except IsADirectoryError:
        return candidate if os.path.lexists(os.path.join(candidate, "HEAD")) else None
    except PermissionError:
        return candidate if os.path.isdir(candidate) else None
    except OSError:
        return None
    if not content.startswith(b"gitdir:"):
        return None
    return os.path.join(path, os.fsdecode(content[len(b"gitdir:") :].strip()))


def settings(toplevel: Path) -> dict[str, str]:
    """Return the settings of a repository that say where it is fetched from, and what is ignored; git tells them."""
    return _stamped_settings(toplevel)[1]


def _stamped_settings(toplevel: Path) -> tuple[Stamps, dict[str, str]]:
    stamps = _file_stamps(_config_files(toplevel))
    known = _known_settings.get(toplevel)
    if known is None or known[0] != stamps or _is_racy(stamps):
        names = r"remote\..*\.url|branch\..*\.remote|core\.(excludes|attributes)file|filter\..*\.(clean|process)"
        output = git_command.run(toplevel, ("config", "-z", "--show-scope", "--get-regexp", f"^({names})$"))
        known = stamps, _parsed((output or b"").decode("utf-8", "surrogateescape"))
        _known_settings[toplevel] = known
    return known


def _parsed(output: str) -> dict[str, str]:
    """Take apart what ``git config -z --show-scope`` tells; filters only that the repository itself brings."""
    found: dict[str, str] = {}
    parts = output.split("\0")
    for scope, entry in zip(parts[::2], parts[1::2], strict=False):
        key, newline, value = entry.partition("\n")
        own = scope not in ("system", "global", "command")
        if newline and (not key.startswith("filter.") or (own and not _GIT_LFS.fullmatch(value))):
            found.setdefault(key, value)
    return found


def without_filters(toplevel: Path) -> tuple[str, ...] | None:
    """Options for git that keep it from running the filters of a repository; None if they cannot be kept from it.

    Those that the user has in settings of their own run, and Git LFS does: it only hashes.
    """
    names = {key.split(".", 1)[1].rpartition(".")[0] for key in settings(toplevel) if key.startswith("filter.")}
    if any("=" in name for name in names):
        return None
    off = (f"filter.{name}.{what}" for name in sorted(names) for what in ("clean=", "process=", "required=false"))
    return tuple(part for option in off for part in ("-c", option))


def submodules_are_plain(toplevel: Path) -> bool:
    """Tell whether no submodule brings filters or other files of settings, so that git may look into all of them."""
    _, common = _git_directories(toplevel)
    modules = os.walk(os.path.join(common, "modules"))
    found = [os.path.join(folder, "config") for folder, _, files in modules if "config" in files]
    try:
        with open(os.path.join(toplevel, ".gitmodules"), "rb") as file:
            named = re.findall(rb"^\s*path\s*=\s*(.+?)\s*$", file.read(1 << 20), re.MULTILINE)
    except OSError:
        named = []
    found += [os.path.join(toplevel, os.fsdecode(path), ".git", "config") for path in named]
    return not any(_brings_programs(path) for path in found)


def _brings_programs(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return re.search(rb"(?im)^\s*\[\s*(filter|include)", file.read(1 << 20)) is not None
    except OSError:
        return False


def config_stamps(toplevel: Path) -> Stamps:
    """Return what shows that the files changed on which, beside the repository itself, its state depends."""
    stamps, known = _stamped_settings(toplevel)
    named = (known.get(f"core.{name}file") for name in ("excludes", "attributes"))
    paths = [os.path.join(toplevel, os.path.expanduser(path)) for path in named if path]
    paths += [_user_file(name) for name in ("ignore", "attributes")]
    return stamps + _file_stamps(paths)


def are_current(stamps: Stamps, toplevel: Path) -> bool:
    """Tell whether nothing has changed since `config_stamps` were taken."""
    return stamps == config_stamps(toplevel) and not _is_racy(stamps)


def folders_of_head(toplevel: Path, branch: str | None) -> list[str]:
    """List the folders of the git directory that change when the head, the index or what is ignored does."""
    own, common = _git_directories(toplevel)
    folders = [own, common, os.path.join(common, "info"), os.path.join(common, "reftable")]
    place = common
    for part in ("refs", "heads", *(branch or "").split("/")[:-1]):
        place = os.path.join(place, part)
        folders.append(place)
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def _git_directories(toplevel: Path) -> tuple[str, str]:
    """Return the git directory of a working tree, and the one that it shares with others."""
    own = _git_directory(str(toplevel)) or ""
    try:
        with open(os.path.join(own, "commondir"), "rb") as file:
            return own, os.path.join(own, os.fsdecode(file.read().strip()))
    except OSError:
        return own, own


def _config_files(toplevel: Path) -> list[str]:
    own, common = _git_directories(toplevel)
    return [
        os.path.join(common, "config"),
        os.path.join(own, "config.worktree"),
        os.environ.get("GIT_CONFIG_GLOBAL") or os.path.expanduser("~/.gitconfig"),
        _user_file("config"),
        os.environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig",
    ]


def _user_file(name: str) -> str:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(home, "git", name)


def _file_stamps(paths: Sequence[str]) -> Stamps:
    return tuple(map(_stamp, paths))


def _stamp(path: str) -> tuple[str, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return path, status.st_mtime_ns, status.st_size


def _is_racy(stamps: Stamps) -> bool:
    """Tell whether a file is so young that another change to it might not show in its modification time."""
    now = time.time_ns()
    return any(stamp is not None and now - stamp[1] < 2_000_000_000 for stamp in stamps)
