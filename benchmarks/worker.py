"""One side doing one job, in a process and an environment of its own.

``python worker.py SIDE JOB PLACE``. Each line on standard input is how many actions to time; each answer is a line of
JSON with their seconds, or, where the line is "profile", with who takes which share of the time. When the input ends,
it says how much memory it needed at most, and ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.place import Place  # noqa: E402

PROFILE = "profile\n"
"""Asks where the time goes, instead of how long it takes."""


def memory(which: str = "VmRSS") -> float:
    """MB that this process holds, by what Linux calls it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(which))) / 1024


def peak_memory() -> float:
    """MB that this process held at most."""
    try:
        return memory("VmHWM")
    except (OSError, StopIteration):
        import resource

        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    side, job, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    place = Place(**{**options, "folder": Path(options["folder"]), "shared": Path(options["shared"])})
    place.folder.mkdir(parents=True)
    os.chdir(place.folder)
    # A save records the repository of the program: here that would be the one of the benchmarks, whatever the job says.
    sys.modules["__main__"].__file__ = str(place.folder / "program.py")
    try:
        actions = getattr(import_module(f"benchmarks.sides.{side}"), job)(place)
        action = next(actions)
        print(json.dumps({"ready": True}), file=answers)
        for line in sys.stdin:
            if line == PROFILE:
                from benchmarks.profiling import profile

                print(json.dumps({"profile": profile(action, actions)}), file=answers)
                action = next(actions)
                continue
            seconds = []
            for _ in range(int(line)):
                start = time.perf_counter()
                action()
                seconds.append(time.perf_counter() - start)
                action = next(actions)
            print(json.dumps({"seconds": seconds}), file=answers)
        actions.close()
        print(json.dumps({"peak_mb": peak_memory(), "notes": place.notes}), file=answers)
    except BaseException as error:
        traceback.print_exc()
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}), file=answers)
        sys.exit(1)


if __name__ == "__main__":
    main()
