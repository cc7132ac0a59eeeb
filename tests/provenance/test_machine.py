import json
import os
import subprocess
import sys
import time

import pytest

from elliptio.provenance import machine
from elliptio.provenance.machine import environment_facts, environment_id

VARIABLES = [
    *(
        "KUBERNETES_SERVICE_HOST",
        "HOSTNAME",
        "POD_NAMESPACE",
        "APPTAINER_CONTAINER",
        "SINGULARITY_CONTAINER",
        "container",
    ),
    *("SLURM_JOB_ID", "SLURM_JOB_NAME", "PBS_JOBID", "LSB_JOBID", "SGE_TASK_ID", "JOB_ID"),
]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    machine._facts.cache_clear()
    yield
    machine._facts.cache_clear()


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program called nvidia-smi first on PATH."""

    def install(script):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return install


def test_has_the_basics():
    facts = environment_facts()
    assert list(facts) == ["python", "platform", "cpu", "memory", "gpus", "container", "scheduler"]
    assert facts["python"]["version"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert facts["python"]["implementation"] == "CPython"
    assert facts["platform"]["system"]
    assert facts["cpu"]["count"] >= 1
    assert facts["memory"]["total_bytes"] > 2**20
    json.dumps(facts)


def test_is_the_same_in_every_call(monkeypatch):
    first = environment_facts()
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    time.sleep(0.01)
    assert environment_facts() == first


def test_returns_a_new_document():
    environment_facts()["python"].clear()
    assert environment_facts()["python"]


def test_asks_once(monkeypatch):
    environment_facts()
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr("builtins.open", None)
    environment_facts()


def test_lists_gpus(nvidia_smi):
    nvidia_smi('echo "$@" >&2; echo "NVIDIA A100-SXM4-80GB, 81920, 535.104.05"; echo "Tesla T4, [N/A], [N/A]"')
    assert environment_facts()["gpus"] == [
        {"name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 81920 * 2**20, "driver": "535.104.05"},
        {"name": "Tesla T4"},
    ]


@pytest.mark.parametrize(
    "script", ["exit 9", "echo 'No devices were found'; exit 6", "echo garbage", "sleep 60", "kill -9 $$"]
)
def test_no_gpus_if_nvidia_smi_fails(nvidia_smi, monkeypatch, script):
    monkeypatch.setattr(machine, "_NVIDIA_SMI_TIMEOUT", 0.2)
    nvidia_smi(script)
    assert environment_facts()["gpus"] == []


def test_no_process_without_nvidia_smi(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", None)
    assert environment_facts()["gpus"] == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7"}, {"kind": "slurm", "job_id": "7"}),
        (
            {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "6", "SLURM_ARRAY_TASK_ID": "1", "SLURM_JOB_NAME": "fit"},
            {"kind": "slurm", "job_id": "7", "job_name": "fit", "array_job_id": "6", "array_task_id": "1"},
        ),
        ({"PBS_JOBID": "7.head"}, {"kind": "pbs", "job_id": "7.head"}),
        ({"LSB_JOBID": "7"}, {"kind": "lsf", "job_id": "7"}),
        ({"SGE_TASK_ID": "undefined", "JOB_ID": "7"}, {"kind": "sge", "job_id": "7"}),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "fit-x"}, {"kind": "kubernetes", "pod": "fit-x"}),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "SLURM_JOB_ID": "7"}, {"kind": "slurm", "job_id": "7"}),
        ({"JOB_ID": "7"}, None),
    ],
)
def test_knows_the_scheduler(monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_facts()["scheduler"] == expected


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("KUBERNETES_SERVICE_HOST", "kubernetes"),
        ("APPTAINER_CONTAINER", "apptainer"),
        ("SINGULARITY_CONTAINER", "singularity"),
    ],
)
def test_knows_the_container(monkeypatch, variable, expected):
    monkeypatch.setenv(variable, "x")
    assert environment_facts()["container"] == expected


@pytest.mark.parametrize(("path", "expected"), [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")])
def test_knows_the_container_by_its_mark(monkeypatch, path, expected):
    monkeypatch.setattr(os.path, "exists", lambda candidate: candidate == path)
    assert machine._container() == expected


def test_tells_a_memory_limit(monkeypatch):
    monkeypatch.setattr(machine, "_cgroup", lambda _, name: ["max", "1073741824"] if name == "memory.max" else [])
    assert machine._memory()["limit_bytes"] == 2**30
    monkeypatch.setattr(machine, "_cgroup", lambda _, name: ["9223372036854771712"])
    assert "limit_bytes" not in machine._memory()


def test_tells_a_cpu_limit(monkeypatch):
    monkeypatch.setattr(machine, "_cpu_count", lambda: 8)
    monkeypatch.setattr(
        machine, "_cgroup", lambda _, name: ["150000 100000", "max 100000"] if name == "cpu.max" else []
    )
    assert machine._cpu_limit() == 1.5
    monkeypatch.setattr(machine, "_cgroup", lambda _, name: ["max 100000"] if name == "cpu.max" else [])
    assert machine._cpu_limit() is None


@pytest.mark.parametrize("probe", ["_python", "_platform", "_cpu", "_memory", "_gpus", "_container", "_scheduler"])
def test_survives_a_probe_that_fails(monkeypatch, probe):
    def fail():
        raise RuntimeError

    monkeypatch.setattr(machine, probe, fail)
    fail.__name__ = probe
    assert environment_facts()[probe[1:]] in (None, [])


def test_id_is_of_the_content():
    one = environment_id({"b": 1, "a": {"d": "ü", "c": None}})
    assert one == environment_id({"a": {"c": None, "d": "ü"}, "b": 1, "_id": "environment_x"})
    assert one != environment_id({"b": 2, "a": {"d": "ü", "c": None}})
    prefix, _, digits = one.partition("_")
    assert prefix == "environment"
    assert len(digits) == 32
    assert int(digits, 16)
