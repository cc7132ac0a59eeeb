"""Hold a store to what it says of keys: which there are, and that a file is found by its own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest

from elliptio.errors import MissingKeyError, StoreError
from elliptio.protocols import Store
from elliptio.testing.store_promises.files import content, keys, published
from elliptio.testing.store_promises.suite import StoreSuite

AWKWARD_NAMES = (
    "two words.txt",
    " leading and trailing ",
    "ünïcödé-日本語-🎈.txt",
    "a+b",
    "100%",
    "a%20b",
    "a#b",
    "what?",
    "-rf",
    "--",
    "~",
    "~user",
    ".hidden",
    "..two dots",
    "three...",
    "a&b=c;d,e",
    "a:b",
    "a@b",
    "a*b[c]{d}",
    "'single' \"double\" `back`",
    "$HOME",
    "<tag>|pipe^",
    "CON",
    "n" * 200,
    "deep/er/and/deep er/file",
)
"""Names of files that are allowed, and that some system somewhere takes for something else."""


class KeySuite(StoreSuite):
    """Hold a store to what it says of keys: which there are, and that a file is found by its own."""

    @pytest.mark.parametrize("name", AWKWARD_NAMES)
    def test_awkward_names_survive(self, store: Store, name: str) -> None:
        published(store, "a", {name: b"data"})
        key = f"a/{name}"
        assert keys(store) == {key}
        assert content(store, key) == b"data"
        assert store.stat(key) is not None
        store.remove(key)
        assert keys(store) == set()

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b"])
    def test_what_is_no_key_is_refused(self, store: Store, key: str) -> None:
        staging = store.begin("fine")
        try:
            refused: list[Callable[[], object]] = [
                lambda: staging.put(key, io.BytesIO(b"x")),
                lambda: store.begin(key),
                lambda: store.open(key),
                lambda: store.stat(key),
                lambda: store.create(key, b"x"),
                lambda: store.remove(key),
            ]
            for attempt in refused:
                with pytest.raises(StoreError):
                    attempt()
        finally:
            staging.discard()
        assert keys(store) == set()

    def test_a_folder_holds_each_file_at_its_key(self, store: Store) -> None:
        if store.folder is None:
            return
        published(store, "a", {"deep/x": b"some bytes"})
        path = os.path.join(store.folder, "a/deep/x")
        assert os.path.isabs(path)
        with open(path, "rb") as file:
            assert file.read() == b"some bytes"

    def test_a_missing_key_is_its_own_error(self, store: Store) -> None:
        published(store, "a", {"x": b"x"})
        for key in ("b", "a/y", "a/x/y", "a"):
            with pytest.raises(MissingKeyError, match=key) as caught:
                store.open(key)
            assert store.root in str(caught.value)
            assert isinstance(caught.value, FileNotFoundError)
            assert store.stat(key) is None
