"""Describe the view to jupyter-server-proxy, which shows a tile for it and starts it when somebody opens that."""

from __future__ import annotations

import secrets
import sys
from importlib import resources
from typing import Any

TOKEN = "ELLIPTIO_UI_TOKEN"


def launcher() -> dict[str, Any]:
    """Say how the view is started and reached; jupyter-server-proxy asks for it by the entry point.

    Whoever comes through the proxy was let in by Jupyter, so the proxy brings the token. It is in the environment of
    the view and not on its command line, which others of the machine can read.
    """
    token = secrets.token_urlsafe(32)
    return {
        "command": [sys.executable, "-m", "elliptio", "ui", "--no-open", "--port", "{port}"],
        "environment": {TOKEN: token},
        "timeout": 30,
        "request_headers_override": {"Host": "127.0.0.1:{port}", "Cookie": "elliptio-ui-{port}=" + token},
        "new_browser_tab": True,
        "launcher_entry": {
            "title": "elliptio",
            "icon_path": str(resources.files("elliptio.ui").joinpath("static", "logo.svg")),
            "category": "Other",
        },
    }
