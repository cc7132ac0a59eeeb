"""S3Store: the contract, on a server that checks signatures and checksums, and what is special about S3."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import multiprocessing
import os
import pickle
import resource
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

import elliptio as eio
from elliptio.errors import ConfigError, MissingKeyError, StoreError
from elliptio.protocols import Store
from elliptio.stores.opening import open_store
from elliptio.stores.s3 import clients as s3_clients
from elliptio.stores.s3 import movers as s3_movers
from elliptio.stores.s3 import pages as s3_pages
from elliptio.stores.s3 import readers as s3_readers
from elliptio.stores.s3 import staging as s3_staging
from elliptio.stores.s3 import store as s3
from elliptio.stores.s3 import writers as s3_writers
from elliptio.stores.s3.failures import explain
from elliptio.stores.s3.store import S3Store
from elliptio.testing import S3Server
from elliptio.testing.servers import GUEST
from elliptio.testing.stores import MIB, StoreConformance, Trickle, content, described, keys, noise, published


@pytest.fixture(scope="module")
def session(s3_server: S3Server) -> boto3.Session:
    """Shared, as a new session takes 0.1 s."""
    return boto3.Session(s3_server.access_key, s3_server.secret_key, region_name=s3_server.region)


class Conformance(StoreConformance):
    def test_a_taken_key_is_refused_when_it_is_put(self, store: Store) -> None:
        for size in (10, 20 * MIB):
            published(store, "a", {f"x{size}": b"first"})
            staging = store.begin("a")
            with pytest.raises(StoreError, match=rf"x{size}' is there already"):
                staging.put(f"x{size}", io.BytesIO(bytes(size)))
            staging.discard()
            assert content(store, f"a/x{size}") == b"first"


class TestS3Store(Conformance):
    @pytest.fixture
    def store(self, s3_root: str, session: boto3.Session) -> Store:
        return S3Store(s3_root, session=session)


class TestS3StoreAfterFork(Conformance):
    """As a forked child of a process that used obstore sees it."""

    @pytest.fixture
    def store(self, s3_root: str, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.setattr(s3_movers, "_forked", True)
        return S3Store(s3_root, session=session)


def test_a_whole_bucket_can_be_a_root(s3_environment: S3Server) -> None:
    s3_environment.create_bucket("whole")
    store = S3Store("s3://whole/")
    assert store.root == "s3://whole"
    published(store, "a", {"x": b"x", "sub/y": b"y"})
    assert store.create(".elliptio/lake.json", b"{}")
    assert keys(store) == {"a/x", "a/sub/y", ".elliptio/lake.json"}
    assert keys(store, "a/sub") == {"a/sub/y"}
    assert content(store, "a/x") == b"x"
    store.remove("a")
    assert keys(store) == {".elliptio/lake.json"}


@pytest.fixture
def store(s3_root: str) -> S3Store:
    return S3Store(s3_root)


# -- configuration ----------------------------------------------------------------------------------------------------


def test_a_profile_brings_credentials_and_endpoint(
    s3_root: str, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in s3_server.environ():
        monkeypatch.delenv(name)
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[lab]\naws_access_key_id = {s3_server.access_key}\naws_secret_access_key = {s3_server.secret_key}\n"
    )
    config = tmp_path / "config"
    config.write_text(
        f"[profile lab]\nregion = eu-central-1\nservices = ours\n[services ours]\ns3 =\n"
        f"  endpoint_url = {s3_server.endpoint_url}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    store = S3Store(s3_root)
    published(store, "a", {"x": b"x"})
    assert content(store, "a/x") == b"x"


def test_the_special_endpoint_variable_wins(s3_root: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint_url)
    store = S3Store(s3_root)
    published(store, "a", {"x": b"x"})
    assert keys(store) == {"a/x"}


def test_endpoint_and_session_can_be_given(s3_root: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in s3_server.environ():
        monkeypatch.delenv(name)
    session = boto3.Session(s3_server.access_key, s3_server.secret_key)
    store = S3Store(s3_root, endpoint_url=s3_server.endpoint_url, session=session)
    published(store, "a", {"x": b"x"})
    assert keys(store) == {"a/x"}
    with pytest.raises(TypeError, match="profile"):
        pickle.dumps(store)


def endpoint(monkeypatch: pytest.MonkeyPatch, root: str, **options: Any) -> tuple[bool, Any]:
    monkeypatch.setattr("elliptio.stores.s3.clients._ask", lambda *_: None)
    found = s3.connect(root, options.pop("endpoint_url", None), options.pop("addressing", "auto"), None)
    return found.path_style, found.obstore(1).config["endpoint"]


def test_addressing(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    aws = "s3.eu-west-1.amazonaws.com"
    assert endpoint(monkeypatch, "bucket") == (False, f"https://bucket.{aws}")
    assert endpoint(monkeypatch, "dotted.bucket") == (True, f"https://{aws}")
    assert endpoint(monkeypatch, "bucket", addressing="path") == (True, f"https://{aws}")
    ours = {"endpoint_url": "http://s3.lab:9000"}
    assert endpoint(monkeypatch, "bucket", **ours) == (True, "http://s3.lab:9000")
    assert endpoint(monkeypatch, "bucket", addressing="virtual", **ours) == (False, "http://bucket.s3.lab:9000")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.lab:9000")
    assert endpoint(monkeypatch, "bucket", addressing="virtual") == (False, "http://bucket.s3.lab:9000")
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert endpoint(monkeypatch, "bucket") == (False, "http://bucket.s3.lab:9000")


@pytest.mark.parametrize("addressing", ["auto", "path"])
def test_path_addressing_on_a_server(s3_root: str, addressing: Any) -> None:
    store = open_store(s3_root, addressing=addressing)
    published(store, "a", {"x": b"x"})
    assert content(store, "a/x") == b"x"


def test_a_server_with_virtual_hosts(s3_root: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every name below localhost is this machine, for glibc and for obstore; the port is that of the server.
    port = s3_server.endpoint_url.rpartition(":")[2]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{port}")
    store = S3Store(s3_root, addressing="virtual")
    # This server knows of no domain of its own, so it sees the request as one for another bucket, and refuses.
    with pytest.raises(StoreError):
        store.stat("a")


def test_an_unknown_addressing_is_refused() -> None:
    with pytest.raises(ConfigError, match="virtual"):
        S3Store("s3://bucket", addressing="dns")  # type: ignore[arg-type]


def test_nothing_is_connected_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = S3Store("s3://bucket/x/")
    assert store.root == "s3://bucket/x"
    staging = store.begin("a")
    assert "folder" not in vars(staging)
    staging.discard()


def test_what_botocore_knows_of_s3_is_read_once_in_a_process(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    S3Store(s3_root).stat("a")
    read: list[str] = []
    monkeypatch.setattr(
        "botocore.loaders.JSONFileLoader._load_file", lambda self, path, opener: read.append(path), raising=True
    )
    assert S3Store(s3_root).stat("a") is None
    assert read == []


def test_the_boto3_client_is_there_for_bucket_calls(store: S3Store) -> None:
    assert store.client().head_bucket(Bucket=store.bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


# -- hostile listings -------------------------------------------------------------------------------------------------

Answer = Callable[[str], tuple[Sequence[str], str | None]]
"""Keys of a page, and the token of the next, by the token that was asked with."""


@pytest.fixture
def listing(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """A server that holds nothing, takes anything and lists what it is told."""
    told: list[Answer] = []
    uploads: list[bool] = []

    class Server(BaseHTTPRequestHandler):
        def reply(self, status: int, body: str = "") -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if self.command != "HEAD" else b"")

        def do_HEAD(self) -> None:
            self.reply(200 if self.path.strip("/") == "bucket" else 404)

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.reply(200)

        def do_DELETE(self) -> None:
            self.reply(204)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.reply(200, "<DeleteResult></DeleteResult>")

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            if "uploads" in asked:
                marker = asked.get("key-marker", ["2"])[0]
                other = "1" if marker == "2" else "2"
                upload = (
                    f"<Upload><Key>{marker}/../x</Key><UploadId>u</UploadId>"
                    "<Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
                )
                more = f"<IsTruncated>true</IsTruncated><NextKeyMarker>{other}</NextKeyMarker>" if uploads else ""
                self.reply(200, f"<ListMultipartUploadsResult>{upload}{more}</ListMultipartUploadsResult>")
            elif "list-type" not in asked:
                self.reply(404, "<Error><Code>NoSuchKey</Code></Error>")
            else:
                names, token = told[0](asked.get("continuation-token", [""])[0])
                prefix = asked.get("prefix", [""])[0]
                found = "".join(
                    f"<Contents><Key>{quote(name)}</Key><Size>1</Size>"
                    "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
                    for name in names
                    if name.startswith(prefix)
                )
                more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
                kind = "<EncodingType>url</EncodingType>"
                self.reply(200, f"<ListBucketResult>{kind}{found}{more if token else ''}</ListBucketResult>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")

    def tell(answer: Answer, *, endless_uploads: bool = False) -> str:
        told[:] = [answer]
        uploads[:] = [True] if endless_uploads else []
        return "s3://bucket"

    yield tell
    server.shutdown()
    server.server_close()


CIRCLES: dict[str, Answer] = {
    "one page": lambda token: (["a", "b"], "next"),
    "new tokens": lambda token: (["a", "b"], f"{token}x"),
    "two pages": lambda token: (["a"], "2") if token != "2" else (["b"], "1"),
    "nothing": lambda token: ([], str(int(token or 0) + 1)),
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_a_listing_without_an_end_is_refused(
    listing: Callable[..., str], circle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_pages, "MOST_EMPTY", 20)
    root = listing(CIRCLES[circle])
    with pytest.raises(StoreError, match=r"cannot list s3://bucket: the server never comes to an end"):
        list(S3Store(root).list())
    h = eio.Handler(root)
    for verb in (h.verify, h.reindex, h.gc):
        with pytest.raises(StoreError, match="never comes to an end"):
            verb()


def test_a_listing_of_uploads_without_an_end_is_named(
    listing: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    root = listing(lambda token: ([], None), endless_uploads=True)
    assert eio.Handler(root).gc() == []
    assert "never comes to an end" in caplog.text


def test_keys_that_cannot_be_paths_are_named_and_passed_over(
    listing: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    place = "2026/01/01/andy/000000_artifact_01890000-0000-7000-8000-000000000000"
    long = "x" * 1000
    strange = [
        f"{place}/files/../x",
        f"{place}//files",
        "/a",
        ".",
        f"{place}/\0/x",
        ".elliptio/tags/../1.json",
        "a/./b",
    ]
    root = listing(lambda token: ([*strange, f"{place}/files/a", long, f".elliptio/tags/{long}"], None))
    assert keys(S3Store(root)) == {f"{place}/files/a", long, f".elliptio/tags/{long}"}
    assert "no path has such a name" in caplog.text
    assert all(repr(key) in caplog.text for key in strange[:5])
    h = eio.Handler(root)
    assert h.reindex().artifacts == 0
    assert [problem.artifact_id for problem in h.verify().problems] == ["tag:"]
    assert [orphan.key for orphan in h.gc()] == [place]


# -- failures ---------------------------------------------------------------------------------------------------------


def attempts(store: S3Store) -> list[Any]:
    return [
        lambda: store.begin("a").put("x", io.BytesIO(b"x")),
        lambda: store.open("a"),
        lambda: store.stat("a"),
        lambda: list(store.list()),
        lambda: store.create("a", b"x"),
        lambda: store.remove("a"),
        lambda: store.client(),
    ]


def refused(store: S3Store, message: str) -> None:
    for attempt in attempts(store):
        with pytest.raises(StoreError, match=message) as caught:
            attempt()
        assert store.root in str(caught.value)
        assert not isinstance(caught.value, MissingKeyError)
        assert "Debug source" not in str(caught.value)


def test_a_wrong_secret(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refused(S3Store(s3_root), "secret key is wrong")


def test_an_unknown_access_key(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    refused(S3Store(s3_root), "access key is not known")


def test_a_foreign_bucket(s3_root: str, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    s3_environment.create_bucket(GUEST)
    published(S3Store(s3_root), "b", {"x": b"x"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", GUEST)
    store = S3Store(s3_root)
    for attempt in attempts(store)[:-1]:
        with pytest.raises(StoreError, match=r"access denied\..* correct its name"):
            attempt()
    assert store.client()  # what may be done with a bucket is told by doing it
    own = S3Store(f"s3://{GUEST}/lake")
    published(own, "a", {"x": b"x"})
    assert keys(own) == {"a/x"}


def test_no_credentials(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    refused(S3Store(s3_root), "no usable AWS credentials")
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    refused(S3Store(s3_root), r"no usable AWS credentials.*does-not-exist")


def test_no_such_bucket(s3_environment: S3Server) -> None:
    refused(S3Store("s3://no-such-bucket/x"), "no such bucket")


def test_a_bucket_that_is_removed_meanwhile(s3_environment: S3Server) -> None:
    s3_environment.create_bucket("short-lived")
    store = S3Store("s3://short-lived")
    assert keys(store) == set()
    s3_environment.client().delete_bucket(Bucket="short-lived")
    for attempt in (lambda: store.create("a", b"x"), lambda: store.open("a"), lambda: list(store.list())):
        with pytest.raises(StoreError, match="no such bucket") as caught:
            attempt()
        assert not isinstance(caught.value, MissingKeyError)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["refusing", "silent", "unknown"])
def test_a_dead_endpoint_fails_soon(s3_root: str, silent: str, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    urls = {"refusing": "http://127.0.0.1:9", "silent": silent, "unknown": "http://nowhere.invalid"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", urls[kind])
    monkeypatch.setenv("NO_PROXY", "*")
    assert s3_clients.READ_SECONDS < 10
    monkeypatch.setattr(s3_clients, "READ_SECONDS", 0.5)
    asked: list[Any] = []
    send = URLLib3Session.send
    monkeypatch.setattr(URLLib3Session, "send", lambda *arguments: (asked.append(1), send(*arguments))[1])
    with pytest.raises(StoreError, match=r"cannot connect|did not answer") as caught:
        S3Store(s3_root).begin("a").put("x", io.BytesIO(b"x"))
    assert len(asked) == 2
    assert urls[kind] in str(caught.value)


def test_an_endpoint_that_dies_later_fails_soon(store: S3Store) -> None:
    assert keys(store) == set()
    found = s3.connect(store.bucket, None, "auto", None)
    object.__setattr__(found, "endpoint", "http://127.0.0.1:9")
    store._bound = {os.getpid(): s3._Bound(found.client, s3_movers.mover(found), s3_readers.Ahead())}
    staging = store.begin("a")
    with pytest.raises(StoreError, match="cannot connect"):
        staging.put("x", io.BytesIO(b"x"))
    staging.discard()


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("<Code>ExpiredToken</Code>", "expired"),
        ("<Code>RequestTimeTooSkewed</Code>", "clock"),
        ("<Code>PermanentRedirect</Code>", "another region"),
        ("non-2xx status code: 503 Slow", "overloaded"),
        ("non-2xx status code: 501 No", "does not offer"),
        ("<Code>XMinioStorageFull</Code> non-2xx status code: 507", "storage is full"),
        ("something else", "cannot reach s3://b: something else"),
    ],
)
def test_what_failures_mean(text: str, advice: str) -> None:
    assert advice in str(explain(RuntimeError(text), "s3://b", "reach"))


# -- moving bytes -----------------------------------------------------------------------------------------------------


def uploads(store: S3Store) -> list[Any]:
    found: list[Any] = store.client().list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])
    return found


@pytest.mark.parametrize("forked", [False, True])
def test_an_interrupted_multipart_upload_is_aborted(
    store: S3Store, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    monkeypatch.setattr(s3_movers, "_forked", forked)
    staging = store.begin("a")
    with pytest.raises(ZeroDivisionError, match="the source failed"):
        staging.put("x", Trickle(bytes(70 * MIB), fail=True))  # type: ignore[arg-type]
    assert uploads(store) == []
    staging.discard()
    assert keys(store) == set()


def test_large_files_have_checksums_and_parts(store: S3Store) -> None:
    data = noise(50 * MIB)
    published(store, "a", {"large": data, "small": b"x"})
    assert content(store, "a/large") == data
    head = store.client().head_object(Bucket=store.bucket, Key=f"{store.prefix}/a/large")
    assert head["ETag"].strip('"').endswith("-7")
    small = store.client().head_object(Bucket=store.bucket, Key=f"{store.prefix}/a/small", ChecksumMode="ENABLED")
    assert small["ChecksumSHA256"]


def test_a_copy_is_made_by_the_server_and_has_checksums(store: S3Store) -> None:
    data = noise(20 * MIB)
    published(store, "a", {"x": data})
    staging = store.begin("b")
    assert staging.link("y", "a/x", described(data))
    staging.publish()
    head = store.client().head_object(Bucket=store.bucket, Key=f"{store.prefix}/b/y", ChecksumMode="ENABLED")
    digest = hashlib.sha256(hashlib.sha256(data).digest()).digest()
    assert head["ChecksumSHA256"] == f"{base64.b64encode(digest).decode()}-1"
    assert head["Metadata"][s3_writers.TOKEN]
    assert list(store.unfinished()) == []


def test_a_copy_overwrites_nothing(store: S3Store) -> None:
    published(store, "a", {"x": b"data"})
    published(store, "b", {"y": b"first"})
    staging = store.begin("b")
    with pytest.raises(StoreError, match="y' is there already"):
        staging.link("y", "a/x", described(b"data"))
    staging.discard()
    assert content(store, "b/y") == b"first"
    assert list(store.unfinished()) == []


def test_a_server_that_does_not_tell_what_it_copied_is_not_trusted(
    store: S3Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    published(store, "a", {"x": b"data"})
    copy = store.client().upload_part_copy

    def silent(**options: Any) -> Any:
        found = copy(**options)
        del found["CopyPartResult"]["ChecksumSHA256"]
        return found

    monkeypatch.setattr(store.client(), "upload_part_copy", silent)
    staging = store.begin("b")
    with caplog.at_level("INFO", "elliptio"):
        assert not staging.link("y", "a/x", described(b"data"))
    assert "y is sent again" in caplog.text
    assert list(store.unfinished()) == []
    staging.put("y", io.BytesIO(b"data"))
    staging.publish()
    assert content(store, "b/y") == b"data"


def test_no_body_is_hashed_to_sign_it(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    def sha256(data: bytes = b"") -> Any:
        hashed.append(len(data))
        return hashlib.sha256(data)

    monkeypatch.setattr("botocore.auth.sha256", sha256)
    data = noise(20 * MIB)
    published(store, "a", {"large": data})
    assert content(store, "a/large") == data
    assert max(hashed) < MIB


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_what_is_not_as_its_checksum_says_is_refused(store: S3Store, operation: str) -> None:
    client = store.client()
    wrong: dict[str, Any] = {"Bucket": store.bucket, "Key": f"{store.prefix}/a", "Body": b"data"}
    wrong["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError) as caught:
        if operation == "PutObject":
            client.put_object(**wrong)
        else:
            upload = client.create_multipart_upload(Bucket=store.bucket, Key=wrong["Key"], ChecksumAlgorithm="SHA256")
            client.upload_part(**wrong, PartNumber=1, UploadId=upload["UploadId"])
    assert caught.value.response["Error"]["Code"] in ("BadDigest", "XAmzContentSHA256Mismatch")


@pytest.mark.slow
def test_the_largest_parts_go_two_at_a_time() -> None:
    buffers = s3_writers.Buffers()
    size = 20 * s3_writers.PART
    taken = [buffers.take(size), buffers.take(size)]
    third = threading.Thread(target=lambda: taken.append(buffers.take(size)))
    third.start()
    third.join(0.2)
    assert len(taken) == 2
    buffers.give(taken[0])
    third.join(10)
    assert len(taken) == 3


def test_memory_stays_bounded(s3_root: str) -> None:
    script = """
        import json, os, resource, sys
        from elliptio.stores.s3.store import S3Store

        class Zeros:
            left = 600 << 20
            def read(self, size):
                size = min(size, self.left)
                self.left -= size
                return bytes(size)

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

        store = S3Store(sys.argv[1])
        store.begin("warm").put("x", open(os.devnull, "rb"))
        before = peak()
        store.begin("a").put("x", Zeros())
        written = peak()
        total = 0
        with store.open("a/x") as file:
            while chunk := file.read(1 << 20):
                total += len(chunk)
        print(json.dumps([before, written, peak(), total]))
        """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), s3_root], capture_output=True, text=True, check=True
    )
    before, written, read, total = json.loads(run.stdout)
    assert total == 600 * MIB
    assert written - before < 100
    assert read - written < 50


def test_parts_grow_with_files_that_are_larger_than_ten_thousand_parts(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        size = s3_staging._part_size(file)
    assert size * 10_000 > 1 << 40
    assert s3_staging._part_size(io.BytesIO()) == 8 * MIB
    with (tmp_path / "sparse").open("wb") as file:
        assert s3_staging._part_size(file) == 8 * MIB


def test_reading_a_little_fetches_a_little(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = noise(40 * MIB)
    published(store, "a", {"x": data})
    fetched: list[int] = []
    read_range = s3_movers.ObstoreMover.read_range

    def spy(mover: Any, key: str, start: int, stop: int) -> Any:
        fetched.append(stop - start)
        return read_range(mover, key, start, stop)

    monkeypatch.setattr(s3_movers.ObstoreMover, "read_range", spy)
    with store.open("a/x") as file:
        for position in range(30 * MIB, 35 * MIB, MIB):
            file.seek(position)
            assert file.read(100) == data[position : position + 100]
        assert sum(fetched) <= MIB
        file.seek(10 * MIB)
        fetched.clear()
        assert file.read(20 * MIB) == data[10 * MIB : 30 * MIB]
        assert len(fetched) < 15


def test_reading_goes_on_when_fetching_ahead_fails(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = noise(30 * MIB)
    published(store, "a", {"x": data})
    read_range = s3_movers.ObstoreMover.read_range
    failed: list[int] = []

    def breaking(mover: Any, key: str, start: int, stop: int) -> Any:
        if stop - start > MIB:
            failed.append(start)
            raise RuntimeError("connection reset")
        return read_range(mover, key, start, stop)

    monkeypatch.setattr(s3_movers.ObstoreMover, "read_range", breaking)
    with store.open("a/x", whole=True) as file:
        assert file.read() == data
    # Ranges that are too much for this line are not asked for again.
    assert 0 < len(failed) <= s3_readers.AHEAD


def test_folder_markers_of_other_tools_are_no_files(store: S3Store) -> None:
    store.client().put_object(Bucket=store.bucket, Key=f"{store.prefix}/a/", Body=b"")
    published(store, "a", {"x": b"x"})
    assert keys(store) == {"a/x"}


def test_discarding_an_unreachable_store_is_quiet(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    staging = S3Store(s3_root).begin("a")
    folder = staging.folder
    with pytest.raises(StoreError):
        staging.put("x", io.BytesIO(b"x"))
    staging.discard()
    assert not folder.exists()


# -- processes --------------------------------------------------------------------------------------------------------


def use(store: S3Store, name: str) -> tuple[bytes, bool]:
    staging = store.begin(name)
    staging.put("x", io.BytesIO(noise(20 * MIB)))
    staging.publish()
    return content(store, "shared/x"), content(store, f"{name}/x") == noise(20 * MIB)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_store_works_in_other_processes(store: S3Store, method: str) -> None:
    published(store, "shared", {"x": b"from the parent"})
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap_async(use, [(store, "a"), (store, "b")]).get(60)
    assert found == [(b"from the parent", True)] * 2
    assert keys(store) == {"shared/x", "a/x", "b/x"}


def test_a_pickled_store_is_the_same(store: S3Store) -> None:
    published(store, "a", {"x": b"x"})
    again = pickle.loads(pickle.dumps(store))
    assert again.root == store.root
    assert content(again, "a/x") == b"x"


def test_open_files_do_not_pile_up(store: S3Store) -> None:
    published(store, "a", {"x": noise(5 * MIB)})
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for _ in range(50):
        with store.open("a/x") as file:
            file.read(10)
    if sys.platform.startswith("linux"):
        assert len(os.listdir("/proc/self/fd")) < min(limit, 200)
