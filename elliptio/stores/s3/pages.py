"""Notice a listing that has no end."""

from __future__ import annotations

from elliptio.errors import StoreError

MOST_EMPTY = 1000
"""Pages without a key that may follow each other, as where many objects were deleted."""


class Pages:
    """Look at the pages of a listing as they come: each begins with another key, and has another token.

    Parameters
    ----------
    root
        What is listed, for the message of an error.

    Examples
    --------
    >>> pages = Pages("s3://bucket")
    >>> pages.check("a", "token")
    >>> pages.check("b", "token")
    Traceback (most recent call last):
    elliptio.errors.StoreError: cannot list s3://bucket: the server never comes to an end, after 2 pages it is at ...
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen = 0
        self._empty = 0
        self._tokens: set[str] = set()
        self._firsts: set[str] = set()

    def check(self, first: str | None, token: str) -> None:
        """Look at a page that is not the last one: what it begins with, None if it is empty, and the token of the next.

        Raises
        ------
        StoreError
            If the server goes in a circle.
        """
        self._seen += 1
        self._empty = 0 if first is not None else self._empty + 1
        if token in self._tokens or first in self._firsts or self._empty > MOST_EMPTY:
            raise StoreError(
                f"cannot list {self._root}: the server never comes to an end, after {self._seen:,} pages it is at "
                f"{first!r}. Tell who runs it."
            )
        self._tokens.add(token)
        if first is not None:
            self._firsts.add(first)
