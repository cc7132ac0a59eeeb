"""Photograph the browser view over the lake of the demo, with Debian's chromium: ``python docs/make_screens.py``.

Identifiers and times differ each time, so a test compares them as somebody does who stands far away.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("screens")
CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1280, "height": 800}


def main(folder: Path = FOLDER) -> None:
    """Run the demo in an empty home, and write a picture of each of four pages of its lake."""
    from playwright.sync_api import sync_playwright

    import elliptio as eio
    from elliptio.ui.serving import Server

    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        # The end of the address of the lake is on each page: one that says nothing of who made the pictures.
        home = f"{place}/home/andy"
        data = f"{home}/Documents/data"
        environment = {**os.environ, "HOME": home, "XDG_DATA_HOME": data}
        demo = [sys.executable, "-m", "elliptio", "demo"]
        subprocess.run(demo, env=environment, check=True, stdout=subprocess.DEVNULL)
        h = eio.Handler(f"{data}/elliptio/demo", progress=False)
        server = Server(h)
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, path, scheme in pages(h):
                page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
                page.goto(server.url)
                page.goto(server.place + path)
                (folder / f"{name}.png").write_bytes(small(page.screenshot()))
            browser.close()
        server.stop()
        h.close()


def pages(h: Any) -> list[tuple[str, str, str]]:
    """Choose what is shown: its name, where it is, and in which colours."""
    data, model = (h.latest({"file_relpaths": name}).artifact_id for name in ("train.csv", "model.json"))
    build = h.runs({"name": "weekly"}).index[1]
    return [
        ("artifacts", "artifacts", "light"),
        ("file", f"artifacts/{data}/files/0", "light"),
        ("lineage", f"lineage/{model}", "dark"),
        ("pipeline", f"pipelines/weekly?build={build}", "light"),
    ]


def small(png: bytes) -> bytes:
    """Write a picture with a palette: pages have few colours."""
    from PIL import Image

    packed = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
