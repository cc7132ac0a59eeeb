"""Find passwords in commands that a text holds: in scripts, in what ``set -x`` prints, in ``subprocess.run([…])``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elliptio.masking import Later
from elliptio.provenance.secrets.commands import COMMANDS, command_named, split_secret
from elliptio.provenance.secrets.names import is_mixed

# Words of a shell; in code, each is a literal, with commas between.
_WORD = Later(
    r"\\\n[ +-]?|(?P<end>\n|;|\||&&)|\\{0,3}\"(?P<double>[^\"\n\\]{1,1000}+)\\{0,3}\"|'(?P<single>[^'\n]{1,1000}+)'"
    r"|(?P<bare>(?:[^\s\"',;|\[\](){}\\]|,(?!\s)){1,1000}+)|[^\n]"
)
# A longer name; a minus alone at the beginning of a line is that of a diff.
_BEFORE = Later(r"\w|(?<=[^\n])-", re.ASCII)
_AFTER = Later(r"(?:\.exe)?\\{0,3}[\"']?,?[ \t]", re.ASCII)
# What `-p` is the beginning of, rather than a password.
_WORDS_OF_P = frozenset(("ort", "assword", "rotocol", "ath", "refix"))


def secrets_in_command_lines(text: str) -> Iterator[tuple[int, int]]:
    """Find start and end of each password that a command takes without a name: ``curl -u andy:hunter2``."""
    done = 0
    for position, command in sorted(_commands(text)):
        if position >= done:
            found, done = _secrets_behind(text, position + len(command), command)
            yield from found


def _commands(text: str) -> Iterator[tuple[int, str]]:
    for command in COMMANDS:
        position = text.find(command)
        while position != -1:
            end = position + len(command)
            if _AFTER.match(text, end) and (position == 0 or not _BEFORE.match(text, position - 1)):
                yield position, command
            position = text.find(command, end)


def _secrets_behind(text: str, position: int, command: str) -> tuple[list[tuple[int, int]], int]:
    """Find the passwords up to the end of a command, and tell where that is."""
    spans: list[tuple[int, int]] = []
    end = _AFTER.match(text, position)
    position = end.end() - 1 if end else position
    before = argument = ""
    while (word := _WORD.match(text, position)) is not None and word["end"] is None:
        group = next((name for name in ("double", "single", "bare") if word[name] is not None), None)
        if group is not None:
            # `-p'hunter 2'` is one word.
            joined = argument if text[position - 1] not in " \t,\"'" and len(argument) <= 64 else ""
            before, argument = before if joined else argument, joined + word[group]
            found = split_secret(command, before, argument)
            if found is not None and _is_password(*found, group != "bare"):
                spans.append((word.start(group) + max(0, len(found[0]) - len(joined)), word.end(group)))
            command = command_named(argument, before, command) or command
        position = word.end()
    return spans, position


def _is_password(shown: str, password: str, quoted: bool) -> bool:
    """Tell whether it is a password, and not prose about the command."""
    if shown == "":
        return (quoted and " " not in password) or is_mixed(password, 4)
    if shown.startswith("-") and ":" not in shown:
        return password not in _WORDS_OF_P and len(password) > 1
    return True
