"""``elliptio get``: copy an artifact's files to this machine, verified."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler
from elliptio.errors import StoreError

if TYPE_CHECKING:
    from elliptio.artifacts.file import RemoteFile

Target = tuple["RemoteFile", Path, bool]
"""A file, where it goes, and whether it is there already."""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "get", "copy an artifact's files to this machine, verified", run)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder to write to (default: ./<artifact_id>)")
    parser.add_argument("--file", action="append", metavar="RELPATH", help="only this file; may be repeated")
    parser.add_argument("--force", action="store_true", help="replace files that have different content")


def run(args: argparse.Namespace) -> int:
    """Copy the files and print where they are."""
    from elliptio.artifacts.file import download_all

    with handler(args) as h:
        artifact = h.show(args.artifact_id)
        files = [artifact.files[name] for name in dict.fromkeys(args.file or artifact.files)]
        folder = args.to if args.to is not None else _own_folder(artifact.artifact_id)
        targets = [_target(file, folder, force=args.force) for file in files]
        empty = [] if args.file else [_empty(name, folder) for name in artifact.metadata.empty_folders]
        download_all([(file, path) for file, path, there in targets if not there])
        for path in empty:
            path.mkdir(parents=True, exist_ok=True)
    if args.json:
        output.print_json(
            [
                {"relpath": file.relpath, "path": str(path.absolute()), "size": file.size, "sha256": file.sha256}
                for file, path, _ in targets
            ]
        )
    else:
        for _, path, _ in targets:
            print(path)
    return 0


def _own_folder(artifact_id: str) -> Path:
    """Name the folder of the artifact in the working directory.

    Raises
    ------
    SourceError, StoreError
        If the identifier is no name of a folder: it comes from the lake, and others may have written it.

    """
    from elliptio.naming import check_relpath

    if "/" in artifact_id or "\\" in artifact_id:
        raise StoreError(f"{artifact_id!r} is no name for a folder: nothing was written. Choose one with --to.")
    return Path(check_relpath(artifact_id))


def _empty(name: str, folder: Path) -> Path:
    """Decide where an empty folder goes; nothing is made yet. Errors as of `_target`."""
    from elliptio.naming import check_relpath

    path = folder / check_relpath(name)
    _check_inside(path, path, folder)
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file, where a folder should go: nothing was written. Choose another --to.")
    return path


def _check_inside(parent: Path, path: Path, folder: Path) -> None:
    if not Path(os.path.realpath(parent)).is_relative_to(Path(os.path.realpath(folder))):
        raise StoreError(f"{path} would lie outside {folder}, through a link: nothing was written.")


def _target(file: RemoteFile, folder: Path, *, force: bool) -> Target:
    """Decide where a file goes; nothing is written yet.

    Raises
    ------
    SourceError
        If its name would lead out of the folder.
    StoreError
        If a link in the folder would, or if something else is there.

    """
    from elliptio.artifacts.hashing import sha256_of
    from elliptio.naming import check_relpath

    path = folder / check_relpath(file.relpath)
    _check_inside(path.parent, path, folder)
    if not os.path.lexists(path):
        return file, path, False
    if path.is_file() and sha256_of(path) == file.sha256:
        return file, path, True
    if path.is_dir():
        raise StoreError(f"{path} is a folder, where a file should go: nothing was written. Choose another --to.")
    if not force:
        raise StoreError(f"{path} is there with different content: nothing was written. --force replaces it.")
    return file, path, False
