"""Images come back pixel by pixel; figures are saved as pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import elliptio as eio
from elliptio import formats
from elliptio.protocols import Format
from elliptio.testing import FormatConformance
from elliptio.testing.formats import written

MODES = ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "I", "F", "CMYK"]


def picture(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.arange(64, dtype="u2").reshape(8, 8))
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype="u1")
    return Image.fromarray(noise).convert(mode)


class TestImage(FormatConformance):
    @pytest.fixture
    def format(self) -> Format:
        return formats.get("image")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {mode: picture(mode) for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16")}

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {"array": np.zeros((2, 2)), "mode": picture("F")}

    def equal(self, value: Any, other: Any) -> bool:
        return (value.mode, value.size, value.tobytes()) == (other.mode, other.size, other.tobytes())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["png", "tiff", "webp", "bmp", "gif", "jpeg"])
def test_each_mode_comes_back_equal_or_is_refused(kind: str, mode: str) -> None:
    value = picture(mode)
    try:
        file, _ = written(formats.get("image"), value, kind=kind)
    except eio.ValueRefusedError:
        assert kind != "tiff"
        return
    found = formats.get("image").read(file)
    assert (found.mode, found.size, found.tobytes()) == (value.mode, value.size, value.tobytes())
    assert found.convert("RGBA").tobytes() == value.convert("RGBA").tobytes()


def test_pixels_change_only_where_that_is_wanted() -> None:
    with pytest.raises(eio.ValueRefusedError, match=r"JPEG would change pixels.*lossy=True"):
        formats.get("image").write(picture("RGB"), io.BytesIO(), kind="jpg")
    file, options = written(formats.get("image"), picture("RGB"), kind="jpg", lossy=True, quality=50)
    assert options == {}
    assert formats.get("image").read(file).size == (8, 8)


def test_orientation_and_transparency_stay(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture("RGB").save(tmp_path / "photo.jpg", exif=exif)
    with Image.open(tmp_path / "photo.jpg") as photo:
        file, _ = written(formats.get("image"), photo)
        assert formats.get("image").read(file).getexif()[0x0112] == 6
    clear = picture("P")
    clear.info["transparency"] = 3
    file, _ = written(formats.get("image"), clear)
    assert formats.get("image").read(file).info["transparency"] == 3


def test_frames_of_an_animation_are_not_lost() -> None:
    film = io.BytesIO()
    picture("L").save(film, "GIF", save_all=True, append_images=[picture("L").rotate(90)])
    with Image.open(film) as opened, pytest.raises(eio.ValueRefusedError, match="2 frames"):
        formats.get("image").write(opened, io.BytesIO(), kind="gif")


def test_kinds_are_those_that_there_are() -> None:
    with pytest.raises(eio.FormatOptionError, match="no kind 'svg'; there are png"):
        formats.get("image").write(picture("L"), io.BytesIO(), kind="svg")
    with pytest.raises(eio.FormatOptionError):
        formats.get("image").read(io.BytesIO(), kind="png")


@pytest.mark.slow
class TestFigure(FormatConformance):
    reads = False

    @pytest.fixture
    def format(self) -> Format:
        return formats.get("figure")

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(1, 1))
        figure.add_subplot().plot([1, 2])
        return {"line": figure}

    @pytest.fixture
    def refused(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"axes": values["line"].axes[0], "list": [1]}

    @pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
    def test_the_suffix_decides_about_the_picture(
        self, format: Format, values: dict[str, Any], tmp_path: Path, kind: str, begins: bytes
    ) -> None:
        for name in ("a", "b"):
            with (tmp_path / f"{name}.{kind}").open("wb") as file:
                format.write(values["line"], file, dpi=50)
        content = (tmp_path / f"a.{kind}").read_bytes()
        assert content.startswith(begins)
        assert content == (tmp_path / f"b.{kind}").read_bytes()
