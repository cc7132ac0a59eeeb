"""Times every job, elliptio side by side with its floors and its peers: make bench [ARGS="--quick | --jobs s3"].

Ratios of one run mean something; figures of different runs or machines do not.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.environments import CACHE, REQUIREMENTS, machine, versions
from benchmarks.jobs import jobs
from benchmarks.model import SCALES, Job, Side
from benchmarks.place import remove
from benchmarks.running import run

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    arguments = parsed()
    scale = next((name for name in ("tiny", "quick", "large") if getattr(arguments, name)), "default")
    peers = scale not in ("tiny", "quick") if arguments.peers is None else arguments.peers
    output = arguments.output or (CACHE / f"{scale}.json" if scale in ("tiny", "quick") else RESULTS / f"{scale}.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="elliptio-bench-"))
    (folder / "shared").mkdir()
    try:
        for job in jobs(SCALES[scale]):
            sides = [side for side in job.sides if peers or side.module not in REQUIREMENTS]
            if not re.search(arguments.jobs, job.name) or (arguments.no_s3 and job.needs == "s3"):
                continue
            print(f"{job.title} ({time.monotonic() - start:.0f} s)", flush=True)
            found = run(job, sides, folder, folder / "shared")
            show(found)
            write(output, scale, job, sides, found)
    finally:
        remove(folder)
    print(f"{time.monotonic() - start:.0f} s; written to {output}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--tiny", action="store_true", help="only whether everything runs: seconds, no peers")
    sizes.add_argument("--quick", action="store_true", help="small sizes, no peers: two minutes")
    sizes.add_argument("--large", action="store_true", help="1,000,000 documents, 100,000 files, 2 GiB: over an hour")
    parser.add_argument("--jobs", default="", metavar="REGEX", help="only those whose name matches")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, help="or only elliptio and its floors")
    parser.add_argument("--no-s3", action="store_true", help="no job that needs an S3 server")
    parser.add_argument("--output", type=Path, help="where the figures go; those of other jobs there are kept")
    return parser.parse_args()


def show(found: dict[str, Any]) -> None:
    for side in found["sides"]:
        if "seconds" in side:
            print(
                f"  {side['name']:34} {side['seconds'] * 1e3:12,.2f} ms  {side['peak_mb']:6} MB {side.get('notes', '')}"
            )
    for bar in found["bars"]:
        verdict = "met" if bar["share"] <= 1 else "MISSED"
        print(f"  {verdict:6} {bar['text']}: takes {bar['share']:.2f} of it", flush=True)


def write(output: Path, scale: str, job: Job, sides: list[Side], found: dict[str, Any]) -> None:
    """Add what was found, with what it was found on: a later run of one job replaces that job only."""
    results = json.loads(output.read_text()) if output.exists() else {"scale": scale, "jobs": []}
    entry = {**found, "machine": machine(), "versions": versions({side.module for side in sides})}
    known = {existing["name"]: existing for existing in results["jobs"]} | {job.name: entry}
    order = [each.name for each in jobs(SCALES[scale])]
    results["jobs"] = [known[name] for name in order if name in known]
    output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
