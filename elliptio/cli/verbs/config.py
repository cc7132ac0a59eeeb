"""``elliptio config``: each setting, its value and where that came from."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, opened_at, settings

if TYPE_CHECKING:
    from elliptio.config import Setting
    from elliptio.errors import ConfigError


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    add_verb(verbs, "config", "show each setting, its value and where that came from", run)


def run(args: argparse.Namespace) -> int:
    """Print the settings, passwords masked."""
    from elliptio.config import DEFINITIONS, variable

    problems: list[ConfigError] = []
    found = settings(args, problems)
    resolved = _resolved(args, found)
    files, flows = _files(), _flows(problems)
    for problem in problems:
        output.notice("error", str(problem), as_json=args.json, type=type(problem).__name__)
    if args.json:
        values = {
            name: {
                "value": resolved.get(name, _masked(setting)),
                "origin": setting.origin,
                "variable": variable(name),
                "meaning": DEFINITIONS[name].meaning,
            }
            for name, setting in found.items()
        }
        flows_shown = {name: {"value": value, "origin": origin} for name, (value, origin) in flows.items()}
        output.print_json({"settings": values, "flows": flows_shown, "files": files})
        return 1 if problems else 0
    rows = [(name, resolved.get(name) or setting.shown or "-", setting.origin) for name, setting in found.items()]
    rows += [
        (f"flows: {name}", "-" if value is None else str(value), origin) for name, (value, origin) in flows.items()
    ]
    print("\n".join(output.table(("SETTING", "VALUE", "ORIGIN"), rows, width=10_000)))
    none = "none (looked for elliptio.toml and pyproject.toml with [tool.elliptio], from here upwards)"
    print(f"\nproject file  {files['project'] or none}")
    print(f"user file     {files['user']}{'' if files['user_exists'] else ' (not there)'}")
    print("variables     ELLIPTIO_ROOT, ELLIPTIO_INDEX, ...: ELLIPTIO_ and the name of a setting")
    return 1 if problems else 0


def _masked(setting: Setting) -> Any:
    return setting.shown if isinstance(setting.value, str) else setting.value


def _resolved(args: argparse.Namespace, found: Mapping[str, Setting]) -> dict[str, str]:
    """Resolve the settings that are not set: where the lake, its index and the user's data are."""
    from elliptio.config import lake_root, user_cache_folder, user_data_folder
    from elliptio.errors import ElliptioError

    resolved = {"user_dir": str(user_data_folder(found)), "cache_dir": str(user_cache_folder(found))}
    try:
        resolved["root"] = lake_root(found)
        with opened_at(args, args.root) as h:
            resolved |= {"root": h.store.root, "index": h.index.address}
    except ElliptioError:  # `elliptio doctor` says what is wrong with it
        pass
    return resolved


def _flows(problems: list[ConfigError]) -> dict[str, tuple[Any, str]]:
    """Tell the settings of flows, the secret not shown; they need no package."""
    from elliptio.errors import ConfigError
    from elliptio.flows.settings import shown

    try:
        return shown()
    except ConfigError as problem:
        problems.append(problem)
        return {}


def _files() -> dict[str, Any]:
    from elliptio.config import settings_files, user_config_file
    from elliptio.errors import ConfigError

    user = user_config_file()
    try:
        project = settings_files()
    except ConfigError:  # said already
        project = []
    return {"project": project[0] if project else None, "user": str(user), "user_exists": user.is_file()}
