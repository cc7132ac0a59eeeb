"""``elliptio open``: an artifact's folder, or its page in the browser."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from elliptio.cli import output
from elliptio.cli.options import ID_HELP, Verb, add_verb, handler

if TYPE_CHECKING:
    from elliptio.artifacts.artifact import Artifact
    from elliptio.handler import Handler

_EPILOG = """\
What has no folder on this machine, such as an artifact in S3, is shown as a page.

  elliptio open train.csv:latest
  cd "$(elliptio open tag:prod --print)"
"""

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body {{ font-family: system-ui, sans-serif; margin: 2em }}</style></head>
<body>{card}<h2>Lineage</h2>{lineage}</body></html>
"""


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "open", "open an artifact's folder, or its page in the browser", run, epilog=_EPILOG)
    parser.add_argument("artifact_id", metavar="ID", help=ID_HELP)
    parser.add_argument("--page", action="store_true", help="a page with all that is recorded, and its lineage")
    parser.add_argument("--print", dest="only_print", action="store_true", help="say where it is, and open nothing")


def run(args: argparse.Namespace) -> int:
    """Open it, and print where it is."""
    with handler(args) as h:
        artifact = h.show(args.artifact_id)
        folder = None if args.page else _folder(artifact)
        place = folder if folder is not None else _page(h, artifact)
    if not args.only_print and not _open(place, folder=folder is not None):
        output.notice("note", "Nothing here can open it.", as_json=args.json)
    if args.json:
        output.print_json({"page" if folder is None else "folder": str(place)})
    else:
        print(place)
    return 0


def _folder(artifact: Artifact) -> Path | None:
    """Find the folder of its files, if that is on this machine."""
    root = Path(artifact.metadata.link or f"{artifact.metadata.remote_root}/files")
    return root if root.is_absolute() and root.is_dir() else None


def _page(h: Handler, artifact: Artifact) -> Path:
    # It stays: the browser reads it when this command is over.
    import tempfile
    from html import escape

    number, name = tempfile.mkstemp(prefix="elliptio-", suffix=".html")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(
            _PAGE.format(
                title=escape(artifact.artifact_id),
                card=artifact._repr_html_(),
                lineage=h.lineage(artifact)._repr_html_(),
            )
        )
    return Path(name)


def _open(place: Path, *, folder: bool) -> bool:
    """Let the system show it; False where it cannot."""
    import subprocess

    if not folder:
        import webbrowser

        return webbrowser.open(place.as_uri())
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        return False
    # In the background of a shell: some openers only return when the program that they start does.
    command = '"$0" "$1" </dev/null >/dev/null 2>&1 &'
    return (
        subprocess.run(["sh", "-c", command, opener, str(place)], check=False, start_new_session=True).returncode == 0
    )
