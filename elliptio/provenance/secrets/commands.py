"""Find passwords that commands take behind a short option: ``curl -uandy:hunter2``, ``mysql -phunter2``."""

from __future__ import annotations

import re

from elliptio.provenance.secrets.assignments import is_placeholder

_PASSWORD_OPTIONS = {
    "-p": """
        mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mycli
        mariadb mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check
        mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop sshpass
    """,
    "-a": "redis-cli",
}
_PASSWORDS = {command: option for option, commands in _PASSWORD_OPTIONS.items() for command in commands.split()}
"""Options whose value is a password, by command. Elsewhere ``-p`` is a port, and ``-a`` anything."""
_IN_ONE_WORD_ONLY = ("mysql", "mariadb", "mycli")
"""Commands that ask for the password where it is not in the same word; what follows is the database then."""

_LOGINS = {"curl": ("-u", "-U"), "http": ("-a",), "https": ("-a",)}
"""Options whose value is a user and a password, by command."""

_OTHERS = frozenset(("ssh", "scp", "sftp", "rsync"))
"""Commands that others run, whose options are their own."""

_LOGIN = re.compile(r"(?![0-9]+:[0-9]+\Z)([^\s:/]*):(?!//)(\S+)")
# A user and a password behind ``-u`` of any program: the password has digits and letters, and no path.
_ANY_LOGIN = re.compile(r"-u([A-Za-z][\w.@+-]*):((?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[^\s:/]{8,})")
_OPTION_WORDS = frozenset(("ser", "sers", "sername", "rl", "ri", "pdate", "pload", "nit", "nits", "tf8", "id", "uid"))


def command_named(argument: str, before: str) -> str | None:
    """Return the command that a word of a command line is, of those known here; not where it is an option's value."""
    if before.startswith("-") and before != "--" and "=" not in before:
        return None
    name = re.split(r"[/\\]", argument[-128:])[-1].removesuffix(".exe")
    return name if name in _PASSWORDS or name in _LOGINS or name in _OTHERS else None


def split_secret(command: str | None, before: str, argument: str) -> tuple[str, str] | None:
    """Split an argument into what may be shown and the password behind it; None where it holds none.

    Parameters
    ----------
    command
        The last command that was named before.
    before, argument
        The argument, and the one before it.

    """
    found = _behind_password_option(command, before, argument) or _behind_login_option(command, argument)
    return None if found is None or is_placeholder(found[1]) else found


def _behind_password_option(command: str | None, before: str, argument: str) -> tuple[str, str] | None:
    option = _PASSWORDS.get(command or "")
    if option is None:
        return None
    if argument.startswith(option) and len(argument) > len(option):
        return option, argument[len(option) :]
    alone = before == option and not (command or "").startswith(_IN_ONE_WORD_ONLY)
    return ("", argument) if alone and not argument.startswith("-") else None


def _behind_login_option(command: str | None, argument: str) -> tuple[str, str] | None:
    for option in _LOGINS.get(command or "", ()):
        login = _LOGIN.fullmatch(argument.removeprefix(option)) if argument.startswith(option) else None
        if login is not None:
            return f"{option}{login[1]}:", login[2]
    login = _ANY_LOGIN.fullmatch(argument)
    if login is None or login[1] in _OPTION_WORDS:
        return None
    return f"-u{login[1]}:", login[2]
