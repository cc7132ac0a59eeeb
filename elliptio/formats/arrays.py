"""Arrays of numpy: one as npy, several by name as npz."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

from elliptio.errors import FormatOptionError, ValueRefusedError
from elliptio.formats.libraries import check_options, parsing
from elliptio.formats.plain import check_text, name_of
from elliptio.protocols import Format

if TYPE_CHECKING:
    import numpy as np


class Npy(Format):
    """One array of numbers, booleans, times, texts, bytes, or records of these; in its order and byte order.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from elliptio import formats
    >>> formats.get("npy").write(np.array([1, "a"], dtype=object), io.BytesIO())
    Traceback (most recent call last):
    elliptio.errors.ValueRefusedError: value holds objects of Python: use .astype(…), or save it with format='pickle'.

    """

    name, suffixes, types = "npy", (".npy",), ("numpy.ndarray",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write an array."""
        check_options(self.name, options)
        check_array(value)
        _write(file, value)

    def read(self, file: BinaryIO, **options: Any) -> np.ndarray[Any, Any]:
        """Read an array; with ``mmap_mode="r"`` it stays in its file, of which only what is used is read."""
        import numpy as np

        check_options(self.name, options, own=["mmap_mode"])
        with parsing(self.name):
            if options.get("mmap_mode") is None:
                return np.lib.format.read_array(file, allow_pickle=False)
            if options["mmap_mode"] != "r" or not isinstance(getattr(file, "name", None), str):
                raise FormatOptionError("mmap_mode is 'r', and only for a file that has a path.")
            found: np.ndarray[Any, Any] = np.load(file.name, mmap_mode="r", allow_pickle=False)
            return found


class Npz(Format):
    """Several arrays in a dict, by name."""

    name, suffixes = "npz", (".npz",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write arrays; with ``compress=True`` they take less room and more time."""
        check_options(self.name, options, own=["compress"])
        if type(value) is not dict:
            raise ValueRefusedError(f"value is of type {name_of(value)}, not a dict of arrays: use .npy for one.")
        for key, array in value.items():
            if type(key) is not str or "\0" in key:
                raise ValueRefusedError(f"value has the key {key!r}, which cannot name a file in it: use a text.")
            check_text(key, f"the key {key!r} of value")
            check_array(array, f"value[{key!r}]")
        how = zipfile.ZIP_DEFLATED if options.get("compress") else zipfile.ZIP_STORED
        with zipfile.ZipFile(file, "w", how) as archive:
            for key, array in value.items():
                # Without the time of day: the same arrays are the same bytes.
                entry = zipfile.ZipInfo(f"{key}.npy")
                entry.compress_type = how
                with archive.open(entry, "w", force_zip64=True) as part:
                    _write(part, array)

    def read(self, file: BinaryIO, **options: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Read arrays; ``keys=["a"]``: only these."""
        import numpy as np

        check_options(self.name, options, own=["keys"])
        found = {}
        with parsing(self.name), zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                key = name.removesuffix(".npy")
                if options.get("keys") is None or key in options["keys"]:
                    content = io.BytesIO(archive.read(name))
                    found[key] = np.lib.format.read_array(content, allow_pickle=False)
        return found


def _write(file: Any, array: np.ndarray[Any, Any]) -> None:
    import numpy as np

    # Names of fields beyond Latin-1 take another version of the file, which numpy warns of if it has to find out.
    latin = max(map(ord, repr(np.lib.format.dtype_to_descr(array.dtype)))) < 256
    # In parts, through the file's own method: into the descriptor of a file numpy would write past whoever hashes it.
    part = SimpleNamespace(write=file.write)
    np.lib.format.write_array(part, array, version=None if latin else (3, 0), allow_pickle=False)


def check_array(value: Any, where: str = "value") -> None:
    """Refuse what an npy file would change.

    Raises
    ------
    ValueRefusedError
        If it is no plain array, or holds what has no bytes of its own.

    """
    import numpy as np

    if type(value) is not np.ndarray:
        what = (
            "use .filled(…), or save .data and .mask as .npz"
            if isinstance(value, np.ma.MaskedArray)
            else "use np.asarray(…)"
        )
        raise ValueRefusedError(f"{where} is of type {name_of(value)}, and would come back as a plain array: {what}.")
    if value.dtype.hasobject:
        raise ValueRefusedError(f"{where} holds objects of Python: use .astype(…), or save it with format='pickle'.")
    if value.dtype.kind not in "biufcSUmMV" or not _is_described(value.dtype):
        raise ValueRefusedError(f"{where} has the dtype {value.dtype}, which npy cannot say: use .astype(…).")


def _is_described(dtype: np.dtype[Any]) -> bool:
    """Tell whether npy's header says all of a dtype: not its metadata, nor titles of fields."""
    import warnings

    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
    except (ValueError, TypeError, UserWarning):
        return False
    return found == dtype and found.type is dtype.type and dtype.metadata is None
