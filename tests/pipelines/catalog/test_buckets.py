"""Windows in buckets: on a server that speaks S3, and on one that stands for lakeFS's gateway."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import elliptio as eio
from elliptio.pipelines import Catalog, Entry, EntryError
from elliptio.testing import S3Server
from elliptio.testing.fixtures import BUCKET
from tests.pipelines.sessions import git_init, holds, project, session

pytestmark = pytest.mark.server


@pytest.fixture
def bucket() -> str:
    return f"windows-{uuid.uuid4().hex}"


def entry(name: str, path: str, kind: str = "json") -> Entry:
    return Entry.read({"name": name, "type": kind, "extra": {"path": path}})


def catalog(tmp_path: Path, *entries: Entry, lake: str = "lake", **more: Any) -> Catalog:
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    return Catalog(entries, handler=eio.Handler(tmp_path / lake, progress=False), root=root, **more)


def body(server: S3Server, bucket: str, key: str) -> bytes:
    found: bytes = server.client().get_object(Bucket=bucket, Key=key)["Body"].read()
    return found


def put(server: S3Server, bucket: str, key: str, content: bytes) -> None:
    server.client().put_object(Bucket=bucket, Key=key, Body=content)


def test_save_puts_it_there_and_makes_the_bucket(tmp_path: Path, s3_environment: S3Server, bucket: str) -> None:
    found = catalog(tmp_path, entry("rates", f"s3://{bucket}/out/rates.json"))
    found.save("rates", {"a": 1})
    assert json.loads(body(s3_environment, bucket, "out/rates.json")) == {"a": 1}
    assert found.load("rates") == {"a": 1}


def test_what_somebody_put_there_is_taken_in(tmp_path: Path, s3_environment: S3Server, bucket: str) -> None:
    found = catalog(tmp_path, entry("rates", f"s3://{bucket}/rates.json"))
    found.save("rates", {"a": 1})
    put(s3_environment, bucket, "rates.json", b'{"a": 2}')
    assert found.load("rates") == {"a": 2}
    assert list(found.versions("rates")["origin"]) == ["taken in", "saved"]
    put(s3_environment, bucket, "new.json", b"3")
    assert catalog(tmp_path, entry("new", f"s3://{bucket}/new.json")).load("new") == 3


def test_what_is_missing_is_put_back(tmp_path: Path, s3_environment: S3Server, bucket: str) -> None:
    found = catalog(tmp_path, entry("rates", f"s3://{bucket}/rates.json"))
    found.save("rates", [1])
    s3_environment.client().delete_object(Bucket=bucket, Key="rates.json")
    assert found.load("rates") == [1]
    assert json.loads(body(s3_environment, bucket, "rates.json")) == [1]


def test_a_second_look_is_one_small_request(tmp_path: Path, sky: Any, s3_environment: S3Server, bucket: str) -> None:
    found = catalog(tmp_path, entry("rates", f"s3://{bucket}/rates.json"))
    found.save("rates", [1])
    before = sky.requests.copy()
    found.current("rates")
    assert dict(sky.requests - before) == {"HeadObject": 1}


def test_partitions_are_listed(tmp_path: Path, s3_environment: S3Server) -> None:
    folder = uuid.uuid4().hex
    for key in ("2026-01-01.json", "2026-01-02.json", ".2026-01-03.json", "deep/2026-01-04.json", "other.txt"):
        put(s3_environment, BUCKET, f"{folder}/raw/{key}", b"[1]")
    put(s3_environment, BUCKET, f"{folder}/shops/7/x/sales.json", b"[2]")
    found = catalog(
        tmp_path,
        entry("raw", f"s3://{BUCKET}/{folder}/raw/!{{day}}.json"),
        entry("sales", f"s3://{BUCKET}/{folder}/shops/!{{shop}}/!{{what}}/sales.json"),
    )
    assert list(found.partitions("raw")["day"]) == ["2026-01-01", "2026-01-02"]
    assert found.partitions("sales")[["shop", "what"]].to_numpy().tolist() == [[7, "x"]]
    s3_environment.client().delete_object(Bucket=BUCKET, Key=f"{folder}/raw/2026-01-01.json")
    assert list(found.partitions("raw")["day"]) == ["2026-01-02"]


def test_many_bytes_go_in_parts(
    tmp_path: Path, s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elliptio.pipelines.catalog.buckets.ONE_REQUEST", 1 << 20)
    found = catalog(tmp_path, entry("large", f"s3://{bucket}/large.bin", "binary"))
    content = bytes(range(256)) * (40 << 10)
    found.save("large", content)
    assert body(s3_environment, bucket, "large.bin") == content
    assert found.load("large") == content


def test_an_own_change_in_between_is_not_lost(tmp_path: Path, s3_environment: S3Server, bucket: str) -> None:
    found = catalog(tmp_path, entry("rates", f"s3://{bucket}/rates.json"))
    found.save("rates", [1])
    put(s3_environment, bucket, "rates.json", b"[2]")
    found.save("rates", [3])
    assert json.loads(body(s3_environment, bucket, "rates.json")) == [3]
    assert sorted(found.versions("rates")["origin"]) == ["saved", "saved", "taken in"]


@pytest.mark.parametrize("path", ["s3://only-a-bucket", "s3:///key", "s3://bucket/"])
def test_a_path_that_is_no_place(tmp_path: Path, path: str) -> None:
    with pytest.raises(EntryError, match="s3://bucket/key"):
        catalog(tmp_path, entry("rates", path)).save("rates", [1])


# --- credentials ---


def without_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_keys_of_the_settings_are_used_and_recorded_nowhere(
    tmp_path: Path, s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG, logger="elliptio")
    without_chain(monkeypatch)
    root = project(
        tmp_path / "shop",
        {"name": "raw", "type": "csv", "extra": {"path": f"s3://{bucket}/raw.csv"}},
        {"name": "clean", "type": "csv", "extra": {"path": f"s3://{bucket}/clean.csv"}},
        modules={
            "steps": """
            from elliptio.pipelines import Artifact, Craft
            @Craft()
            def clean(raw: Artifact) -> Artifact("clean"):
                return raw.dropna()
            """
        },
        aws_access_key=s3_environment.access_key,
        AWS_SECRET_KEY=s3_environment.secret_key,
    )
    git_init(root)
    # A change of the file that holds them is part of the diff that is recorded.
    with open(root / "conf" / "globals.yaml", "a") as file:
        file.write("more: 1\n")
    with session(root) as sess:
        sess.catalog.save("raw", pd.DataFrame({"a": [1.0, None]}))
        import steps

        from elliptio.pipelines import Pipeline

        build = (Pipeline("nightly") + steps.clean).run()
        assert build.ok
        with pytest.raises(EntryError) as raised:
            sess.catalog.load("raw", keys={"x": 1})
    said = f"{raised.value!r} {sess.catalog['raw']!r} {build!r} {caplog.text}"
    (root / "conf" / "globals.yaml").unlink()
    for secret in (s3_environment.secret_key, s3_environment.access_key):
        assert not [name for name in holds(secret, tmp_path) if "/.git/" not in name]
        assert secret not in said


def test_without_any_credentials_the_error_says_what_to_set(
    tmp_path: Path, s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_chain(monkeypatch)
    with pytest.raises(EntryError, match="AWS_ACCESS_KEY and AWS_SECRET_KEY in the settings"):
        catalog(tmp_path, entry("rates", f"s3://{bucket}/rates.json")).save("rates", [1])


def test_wrong_credentials_are_named_as_such(
    tmp_path: Path, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-this-server")
    with pytest.raises(eio.StoreError) as raised:
        catalog(tmp_path, entry("rates", f"s3://{BUCKET}/rates.json")).save("rates", [1])
    assert f"s3://{BUCKET}/rates.json" in str(raised.value)
    assert "not-the-secret" not in str(raised.value)


# --- lakeFS ---


class Repositories(BaseHTTPRequestHandler):
    """The two requests of lakeFS's own interface that are made, as its reference describes them."""

    branches: dict[str, list[str]]
    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        self._answer(200 if self._known() else 404, {"id": self.path.split("/")[4], "default_branch": "main"})

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        branches = self.branches.get(self.path.split("/")[4])
        if not self._known() or branches is None or content["source"] not in branches:
            self._answer(404, {"message": "not found"})
        elif content["name"] in branches:
            self._answer(409, {"message": "branch already exists"})
        else:
            branches.append(content["name"])
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b"0123abcd")

    def _known(self) -> bool:
        self.asked.append((self.command, self.path, self.headers["Authorization"]))
        return self.path.split("/")[1:4] == ["api", "v1", "repositories"] and self.path.split("/")[4] in self.branches

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def repositories() -> Iterator[Any]:
    handler = type("Handler", (Repositories,), {"branches": {BUCKET: ["main"]}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def lakefs(tmp_path: Path, server: S3Server, branch: str, *entries: dict[str, Any], name: str = "shop") -> Any:
    root = project(
        tmp_path / name,
        *entries,
        LAKEFS_ENDPOINT=server.endpoint_url,
        LAKEFS_ACCESS_KEY=server.access_key,
        LAKEFS_SECRET_ACCESS_KEY=server.secret_key,
    )
    git_init(root, branch)
    return session(root)


def test_the_branch_of_git_is_that_of_lakefs(tmp_path: Path, s3_server: S3Server) -> None:
    key = f"{uuid.uuid4().hex}/rates.json"
    rates = {"name": "rates", "type": "json", "extra": {"path": f"lakefs://{BUCKET}/{key}"}}
    days = {"name": "days", "type": "json", "extra": {"path": f"lakefs://{BUCKET}/{key}-!{{day}}.json"}}
    with lakefs(tmp_path, s3_server, "feature/x", rates, days) as sess:
        sess.catalog.save("rates", [1])
        sess.catalog.save("days", [2], day="2026-01-01")
        assert json.loads(body(s3_server, BUCKET, f"feature-x/{key}")) == [1]
        put(s3_server, BUCKET, f"feature-x/{key}-2026-01-02.json", b"[3]")
        put(s3_server, BUCKET, f"main/{key}-2026-01-03.json", b"[4]")
        assert list(sess.catalog.partitions("days")["day"]) == ["2026-01-01", "2026-01-02"]
        put(s3_server, BUCKET, f"feature-x/{key}", b"[5]")
        assert sess.catalog.load("rates") == [5]
    (tmp_path / "shop" / "conf" / "globals.yaml").unlink()
    assert not [name for name in holds(s3_server.secret_key, tmp_path) if "/.git/" not in name]


def test_a_branch_that_is_missing_is_made(
    tmp_path: Path, s3_server: S3Server, repositories: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elliptio.pipelines.catalog import credentials

    settings = {"LAKEFS_ENDPOINT": repositories.url, "LAKEFS_ACCESS_KEY": "key", "LAKEFS_SECRET_ACCESS_KEY": "secret"}
    assert credentials.make_branch(settings, BUCKET, "feature-x")
    assert repositories.branches == {BUCKET: ["main", "feature-x"]}
    assert not credentials.make_branch(settings, BUCKET, "feature-x")
    assert not credentials.make_branch(settings, "unknown", "feature-x")
    assert {login for _, _, login in repositories.asked} == {"Basic a2V5OnNlY3JldA=="}

    made: list[tuple[str, str]] = []
    monkeypatch.setattr(credentials, "make_branch", lambda _, *which: made.append(which) or False)
    rates = {"name": "rates", "type": "json", "extra": {"path": f"lakefs://{BUCKET}/{uuid.uuid4().hex}.json"}}
    with lakefs(tmp_path, s3_server, "new", rates) as sess:
        sess.catalog.save("rates", [1])
        sess.catalog.save("rates", [2])
    assert made == [(BUCKET, "new")]


def test_lakefs_says_what_it_lacks(tmp_path: Path) -> None:
    path = "lakefs://repository/rates.json"
    with pytest.raises(EntryError, match="in no repository"):
        catalog(tmp_path, entry("rates", path)).save("rates", [1])
    (tmp_path / "root" / "file").write_text("1")
    git_init(tmp_path / "root")
    with pytest.raises(EntryError, match="LAKEFS_ENDPOINT"):
        catalog(tmp_path, entry("rates", path)).save("rates", [1])
