"""``python -m elliptio`` is the command ``elliptio``."""

from __future__ import annotations

import sys

from elliptio.cli import main

if __name__ == "__main__":
    sys.exit(main())
