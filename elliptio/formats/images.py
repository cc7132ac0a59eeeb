"""Images of Pillow, and figures of matplotlib, which can be saved but not loaded."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from elliptio.errors import FormatOptionError, ValueRefusedError, WriteOnlyError
from elliptio.formats.libraries import check_options, need, parsing
from elliptio.formats.plain import name_of
from elliptio.protocols import Format

_KINDS = {".png": "PNG", ".tiff": "TIFF", ".tif": "TIFF", ".webp": "WEBP", ".bmp": "BMP", ".gif": "GIF",
          ".jpg": "JPEG", ".jpeg": "JPEG"}  # fmt: skip
_EXACT: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True, "exact": True}}
"""Options without which Pillow would change pixels."""
_OPTIONS = (
    "quality", "optimize", "progressive", "subsampling", "compress_level", "compression", "lossless", "method", "exact",
    "alpha_quality", "dpi", "exif", "icc_profile",
)  # fmt: skip
_CARRIED = ("exif", "icc_profile", "dpi")
"""Parts of what an image says of itself that decide how it looks, where the file has a place for them."""


class Image(Format):
    """An image of Pillow: its pixels, mode, palette, transparency, orientation and colour profile.

    The suffix decides about the kind of file. What would change a pixel is refused, so JPEG has to be asked for it.
    """

    name, suffixes, types = "image", tuple(_KINDS), ("PIL.Image.Image",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write an image.

        Options are those of Pillow for this kind of file, ``kind="png"`` where no suffix tells it, and ``lossy=True``,
        which lets pixels change.
        """
        pillow = need("PIL.Image", "elliptio[formats]", "an image")
        options = dict(options)
        suffix = kind_of(file, options, self.name, _KINDS)
        lossy = options.pop("lossy", False)
        check_options(self.name, options, own=[*_OPTIONS, "kind", "lossy"])
        kind = _KINDS[suffix]
        if not isinstance(value, pillow.Image):
            raise ValueRefusedError(f"value is of type {name_of(value)}, not an image: use PIL.Image.fromarray(value).")
        if getattr(value, "n_frames", 1) > 1:
            raise ValueRefusedError(f"value has {value.n_frames:,} frames, of which one would come back: save each.")
        carried = {name: value.info[name] for name in _CARRIED if name in value.info and kind != "BMP"}
        content = io.BytesIO()
        try:
            value.save(content, kind, **{**carried, **({} if lossy else _EXACT.get(kind, {})), **options})
        except (OSError, KeyError, ValueError) as error:
            raise ValueRefusedError(f"value cannot be saved as {kind}: {error}; try .png or .tiff.") from error
        except TypeError as error:
            raise FormatOptionError(f"{kind} cannot be saved with these options: {error}.") from error
        changed = None if lossy else _change(value, self.read(content))
        if changed:
            lossy_too = " or say lossy=True" if "pixels" in changed else ""
            raise ValueRefusedError(
                f"{kind} would change {changed} of this image: save it as .png or .tiff{lossy_too}."
            )
        file.write(content.getvalue())

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read an image."""
        pillow = need("PIL.Image", "elliptio[formats]", "an image")
        check_options(self.name, options)
        with parsing(self.name):
            opened = pillow.open(file)
            opened.load()
            return opened.copy()


def _change(value: Any, found: Any) -> str | None:
    """Say what of an image another one does not have."""
    if value.mode != found.mode or value.size != found.size:
        return f"the mode, {value.mode} to {found.mode},"
    if value.tobytes() != found.tobytes():
        return "pixels"
    # A palette may be stored up to the last colour that is used.
    if value.getpalette() is not None and value.convert("RGBA").tobytes() != found.convert("RGBA").tobytes():
        return "the palette"
    parts = ("transparency", "exif", "icc_profile")
    return next((f"the {part}" for part in parts if value.info.get(part) != found.info.get(part)), None)


_FIGURES: dict[str, dict[str, Any]] = {
    ".png": {}, ".svg": {"metadata": {"Date": None}}, ".pdf": {"metadata": {"CreationDate": None}},
}  # fmt: skip
"""Suffixes, and what keeps the time of day out of these files: the same figure is the same bytes."""


class Figure(Format):
    """A figure of matplotlib, as the picture that it shows. It cannot be loaded as a figure again."""

    name, suffixes, types = "figure", tuple(_FIGURES), ("matplotlib.figure.Figure",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write a picture; options are those of ``Figure.savefig``, and ``kind="svg"`` where no suffix tells it."""
        figure = need("matplotlib.figure", "matplotlib", "a figure")
        options = dict(options)
        suffix = kind_of(file, options, self.name, _FIGURES)
        known = ("dpi", "bbox_inches", "pad_inches", "facecolor", "edgecolor", "transparent", "metadata", "orientation")
        check_options(self.name, options, own=known)
        if not isinstance(value, figure.Figure):
            raise ValueRefusedError(f"value is of type {name_of(value)}, not a figure: use its .figure.")
        matplotlib = need("matplotlib", "matplotlib", "a figure")
        with matplotlib.rc_context({"svg.hashsalt": "elliptio"}):
            value.savefig(file, format=suffix[1:], **{**_FIGURES[suffix], **options})

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Refuse: a picture is no figure any more."""
        raise WriteOnlyError(
            "A figure was saved as a picture, and cannot be loaded as a figure: save what it shows beside it. A .png "
            "can be loaded with format='image'."
        )


def kind_of(file: BinaryIO, options: dict[str, Any], format: str, known: Mapping[str, Any]) -> str:
    """Take ``kind`` from the options; else it is the suffix of the file, else the usual one.

    Raises
    ------
    FormatOptionError
        If there is no such kind.

    """
    named = getattr(file, "name", "")
    found = os.path.splitext(named)[1].lower() if isinstance(named, str) else ""
    wanted = options.pop("kind", None)
    suffix = (
        f".{str(wanted).lower().lstrip('.')}" if wanted is not None else found if found in known else next(iter(known))
    )
    if suffix not in known:
        kinds = ", ".join(each[1:] for each in known)
        raise FormatOptionError(f"The format {format!r} has no kind {wanted!r}; there are {kinds}.")
    return suffix
