"""Read the size of an image out of its header, and tell whether a browser may be given it."""

from __future__ import annotations

import struct
from collections.abc import Callable

from elliptio.ui.previews.reading import Ranged, UnfitError
from elliptio.ui.previews.shapes import Image

MOST_PIXELS = 64_000_000
MOST_SIDE = 32_000
"""Limit of what a browser is given: more would take hundreds of megabytes of memory."""

SHOWN = frozenset({"png", "jpeg", "gif", "webp", "bmp"})
"""Formats that browsers show."""

_SCANNED = 2**20
"""Bytes of a GIF in which the size of its first frame is looked for."""

_JPEG = 64 * 1024
_MOST_MARKERS = 10_000

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG behind which the size stands."""


def read_image(ranged: Ranged, rows: int = 0) -> Image:
    """Read the header of an image."""
    head = ranged.head(64)
    for mark, read in _READERS.items():
        if head.startswith(mark):
            name, width, height = read(ranged)
            return _judged(name, width, height)
    raise UnfitError("it has no header of an image that is known")


def is_image(head: bytes) -> bool:
    """Tell whether a file begins as an image does."""
    return any(head.startswith(mark) for mark in _READERS if len(mark) > 2) and (
        not head.startswith(b"RIFF") or head[8:12] == b"WEBP"
    )


def size_of(data: bytes) -> tuple[str, int, int]:
    """Read format, width and height of an image that lies in memory."""
    from elliptio.ui.previews.reading import Source

    whole = Source("image", len(data), lambda offset, length: data[offset : offset + length])
    found = read_image(Ranged(whole, 2 * len(data)))
    if not found.safe:
        raise UnfitError(found.says)
    return found.format, found.width, found.height


def _judged(name: str, width: int, height: int) -> Image:
    if width < 1 or height < 1:
        raise UnfitError(f"it says that it is {width} by {height} pixels large")
    says = f"{width:,} × {height:,} pixels"  # noqa: RUF001
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        return Image(width, height, name, False, f"{says}: too many for a browser, which would run out of memory")
    if name not in SHOWN:
        return Image(width, height, name, False, f"{says}: browsers do not show {name.upper()}")
    return Image(width, height, name, True, says)


def _png(ranged: Ranged) -> tuple[str, int, int]:
    head = ranged.head(33)
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise UnfitError("its header is cut off")
    width, height = struct.unpack(">II", head[16:24])
    return "png", width, height


def _gif(ranged: Ranged) -> tuple[str, int, int]:
    """Read the size of a GIF: of its canvas or of its first frame, which may be larger."""
    data = ranged.head(ranged.within(_SCANNED))
    if len(data) < 13:
        raise UnfitError("its header is cut off")
    width, height, flags = struct.unpack("<HHB", data[6:11])
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while at < len(data) and data[at] == 0x21:
        at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    if at + 9 <= len(data) and data[at] == 0x2C:
        left, top, wide, high = struct.unpack("<HHHH", data[at + 1 : at + 9])
        width, height = max(width, left + wide), max(height, top + high)
    return "gif", width, height


def _jpeg(ranged: Ranged) -> tuple[str, int, int]:
    """Go from marker to marker until the one with the size."""
    at = 2
    ranged.head(ranged.within(_JPEG))
    for _ in range(_MOST_MARKERS):
        head = ranged.read(at, 10)
        if len(head) < 4 or head[0] != 0xFF:
            break
        marker = head[1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES and len(head) >= 9:
            height, width = struct.unpack(">HH", head[5:9])
            return "jpeg", width, height
        length = int.from_bytes(head[2:4], "big")
        if length < 2 or marker in (0xD9, 0xDA):
            break
        at += 2 + length
    raise UnfitError("it does not say how large it is, or is cut off")


def _webp(ranged: Ranged) -> tuple[str, int, int]:
    head = ranged.head(30)
    if len(head) < 30 or head[8:12] != b"WEBP":
        raise UnfitError("its header is cut off, or none of an image")
    if head[12:16] == b"VP8X":
        return "webp", 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return "webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return "webp", width & 0x3FFF, height & 0x3FFF
    raise UnfitError("its header is none of an image")


def _bmp(ranged: Ranged) -> tuple[str, int, int]:
    head = ranged.head(26)
    if len(head) < 26 or int.from_bytes(head[14:18], "little") not in (12, 40, 52, 56, 64, 108, 124):
        raise UnfitError("its header is none of an image")
    if head[14] == 12:
        width, height = struct.unpack("<HH", head[18:22])
    else:
        width, height = struct.unpack("<ii", head[18:26])
    return "bmp", abs(width), abs(height)


def _tiff(ranged: Ranged) -> tuple[str, int, int]:
    head = ranged.head(8)
    order = "<" if head[:2] == b"II" else ">"
    (at,) = struct.unpack(f"{order}I", head[4:8])
    (count,) = struct.unpack(f"{order}H", ranged.read(at, 2))
    entries = ranged.read(at + 2, 12 * min(count, 100))
    found = {}
    for place in range(0, len(entries) - 11, 12):
        tag, kind = struct.unpack(f"{order}HH", entries[place : place + 4])
        if tag in (256, 257) and kind in (3, 4):
            shape = f"{order}{'H' if kind == 3 else 'I'}"
            (found[tag],) = struct.unpack_from(shape, entries, place + 8)
    if len(found) < 2:
        raise UnfitError("it does not say how large it is")
    return "tiff", found[256], found[257]


_READERS: dict[bytes, Callable[[Ranged], tuple[str, int, int]]] = {
    b"\x89PNG\r\n\x1a\n": _png, b"GIF87a": _gif, b"GIF89a": _gif, b"\xff\xd8\xff": _jpeg, b"RIFF": _webp, b"BM": _bmp,
    b"II*\0": _tiff, b"MM\0*": _tiff,
}  # fmt: skip
