"""``docker-compose.yml`` and ``.env.example``: closed by default, no password in them, and agreed on every name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[?-][^}]*)?\}")

each_service = pytest.mark.parametrize("name", SERVICES)


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def used() -> dict[str, set[str]]:
    """The variables of the compose file, each with what follows its name, such as ``:?set it in .env``."""
    found: dict[str, set[str]] = {}
    for name, rest in VARIABLE.findall(TEXT):
        found.setdefault(name, set()).add(rest)
    return found


def filled(text: str) -> str:
    return VARIABLE.sub(lambda match: f"value-of-{match[1]}", text)


@each_service
def test_every_port_is_bound_to_this_machine_unless_told_otherwise(name: str) -> None:
    for port in SERVICES[name]["ports"]:
        assert port.startswith("${ELLIPTIO_BIND:-127.0.0.1}:"), port


@each_service
def test_every_service_tells_its_health_and_keeps_its_data(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    mounted = [volume.split(":")[0] for volume in service["volumes"]]
    assert mounted
    assert set(mounted) <= set(COMPOSE["volumes"]), "data must lie in named volumes"


@each_service
def test_every_image_has_a_version(name: str) -> None:
    _, _, version = SERVICES[name]["image"].partition(":")
    assert version
    assert version != "latest"


def test_the_example_has_the_variables_that_are_used_and_no_others() -> None:
    assert set(example()) == set(used())


def test_what_has_no_default_must_be_filled_in() -> None:
    for name, value in example().items():
        expected = {f":-{value}"} if value else {":?set it in .env"}
        assert used()[name] == expected, name


def test_no_password_is_written_down() -> None:
    secret = re.compile(r"(?i)(password|secret|pwd|accesskey|access_key)")
    assert not [name for name, value in example().items() if secret.search(name) and value]
    for line in TEXT.splitlines():
        name, _, value = line.split("#")[0].strip().partition(":")
        if secret.search(name) and value:
            plain = value.strip().strip('",')
            assert VARIABLE.fullmatch(plain) or plain.startswith("process.env."), line


def test_no_config_or_network_or_volume_is_missing_or_left_over() -> None:
    services = SERVICES.values()
    assert {config["source"] for service in services for config in service.get("configs", ())} == set(
        COMPOSE["configs"]
    )
    assert {network for service in services for network in service["networks"]} == set(COMPOSE["networks"])
    assert {volume.split(":")[0] for service in services for volume in service["volumes"]} == set(COMPOSE["volumes"])


def test_s3_identities_reach_one_bucket_only() -> None:
    identities = json.loads(filled(COMPOSE["configs"]["s3-identities"]["content"]))["identities"]
    actions = {identity["name"]: identity["actions"] for identity in identities}
    bucket = "value-of-ELLIPTIO_BUCKET"
    assert actions == {
        "elliptio": [f"Read:{bucket}", f"Write:{bucket}", f"List:{bucket}"],
        "elliptio-reader": [f"Read:{bucket}", f"List:{bucket}"],
    }


def test_mongodb_users_take_their_passwords_from_the_environment() -> None:
    script = COMPOSE["configs"]["mongodb-users"]["content"]
    assert "$" not in script, "compose would replace it"
    wanted = set(re.findall(r"process\.env\.(\w+)", script))
    assert wanted <= set(SERVICES["mongodb"]["environment"])
    assert len(wanted) == 4


def test_redis_takes_its_password_from_the_environment_and_throws_nothing_away() -> None:
    redis = SERVICES["redis"]
    assert redis["environment"] == {"REDISCLI_AUTH": "${ELLIPTIO_REDIS_PASSWORD:?set it in .env}"}
    start = redis["command"][-1]
    assert '--requirepass "$$REDISCLI_AUTH"' in start
    assert "--appendonly yes" in start
    assert "--maxmemory-policy noeviction" in start
