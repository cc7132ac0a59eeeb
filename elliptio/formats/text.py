"""Texts, JSON, YAML, and bytes as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from elliptio.errors import FormatOptionError, ValueRefusedError
from elliptio.formats import beside
from elliptio.formats.libraries import check_options, need, parsing
from elliptio.formats.plain import check_json, difference, name_of
from elliptio.protocols import Format


class Text(Format):
    r"""A text, in UTF-8 unless `encoding` says otherwise; line ends stay what they are.

    Examples
    --------
    >>> import io
    >>> from elliptio import formats
    >>> file = io.BytesIO()
    >>> formats.get("text").write("Zoë", file)
    >>> file.getvalue()
    b'Zo\xc3\xab'

    """

    name, types = "text", ("builtins.str",)
    suffixes = (".txt", ".md", ".html", ".htm", ".xml", ".sql", ".log", ".rst", ".tex")

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        """Write a text."""
        encoding = self._encoding(options)
        if type(value) is not str:
            raise ValueRefusedError(f"value is of type {name_of(value)}, not str: use str(value).")
        try:
            content = value.encode(encoding)
            same = content.decode(encoding) == value
        except UnicodeError as error:
            raise ValueRefusedError(f"value has no form in {encoding}: {error}.") from None
        if not same:
            raise ValueRefusedError(f"value would come back changed from {encoding}: leave encoding out.")
        file.write(content)
        return options or None

    def read(self, file: BinaryIO, **options: Any) -> str:
        """Read a text."""
        encoding = self._encoding(options)
        with parsing(self.name):
            return file.read().decode(encoding)

    def _encoding(self, options: Mapping[str, Any]) -> str:
        check_options(self.name, options, own=["encoding"])
        encoding = str(options.get("encoding", "utf-8"))
        try:
            "".encode(encoding)
        except LookupError:
            raise FormatOptionError(f"There is no encoding {encoding!r}; the usual one is 'utf-8'.") from None
        return encoding


class Binary(Format):
    """Bytes, as they are."""

    name, suffixes, types = "binary", (".bin",), ("builtins.bytes",)

    def write(self, value: Any, file: BinaryIO, **options: Any) -> None:
        """Write bytes."""
        check_options(self.name, options)
        if type(value) is not bytes:
            raise ValueRefusedError(f"value is of type {name_of(value)}, not bytes: use bytes(value).")
        file.write(value)

    def read(self, file: BinaryIO, **options: Any) -> bytes:
        """Read bytes."""
        check_options(self.name, options)
        return file.read()


_JSON_TYPES = tuple(f"builtins.{name}" for name in ("dict", "list", "bool", "int", "float"))


class Json(Format):
    """Dicts with keys of text, lists, texts, numbers, booleans and None; tuples, NaN and numpy's numbers too.

    What JSON has no word for is described beside the file, so that it comes back.

    Examples
    --------
    >>> import io
    >>> from elliptio import formats
    >>> file = io.BytesIO()
    >>> options = formats.get("json").write({"size": (8, 8), "loss": float("nan")}, file, indent=None)
    >>> file.getvalue()
    b'{"size": [8, 8], "loss": null}'
    >>> _ = file.seek(0)
    >>> formats.get("json").read(file, **options)
    {'size': (8, 8), 'loss': nan}

    """

    name, suffixes = "json", (".json",)
    types = (
        *_JSON_TYPES, "types.NoneType", "builtins.NoneType", "builtins.str", "builtins.tuple", "builtins.set",
        "numpy.number", "numpy.bool", "numpy.bool_",
    )  # fmt: skip

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        """Write a value; options are those of `json.dumps` that decide how it is laid out."""
        check_options(self.name, options, own=["ensure_ascii", "indent", "separators"])
        plain, kept = _plain(value)
        text = json.dumps(plain, **{"ensure_ascii": False, "indent": 1, **options})
        try:
            same = not options or difference(plain, json.loads(text)) is None
        except ValueError:
            same = False
        if not same:
            raise FormatOptionError(f"With {options} it would not be JSON: leave them out.")
        file.write(text.encode())
        return kept

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read a value; `types` is what `write` described of it."""
        check_options(self.name, options, own=["types"])
        with parsing(self.name):
            return beside.restore(json.loads(file.read()), options.get("types"))


def _plain(value: Any) -> tuple[Any, dict[str, Any] | None]:
    """Return what JSON says of a value, and what has to be kept beside it.

    Raises
    ------
    ValueRefusedError
        If it would not come back as it is.

    """
    try:
        check_json(value)
    except ValueRefusedError:
        plain, types = beside.describe(value)
        check_json(plain)
        found = difference(value, beside.restore(plain, types))
        if found:
            raise ValueRefusedError(f"{found}: change it, or save it with format='pickle'.") from None
        return plain, {"types": types}
    return value, None


class Yaml(Format):
    """All that JSON has, and keys of any plain type, dates, times, bytes and sets."""

    name, suffixes = "yaml", (".yaml", ".yml")
    types = (*Json.types, "builtins.bytes", "datetime.date", "datetime.datetime")

    def write(self, value: Any, file: BinaryIO, **options: Any) -> Mapping[str, Any] | None:
        """Write a value; options are those of ``yaml.safe_dump`` that decide how it is laid out."""
        yaml = self._library()
        check_options(
            self.name, options, own=["default_flow_style", "indent", "width", "allow_unicode", "explicit_start"]
        )
        found = difference(value, value)  # so that what holds itself ends here
        types = None
        if found is None:
            plain, types = beside.describe(value, nan=True)
            try:
                text = yaml.dump(
                    plain, Dumper=yaml.SafeDumper, **{"sort_keys": False, "allow_unicode": True, **options}
                )
                content = text.encode()
                found = difference(value, beside.restore(yaml.load(content, Loader=_loader(yaml)), types))
            except (yaml.YAMLError, ValueError, TypeError) as error:
                found = f"value has no form in YAML: {' '.join(str(error).split())}"
        if found:
            raise ValueRefusedError(f"{found}: change it, or save it with format='pickle'.")
        file.write(content)
        return None if types is None else {"types": types}

    def read(self, file: BinaryIO, **options: Any) -> Any:
        """Read a value; nothing in the file is run. `types` is what `write` described of it."""
        yaml = self._library()
        check_options(self.name, options, own=["types"])
        with parsing(self.name):
            return beside.restore(yaml.load(file.read(), Loader=_loader(yaml)), options.get("types"))

    def _library(self) -> Any:
        return need("yaml", "elliptio[formats]", "YAML")


def _loader(yaml: Any) -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
