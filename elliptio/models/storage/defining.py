"""Define what a storage is, and hold those that users register."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar, TypeVar

from elliptio.models.serializer.registered import Registered
from elliptio.models.storage.calling import in_thread, run_sync

Location = Any
"""Place of bytes in a storage: a text, or other plain JSON."""

STORAGES: Registered[Storage] = Registered("storage")
"""Those that users registered."""


class Storage:
    """Keep the bytes of fields somewhere else than in the lake.

    A subclass says how, with methods that are async or not; one instance of it is registered, and named in the hint of
    a field: ``Annotated[Report, report_serializer, my_storage]``.

    Attributes
    ----------
    name
        By which it is found when a field is read: one for ever.
    shares
        Whether equal bytes may get one location, so that only what nothing else refers to may be deleted.

    Examples
    --------
    >>> from elliptio.models.storage import Storage
    >>> class Shelf(Storage):
    ...     name = "wooden-shelf"
    ...     def __init__(self):
    ...         self.books = {}
    ...     async def create(self, data):
    ...         location = str(len(self.books))
    ...         self.books[location] = data
    ...         return location
    ...     async def read(self, location):
    ...         return self.books[location]
    ...     async def update(self, location, data):
    ...         self.books[location] = data
    ...     async def delete(self, location):
    ...         self.books.pop(location, None)
    ...     async def exists(self, location):
    ...         return location in self.books
    >>> shelf = Shelf().register()

    """

    name: str
    shares: bool = False

    def create(self, data: bytes, /) -> Awaitable[Location] | Location:
        """Keep bytes, durably, and return where they lie."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to create.")

    def read(self, location: Location, /) -> Awaitable[bytes] | bytes:
        """Return the bytes of a location."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to read.")

    def update(self, location: Location, data: bytes, /) -> Awaitable[None] | None:
        """Put other bytes at a location."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to update.")

    def delete(self, location: Location, /) -> Awaitable[None] | None:
        """Remove a location. Idempotent."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to delete.")

    def exists(self, location: Location, /) -> Awaitable[bool] | bool:
        """Tell whether there are bytes at a location."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how to look.")

    def spec(self) -> Mapping[str, Any] | None:
        """Return the JSON that one like this is made from again, without a secret; None: it has to be registered."""
        return None

    def register(self: S) -> S:
        """Make it known by its name, and return it.

        One of the same class may be registered again: the newest holds.

        Raises
        ------
        DuplicateModelError
            If another storage has its name; a ValueError.
        UnfitValueError
            If it has no name.

        """
        STORAGES.add(self, getattr(self, "name", None))
        return self


S = TypeVar("S", bound=Storage)


class BlockingStorage(Storage):
    """A storage whose methods are async, as those of users are, and each of which has a twin that blocks.

    A subclass has the twins.
    """

    kind: ClassVar[str]
    """Word for it in its spec."""

    async def create(self, data: bytes, /) -> Location:
        """Keep bytes, durably, and return where they lie."""
        return await in_thread(self.create_now, data)

    async def read(self, location: Location, /) -> bytes:
        """Return the bytes of a location.

        Raises
        ------
        MissingKeyError
            If there are none.

        """
        return await in_thread(self.read_now, location)

    async def update(self, location: Location, data: bytes, /) -> None:
        """Put other bytes at a location.

        Raises
        ------
        MissingKeyError
            If there are none.

        """
        await in_thread(self.update_now, location, data)

    async def delete(self, location: Location, /) -> None:
        """Remove a location. Idempotent."""
        await in_thread(self.delete_now, location)

    async def exists(self, location: Location, /) -> bool:
        """Tell whether there are bytes at a location."""
        return await in_thread(self.exists_now, location)

    def create_now(self, data: bytes) -> Location:
        """Create, and block meanwhile."""
        raise NotImplementedError

    def read_now(self, location: Location) -> bytes:
        """Read, and block meanwhile."""
        raise NotImplementedError

    def update_now(self, location: Location, data: bytes) -> None:
        """Update, and block meanwhile."""
        raise NotImplementedError

    def delete_now(self, location: Location) -> None:
        """Delete, and block meanwhile."""
        raise NotImplementedError

    def exists_now(self, location: Location) -> bool:
        """Look, and block meanwhile."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BlockingStorage):
            return NotImplemented
        return (self.name, self.spec()) == (other.name, other.spec())

    def __hash__(self) -> int:
        return hash(self.name)


def do(storage: Storage, what: str, *arguments: Any) -> Any:
    """Call a method of a storage, whether it is async or not."""
    if getattr(type(storage), what) is getattr(BlockingStorage, what, None):
        return getattr(storage, f"{what}_now")(*arguments)
    return run_sync(getattr(storage, what)(*arguments))
