"""Find secrets among the arguments of a command: ``--password hunter2``, ``DB_PASS=hunter2``, ``-u andy:hunter2``."""

from __future__ import annotations

import re

from elliptio.provenance.secrets.commands import login_secret, split_secret
from elliptio.provenance.secrets.names import is_placeholder, is_secret_argument, is_secret_option

# Another option, rather than a secret that begins with a minus.
_FLAG = re.compile(r"--[A-Za-z]+(?:[_-][A-Za-z]+)*(?:=.*)?|-[A-Za-z]|-[a-z]+|--", re.DOTALL)


def secret_in_argument(argument: str, before: str, command: str | None) -> str | None:
    """Return the beginning of an argument that may be shown, if the rest of it is a secret; None if it holds none.

    Parameters
    ----------
    argument, before
        The argument, and the one before it.
    command
        The last command that was named before.
    """
    behind = split_secret(command, before, argument)
    if behind is not None:
        return behind[0]
    if before.startswith("-") and "=" not in before:
        if is_secret_option(before) and not _FLAG.fullmatch(argument):
            return ""
        if (login := login_secret(before, argument)) is not None:
            return login[0]
        if not _FLAG.fullmatch(argument) and is_secret_argument(before, argument):
            return ""
    name, equals, value = argument.partition("=")
    if not equals or "\n" in value or is_placeholder(value):
        return None
    if (login := login_secret(name, value)) is not None:
        return f"{name}={login[0]}"
    return f"{name}=" if is_secret_option(name) or is_secret_argument(name, value) else None
