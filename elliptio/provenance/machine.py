"""Describe the machine, the interpreter and the job: everything about the environment that no call can change.

All of it is read once per process. Nothing here may differ between two calls in one process (no load, no free memory),
because an environment is stored once per distinct content.
"""

from __future__ import annotations

import copy
import functools
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

_log = logging.getLogger(__name__)

_NVIDIA_SMI_TIMEOUT = 5.0
_SYSCTL_TIMEOUT = 2.0

_SCHEDULERS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "slurm",
        "SLURM_JOB_ID",
        {
            "job_id": "SLURM_JOB_ID",
            "job_name": "SLURM_JOB_NAME",
            "array_job_id": "SLURM_ARRAY_JOB_ID",
            "array_task_id": "SLURM_ARRAY_TASK_ID",
            "partition": "SLURM_JOB_PARTITION",
            "cluster": "SLURM_CLUSTER_NAME",
        },
    ),
    ("lsf", "LSB_JOBID", {"job_id": "LSB_JOBID", "job_name": "LSB_JOBNAME", "queue": "LSB_QUEUE"}),
    ("pbs", "PBS_JOBID", {"job_id": "PBS_JOBID", "job_name": "PBS_JOBNAME", "queue": "PBS_QUEUE"}),
    (
        "sge",
        "SGE_TASK_ID",
        {"job_id": "JOB_ID", "job_name": "JOB_NAME", "array_task_id": "SGE_TASK_ID", "queue": "QUEUE"},
    ),
    ("kubernetes", "KUBERNETES_SERVICE_HOST", {"pod": "HOSTNAME", "namespace": "POD_NAMESPACE"}),
)


def environment_facts() -> dict[str, Any]:
    """Return what is known about interpreter, machine, container and scheduler.

    Returns
    -------
    dict[str, Any]
        The keys ``python``, ``platform``, ``cpu``, ``memory``, ``gpus``, ``container`` and ``scheduler``. A fact that
        could not be found is None or missing. Equal for every call in a process.
    """
    return copy.deepcopy(_facts())


def environment_id(document: Mapping[str, Any]) -> str:
    """Return the id of an environment: a hash of its content, without the key ``_id``."""
    import hashlib
    import json

    content = {key: value for key, value in document.items() if key != "_id"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "environment_" + hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


@functools.cache
def _facts() -> dict[str, Any]:
    return {
        "python": _try(_python),
        "platform": _try(_platform),
        "cpu": _try(_cpu),
        "memory": _try(_memory),
        "gpus": _try(_gpus) or [],
        "container": _try(_container),
        "scheduler": _try(_scheduler),
    }


def _try(probe: Callable[[], Any]) -> Any:
    try:
        return probe()
    except Exception:
        _log.debug("%s found nothing", probe.__name__, exc_info=True)
        return None


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None and value != ""}


def _python() -> dict[str, Any]:
    import platform

    return {"version": platform.python_version(), "implementation": platform.python_implementation()}


def _platform() -> dict[str, Any]:
    import platform

    return _known(
        {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "libc": " ".join(_try(platform.libc_ver) or ()).strip(),
            "distribution": _try(lambda: platform.freedesktop_os_release()["PRETTY_NAME"]),
        }
    )


def _cpu() -> dict[str, Any]:
    model, physical = _try(_cpuinfo) or (None, None)
    if sys.platform == "darwin":
        model = _try(lambda: _run(["sysctl", "-n", "machdep.cpu.brand_string"], _SYSCTL_TIMEOUT).strip())
    return _known({"model": model, "count": _cpu_count(), "physical": physical, "limit": _try(_cpu_limit)})


def _cpu_count() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpuinfo() -> tuple[str | None, int | None]:
    """Return model and number of physical cores, as Linux tells them."""
    models: list[str] = []
    cores: set[tuple[str, str]] = set()
    processor: dict[str, str] = {}
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, colon, value = line.partition(":")
            if colon:
                processor[key.strip()] = value.strip()
                continue
            if "model name" in processor:
                models.append(processor["model name"])
            if "core id" in processor:
                cores.add((processor.get("physical id", ""), processor["core id"]))
            processor = {}
    return (models[0] if models else None), (len(cores) or None)


def _cpu_limit() -> float | None:
    """Return how many CPUs the control group allows, if it is fewer than there are."""
    limits: list[float] = []
    for quota, period in [line.split()[:2] for line in _cgroup("cpu", "cpu.max")]:
        if quota != "max":
            limits.append(int(quota) / int(period))
    quotas, periods = _cgroup("cpu", "cpu.cfs_quota_us"), _cgroup("cpu", "cpu.cfs_period_us")
    limits += [int(quota) / int(period) for quota, period in zip(quotas, periods, strict=False) if int(quota) > 0]
    count = _cpu_count()
    lowest = min(limits, default=None)
    return lowest if lowest is not None and (count is None or lowest < count) else None


def _memory() -> dict[str, Any]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [*_cgroup("memory", "memory.max"), *_cgroup("memory", "memory.limit_in_bytes")]
    limit = min((int(value) for value in limits if value.isdigit()), default=total)
    return _known({"total_bytes": total, "limit_bytes": limit if limit < total else None})


def _cgroup(controller: str, file_name: str) -> list[str]:
    """Return the values of one control group file, from this process's group up to the root (both versions)."""
    values: list[str] = []
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = f"/sys/fs/cgroup/{controllers}" if controllers else "/sys/fs/cgroup"
        parts = [part for part in group.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            try:
                with open("/".join([root, *parts[:depth], file_name]), encoding="utf-8") as value:
                    values.append(value.read().strip())
            except OSError:
                continue
    return values


def _run(command: list[str], timeout: float) -> str:
    import subprocess

    finished = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=True, encoding="utf-8"
    )
    return finished.stdout


def _gpus() -> list[dict[str, Any]]:
    import shutil

    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    import csv

    query = "--query-gpu=name,memory.total,driver_version"
    output = _run([program, query, "--format=csv,noheader,nounits"], _NVIDIA_SMI_TIMEOUT)
    gpus = []
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        if len(row) == 3:
            name, memory, driver = (value.strip() for value in row)
            size = int(memory) * 1024**2 if memory.isdigit() else None
            gpus.append(
                _known({"name": name, "memory_bytes": size, "driver": None if driver.startswith("[") else driver})
            )
    return gpus


def _container() -> str | None:
    """Return what kind of container this process runs in, the outermost manager first."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    for variable, kind in (("APPTAINER_CONTAINER", "apptainer"), ("SINGULARITY_CONTAINER", "singularity")):
        if os.environ.get(variable):
            return kind
    for path, kind in (("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if os.path.exists(path):
            return kind
    named = os.environ.get("container", "")  # noqa: SIM112  systemd-nspawn, lxc and others set it in lower case
    if named:
        return named
    try:
        with open("/proc/1/cgroup", encoding="utf-8") as file:
            groups = file.read()
    except OSError:
        return None
    markers = {"kubepods": "kubernetes", "docker": "docker", "libpod": "podman", "lxc": "lxc"}
    return next((kind for marker, kind in markers.items() if f"/{marker}" in groups), None)


def _scheduler() -> dict[str, str] | None:
    for kind, marker, variables in _SCHEDULERS:
        if os.environ.get(marker):
            facts = {key: os.environ.get(variable) for key, variable in variables.items()}
            return {"kind": kind, **{key: value for key, value in facts.items() if value and value != "undefined"}}
    return None
