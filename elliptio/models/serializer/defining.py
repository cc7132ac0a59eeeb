"""Define what a serializer is, and hold those that users register."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from elliptio.models.serializer.registered import Registered

T = TypeVar("T")

BUILT_IN = {
    "elliptio-json": "json:json_serializer",
    "elliptio-json-sorted": "json:json_sorted_serializer",
    "elliptio-datetime": "datetime:datetime_serializer",
    "elliptio-timedelta": "datetime:timedelta_serializer",
    "elliptio-string": "string:string_serializer",
    "elliptio-bytes": "bytes:bytes_serializer",
    "elliptio-numpy": "numpy:numpy_serializer",
    "elliptio-pandas": "pandas:dataframe_serializer",
    "elliptio-polars": "polars:polars_serializer",
    "elliptio-feather": "pyarrow:feather_serializer",
    "elliptio-parquet": "pyarrow:parquet_serializer",
}
"""Names of the built-in serializers, and the module and the name there of each: loaded when one is asked for."""

SERIALIZERS: Registered[Serializer[Any]] = Registered("serializer")
"""Those that users registered."""


class Serializer(Generic[T]):
    """Turn a value into bytes and back.

    A subclass says how, one instance of it is registered, and named in the hint of a field:
    ``Annotated[Celsius, celsius_serializer]``.

    Attributes
    ----------
    name
        By which it is found when a field is read: one for ever, wherever the class lies then.
    types
        Classes of its values, or their dotted names where a library should not be imported for that.
    suffix
        End of the name of a field's file.
    format
        Name of the format that writes and reads the file, of a built-in one; None: the serializer does.

    Examples
    --------
    >>> from elliptio.models.serializer import Serializer
    >>> class FractionSerializer(Serializer):
    ...     name, types, suffix = "fraction", ("fractions.Fraction",), ".txt"
    ...     def serialize(self, value):
    ...         return str(value).encode()
    ...     def deserialize(self, data):
    ...         from fractions import Fraction
    ...         return Fraction(data.decode())
    >>> fraction_serializer = FractionSerializer().register()
    >>> fraction_serializer.deserialize(b"1/3")
    Fraction(1, 3)

    """

    name: str
    types: Sequence[type | str] = ()
    suffix: str = ".bin"
    format: str | None = None

    def serialize(self, value: T, /) -> bytes:
        """Turn a value into bytes; what would not come back equal is refused by an error."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to serialize.")

    def deserialize(self, data: bytes, /) -> T:
        """Turn bytes into the value that they were made of."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to deserialize.")

    def register(self: S) -> S:
        """Make it known by its name, and return it: it takes the values of its types, named in a hint or not.

        One of the same class may be registered again: the newest holds.

        Raises
        ------
        DuplicateModelError
            If another serializer has its name; a ValueError.
        UnfitValueError
            If it has no name.

        """
        name = getattr(self, "name", None)
        if is_built_in(self) and name in BUILT_IN:
            return self
        home = BUILT_IN.get(name) if isinstance(name, str) else None
        SERIALIZERS.add(self, name, home and f"built in, elliptio.models.serializer.{home.replace(':', '.')}")
        from elliptio.models.types import big

        if takes not in big.takers:
            big.takers.append(takes)
        return self


S = TypeVar("S", bound=Serializer[Any])


def takes(cls: type) -> bool:
    """Tell whether a serializer that was registered says that it takes the values of exactly this class."""
    from elliptio.models.types.big import is_of

    names = [each for one in SERIALIZERS.newest_first() for each in one.types]
    return any(
        is_of(cls, each) and not any(is_of(base, each) for base in cls.__bases__)
        if isinstance(each, str)
        else cls is each
        for each in names
    )


def is_built_in(one: Serializer[Any]) -> bool:
    """Tell whether a serializer is one that elliptio brings, or makes of a format."""
    return type(one).__module__.startswith("elliptio.models.serializer.")
