"""Names: identifiers, places, relative paths."""

from __future__ import annotations

import hashlib
import threading
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elliptio import naming
from elliptio.errors import SourceError


def test_identifiers_are_version_7_uuids_and_carry_their_moment() -> None:
    before = datetime.now(tz=UTC)
    identifier, moment = naming.new_id("artifact")
    kind, _, text = identifier.partition("_")
    parsed = uuid.UUID(text)
    assert kind == "artifact"
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(moment.timestamp() * 1000 + 0.5)
    assert before.timestamp() - 0.001 <= moment.timestamp() <= datetime.now(tz=UTC).timestamp()


def test_identifiers_increase_strictly_also_within_a_millisecond_and_between_threads() -> None:
    made: list[str] = []

    def make() -> None:
        mine = [naming.new_id("x")[0] for _ in range(3000)]
        assert mine == sorted(mine)
        made.extend(mine)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 12_000


def test_identifiers_increase_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = naming.new_id("x")
    monkeypatch.setattr(naming.time, "time_ns", lambda: 0)
    assert naming.new_id("x")[0] > first


@pytest.mark.parametrize(
    ("username", "folder"),
    [
        ("andy", "andy"),
        ("andy.b-c_d@e", "andy.b-c_d@e"),
        ("DOMAIN/andy", "DOMAIN%2Fandy"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("ä", "%C3%A4"),
        ("  ", "unknown"),
    ],
)
def test_an_artifact_lies_by_date_and_user(username: str, folder: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert naming.remote_root("artifact_x", moment, username) == f"2026/01/02/{folder}/030405_artifact_x"


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(), st.sampled_from([hashlib.sha256(b"%d" % n).hexdigest() for n in range(3)]))))
def test_a_fingerprint_does_not_depend_on_order_and_tells_lists_apart(files: list[tuple[str, str]]) -> None:
    files = [(name, sha256) for name, sha256 in files if name.isprintable()]
    assert naming.fingerprint(files) == naming.fingerprint(files[::-1])
    assert naming.fingerprint(files) != naming.fingerprint([*files, ("x", "0" * 64)])


def test_a_fingerprint_depends_on_which_name_has_which_content() -> None:
    a, b = "a" * 64, "b" * 64
    assert naming.fingerprint([("x", a), ("y", b)]) != naming.fingerprint([("x", b), ("y", a)])


@given(st.text(max_size=300))
def test_a_checked_name_is_one_that_stays_below_its_folder(name: str) -> None:
    try:
        checked = naming.check_relpath(name)
    except SourceError:
        return
    assert checked == name
    parts = name.split("/")
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)
    assert "\0" not in name


@pytest.mark.parametrize("name", ["a", "ä/ö ü", "-rf", "a.b/c", "%2e%2e", "x" * 255, "...", "con", "a\\b", "名前.txt"])
def test_ordinary_and_odd_names_are_fine(name: str) -> None:
    assert naming.check_relpath(name) == name
