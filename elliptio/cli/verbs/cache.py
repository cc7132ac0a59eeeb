"""``elliptio cache``: copies of remote files on this machine."""

from __future__ import annotations

import argparse

from elliptio.cli import output
from elliptio.cli.options import Verb, add_verb, settings


def add_parser(verbs: Verb) -> None:
    """Add the verb."""
    parser = add_verb(verbs, "cache", "show how much the cache of files from S3 holds, or empty it", run)
    parser.add_argument("--clear", action="store_true", help="remove all copies; they are fetched again when needed")


def run(args: argparse.Namespace) -> int:
    """Print where it is and what it holds; empty it if asked to."""
    from elliptio.artifacts.display import human_size
    from elliptio.surroundings import cache_of
    from elliptio.system.os_errors import explained

    cache = cache_of(settings(args))
    with explained("look into", str(cache.folder)):
        removed, freed = cache.clear() if args.clear else (0, 0)
        entries = cache.entries()
    taken = sum(entry.size for entry in entries)
    if args.json:
        document = {"folder": str(cache.folder), "files": len(entries), "size": taken, "cap": cache.cap}
        output.print_json(document | ({"removed": removed, "freed": freed} if args.clear else {}))
        return 0
    if args.clear:
        print(f"{removed:,} {'file' if removed == 1 else 'files'} removed ({human_size(freed)})")
    print(f"folder  {cache.folder}")
    print(f"files   {len(entries):,}")
    print(f"size    {human_size(taken)} of at most {human_size(cache.cap)}{'' if cache.cap else ' (switched off)'}")
    return 0
