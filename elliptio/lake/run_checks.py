"""Raise whatever shows that something is not what a file of a run should hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elliptio.lake import run_nodes

_TEXTS = ("run_id", "name", "root", "username", "hostname", "argv")


def check_begin(found: Mapping[str, Any]) -> None:
    """Check what a run says when it begins."""
    if not all(isinstance(found[field], str) for field in _TEXTS):
        raise TypeError(f"{', '.join(_TEXTS)} should be texts")
    if not all(isinstance(found[field], dict) for field in ("params", "labels", "process")):
        raise TypeError("params, labels and process should be objects")
    if not isinstance(found["parent"], str | None):
        raise TypeError("parent should be a text or null")
    environment = found.get("environment", {"_id": ""})
    if not isinstance(environment, dict) or not isinstance(environment.get("_id"), str):
        raise TypeError("environment should be an object with an _id")
    if not all(isinstance(identifier, str) for identifier in found.get("used", ())):
        raise TypeError("used should be texts")
    _check_time(found["creation_time"])
    if found.get("status", run_nodes.RECORDED) != run_nodes.RECORDED:
        raise ValueError(f"{found['status']!r} is no status of what begins")
    if "over" in found:
        check_end(found["over"], ("finished",))
    run_nodes.check(found)


def check_end(found: Mapping[str, Any], statuses: tuple[str, ...]) -> None:
    """Check what a run says when it ends, with one of these statuses."""
    _check_time(found["end_time"])
    if found["status"] not in statuses:
        raise ValueError(f"{found['status']!r} is no status of what ended")
    if not isinstance(found["error"], dict | None):
        raise TypeError("error should be an object or null")


def check_log(found: Mapping[str, Any]) -> None:
    """Check what a run says meanwhile."""
    _check_time(found["time"])
    if not all(isinstance(identifier, str) for identifier in found["used"]):
        raise TypeError("used should be texts")
    if not isinstance(found.get("params", {}), dict):
        raise TypeError("params should be an object")
    for remark in found.get("notes", ()):
        check_note(remark)
    for row in found["rows"]:
        _check_time(row["time"])
        "".join(row["values"]).encode()
        if not all(isinstance(value, float) or _is_whole(value) for value in row["values"].values()):
            raise TypeError("values should be numbers")
        if row["step"] is not None and not _is_whole(row["step"]):
            raise TypeError("step should be a whole number or null")
    if run_nodes.NODE in found:
        run_nodes.check_change(found[run_nodes.NODE])
    for step in found.get("steps", ()):
        if not all(isinstance(step[field], str) for field in ("run_id", "name", "status")):
            raise TypeError("run_id, name and status of a step should be texts")
        _check_time(step["creation_time"])
        _check_time(step["end_time"])


def check_text(found: Mapping[str, Any]) -> None:
    """Check a text that a run left."""
    if not isinstance(found["text"], str):
        raise TypeError("text should be a text")


def check_note(remark: Mapping[str, Any]) -> None:
    """Check a remark."""
    _check_time(remark["time"])
    if not isinstance(remark["text"], str) or not isinstance(remark["username"], str):
        raise TypeError("text and username of a note should be texts")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _check_time(value: Any) -> None:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no time")
