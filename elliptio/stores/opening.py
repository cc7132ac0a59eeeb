"""Choose the store of a lake by the scheme of its root.

Importing this package loads no SDK; `open_store` imports what the chosen scheme needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from elliptio.errors import ConfigError, MissingExtraError
from elliptio.masking import hide_login
from elliptio.protocols import Store

__all__ = ["SCHEMES", "Scheme", "open_store"]


class Scheme(NamedTuple):
    """Describe how to get a store: what makes it of a root, which packages it needs and the extra that installs them.

    Examples
    --------
    >>> SCHEMES["s3"].modules
    ('boto3', 'obstore')
    """

    make: Callable[..., Store]
    modules: tuple[str, ...] = ()
    extra: str = ""


def _local(root: str, **options: Any) -> Store:
    from elliptio.stores.local.store import LocalStore

    if os.path.isfile(os.path.expanduser(root)):
        raise ConfigError(f"the root {root!r} is a file: give a folder, which need not be there yet")
    try:
        return LocalStore(root, **options)
    except FileNotFoundError:
        raise ConfigError(f"the folder {root!r} lies in the working directory, which was removed") from None


def _s3(root: str, **options: Any) -> Store:
    from elliptio.stores.s3.store import S3Store

    return S3Store(root, **options)


# Each is made by its name, so that mypy sees what it lacks of a `Store`.
SCHEMES = {"file": Scheme(_local), "s3": Scheme(_s3, ("boto3", "obstore"), "s3")}
"""Stores by the scheme of their roots."""

# A single letter before the colon is not a scheme: "c://data" is somebody's folder.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_ONE_SLASH = re.compile(r"(s3[an]?|gc?s|az|abfss?|https?|mongodb|sqlite|file):/(?!/)", re.IGNORECASE)


def open_store(root: str | Path | Store, **options: Any) -> Store:
    """Make the store that a root describes. Touches no network, and looks of a folder whether it is a file, no more.

    Parameters
    ----------
    root
        A folder, a ``file://`` URL, ``s3://bucket/prefix``, or a store, which is returned as it is.
    options
        Passed on to the class of the store, for example ``endpoint_url`` for S3 or ``durable`` for a folder.

    Raises
    ------
    ConfigError
        If nothing is known by this scheme, or the URL or a file cannot be a root.
    MissingExtraError
        If a package that the scheme needs is not installed.
    """
    if not isinstance(root, (str, os.PathLike)):
        if options:
            raise ConfigError(f"options {sorted(options)} cannot be applied to a store that exists already")
        return root
    address = os.fspath(root)
    name = _scheme_of(address)
    scheme = SCHEMES[name]
    address = _folder_of(address) if name == "file" else name + address[len(name) :]
    _require(scheme)
    return scheme.make(address, **options)


def _scheme_of(address: str) -> str:
    """Return the scheme of a root, or refuse what is none."""
    if not address or address.isspace():
        raise ConfigError("the root is empty: give a folder or a URL such as s3://bucket/prefix")
    if "\0" in address:
        raise ConfigError(f"the root {address!r} holds a NUL, which no path can")
    match = _URL.match(address)
    if match is None:
        if _ONE_SLASH.match(address):
            shown = hide_login(address)
            raise ConfigError(f"{shown!r} looks like a URL with one slash too few; if it is a folder: ./{shown}")
        if os.path.expanduser(address).startswith("~"):
            raise ConfigError(
                f"{address!r} is nowhere, as there is no such home folder; if it is a folder: ./{address}"
            )
        if address[0] in "\"'$":
            raise ConfigError(f"{address!r} was meant to become something else; if it is a folder: ./{address}")
        return "file"
    name = match[1].lower()
    if "@" in urlsplit(address).netloc:
        # Without the address: it would carry the password into logs.
        raise ConfigError(
            f"a {name}:// root must not contain a user or password: "
            "roots are recorded with artifacts. Use the environment or a profile instead."
        )
    if name not in SCHEMES:
        known = ", ".join(f"{each}://" for each in sorted(SCHEMES))
        raise ConfigError(
            f"no store is known for {name}:// (root {hide_login(address)!r}): use a folder or one of {known}"
        )
    return name


def _folder_of(address: str) -> str:
    """Return the folder that a path or a file:// URL means."""
    if _URL.match(address) is None:
        return address
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path or parts.query or parts.fragment:
        raise ConfigError(
            f"{hide_login(address)!r} is not a folder on this machine: write file:///absolute/path, or just the path"
        )
    return unquote(parts.path)


def _require(scheme: Scheme) -> None:
    """Import the packages that a scheme needs, or say which extra installs them."""
    for module in scheme.modules:
        try:
            import_module(module)
        except ImportError as error:
            name = scheme.extra
            raise MissingExtraError(
                f"{name}:// roots need {' and '.join(scheme.modules)}: pip install 'elliptio[{name}]' ({error})"
            ) from error
