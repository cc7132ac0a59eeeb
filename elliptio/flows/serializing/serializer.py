"""Define what turns one value into bytes and back, which users may do in their own way."""

from __future__ import annotations

from typing import Any

from elliptio.flows.serializing.exact import pack, unpack


class Serializer:
    """Turn values into bytes and back: subclass it, and give it to a broker or a supervisor, for another way.

    This one writes MessagePack: what is read is equal to what was written and of the same classes, or is refused. It
    knows the plain classes of Python, times, paths, numbers of all kinds, arrays, tables, and what a format of
    `elliptio.formats` takes. Nothing is unpickled. Bytes are signed around it: `deserialize` only sees what somebody
    with the same secret has written.

    Examples
    --------
    >>> from elliptio.flows.serializing import Serializer
    >>> Serializer().deserialize(Serializer().serialize({"a": (1, {2.5})}))
    {'a': (1, {2.5})}

    One of your own::

        class Pickles(Serializer):
            def serialize(self, value):
                return pickle.dumps(value)

            def deserialize(self, content):
                return pickle.loads(content)  # whoever has the secret can run code here
    """

    def serialize(self, value: Any) -> bytes:
        """Turn a value into bytes.

        Raises
        ------
        UnserializableValueError
            If it would not come back the same.

        """
        return pack(value)

    def deserialize(self, content: bytes) -> Any:
        """Turn bytes into the value."""
        return unpack(content)

    def compress(self, content: bytes) -> bytes:
        """Make bytes fewer; as it stands, they stay as they are."""
        return content

    def decompress(self, content: bytes) -> bytes:
        """Undo `compress`."""
        return content
