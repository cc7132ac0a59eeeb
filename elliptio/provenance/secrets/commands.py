"""Find passwords that commands take behind a short option: ``curl -uandy:hunter2``, ``mysql -phunter2``."""

from __future__ import annotations

import re

from elliptio.masking import Later
from elliptio.provenance.secrets.names import is_placeholder

_PASSWORD_OPTIONS = {
    "-p": """
        mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mycli
        mariadb mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check
        mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop sshpass
    """,
    "-a": "redis-cli",
    "-P": "sqlcmd bcp unzip zip",
    "-w": "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd",
}
_LOGIN_COMMANDS = ["docker", "podman", "nerdctl", "helm", "skopeo", "buildah", "oras", "crane", "az", "oc", "twine"]
"""Commands with a verb for logging in, whose ``-p`` is a password; elsewhere it is a port or anything."""
_PASSWORDS = {
    **{command: option for option, commands in _PASSWORD_OPTIONS.items() for command in commands.split()},
    **dict.fromkeys((f"{command} login" for command in _LOGIN_COMMANDS), "-p"),
    "twine upload": "-p",
}
"""Options whose value is a password, by command. Elsewhere ``-p`` is a port, and ``-a`` anything."""
_IN_ONE_WORD_ONLY = ("mysql", "mariadb", "mycli")
"""Commands that ask for the password where it is not in the same word; what follows is the database then."""

_LOGINS = {"curl": ("-u", "-U", "--user", "--proxy-user"), "http": ("-a", "--auth"), "https": ("-a", "--auth")}
"""Options whose value is a user and a password, by command."""
_USERS = frozenset(("-u", "--user", "--auth", "--basic-auth", "--http-auth", "--proxy-user", "--userpwd"))
"""The same of all commands; two numbers are the ids of a user and a group."""
_SEPARATED = {"lftp": ("-u", ","), "smbclient": ("-U", "%")}
"""Options whose value is a user and a password, with another separator."""

_OTHERS = frozenset(("ssh", "scp", "sftp", "rsync"))
"""Commands that others run, whose options are their own."""

COMMANDS = frozenset(name for name in (*_PASSWORDS, *_LOGINS, *_SEPARATED, *_LOGIN_COMMANDS) if " " not in name)
"""Commands whose arguments may be secrets that have no name."""

# A user and a password; two numbers are the ids of a user and a group.
_PLAIN_LOGIN = Later(r"(?![0-9]+:[0-9]+\Z)([^\s:/]*):(?!/)(\S+)")
_LOGIN = Later(r"(?![0-9]+:[0-9]+\Z)([^\s:/]*):(?!//)(\S+)")
# A user and a password behind ``-u`` of any program: the password has digits and letters, and no path.
_ANY_LOGIN = Later(r"-u([A-Za-z][\w.@+-]*):((?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[^\s:/]{8,})")
_OPTION_WORDS = frozenset(("ser", "sers", "sername", "rl", "ri", "pdate", "pload", "nit", "nits", "tf8", "id", "uid"))


def command_named(argument: str, before: str, command: str | None) -> str | None:
    """Return the command that a word of a command line is, of those known here; not where it is an option's value.

    Parameters
    ----------
    argument, before
        The word, and the one before it.
    command
        The last command that was named before: ``login`` is a command behind ``docker``.
    """
    if argument in ("login", "upload") and f"{command} {argument}" in _PASSWORDS:
        return f"{command} {argument}"
    if before.startswith("-") and before != "--" and "=" not in before:
        return None
    name = re.split(r"[/\\]", argument[-128:])[-1].removesuffix(".exe")
    return name if name in COMMANDS or name in _OTHERS else None


def login_secret(option: str, value: str) -> tuple[str, str] | None:
    """Split ``user:password`` behind an option that takes both in any command; None where it is none."""
    login = _PLAIN_LOGIN.fullmatch(value) if option in _USERS else None
    return None if login is None or is_placeholder(login[2]) else (f"{login[1]}:", login[2])


def split_secret(command: str | None, before: str, argument: str) -> tuple[str, str] | None:
    """Split an argument into what may be shown and the password behind it; None where it holds none.

    Parameters
    ----------
    command
        The last command that was named before.
    before, argument
        The argument, and the one before it.

    """
    found = _behind_password_option(command, before, argument) or _behind_login_option(command, before, argument)
    return None if found is None or is_placeholder(found[1]) else found


def _behind_password_option(command: str | None, before: str, argument: str) -> tuple[str, str] | None:
    option = _PASSWORDS.get(command or "")
    if option is None:
        return None
    if argument.startswith(option) and len(argument) > len(option):
        return option, argument[len(option) :]
    alone = before == option and not (command or "").startswith(_IN_ONE_WORD_ONLY)
    return ("", argument) if alone and not argument.startswith("-") else None


def _behind_login_option(command: str | None, before: str, argument: str) -> tuple[str, str] | None:
    if command in _SEPARATED:
        option, separator = _SEPARATED[command]
        user, found, password = argument.partition(separator)
        return (f"{user}{separator}", password) if found and (before == option or user.startswith(option)) else None
    for option in _LOGINS.get(command or "", ()):
        start = option if argument.startswith(option) else ""
        login = _LOGIN.fullmatch(argument.removeprefix(start)) if start or before == option else None
        if login is not None:
            return f"{start}{login[1]}:", login[2]
    login = _ANY_LOGIN.fullmatch(argument)
    if login is None or login[1] in _OPTION_WORDS:
        return None
    return f"-u{login[1]}:", login[2]
