"""Read the headers of files of numbers and objects: npy, npz, safetensors, pickle. None of them is ever loaded."""

from __future__ import annotations

import ast
import json
import re
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

from elliptio.artifacts.display import human_size
from elliptio.naming import shorten
from elliptio.ui.previews.reading import Ranged, RangedFile, UnfitError
from elliptio.ui.previews.shapes import Header

MOST_HEADER = 64 * 1024
MOST_NAMES = 200
"""Arrays, tensors or names that are listed."""

MOST_TENSORS_HEADER = 8 * 2**20
PICKLE = 2**20
MOST_STEPS = 200_000
"""Bytes and instructions of a pickle that are looked at."""

MOST_OPENED = 50
MOST_NESTED = 3
_TYPE = re.compile(r"([<>|=]?)([a-zA-Z])(\d{0,9})(\[\w+\])?")
_SIZED = {"f": "float", "i": "int", "u": "uint", "c": "complex", "M": "datetime", "m": "timedelta"}
_TENSOR = re.compile(r"([FIU])(\d{1,3})")
_NUMPY = b"\x93NUMPY"
_NEVER = "it is never loaded here: loading a pickle runs what is in it"


def read_npy(ranged: Ranged, rows: int = 0) -> Header:
    """Show what a file of one array says."""
    dtype, shape, order, begin = _array(ranged.head(ranged.within(MOST_HEADER + 12)))
    facts = [("type", dtype), ("shape", _shape(shape)), ("values", f"{_count(shape):,}"), ("order", order)]
    facts.append(("size", human_size(ranged.source.size - begin)))
    return Header(facts, "npy")


def _array(data: bytes) -> tuple[str, tuple[int, ...], str, int]:
    """Read type, shape and order of an array, and where its values begin."""
    if not data.startswith(_NUMPY) or len(data) < 12 or data[6] not in (1, 2, 3):
        raise UnfitError("it does not begin as an array of numpy does")
    wide = data[6] > 1
    begin = 12 if wide else 10
    (length,) = struct.unpack("<I" if wide else "<H", data[8:begin])
    if length > MOST_HEADER:
        raise UnfitError("its header is too long")
    text = data[begin : begin + length]
    if len(text) < length:
        raise UnfitError("its header is cut off")
    try:
        found = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise UnfitError("its header is none of numpy") from None
    shape = found.get("shape") if isinstance(found, dict) else None
    if not isinstance(shape, tuple) or not all(type(side) is int and 0 <= side < 2**63 for side in shape):
        raise UnfitError("its header says no shape")
    order = "Fortran" if found.get("fortran_order") is True else "C"
    return shorten(_type_of(found.get("descr")), 200), shape, order, begin + length


def _type_of(description: object, depth: int = 0) -> str:
    """Name a type of numpy as people do: ``float64``, not ``<f8``; what is none of those stays as it is."""
    if isinstance(description, list) and depth < MOST_NESTED:
        fields = [one for one in description[:MOST_NAMES] if isinstance(one, tuple) and len(one) > 1]
        return ", ".join(f"{one[0]}: {_type_of(one[1], depth + 1)}" for one in fields)
    found = _TYPE.fullmatch(description) if isinstance(description, str) else None
    if found is None:
        return str(description)
    order, kind, size, unit = found[1], found[2], int(found[3] or 0), found[4] or ""
    backwards = ", big-endian" if order == ">" else ""
    if kind in _SIZED:
        return f"{_SIZED[kind]}{8 * size}{unit}{backwards}"
    plain = {"b": "bool", "O": "object", "U": f"text of up to {size:,} letters", "S": f"bytes, up to {size:,}"}
    return plain.get(kind, str(description))


def read_zip(ranged: Ranged, rows: int = 0) -> Header:
    """Show what lies in a file of several arrays, or of a model of PyTorch."""
    try:
        with zipfile.ZipFile(RangedFile(ranged)) as archive:
            entries = archive.infolist()
            facts = [("files", f"{len(entries):,}"), ("size", human_size(ranged.source.size))]
            notes = [f"first {MOST_NAMES:,} of {len(entries):,} are listed"] if len(entries) > MOST_NAMES else []
            for place, entry in enumerate(entries[:MOST_NAMES]):
                facts += _entry(archive, entry, place)
    except (zipfile.BadZipFile, EOFError, struct.error) as error:
        raise UnfitError(f"it is damaged: {error}") from error
    pickled = any(entry.filename.endswith(".pkl") for entry in entries)
    return Header(
        facts,
        "npz" if ranged.source.suffix == ".npz" else "zip",
        "; ".join([*notes, *([_NEVER] if pickled else [])]) or None,
    )


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: int) -> list[tuple[str, str]]:
    """Say what one file of an archive is; at most its beginning is unpacked."""
    name = shorten(entry.filename, 200)
    plain = [(name, human_size(entry.file_size))]
    if place >= MOST_OPENED or not entry.filename.endswith((".npy", ".pkl")):
        return plain
    most = 4096 if entry.filename.endswith(".npy") else PICKLE
    try:
        with archive.open(entry) as opened:
            data = opened.read(most)
        if entry.filename.endswith(".npy"):
            dtype, shape, _, _ = _array(data)
            return [(name.removesuffix(".npy"), f"{dtype}  {_shape(shape)}")]
        return [*plain, *_pickled(data)]
    except UnfitError:
        return plain
    except Exception as error:  # zlib, lzma and zipfile have errors of their own
        return [(name, f"damaged: {shorten(str(error), 100)}")]


def read_safetensors(ranged: Ranged, rows: int = 0) -> Header:
    """Show the names, types and shapes of tensors."""
    head = ranged.head(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > min(MOST_TENSORS_HEADER, ranged.source.size - 8) or length < 2:
        raise UnfitError("its header is too long, or cut off")
    try:
        found = json.loads(ranged.read(8, length))
    except (ValueError, RecursionError):
        raise UnfitError("its header is no JSON") from None
    if not isinstance(found, dict):
        raise UnfitError("its header names no tensors")
    more = found.pop("__metadata__", None)
    tensors = {name: tensor for name, tensor in found.items() if isinstance(tensor, Mapping)}
    facts = [("tensors", f"{len(tensors):,}"), ("values", f"{sum(map(_tensor_count, tensors.values())):,}")]
    facts.append(("size", human_size(ranged.source.size)))
    if isinstance(more, Mapping):
        facts += [(shorten(str(name), 100), shorten(str(value), 200)) for name, value in list(more.items())[:20]]
    for name, tensor in list(tensors.items())[:MOST_NAMES]:
        facts.append((shorten(name, 200), f"{_tensor_type(tensor)}  {_shape(_sides(tensor))}"))
    note = f"first {MOST_NAMES:,} of {len(tensors):,} tensors are listed" if len(tensors) > MOST_NAMES else None
    return Header(facts, "safetensors", note)


def _tensor_type(tensor: Mapping[str, Any]) -> str:
    said = str(tensor.get("dtype"))
    if found := _TENSOR.fullmatch(said):
        return f"{_SIZED[found[1].lower()]}{found[2]}"
    return shorten({"BF16": "bfloat16", "BOOL": "bool"}.get(said, said), 20)


def _sides(tensor: Mapping[str, Any]) -> tuple[int, ...]:
    shape = tensor.get("shape")
    listed = shape if isinstance(shape, list) else []
    return tuple(side for side in listed if type(side) is int and 0 <= side < 2**63)[:64]


def _tensor_count(tensor: Mapping[str, Any]) -> int:
    return _count(_sides(tensor))


def read_pickle(ranged: Ranged, rows: int = 0) -> Header:
    """Show which classes and functions a pickle names; it is only looked at."""
    if ranged.head(4) == b"PK\x03\x04":
        return read_zip(ranged)
    data = ranged.head(ranged.within(PICKLE))
    facts = _pickled(data)
    notes = [_NEVER]
    if ranged.source.size > len(data):
        notes.append(f"by its first {len(data):,} bytes")
    return Header([*facts, ("size", human_size(ranged.source.size))], "pickle", "; ".join(notes))


def _pickled(data: bytes) -> list[tuple[str, str]]:
    """List what a pickle names, by its instructions, none of which is carried out."""
    import pickletools

    names: dict[str, None] = {}
    texts: list[str] = []
    protocol, steps = 0, 0
    try:
        for code, argument, _ in pickletools.genops(data):
            steps += 1
            if steps > MOST_STEPS:
                break
            if code.name == "PROTO":
                protocol = int(argument or 0)
            elif code.name in ("GLOBAL", "INST"):
                names[str(argument).replace(" ", ".")] = None
            elif code.name == "STACK_GLOBAL" and len(texts) >= 2:
                names[f"{texts[-2]}.{texts[-1]}"] = None
            elif isinstance(argument, str):
                texts = [*texts[-1:], shorten(argument, 200)]
    except Exception:  # it is cut off here, or damaged; what came before stands
        if steps < 2:
            raise UnfitError("it is no pickle") from None
    listed = list(names)[:MOST_NAMES]
    more = [("names more", f"{len(names) - len(listed):,}")] if len(names) > len(listed) else []
    facts = [("protocol", str(protocol)), ("instructions", f"{steps:,}")]
    return [*facts, *(("names", shorten(name, 200)) for name in listed), *more]


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{side:,}" for side in shape[:64]) or "a single value"  # noqa: RUF001


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape[:64]:
        count *= side
    return min(count, 2**63)
