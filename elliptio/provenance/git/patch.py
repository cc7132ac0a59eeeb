"""Write what is not committed as text that ``git apply`` turns back into the same files.

Changes to tracked files come from one ``git diff``; new files are written as diffs here, without a process per file.
What is too large, binary or looks like a file of secrets is left out, and the text says so in comments at its top,
which ``git apply`` skips.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from typing import IO

from elliptio.provenance.git import command as git_command
from elliptio.provenance.git import data_files
from elliptio.provenance.git.directory import without_filters
from elliptio.provenance.git.state import GitState

_log = logging.getLogger(__name__)

FILE_LIMIT = 1024**2
DATA_LIMIT = 10_000
TOTAL_LIMIT = 10 * 1024**2

# So many files left out are named one by one; seconds for reading new files.
_NAMED_AT_MOST = 100
_READING_TIME = 5.0
# Where git looks for NUL to tell binary files from text.
_BINARY_PROBE = 8000

DIFF = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--unified=3"),
    *("--inter-hunk-context=0", "--diff-algorithm=default", "--submodule=short", "--ignore-submodules=dirty"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--ws-error-highlight=none", "-O/dev/null"),
)
_SECRET_FILE = re.compile(
    rb"(?:.*/)?(?:(?!(?:.*[._-])?(?:example|sample|template|dist)\.env$)[^/]*\.env|\.env(?:\.(?!example$|sample$|template$|dist$).*)?|\.netrc|_netrc|\.pgpass|\.pypirc|\.npmrc"
    rb"|\.git-credentials|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)"
    rb"|(?:.*[._-])?credentials(?:\.(?:json|csv|ini|ya?ml|toml))?|(?:.*[._-])?secrets?\.(?:json|ini|ya?ml|toml|env))",
    re.IGNORECASE | re.DOTALL,
)
# New files that people write by hand; what has another name may be data, and only little of that is taken.
_CODE_FILE = re.compile(
    rb"(?:.*/)?(?:(?:GNU)?makefile|dockerfile|containerfile|snakefile|jenkinsfile|justfile|procfile|pipfile|readme|licen[cs]e"
    rb"|\.gitignore|\.gitattributes|\.dockerignore|\.editorconfig|\.pre-commit-config\.yaml|CMakeLists\.txt"
    rb"|(?:.*[._-])?requirements(?:[._-].*)?\.(?:txt|in)"
    rb"|.*\.(?:py|pyi|pyx|pxd|ipynb|r|rmd|qmd|jl|m|sql|sh|bash|zsh|fish|ps1|bat|ya?ml|toml|ini|cfg|conf|md|rst|tex|bib"
    rb"|c|h|cc|cpp|cxx|hpp|cu|cuh|rs|go|java|kt|scala|js|mjs|ts|jsx|tsx|css|scss|rb|pl|pm|php|lua|swift|f|f90|f95|hs|ml"
    rb"|cmake|mk|gradle|dockerfile|tf|nix|smk|nf|wdl|cwl|stan|proto|j2|jinja2?|patch|diff))",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPES = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}


@dataclasses.dataclass(frozen=True, slots=True)
class Diff:
    """The uncommitted changes of a working tree.

    Parameters
    ----------
    text
        A diff against the commit, after comments that say what was left out.
    left_out
        One line for each file that is not in the text, and why.
    """

    text: str
    left_out: tuple[str, ...]


def git_diff(
    state: GitState, *, untracked: bool = True, file_limit: int = FILE_LIMIT, total_limit: int = TOTAL_LIMIT
) -> Diff | None:
    """Return the uncommitted changes of a working tree, staged or not, and its new files.

    Parameters
    ----------
    state
        What `git_state` returned.
    untracked
        Whether to include new files; if not, they are only named.
    file_limit
        The largest new file to include, in bytes. Of what is not code, `DATA_LIMIT` if that is less.
    total_limit
        The largest diff to return, in bytes.

    Returns
    -------
    Diff | None
        None if nothing differs from the commit, or git failed or took too long. New files that are ignored are not
        included. Bytes that are not UTF-8 are replaced (new files with such bytes are left out).
    """
    if not state.dirty:
        return None
    try:
        state = _without_data(state)
        collected = _Collected(total_limit)
        if state.changed:
            _add_changed(state, collected)
        if untracked:
            _add_untracked(state, collected, file_limit)
        else:
            for path in state.untracked:
                collected.leave_out(path, "a new file")
        for path in state.dirty_submodules:
            collected.leave_out(path, "changes inside a submodule")
        diff = collected.diff()
        return diff if diff.text else None
    except Exception:
        _log.debug("no diff of %s", state.toplevel, exc_info=True)
        return None


def _without_data(state: GitState) -> GitState:
    """Leave out the files that a lake keeps versions of."""
    if not data_files.are_there():
        return state
    changed, untracked = (
        type(paths)(path for path in paths if not data_files.is_kept(str(state.toplevel), path))
        for paths in (state.changed, state.untracked)
    )
    return dataclasses.replace(state, changed=changed, untracked=untracked)


class _Collected:
    """Diffs of single files up to a total size, and the files that did not make it."""

    def __init__(self, total_limit: int) -> None:
        self._room = total_limit
        self._parts: list[bytes] = []
        self._left_out: dict[bytes, str] = {}

    @property
    def room(self) -> int:
        return self._room

    def add(self, path: bytes, part: bytes) -> None:
        if len(part) > self._room:
            self.leave_out(path, f"{_size(len(part))}, more than there is room for")
            return
        self._room -= len(part)
        self._parts.append(part)

    def leave_out(self, path: bytes, reason: str) -> None:
        self._left_out[path] = reason

    def diff(self) -> Diff:
        content = b"".join(self._parts)
        text = content.decode("utf-8", "replace")
        lines = [f"{quote(path).decode('ascii')} ({reason})" for path, reason in self._left_out.items()]
        comments = [f"# elliptio: left out {line}\n" for line in lines[:_NAMED_AT_MOST]]
        if len(lines) > _NAMED_AT_MOST:
            comments.append(f"# elliptio: left out {len(lines) - _NAMED_AT_MOST} more files\n")
        if text.encode("utf-8") != content:
            comments.append("# elliptio: bytes that are not UTF-8 were replaced\n")
        return Diff("".join(comments) + text, tuple(lines))


def quote(path: bytes) -> bytes:
    """Return a path as git writes it in a diff: in quotes and escaped where it has unusual bytes."""
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in path):
        return path
    escaped = (_ESCAPES.get(b) or (bytes((b,)) if 0x20 <= b < 0x7F else b"\\%03o" % b) for b in path)
    return b'"' + b"".join(escaped) + b'"'


def new_file_diff(path: bytes, content: bytes, mode: str = "100644") -> bytes:
    """Return the diff that creates a file.

    Parameters
    ----------
    path
        Relative to the root of the repository.
    content
        Text as bytes, or the target of a symbolic link.
    mode
        Git's file mode: ``100644``, ``100755`` or ``120000``.
    """
    old, new = quote(b"a/" + path), quote(b"b/" + path)
    header = b"diff --git %s %s\nnew file mode %s\n" % (old, new, mode.encode("ascii"))
    if not content:
        # Without hunks git insists on this line; its value is the well-known id of the empty blob.
        return header + b"index 0000000..e69de29\n"
    lines = content.split(b"\n")
    ends_with_newline = lines[-1] == b""
    if ends_with_newline:
        lines.pop()
    span = b"+1" if len(lines) == 1 else b"+1,%d" % len(lines)
    # A tab ends a name with a space in it, for tools that expect a time stamp there.
    end = b"\t" if b" " in path and not new.startswith(b'"') else b""
    body = b"".join(b"+%s\n" % line for line in lines)
    missing = b"" if ends_with_newline else b"\\ No newline at end of file\n"
    return header + b"--- /dev/null\n+++ %s%s\n@@ -0,0 %s @@\n" % (new, end, span) + body + missing


def _size(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB" if size >= 1024**2 else f"{size} bytes"


def _add_changed(state: GitState, collected: _Collected) -> None:
    base = state.commit
    if base is None:
        empty_tree = git_command.run(state.toplevel, ("hash-object", "-t", "tree", "/dev/null"))
        if empty_tree is None:
            return
        base = empty_tree.decode("ascii").strip()
    headers = {b"diff --git %s %s\n" % (quote(b"a/" + path), quote(b"b/" + path)): path for path in state.changed}
    found: list[tuple[bytes, list[bytes] | None]] = []

    def consume(stream: IO[bytes]) -> None:
        found.extend(_sections(stream, collected.room))

    options = without_filters(state.toplevel)
    if options is None or git_command.run(state.toplevel, (*options, *DIFF, base, "--"), consume) is None:
        for path in state.changed:
            collected.leave_out(path, "git could not tell the changes")
        return
    for header, lines in found:
        path = headers.get(header, header.strip())
        if header not in headers and data_files.are_there():
            continue
        if lines is None:
            collected.leave_out(path, f"changes of more than {_size(collected.room)}")
        elif any(line.startswith(b"Binary files ") for line in lines[:6]):
            collected.leave_out(path, f"binary, {_size_of(state, path)}")
        else:
            collected.add(path, b"".join(lines))


def _sections(stream: IO[bytes], limit: int) -> Iterator[tuple[bytes, list[bytes] | None]]:
    """Split a diff into files; lines are None for one that is larger than `limit`, and never in memory."""
    header, size, starts_line, too_large = b"", 0, True, False
    lines: list[bytes] = []
    while chunk := stream.readline(65536):
        if starts_line and chunk.startswith((b"diff --git ", b"* Unmerged path ")):
            if header:
                yield header, None if too_large else lines
            header = chunk if chunk.startswith(b"diff") else b""
            lines, size, too_large = [], 0, False
        starts_line = chunk.endswith(b"\n")
        size += len(chunk)
        if size > limit:
            too_large, lines = True, []
        elif header:
            lines.append(chunk)
    if header:
        yield header, None if too_large else lines


def _size_of(state: GitState, path: bytes) -> str:
    try:
        return _size(os.lstat(os.path.join(os.fsencode(state.toplevel), path)).st_size)
    except OSError:
        return "deleted"


def _add_untracked(state: GitState, collected: _Collected, file_limit: int) -> None:
    deadline = time.monotonic() + _READING_TIME
    for path in state.untracked:
        if time.monotonic() > deadline:
            collected.leave_out(path, "reading new files took too long")
            continue
        try:
            found = _read_new(os.path.join(os.fsencode(state.toplevel), path), path, file_limit)
        except OSError:
            _log.debug("cannot read %r", path, exc_info=True)
            found = "unreadable"
        if isinstance(found, str):
            collected.leave_out(path, found)
        else:
            collected.add(path, new_file_diff(path, *found))


def _read_new(full_path: bytes, path: bytes, limit: int) -> tuple[bytes, str] | str:
    """Return content and mode of a new file, or the reason to leave it out."""
    if path.endswith(b"/"):
        return "another repository"
    status = os.lstat(full_path)
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(full_path), "120000"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if _SECRET_FILE.fullmatch(path):
        return f"its name says that it holds secrets, {_size(status.st_size)}"
    if not _CODE_FILE.fullmatch(path) and status.st_size > min(DATA_LIMIT, limit):
        return f"{_size(status.st_size)}, and its name does not say that it is code"
    if status.st_size > limit:
        return _size(status.st_size)
    with open(full_path, "rb") as file:
        content = file.read(_BINARY_PROBE)
        if b"\0" in content:
            return f"binary, {_size(status.st_size)}"
        content += file.read(limit + 1 - len(content))
    if len(content) > limit:
        return f"more than {_size(limit)}"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return f"not UTF-8, {_size(status.st_size)}"
    return content, "100755" if status.st_mode & stat.S_IXUSR else "100644"
