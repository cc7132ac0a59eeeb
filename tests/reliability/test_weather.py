"""S3 in bad weather: a proxy that breaks things between elliptio and a real server."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.errors import ConfigError, IntegrityError, StoreError
from elliptio.stores.s3 import clients as s3_clients
from elliptio.stores.s3 import failures as s3_failures
from elliptio.stores.s3 import movers as s3_movers
from elliptio.stores.s3 import writers as s3_writers
from elliptio.stores.s3.store import S3Store
from elliptio.testing import S3Server
from elliptio.testing.stores import MIB, content, keys, noise, published
from elliptio.testing.weather import Fault, Weather, answer, corrupt, cut, delay, trickle

LARGE = 40 * MIB
ROUNDS = 30 if "ELLIPTIO_TORTURE" in os.environ else 3

TRANSIENT = {
    "503": answer(503, "SlowDown"),
    "500": answer(500, "InternalError"),
    "429": answer(429, "TooManyRequests"),
    "cut in the request": cut("request"),
    "cut before": cut("before"),
    "cut after": cut("after"),
    "cut in the answer": cut("middle"),
    "corrupt request": corrupt("request"),
    "late": delay(0.5),
    "slow": trickle(200_000),
}
PERMANENT = {
    "503": (answer(503, "SlowDown"), "throttles"),
    "500": (answer(500, "InternalError"), "server failed"),
    "429": (answer(429, "TooManyRequests"), "throttles"),
    "cut in the request": (cut("request"), "connection was cut"),
    "cut before": (cut("before"), "connection was cut"),
    "cut after": (cut("after"), "connection was cut"),
    "corrupt request": (corrupt("request"), "wrong checksum"),
    "expired": (answer(403, "ExpiredToken"), "credentials have expired. Sign in again"),
    "clock": (answer(403, "RequestTimeTooSkewed"), "clock of this machine"),
}
WRITES = ("PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload")
PARTS = WRITES[1:]
ATTEMPTS = 3 * 5
"""At one request: three rounds of five."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for better weather waits a tenth as long; how often is as always."""
    monkeypatch.setattr(s3_failures, "WAITS", tuple(wait / 10 for wait in s3_failures.WAITS))
    for name in ("FIRST_WAIT", "LONGEST_WAIT"):
        monkeypatch.setattr(s3_clients, name, getattr(s3_clients, name) / 10)
    clock = {**vars(time), "sleep": lambda seconds: time.sleep(seconds / 10)}
    monkeypatch.setattr("botocore.endpoint.time", types.SimpleNamespace(**clock))


@pytest.fixture
def store(s3_root: str, sky: Weather) -> S3Store:
    """A store behind the proxy that has connected already."""
    store = S3Store(s3_root)
    assert keys(store) == set()
    return store


@pytest.fixture
def clear(s3_root: str, s3_server: S3Server) -> S3Store:
    """The same store, not behind the proxy."""
    return S3Store(s3_root, endpoint_url=s3_server.endpoint_url)


def uploads(clear: S3Store) -> list[str]:
    """Unfinished uploads of this test, as the server itself tells."""
    found = clear.client().list_multipart_uploads(Bucket=clear.bucket, Prefix=clear.prefix)
    return [each["Key"] for each in found.get("Uploads", [])]


# -- weather that passes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_save_survives_weather_that_passes(s3_root: str, sky: Weather, data: Path, name: str) -> None:
    h = eio.Handler(s3_root, progress=False)
    for number in range(ROUNDS):
        sky.fail(TRANSIENT[name], times=3)
        saved = h.upload(data, labels={"number": number})
        sky.clear()
        sky.fail(TRANSIENT[name] if not name.startswith("corrupt") else cut("middle"), times=3)
        assert saved.files["train.txt"].download_string() == (data / "train.txt").read_text()
        sky.clear()
    report = h.verify()
    assert report.ok, report.problems
    assert report.artifacts == ROUNDS
    assert h.gc() == []
    assert sky.faults[TRANSIENT[name].name] >= 3 * ROUNDS


@pytest.mark.parametrize("name", [name for name in TRANSIENT if name not in ("late", "slow")])
def test_a_large_upload_survives_weather_that_passes(store: S3Store, clear: S3Store, sky: Weather, name: str) -> None:
    # Only parts carry bytes of the user.
    operations = ("UploadPart",) if name.startswith("corrupt") else PARTS
    for operation in operations:
        sky.fail(TRANSIENT[name], operation, times=2)
    published(store, "a", {"large": noise(LARGE)})
    assert content(clear, "a/large") == noise(LARGE)
    assert uploads(clear) == []
    assert sky.faults.total() == 2 * len(operations)


@pytest.mark.parametrize("forked", [False, True])
def test_a_write_whose_answer_was_lost_is_no_conflict(
    store: S3Store, clear: S3Store, sky: Weather, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    monkeypatch.setattr(s3_movers, "_forked", forked)
    store._bound = {}
    sky.fail(cut("after"), "PutObject", "CompleteMultipartUpload", times=3)
    published(store, "a", {"small": b"small"})
    sky.clear()
    sky.fail(cut("after"), "CompleteMultipartUpload", times=1)
    published(store, "b", {"large": noise(LARGE)})
    sky.clear()
    sky.fail(cut("after"), "PutObject", times=1)
    assert store.create("c", b"created") is True
    assert store.create("c", b"created") is False
    sky.fail(cut("after"), "PutObject", times=1)
    assert store.create("c", b"created") is False
    assert content(clear, "a/small") == b"small"
    assert content(clear, "b/large") == noise(LARGE)
    assert content(clear, "c") == b"created"


def test_a_listing_is_complete_in_any_weather(store: S3Store, clear: S3Store, sky: Weather) -> None:
    published(clear, "a", {str(number): b"" for number in range(1_100)})
    for fault in (answer(503, "SlowDown"), cut("middle"), cut("before")):
        sky.clear()
        sky.fail(fault, "ListObjects", skip=1, times=5)
        assert len(keys(store)) == 1_100
    sky.clear()
    sky.fail(answer(503, "SlowDown"), "ListObjects", skip=1)
    with pytest.raises(StoreError, match="throttles"):
        keys(store)


@pytest.mark.parametrize("fault", [cut("middle"), trickle(30 * MIB), delay(4)], ids=lambda fault: fault.name)
def test_a_download_goes_on(
    store: S3Store, clear: S3Store, sky: Weather, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    published(clear, "a", {"x": noise(LARGE)})
    monkeypatch.setattr(s3_movers, "RANGE_SECONDS", 1)
    store._bound = {}
    assert store.stat("a/x") is not None
    sky.fail(fault, "GetObject", times=1)
    assert content(store, "a/x") == noise(LARGE)
    assert sky.faults.total() == 1


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestTimeTooSkewed"])
def test_credentials_that_were_renewed_meanwhile_are_used(store: S3Store, sky: Weather, code: str) -> None:
    sky.fail(answer(403, code), "PutObject", times=1)
    published(store, "a", {"x": b"x"})
    assert content(store, "a/x") == b"x"


# -- weather that stays -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PERMANENT)
def test_a_save_in_weather_that_stays_says_which(
    s3_root: str, clear: S3Store, sky: Weather, data: Path, name: str
) -> None:
    fault, message = PERMANENT[name]
    h = eio.Handler(s3_root, progress=False)
    h.upload(data)
    sky.fail(fault, *WRITES)
    with pytest.raises(StoreError, match=message) as caught:
        h.upload(data)
    assert sky.faults.total() <= 2 * ATTEMPTS  # two files at once
    assert s3_root in str(caught.value)
    sky.clear()
    assert len(h.find(max_docs=0)) == 1
    assert h.verify().ok
    assert h.gc() == []
    assert uploads(clear) == []


@pytest.mark.parametrize("operation", PARTS)
@pytest.mark.parametrize("name", ["503", "cut after", "expired"])
def test_a_large_upload_that_fails_leaves_nothing(
    store: S3Store, clear: S3Store, sky: Weather, name: str, operation: str
) -> None:
    fault, message = PERMANENT[name]
    sky.fail(fault, operation, skip=1 if operation == "UploadPart" else 0)
    staging = store.begin("a")
    if (name, operation) == ("cut after", "CompleteMultipartUpload"):
        # It is done, whatever the connection says.
        staging.put("large", io.BytesIO(noise(LARGE)))
    else:
        with pytest.raises(StoreError, match=message):
            staging.put("large", io.BytesIO(noise(LARGE)))
    assert sky.faults.total() <= s3_writers.PARTS_AT_ONCE * ATTEMPTS
    assert uploads(clear) == []
    assert list(clear.unfinished()) == []
    staging.discard()
    assert keys(clear) == set()


KILLED = """
import io, sys
from elliptio.stores.s3.store import S3Store
store = S3Store(sys.argv[1])
staging = store.begin("a/b")
staging.put("small", io.BytesIO(b"small"))
print("ready", flush=True)
staging.put("large", io.BytesIO(bytes(40 << 20)))
"""


def test_what_a_killed_upload_leaves_can_be_found_and_removed(
    s3_root: str, store: S3Store, clear: S3Store, sky: Weather
) -> None:
    sky.fail(delay(60), "UploadPart", skip=2)
    with subprocess.Popen([sys.executable, "-c", KILLED, s3_root], stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while sky.faults.total() == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    assert keys(clear) == {"a/b/small"}
    assert len(uploads(clear)) == 1
    (found,) = clear.unfinished("a")
    assert found.key == "a/b/large"
    assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)
    assert list(clear.unfinished("a/b/lar")) == []
    clear.remove("a/bc")
    assert len(uploads(clear)) == 1
    clear.remove("a/b")
    assert (keys(clear), uploads(clear), list(clear.unfinished())) == (set(), [], [])


def test_changed_bytes_are_noticed_on_the_way_in(s3_root: str, sky: Weather, data: Path, tmp_path: Path) -> None:
    h = eio.Handler(s3_root, progress=False)
    saved = h.upload(data)
    sky.fail(corrupt("response"), "GetObject")
    with pytest.raises(IntegrityError):
        saved.files["train.txt"].download_string()
    with pytest.raises(IntegrityError):
        saved.files["train.txt"].download(tmp_path / "got")
    assert not (tmp_path / "got").exists()
    sky.clear()
    expected = hashlib.sha256((data / "train.txt").read_bytes()).hexdigest()
    assert hashlib.sha256(saved.files["train.txt"].download(tmp_path / "got").read_bytes()).hexdigest() == expected


def test_bytes_that_come_changed_once_are_read_once_more(
    s3_root: str,
    sky: Weather,
    data: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELLIPTIO_CACHE_SIZE", "0")
    h = eio.Handler(s3_root, progress=False)
    saved = h.upload(data)
    file = saved.files["train.txt"]
    expected = (data / "train.txt").read_text()

    def changed_once() -> None:
        sky.clear()
        sky.fail(corrupt("response"), "GetObject", when=lambda request: request.path.endswith("train.txt"), times=1)

    changed_once()
    assert file.download_string() == expected
    changed_once()
    assert file.download(tmp_path / "got").read_text() == expected
    changed_once()
    assert h.verify().ok
    assert sky.faults["corrupt response"] == 3
    assert len([record for record in caplog.records if "It is read once more" in record.getMessage()]) == 3
    # Who reads on may have used what came before.
    changed_once()
    with pytest.raises(IntegrityError), file.open() as opened:
        opened.read()


@pytest.mark.parametrize("forked", [False, True])
def test_a_taken_key_is_never_overwritten_nor_discarded(
    store: S3Store, clear: S3Store, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    monkeypatch.setattr(s3_movers, "_forked", forked)
    published(clear, "a", {"small": b"first", "large": noise(LARGE)})
    for name, size in (("small", 5), ("large", LARGE)):
        staging = store.begin("a")
        with pytest.raises(StoreError, match="no file is ever overwritten"):
            staging.put(name, io.BytesIO(bytes(size)))
        staging.discard()
    assert content(clear, "a/small") == b"first"
    assert content(clear, "a/large") == noise(LARGE)
    assert uploads(clear) == []


# -- object lock ------------------------------------------------------------------------------------------------------


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """boto3 talks to moto, which knows object lock."""
    import boto3
    from moto import mock_aws

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(s3_movers, "_forked", True)
    # moto takes no bytearray.
    monkeypatch.setattr(s3_writers.Part, "content", lambda part: bytes(part.buffer[: part.size]))
    with mock_aws():
        yield boto3.client("s3")


@pytest.mark.slow
@pytest.mark.parametrize("lock", ["governance:30d", "compliance:1y"])
def test_a_locked_object_cannot_be_removed_for_good(moto: Any, lock: str) -> None:
    from botocore.exceptions import ClientError

    moto.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    store = S3Store("s3://locked/lake", object_lock=lock)
    asked: list[Any] = []
    store.client().meta.events.register(
        "before-call.s3.CreateMultipartUpload", lambda params, **_: asked.append(params["headers"])
    )
    published(store, "a", {"small": b"small", "large": noise(LARGE)})
    assert store.create("b", b"created") is True
    # moto does not heed the lock of a multipart upload; that it is asked for can be seen.
    assert asked[0]["x-amz-object-lock-mode"] == lock.partition(":")[0].upper()
    assert asked[0]["x-amz-object-lock-retain-until-date"]
    days = 30 if "30" in lock else 365
    for key in ("lake/a/small", "lake/b"):
        head = moto.head_object(Bucket="locked", Key=key)
        assert head["ObjectLockMode"] == lock.partition(":")[0].upper()
        left = head["ObjectLockRetainUntilDate"] - datetime.now(UTC)
        assert timedelta(days=days - 1) < left <= timedelta(days=days)
        with pytest.raises(ClientError, match="AccessDenied"):
            moto.delete_object(Bucket="locked", Key=key, VersionId=head["VersionId"])
    store.remove("a")
    assert keys(store) == {"b"}
    versions = moto.list_object_versions(Bucket="locked", Prefix="lake/a/")["Versions"]
    assert len(versions) == 2


@pytest.mark.slow
def test_object_lock_needs_a_bucket_that_has_it(moto: Any) -> None:
    moto.create_bucket(Bucket="open")
    with pytest.raises(StoreError, match="object lock was asked for"):
        published(S3Store("s3://open", object_lock="governance:1d"), "a", {"x": b"x"})
    assert moto.list_objects_v2(Bucket="open")["KeyCount"] == 0


@pytest.mark.parametrize("text", ["", "governance", "governance:0d", "legal:1d", "compliance:30", "compliance:101y"])
def test_what_is_no_object_lock_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="governance:30d"):
        S3Store("s3://bucket", object_lock=text)


def test_locked_writes_go_through_boto3_outside_of_forks(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_clients, "_check_lock", lambda *_: None)
    seen: list[Any] = []
    store = S3Store(s3_root, object_lock="governance:1d")
    store.client().meta.events.register("before-call.s3.PutObject", lambda params, **_: seen.append(params["headers"]))
    # This bucket has no object lock, and the server does not say that this is why it refuses.
    with pytest.raises(StoreError, match="InvalidRequest"):
        store.create("a", b"x")
    assert seen[0]["x-amz-object-lock-mode"] == "GOVERNANCE"
