"""Read YAML files of a project, one or a folder of them: templates filled, places known, results remembered.

What was read once is kept as JSON in the project's own folder, under the sha256 of the text and of the settings that
its template may use: reading 10,000 entries again takes a tenth of the time, and needs neither Jinja2 nor PyYAML.
"""

from __future__ import annotations

import codecs
import functools
import os
import re
import stat
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elliptio.errors import MissingExtraError
from elliptio.pipelines.errors import ProjectError, ProjectNotFoundError
from elliptio.pipelines.project.names import meant
from elliptio.pipelines.project.settings import Settings, hide, secrets_of

LARGEST = 64 * 2**20
"""Bytes that a file may have: what is longer was not written as YAML of a project."""
_SUFFIXES = frozenset((".yaml", ".yml"))
_SECRET = re.compile(
    r"(?im)connection_?string|://[^\s/]*:[^\s/]*@"
    r"|[\w-]*(?:key|secret|passw|passphrase|pwd|token|credential)[\w-]*['\"]?\s*:"
)
"""Mark of a file with a password in it: it is read anew each time, so that nothing holds a copy."""


@dataclass(frozen=True)
class YamlFile:
    """A file that was read: its value, and where things stand in it."""

    path: Path
    shown: str
    """The path as messages show it: from the project's root."""
    value: Any
    lines: tuple[int, ...]
    """Lines of the items of a list, or of the keys of a mapping, at the top."""
    _text: str = field(repr=False)
    _settings: Mapping[str, Any] | None = field(repr=False)
    """None if the text is no template."""

    @property
    def places(self) -> list[str]:
        """Places of the items of a list, or of the keys of a mapping, at the top; they cost nothing."""
        return [f"{self.shown}:{line}" for line in self.lines]

    def where(self, *way: Hashable) -> str:
        """Say where a way of keys and positions leads to: ``catalog/raw.yml:12``.

        >>> file.where(3, "extra", "path")  # doctest: +SKIP
        'catalog/raw.yml:12'
        """
        if len(way) == 1 and isinstance(self.value, dict) and way[0] in self._tops:
            return self._tops[way[0]]
        return self.wheres([way])[0]

    @functools.cached_property
    def _tops(self) -> dict[Hashable, str]:
        """Places of the keys at the top."""
        return dict(zip(self.value, self.places, strict=False))

    def wheres(self, ways: Sequence[Sequence[Hashable]]) -> list[str]:
        """Say where each of many ways leads to; the file is looked through once."""
        from elliptio.pipelines.project import templates, yaml_text

        rendered = self._text
        if self._settings is not None:
            rendered = templates.render(self._text, self._settings, self.shown)
        found = [line or 0 for line in yaml_text.lines(rendered, ways)]
        if self._settings is not None:
            found = templates.lines_in_template(self._text, self._settings, rendered, found)
        return [f"{self.shown}:{line}" if line else self.shown for line in found]


class Reader:
    """Reads the YAML files of one project.

    Parameters
    ----------
    root
        The project's root; messages show paths from there, and what was read is remembered there.
    settings
        What templates are filled with.
    remember
        Whether to keep what was read for the next process.

    """

    def __init__(self, root: Path, settings: Mapping[str, Any] | None = None, *, remember: bool = True) -> None:
        self.root, self.remember = root, remember
        self.settings = settings if isinstance(settings, Settings) else Settings(settings)

    def shown(self, path: Path) -> str:
        """Say a path as people know it: from the root, with slashes."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    def read_all(self, place: Path) -> Iterator[YamlFile]:
        """Read a file, or all of a folder and the folders in it, in order of their names."""
        for path in yaml_files(place, self.shown(place)):
            yield self.read(path)

    def read(self, path: Path, *, is_template: bool = True) -> YamlFile:
        """Read one file.

        Raises
        ------
        ProjectError
            If it cannot be read, or is no YAML; the message has file and line.
        TemplateError
            If it is a template that cannot be filled.

        """
        from elliptio.pipelines.project import templates

        shown = self.shown(path)
        content = _content(path, shown)
        text = _decoded(content, shown)
        settings = self.settings if is_template and templates.is_template(text) else None
        kept = None
        if self.remember and _SECRET.search(text) is None:
            from elliptio.pipelines.project.kept import Kept

            kept = Kept(self.root, shown, text, settings)
        found = kept.load() if kept else None
        if found is None:
            found, rendered = self._parsed(text, settings, shown)
            if kept and not (settings is not None and _may_show_secret(text, rendered, settings)):
                kept.store(found)
        value, lines = found
        return YamlFile(path, shown, value, tuple(lines), text, settings)

    def _parsed(self, text: str, settings: Mapping[str, Any] | None, shown: str) -> tuple[tuple[Any, list[int]], str]:
        from elliptio.pipelines.project import templates, yaml_text

        rendered = text if settings is None else templates.render(text, settings, shown)
        try:
            value, lines = yaml_text.parse(rendered)
            if settings is not None:
                lines = templates.lines_in_template(text, settings, rendered, lines)
            return (value, lines), rendered
        except ImportError as error:
            raise MissingExtraError(
                "YAML files need PyYAML: install it with `pip install 'elliptio[pipelines]'`."
            ) from error
        except yaml_text.YamlError as error:
            found, said = [error.line or 0, error.first or 0], error.problem
        # Raised out here: what the first error says may show a password.
        if settings is not None:
            found = templates.lines_in_template(text, settings, rendered, found)
            said = hide(f"{said} (once its template is filled)", settings)
        line, first = found
        place = f"{shown}:{line}" if line else shown
        before = f" The other is {shown}:{first}." if first else ""
        raise ProjectError(f"{place}: this is no YAML that can be used: {said}.{before}")


def yaml_files(place: Path, shown: str | None = None) -> list[Path]:
    """List a file itself, or the YAML files of a folder and all below it; hidden ones are left out.

    Raises
    ------
    ProjectNotFoundError
        If there is no such file or folder.

    """
    if not place.is_dir():
        if os.path.lexists(place):
            return [place]
        beside = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
        raise ProjectNotFoundError(f"There is no file or folder {shown or place}; {meant(place.name, beside)}")
    found: list[Path] = []
    _collect(place, found, set())
    return found


def _collect(folder: Path, found: list[Path], seen: set[tuple[int, int]]) -> None:
    """Collect the files below a folder; one that a link leads back to is not gone through again."""
    about = folder.stat()
    if (about.st_dev, about.st_ino) in seen:
        return
    seen.add((about.st_dev, about.st_ino))
    try:
        inside = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        raise ProjectError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    for each in inside:
        if each.name.startswith(".") or each.name == "__pycache__":
            continue
        if _is_folder(each):
            _collect(Path(each.path), found, seen)
        elif os.path.splitext(each.name)[1].lower() in _SUFFIXES:
            found.append(Path(each.path))


def _is_folder(each: os.DirEntry[str]) -> bool:
    try:
        return each.is_dir()
    except OSError:  # a link to itself
        return False


def _content(path: Path, shown: str) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ProjectError(f"{shown} is no regular file, so it is not read.")
        if about.st_size > LARGEST:
            raise ProjectError(
                f"{shown} has {about.st_size:,} bytes, more than the {LARGEST:,} that a file of a project may have: "
                "keep data elsewhere, or make several files of it."
            )
        return path.read_bytes()
    except OSError as error:
        if isinstance(error, ProjectError):
            raise
        kind = ProjectNotFoundError if isinstance(error, FileNotFoundError) else ProjectError
        target = f" (a link to {os.readlink(path)})" if path.is_symlink() else ""
        raise kind(f"{shown}{target} cannot be read: {error.strerror or error}.") from error


def _decoded(content: bytes, shown: str) -> str:
    """Decode UTF-8, or what a byte order mark of Windows says; line breaks become those of Unix."""
    is_of_windows = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_of_windows else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProjectError(f"{shown}:{line}: this is not UTF-8: save the file in that encoding.") from None
    return text.replace("\r\n", "\n") if "\r\n" in text else text


def _may_show_secret(text: str, rendered: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a filled template may have a credential of the settings, which is written nowhere else."""
    folded = text.casefold()
    return any(secret in rendered or name.casefold() in folded for secret, name in secrets_of(settings).items())
