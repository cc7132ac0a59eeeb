"""Write a catalog from one of Kedro: types, paths, options, factories. Credentials are left out, and named."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elliptio.pipelines.errors import ProjectError
from elliptio.pipelines.project.yaml_files import Reader, YamlFile

TYPES = {
    "json.json": "json", "matplotlib.matplotlib": "figure", "matplotlib.matplotlibwriter": "figure",
    "openxml.docx": "binary", "pandas.csv": "csv", "pandas.excel": "excel", "pandas.feather": "feather",
    "pandas.parquet": "parquet", "pickle.pickle": "pickle", "pillow.image": "image", "polars.csv": "csv",
    "text.text": "text", "tracking.json": "json", "tracking.metrics": "json", "yaml.yaml": "yaml",
    "pandas.sqlquery": "sql", "pandas.sqltable": "sql",
}  # fmt: skip
"""Types of Kedro, without what they end with, and ours."""

_BY_FILE_FORMAT = ("pandas.generic", "polars.eagerpolars", "polars.lazypolars")
_FILE_FORMATS = {"csv": "csv", "parquet": "parquet", "feather": "feather", "ipc": "feather", "excel": "excel"}
_PARTITIONED = ("partitions.partitioned", "partitions.incremental", "partitioned", "incremental")
_MEMORY = ("memory", "io.memory", "cached", "io.cached")
_SILENT = {"type", "filepath", "load_args", "save_args", "metadata", "layer", "versioned", "credentials", "backend"}
"""Fields that are taken over, or that nobody needs: each save is a version."""

_NODES = ("node", "Node")
"""Functions of Kedro that take names of data sets."""

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./ -]*(?<! )")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"}


@dataclass
class Imported:
    """A catalog that was taken over.

    Attributes
    ----------
    text
        The catalog, as YAML.
    entries
        Names of its entries; those of factories as they are written.
    notes
        What was left out, or is to be looked at.

    """

    text: str = ""
    entries: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_catalog(path: Path) -> Imported:
    """Take over a catalog of Kedro, such as ``conf/base/catalog.yml``.

    Raises
    ------
    ProjectError
        If it cannot be read, or is no mapping from names to data sets.

    """
    path = path.absolute()
    file = Reader(path.parent, remember=False).read(path, is_template=False)
    if not isinstance(file.value, Mapping):
        raise ProjectError(f"{path}: a catalog of Kedro is a mapping from names to data sets.")
    return _Import(file, _project_of(path)).done()


class _Import:
    """Takes over one file."""

    def __init__(self, file: YamlFile, root: Path | None) -> None:
        self._file = file
        self._root = root
        self._variables = {str(name): one for name, one in file.value.items() if str(name).startswith("_")}
        self._settings: dict[str, None] = {}
        self._used: list[str] | None = None
        self.found = Imported()

    def done(self) -> Imported:
        blocks = []
        for name, value in self._file.value.items():
            if str(name).startswith("_"):
                continue
            if not isinstance(value, Mapping) or "type" not in value:
                self._note(str(name), "is no data set: left out")
                continue
            block = self._entry(str(name), self._filled(str(name), dict(value)))
            if block:
                self.found.entries.append(str(name))
                blocks.append(block)
        if self._settings:
            names = ", ".join(self._settings)
            self.found.notes.append(
                f"put into configuration/globals.yaml, with their values of Kedro's globals: {names}"
            )
        head = f"# Taken over from {self._file.path.name} of Kedro by `elliptio catalog import kedro`.\n"
        self.found.text = head + ("\n".join(blocks) if blocks else "[]\n")
        return self.found

    def _note(self, name: str, text: str) -> None:
        self.found.notes.append(f"{name}: {text}")

    # --- one data set ---

    def _entry(self, name: str, value: Mapping[str, Any]) -> str:
        """Write an entry; nothing where it cannot be one."""
        kind = _kind_of(value["type"])
        if kind in _MEMORY:
            self._note(name, "is only kept in memory: hint it as Volatile")
            return ""
        inner, path = value, value.get("filepath")
        if kind in _PARTITIONED:
            dataset = value.get("dataset", "pickle.PickleDataset")
            inner = dict(dataset) if isinstance(dataset, Mapping) else {"type": dataset}
            kind = _kind_of(inner.get("type", ""))
            suffix = str(value.get("filename_suffix") or "")
            path = f"{str(value.get('path', '')).rstrip('/')}/!{{partition}}{suffix}"
            self._note(name, "each file is a partition, by the key 'partition': Artifact gives a mapping of them")
        ours = _type_of(kind, inner)
        if ours is None:
            self._note(name, f"there is no type for {value['type']}: left out; write a class ArtifactInteractor for it")
            return ""
        self._credentials(name, {**inner, **value})
        extra = self._query(name, kind, value) if ours == "sql" else {} if path is None else {"path": path}
        left = [one for one in {**value, **inner} if one not in {*_SILENT, *_OWN.get(kind, ()), *_PARTITION_FIELDS}]
        if left:
            self._note(name, f"not taken over: {', '.join(left)}")
        load, save = dict(inner.get("load_args") or {}), dict(inner.get("save_args") or {})
        if kind.startswith("polars."):
            load["into"] = "polars"
        return self._written(name, ours, extra, load, save)

    def _credentials(self, name: str, value: Mapping[str, Any]) -> None:
        credentials = value.get("credentials")
        if credentials is not None:
            which = f"the credentials {credentials!r}" if isinstance(credentials, str) else "its credentials"
            self._note(name, f"{which} are left out: passwords belong into configuration/locals.yaml")

    def _query(self, name: str, kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
        credentials = value.get("credentials")
        setting = re.sub(r"\W", "_", credentials) if isinstance(credentials, str) else "database"
        self._note(name, f"its connection string is the setting {setting!r}: put it into configuration/locals.yaml")
        if kind == "pandas.sqltable":
            query = f"SELECT * FROM {value.get('table_name', name)}"
            self._note(name, "a table of a database is only loaded here")
        else:
            query = str(value.get("sql", f"-- the text of {value.get('filepath')}"))
        # In a query of ours, ! before { or ! stands for something.
        query = query.replace("!!", "!!!!").replace("!{", "!!{")
        return {"connection_string": f"{{{{ {setting} }}}}", "query": query}

    # --- variables and factories ---

    def _filled(self, name: str, value: Any) -> Any:
        """Fill variables of the file, and make settings of global ones."""
        if isinstance(value, Mapping):
            return {key: self._filled(name, one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(name, one) for one in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = _VARIABLE.fullmatch(value)
        if whole and whole[1].partition(".")[0] in self._variables:
            return self._filled(name, self._variable(whole[1]))
        return _VARIABLE.sub(lambda mark: self._text_of(name, mark[1]), value)

    def _text_of(self, name: str, mark: str) -> str:
        if mark.partition(".")[0] in self._variables:
            return str(self._filled(name, self._variable(mark)))
        resolver, separator, rest = mark.partition(":")
        setting = (rest if separator else resolver).partition(",")[0].strip()
        if separator and resolver != "globals":
            self._note(name, f"${{{mark}}} became the setting {setting!r}")
        self._settings.setdefault(setting)
        return f"{{{{ {setting} }}}}"

    def _variable(self, mark: str) -> Any:
        found: Any = self._variables
        for part in mark.split("."):
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        return found

    def _written(self, name: str, kind: str, extra: Any, load: Any, save: Any) -> str:
        """Write an entry, a factory as a loop over the names that it is used with."""
        fields = _FIELD.findall(_without_settings(name))
        if not fields:
            return _yaml(name, kind, extra, load, save)
        values = self._values(name, fields, extra.get("path"))
        if not values:
            self._note(name, "a factory of which no use was found: write the names into its list")
        looped = {one: f"{{{{ {one} }}}}" for one in fields}

        def marked(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {key: marked(one) for key, one in value.items()}
            if not isinstance(value, str):
                return value
            return re.sub(r"(?<![!{])\{(\w+)\}(?!\})", lambda mark: looped.get(mark[1], mark[0]), value)

        one = fields[0] if len(fields) == 1 else ", ".join(fields)
        names = [each[0] for each in values] if len(fields) == 1 else [list(each) for each in values]
        block = _yaml(marked(name), kind, marked(extra), marked(load), marked(save))
        return f"{{% for {one} in {json.dumps(names, ensure_ascii=False)} %}}\n{block}{{% endfor %}}\n"

    def _values(self, name: str, fields: Sequence[str], path: str | None) -> list[tuple[str, ...]]:
        """Find what a factory is used with: in the nodes of the project, and by files that are there."""
        found: dict[tuple[str, ...], None] = {}
        if _FIELD.sub("", name).strip():  # one of fields alone fits all
            pattern = _pattern(name)
            known = {str(other) for other in self._file.value}
            for used in self._names_used():
                match = pattern.fullmatch(used)
                if match and used not in known:
                    found[tuple(match[one] for one in fields)] = None
        if self._root is not None and path and "://" not in path and set(_FIELD.findall(path)) == set(fields):
            pattern = _pattern(path)
            for file in sorted(self._root.glob(_FIELD.sub("*", path))):
                match = pattern.fullmatch(file.relative_to(self._root).as_posix())
                if match:
                    found[tuple(match[one] for one in fields)] = None
        return sorted(found)

    def _names_used(self) -> list[str]:
        if self._used is None:
            self._used = [] if self._root is None else list(dict.fromkeys(_names_of_nodes(self._root / "src")))
        return self._used


_OWN = {
    "pandas.sqlquery": ("sql", "filepath"),
    "pandas.sqltable": ("table_name",),
    **dict.fromkeys(_BY_FILE_FORMAT, ("file_format",)),
}
_PARTITION_FIELDS = ("path", "dataset", "filename_suffix")


def _kind_of(value: Any) -> str:
    """Name a type of Kedro without what all have: ``kedro_datasets.pandas.CSVDataset`` is ``pandas.csv``."""
    kind = re.sub(r"^(kedro_datasets|kedro\.extras\.datasets|kedro\.io)\.", "", str(value), flags=re.IGNORECASE)
    return re.sub(r"dataset$", "", kind.lower())


def _type_of(kind: str, value: Mapping[str, Any]) -> str | None:
    if kind in _BY_FILE_FORMAT:
        return _FILE_FORMATS.get(str(value.get("file_format", "")).lower())
    if kind == "pickle.pickle" and value.get("backend") == "joblib":
        return "joblib"
    return TYPES.get(kind)


def _without_settings(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", text)


def _pattern(text: str) -> re.Pattern[str]:
    """Make a regular expression of a factory; a field that comes again has to be the same."""
    parts, seen, end = [], set(), 0
    for mark in _FIELD.finditer(text):
        parts.append(re.escape(text[end : mark.start()]))
        parts.append(f"(?P={mark[1]})" if mark[1] in seen else f"(?P<{mark[1]}>[^/]+?)")
        seen.add(mark[1])
        end = mark.end()
    return re.compile("".join([*parts, re.escape(text[end:])]))


def _project_of(path: Path) -> Path | None:
    """Find the project of Kedro that a catalog lies in: `conf` is a folder of it."""
    return next((folder.parent for folder in path.parents if folder.name == "conf"), None)


def _names_of_nodes(folder: Path) -> Iterator[str]:
    """Yield the texts in calls of ``node(…)`` and ``Node(…)``: names of data sets are among them."""
    for file in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", getattr(call.func, "attr", "")) not in _NODES:
                continue
            for part in ast.walk(call):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def _yaml(name: str, kind: str, extra: Any, load: Any, save: Any) -> str:
    lines = [f"- name: {_scalar(name)}", f"  type: {kind}"]
    for title, values in (("extra", extra), ("load_options", load), ("save_options", save)):
        if values:
            lines.append(f"  {title}:")
            lines += [f"    {_scalar(key)}: {_scalar(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    """Write a value on one line; JSON is YAML."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not value.startswith("."):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
