"""Keep compiled templates beside these, as Python keeps compiled modules: to compile them is a sixth of a start."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket

from elliptio import __version__


class Compiled(jinja2.FileSystemBytecodeCache):
    """A folder of compiled templates, to which only some may write."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template; who may not compiles it each time."""
        with contextlib.suppress(OSError):
            if not sys.dont_write_bytecode:
                super().dump_bytecode(bucket)


def compiled(templates: Path) -> Compiled | None:
    """Open the folder of what was compiled of some templates; None where there is none and none can be."""
    folder = templates / "__pycache__"
    with contextlib.suppress(OSError):
        if not sys.dont_write_bytecode:
            folder.mkdir(exist_ok=True)
    if not folder.is_dir():
        return None
    # How they are compiled is decided by these two.
    return Compiled(str(folder), f"jinja-{jinja2.__version__}-elliptio-{__version__}-%s.cache")
