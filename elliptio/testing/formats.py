"""Hold a new format to all that a format promises: subclass `FormatConformance`, with a test for each promise."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from elliptio.errors import FormatError, FormatOptionError, ValueRefusedError, WriteOnlyError
from elliptio.formats import registry
from elliptio.protocols import Format


class FormatConformance:
    """Hold a format to the contract of `elliptio.protocols.Format`: a pytest class to subclass, with three fixtures.

    Attributes
    ----------
    reads
        False: values of this format cannot be read.
    same_bytes
        False: the same value need not be the same bytes twice.

    Examples
    --------
    ::

        class TestMyFormat(FormatConformance):
            @pytest.fixture
            def format(self):
                return MyFormat()

            @pytest.fixture
            def values(self):
                return {"usual": MyValue(1), "empty": MyValue(None)}  # it gives them back, equal

            @pytest.fixture
            def refused(self):
                return {"what it would change": MyValue(float("nan"))}
    """

    reads = True
    same_bytes = True

    @pytest.fixture
    def format(self) -> Format:
        """Make the format; subclasses must say which."""
        raise NotImplementedError(f"a subclass of {type(self).__name__} defines the fixture `format`")

    @pytest.fixture
    def values(self) -> Mapping[str, Any]:
        """Name values that it gives back; subclasses must say which."""
        raise NotImplementedError(f"a subclass of {type(self).__name__} defines the fixture `values`")

    @pytest.fixture
    def refused(self) -> Mapping[str, Any]:
        """Name values that it refuses; subclasses must say which."""
        raise NotImplementedError(f"a subclass of {type(self).__name__} defines the fixture `refused`")

    def equal(self, value: Any, other: Any) -> bool:
        """Tell whether a value is another; subclasses say it better than ``==``."""
        return type(value) is type(other) and bool(value == other)

    def test_describes_itself(self, format: Format) -> None:
        assert format.name.replace("-", "_").isidentifier()
        assert format.name == format.name.lower()
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in format.suffixes)
        assert all("." in name for name in format.types), "types are dotted names: 'pandas.DataFrame'"

    def test_can_be_registered(self, format: Format) -> None:
        known = dict(registry._formats)
        try:
            assert registry.register(format) is format
            assert registry.register(format) is format
            assert registry.get(format.name) is format
            for suffix in format.suffixes:
                assert format in registry.with_suffix(f"A File{suffix.upper()}")
        finally:
            registry._formats.clear()
            registry._formats.update(known)

    def test_gives_values_back(self, format: Format, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            file, options = written(format, value)
            if not self.reads:
                continue
            found = format.read(file, **options)
            assert self.equal(value, found), f"{name}: {value!r} came back as {found!r}"

    def test_what_it_keeps_beside_the_file_can_be_recorded(self, format: Format, values: Mapping[str, Any]) -> None:
        for value in values.values():
            _, options = written(format, value)
            assert json.loads(json.dumps(options)) == options

    def test_leaves_the_value_as_it_is(self, format: Format, values: Mapping[str, Any]) -> None:
        for value in values.values():
            first, _ = written(format, value)
            second, _ = written(format, value)
            if self.same_bytes:
                assert first.getvalue() == second.getvalue(), "the same value is the same bytes"

    def test_refuses_before_anything_is_written(self, format: Format, refused: Mapping[str, Any]) -> None:
        for name, value in refused.items():
            file = io.BytesIO()
            with pytest.raises(ValueRefusedError, match=r"value.*[.:]") as caught:
                format.write(value, file)
            assert file.getvalue() == b"", f"{name}: {caught.value}"

    def test_refuses_options_that_it_does_not_have(self, format: Format, values: Mapping[str, Any]) -> None:
        value = next(iter(values.values()))
        file = io.BytesIO()
        with pytest.raises(FormatOptionError, match="no_such_option"):
            format.write(value, file, no_such_option=1)
        assert file.getvalue() == b""
        if self.reads:
            file, options = written(format, value)
            with pytest.raises(FormatOptionError, match="no_such_option"):
                format.read(file, **options, no_such_option=1)

    def test_names_damage(self, format: Format, values: Mapping[str, Any]) -> None:
        file, options = written(format, next(iter(values.values())))
        if not self.reads:
            with pytest.raises(WriteOnlyError):
                format.read(file)
            return
        # Where any bytes are a value there is no damage.
        for content in (b"\xff\xfe\x00 no such file", file.getvalue()[: len(file.getvalue()) // 2]):
            with contextlib.suppress(FormatError):
                format.read(io.BytesIO(content), **options)

    def test_is_chosen_without_its_library(self, format: Format) -> None:
        before = set(sys.modules)
        assert not registry.takes(format, object())
        assert set(sys.modules) == before


def written(format: Format, value: Any, **options: Any) -> tuple[io.BytesIO, dict[str, Any]]:
    """Write a value, and return its file from the start, with the options to read it."""
    file = io.BytesIO()
    kept = dict(format.write(value, file, **options) or {})
    file.seek(0)
    return file, kept
