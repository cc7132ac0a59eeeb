"""Resolve settings, and tell where each came from: argument > ``ELLIPTIO_*`` variable > project > user file > default.

The project file is ``elliptio.toml`` or ``[tool.elliptio]`` in ``pyproject.toml``, looked for from the working
directory upwards. Credentials are no settings: they come from AWS's and MongoDB's own chains.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from elliptio.errors import ConfigError
from elliptio.masking import Later, hide_login, hide_password

log = logging.getLogger(__name__)

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_UNEXPANDED = re.compile(r"\$\{?[A-Za-z_]")
_OURS = Later(r"""tool["']?\s*\.\s*["']?elliptio\b|^\s*["']?elliptio["']?\s*[=.]""", re.MULTILINE)
"""Signs that a ``pyproject.toml`` which cannot be parsed has settings of elliptio."""

_FILE_OF_INDEX = "sqlite:///"

LAYERS = frozenset({"pipelines"})
"""Tables in ``[tool.elliptio]`` that are no settings of the lake."""

Parser = Callable[[Any], Any]
Sources = list[tuple[str, Mapping[str, Any]]]


class Setting(NamedTuple):
    """The value of a setting and, for people, where that came from."""

    name: str
    value: Any
    origin: str

    @property
    def shown(self) -> str:
        """The value as it may be shown: without a password."""
        return "" if self.value is None else hide_login(str(self.value))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    return value.strip()


def _place(value: Any) -> str:
    """Read a folder or a URL; what a shell should have made something else of is none."""
    text = _text(value)
    if text[0] in "\"'" or text[-1] in "\"'":
        raise ValueError("must be without the quotes around it, which a shell or a file of variables kept")
    if _UNEXPANDED.search(re.sub(r"(?<=://)[^/@]*@", "", text)):
        raise ValueError("must have its variables written out, as nobody expands them here")
    if not text.isprintable():
        raise ValueError("must be of characters that can be seen: a line break or a byte order mark is among them")
    return text


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"1", "true", "yes", "on"}:
        return True
    if isinstance(value, str) and value.strip().lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be true or false")


def _one_of(*choices: str) -> Parser:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return parse


def _size(value: Any) -> str:
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _SIZE.fullmatch(text):
        raise ValueError("must be a size such as 10GB or 500MB, or 0")
    return text


class Definition(NamedTuple):
    """Meaning of a setting, the reading of its value, and its default."""

    meaning: str
    parse: Parser
    default: Any = None


DEFINITIONS: dict[str, Definition] = {
    "root": Definition("Where files lie: a folder or s3://bucket/prefix.", _place),
    "index": Definition(
        "Where documents lie: mongodb://host/db, or sqlite:///path (default: inside the lake).", _place
    ),
    "local_root": Definition("Root for Handler(remote_file_cls=eio.LocalFile).", _place),
    "s3_bucket_name": Definition("Bucket for Handler(remote_file_cls=eio.S3File).", _place),
    "s3_addressing": Definition("How bucket names go into S3 URLs.", _one_of("auto", "path", "virtual"), "auto"),
    "s3_object_lock": Definition("Protects files on S3 from deletion, such as governance:30d.", _text),
    "durability": Definition(
        "'full' flushes to disk before a save returns; 'fast' leaves that to the system.",
        _one_of("full", "fast"),
        "full",
    ),
    "progress": Definition("Progress bars on long transfers, where there is a terminal or notebook.", _flag, True),
    "git_diff": Definition(
        "Which uncommitted changes are recorded: 'all', 'tracked' (new files are only named) or 'none' (nor cells).",
        _one_of("all", "tracked", "none"),
        "all",
    ),
    "user_dir": Definition("Folder of the user's default lake and of indexes of S3 lakes.", _place),
    "cache_dir": Definition("Folder of the cache, which keeps copies of files from S3.", _place),
    "cache_size": Definition("Bytes that the cache may take, such as 10GB; 0 for no cache.", _size, "10GB"),
}

_OTHER_VARIABLES = Later(
    r"ELLIPTIO_(?:CONFIG_FILE|FLOWS_\w+|RUN_(?:ID|LAKE|BASED_ON)|REPRODUCES|TORTURE|BIND|BUCKET|USERNAME|PASSWORD|READER_\w+|MONGO_\w+"
    r"|REDIS_\w+|S3_PORT|S3_READER_\w+|UI_TOKEN)"
)
"""Variables that are no settings: others read them, such as ``docker-compose.yml``."""

_warned: set[str] = set()


class NoHomeError(ConfigError):
    """Nobody knows the user's home folder, and something would have to lie in it."""


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    user_file: Path | None = None,
    problems: list[ConfigError] | None = None,
) -> dict[str, Setting]:
    """Resolve every setting.

    Parameters
    ----------
    arguments
        Given in code; None values count as not given.
    environ, directory, user_file
        Instead of the process's environment, its working directory and the user's file; for tests.
    problems
        Collects errors that would be raised; what they concern is left out.

    Raises
    ------
    ConfigError
        If a file cannot be read, or a setting is unknown or malformed; the message says where.

    """
    environ = os.environ if environ is None else environ
    _warn_of_unknown(environ)
    sources = [
        ("argument", {name: value for name, value in (arguments or {}).items() if value is not None}),
        ("", {name: environ[variable(name)] for name in DEFINITIONS if environ.get(variable(name))}),
        *_or_problem(lambda: _project_settings(directory), problems),
        *_or_problem(lambda: _user_settings(user_file, environ), problems),
    ]
    return {name: _resolve(name, definition, sources, problems) for name, definition in DEFINITIONS.items()}


def _or_problem(read: Callable[[], Sources], problems: list[ConfigError] | None) -> Sources:
    try:
        return read()
    except ConfigError as error:
        if problems is None:
            raise
        problems.append(error)
        return []


def _warn_of_unknown(environ: Mapping[str, str]) -> None:
    """Log, once a process, each variable that looks like one of elliptio's and is none."""
    known = {variable(name) for name in DEFINITIONS}
    for name in environ:
        if not name.startswith("ELLIPTIO_") or name in known or name in _warned or _OTHER_VARIABLES.fullmatch(name):
            continue
        import difflib

        _warned.add(name)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ". `elliptio config` lists the settings."
        log.warning("The variable %s is no setting of elliptio, so it is ignored%s", name, hint)


def _resolve(name: str, definition: Definition, sources: Sources, problems: list[ConfigError] | None) -> Setting:
    for origin, values in sources:
        if name in values:
            shown_origin = origin or variable(name)
            try:
                return Setting(name, definition.parse(values[name]), shown_origin)
            except ValueError as error:
                shown = hide_login(repr(values[name]))
                problem = ConfigError(f"The setting {name!r} from {shown_origin} {error}, not {shown}.")
                if problems is None:
                    raise problem from None
                problems.append(problem)
    return Setting(name, definition.default, "default")


def project_file_of(setting: Setting) -> str | None:
    """Name the project's file that a setting comes from; None if it comes from the user, or nobody set it."""
    own = {"argument", "default", variable(setting.name), str(user_config_file())}
    return None if setting.origin in own else setting.origin


def at_its_file(setting: Setting, folder: Path) -> Setting:
    """Place a relative lake or SQLite file, which the ``pyproject.toml`` around a folder names, beside that file."""
    file = next((one for one in (folder, *folder.parents) if setting.origin == str(one / "pyproject.toml")), None)
    value = setting.value or ""
    scheme = _FILE_OF_INDEX if value.startswith(_FILE_OF_INDEX) else ""
    path = value.removeprefix(scheme)
    if file is None or not path or "://" in path or path.startswith("~"):
        return setting
    return setting._replace(value=f"{scheme}{file / path}")


def variable(name: str) -> str:
    """Name the environment variable of a setting: ``root`` is ``ELLIPTIO_ROOT``."""
    return f"ELLIPTIO_{name.upper()}"


def user_config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Locate the user's settings (``ELLIPTIO_CONFIG_FILE`` names another file)."""
    named = (os.environ if environ is None else environ).get("ELLIPTIO_CONFIG_FILE")
    if named:
        return Path(os.path.expanduser(named))
    return Path(_folder_for("config"), "elliptio.toml")


def user_data_folder(settings: Mapping[str, Setting]) -> Path:
    """Locate the folder of the user's default lake and of the indexes of S3 lakes."""
    chosen = settings["user_dir"].value
    if chosen:
        return _at_home(chosen, "user_dir")
    return _at_home(_folder_for("data"), "root")


def lake_root(settings: Mapping[str, Setting]) -> str:
    """Find the root of the lake by the setting `root`, else in the user's data folder."""
    return str(settings["root"].value or user_data_folder(settings) / "lake")


def user_cache_folder(settings: Mapping[str, Setting]) -> Path:
    """Locate the folder in which copies of files from remote stores are kept."""
    chosen = settings["cache_dir"].value
    if chosen:
        return _at_home(chosen, "cache_dir").absolute()
    return _at_home(_folder_for("cache"), "cache_dir")


def _folder_for(kind: str) -> str:
    """Locate the system's folder for a user's files of some kind; it begins with ``~`` where nobody knows the home."""
    import platformdirs

    find = {
        "config": platformdirs.user_config_dir,
        "data": platformdirs.user_data_dir,
        "cache": platformdirs.user_cache_dir,
    }
    try:
        return find[kind]("elliptio", appauthor=False)
    except RuntimeError:
        return f"~/{kind}"


def _at_home(path: str | Path, name: str) -> Path:
    """Expand ``~``; where nobody knows the user's home, a folder called ``~`` would be made in its place."""
    found = Path(os.path.expanduser(path))
    if str(found).startswith("~"):
        raise NoHomeError(f"{found} is nowhere, as this user has no home folder: set {variable(name)}, or HOME.")
    return found


def size_in_bytes(text: str) -> int:
    """Convert a size such as ``10GB`` or ``512 MiB`` to bytes: units are of 1000, those with an i of 1024."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size: give one such as 10GB")
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** " KMGT".index(found[2].upper() or " "))


def _user_settings(user_file: Path | None, environ: Mapping[str, str]) -> Sources:
    path = user_file or user_config_file(environ)
    if str(path).startswith("~"):  # nobody knows the user's home
        return []
    if environ.get("ELLIPTIO_CONFIG_FILE") and user_file is None:
        # Who names a file means it to be read, and would not notice a lake of the default settings.
        try:
            path.open().close()
        except OSError as error:
            raise ConfigError(
                f"The settings file {path}, which ELLIPTIO_CONFIG_FILE names, cannot be read: "
                f"{error.strerror or error}. Correct or unset the variable."
            ) from error
    return _file_settings(path, ())


def settings_files(directory: Path | None = None) -> list[str]:
    """List the project files that settings are read from, nearest first."""
    return [origin for origin, _ in _project_settings(directory)]


def _project_settings(directory: Path | None) -> Sources:
    try:
        start = Path.cwd() if directory is None else directory
    except FileNotFoundError:  # the working directory was removed
        return []
    for folder in (start, *start.parents):
        found = [
            *_file_settings(folder / "elliptio.toml", ()),
            *_file_settings(folder / "pyproject.toml", ("tool", "elliptio")),
        ]
        if found:
            return found
    return []


def _file_settings(path: Path, table: tuple[str, ...]) -> Sources:
    try:
        # An editor on Windows may have put a byte order mark in front.
        text = path.read_text(encoding="utf-8-sig")
        # Parsing every pyproject.toml on the way up costs more than looking for the word.
        if table and "elliptio" not in text:
            return []
        values: Any = tomllib.loads(text)
        for key in table:
            values = values.get(key, {}) if isinstance(values, dict) else {}
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if _says_nothing(path, table, error):
            return []
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            f"The settings file {path} cannot be read: {reason}. Mend it first: "
            "without it, files would go to another lake."
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path} has tool.elliptio = {hide_password(repr(values))}: make it a table, [tool.elliptio]."
        )
    if table:
        values = {name: value for name, value in values.items() if not _is_layer(name, value)}
    if not values:
        return []
    unknown = sorted(set(values) - set(DEFINITIONS))
    if unknown:
        raise ConfigError(
            f"{path} has the unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(DEFINITIONS))}."
        )
    return [(str(path), values)]


def _is_layer(name: str, value: Any) -> bool:
    """Tell whether a table in ``[tool.elliptio]`` belongs to a layer above, which reads it itself."""
    return name in LAYERS and isinstance(value, dict)


def _says_nothing(path: Path, table: tuple[str, ...], error: Exception) -> bool:
    """Tell whether a file that cannot be read is none, or certainly has no settings of elliptio."""
    if isinstance(error, OSError):
        try:
            return not path.is_file()
        except PermissionError:  # nor may this user look into its folder
            return True
    # A pyproject.toml that others find broken is not ours to refuse, unless it speaks of elliptio.
    with contextlib.suppress(OSError):
        text = path.read_bytes().replace(b"\0", b"").decode("utf-8", "replace")
        return bool(table) and _OURS.search(text) is None
    return False
