"""Pages look the same in Debian's Firefox, which Playwright cannot drive: it only takes their pictures."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from tests.docs.test_pictures import apart
from tests.ui.conftest import story

FIREFOX = "/usr/bin/firefox-esr"
SIZE = {"width": 1280, "height": 800}


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists(FIREFOX), reason=f"there is no {FIREFOX}: apt-get install firefox-esr")
@pytest.mark.parametrize("path", ["artifacts", "lineage"])
def test_a_page_looks_the_same(local: eio.Handler, served: Any, chromium: Any, tmp_path: Path, path: str) -> None:
    raw = story(local)["raw"].artifact_id
    url = f"{served.place}{path}{'/' + raw if path == 'lineage' else ''}"
    one, other, page = tmp_path / "one.png", tmp_path / "other.png", chromium.new_page(viewport=SIZE)
    page.goto(served.url)
    empty = tmp_path / "empty.png"
    page.goto(url)
    page.screenshot(path=one)
    page.set_content("<title>empty</title>")
    page.screenshot(path=empty)
    page.close()
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(tmp_path / "profile"), "--window-size=1280,800",
               "--screenshot", str(other), f"{url}?token={served.policy.token}"]  # fmt: skip
    (tmp_path / "profile").mkdir()
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True)
    assert apart(one, other) < 1.5  # 0.3, and 7 for an empty page
    assert apart(empty, other) > 5
