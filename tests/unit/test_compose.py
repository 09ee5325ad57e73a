"""docker-compose.yml: valid by the Compose specification's schema, and true to what the project says of itself.

No Docker engine runs here: that the images start and find each other is not shown by these tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway.service.homes.dynsec import CONTROL, RESPONSE
from gateway.settings import BrokerSettings, load_settings
from gateway.wire.access import mosquitto_acl

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"broker-accounts", "invitation"}
LASTING = sorted(SERVICES.keys() - ONCE)


def environment(service: str) -> dict[str, str]:
    """What Compose would set, with the defaults of the interpolated variables."""
    given = SERVICES[service].get("environment", {})
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in given.items()}


def schema() -> dict[str, Any]:
    """The Compose specification's own schema, as the package check-jsonschema ships it."""
    file = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def test_it_is_valid_by_the_specifications_schema() -> None:
    validator = jsonschema.validators.validator_for(schema())(schema())
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []
    broken = {**COMPOSE, "services": {**SERVICES, "service": {**SERVICES["service"], "prots": ["8080:8080"]}}}
    assert not validator.is_valid(broken)


def test_it_has_all_the_parts() -> None:
    assert set(LASTING) == {"mosquitto", "influxdb", "postgres", "service", "prometheus", "grafana", "home"}


@pytest.mark.parametrize("service", LASTING)
def test_every_lasting_service_is_watched_and_started_again(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[service]["restart"] == ("on-failure" if service == "home" else "unless-stopped")
    assert "no-new-privileges:true" in SERVICES[service]["security_opt"]


def test_everyone_waits_until_what_it_needs_is_well() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            once = name in ONCE
            assert wanted["condition"] == ("service_completed_successfully" if once else "service_healthy")
            assert once or "healthcheck" in SERVICES[name]


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES:
        for name in environment(service):
            if re.search(r"PASSWORD|TOKEN|SECRET|KEY", name):
                assert name.endswith("_FILE"), f"{service}: {name}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", (ROOT / "docker-compose.yml").read_text("utf-8"))


def test_secrets_are_files_that_git_ignores_and_every_one_is_used() -> None:
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == COMPOSE["secrets"].keys()
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./deploy/secrets/")
    assert "secrets/" in (ROOT / "deploy" / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_what_is_read_from_a_secrets_file_is_mounted_there(service: str) -> None:
    mounted = set(SERVICES[service].get("secrets", []))
    for name, value in environment(service).items():
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in mounted, name
    if service == "mosquitto":
        read = re.findall(r"/run/secrets/(\S+)", (ROOT / "deploy/mosquitto/mosquitto.conf").read_text("utf-8"))
        assert set(read) == mounted


@pytest.mark.parametrize("service", ["service", "home"])
def test_our_own_services_are_given_settings_that_exist(service: str) -> None:
    given = environment(service)
    given.pop("SOMNOLINK_CONFIG", None)  # it is made when the home joins
    settings = load_settings(environment=given)
    if service == "service":
        assert settings.broker.url == settings.broker.home_url == "mqtts://mosquitto:8883"
        assert settings.broker.ca_file
        assert settings.broker.password_file
        assert settings.broker.dynamic_security
        assert settings.broker.admin_password_file == "/run/secrets/broker-admin-password"
        assert settings.service.public_url == "http://service:8080"
        assert settings.service.metrics_token_file == "/run/secrets/metrics-token"
        assert settings.service.store.startswith("influx+v2://influxdb:8086?")
        assert settings.service.records == "postgresql://somnolink@postgres/somnolink"
        assert (settings.service.http_host, settings.service.http_port) == ("0.0.0.0", 8080)
    else:
        assert settings.broker == BrokerSettings()  # it gets them when it joins


def test_the_home_joins_by_the_code_that_lies_ready() -> None:
    invitation, home = SERVICES["invitation"], SERVICES["home"]
    (volume,) = invitation["volumes"]
    assert f"{volume}:ro" in home["volumes"]
    line = environment("home")["SIMULATION_INVITATION"]
    assert line == f"{volume.split(':')[1]}/line"
    assert invitation["entrypoint"][-1].endswith(f"> {line}")
    assert invitation["environment"] == SERVICES["service"]["environment"]
    assert invitation["secrets"] == SERVICES["service"]["secrets"]


def bind_sources() -> Iterator[str]:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                yield source
            else:
                assert source in COMPOSE["volumes"], source


def test_every_mounted_file_is_there_and_every_volume_declared() -> None:
    sources = list(bind_sources())
    assert len(sources) == 6
    for source in sources:
        assert (ROOT / source).exists(), source


def test_the_home_does_not_reach_the_databases() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    networks = {name: set(SERVICES[name].get("networks", [])) for name in LASTING}
    assert {name for name, given in networks.items() if "data" in given} == set(LASTING) - {"mosquitto", "home"}
    assert networks["home"] == {"broker"}


def test_only_tls_is_open_to_others() -> None:
    published = {name: SERVICES[name]["ports"] for name in SERVICES if "ports" in SERVICES[name]}
    assert published == {
        "mosquitto": ["8883:8883"],
        "service": ["127.0.0.1:8080:8080"],
        "grafana": ["127.0.0.1:3000:3000"],
    }
    lines = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("listener")] == ["listener 8883"]
    assert "allow_anonymous false" in lines


def test_the_rule_for_brokers_with_a_file_of_passwords_is_the_one_that_the_programs_obey() -> None:
    assert (ROOT / "deploy/mosquitto/acl").read_text("utf-8") == mosquitto_acl()


def test_the_brokers_accounts_are_those_that_the_service_makes() -> None:
    script = (ROOT / "deploy/mosquitto/make-accounts").read_text("utf-8")
    assert f"name=${{ADMIN:-{BrokerSettings().admin_user}}}" in script
    assert f"control='{CONTROL}'" in script
    assert f"{CONTROL}/response" == RESPONSE
    lines = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    volume = next(one for one in SERVICES["mosquitto"]["volumes"] if one.startswith("broker-accounts:"))
    assert f"plugin_opt_config_file {volume.split(':')[1]}/dynamic-security.json" in lines
    assert not volume.endswith(":ro")
    assert not [line for line in lines if line.startswith(("password_file", "acl_file"))]


def test_every_image_is_of_a_stated_version_or_built_here() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "deploy/Dockerfile").read_text("utf-8"), re.MULTILINE))
    for service in SERVICES.values():
        if "build" in service:
            assert service["build"]["target"] in stages
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        else:
            assert re.search(r":v?\d+\.\d+", service["image"]), service["image"]


def test_our_own_containers_run_as_nobody_special_and_write_only_their_data() -> None:
    assert "\nUSER somnolink\n" in (ROOT / "deploy/Dockerfile").read_text("utf-8")
    for name in ("service", "home"):
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert [one for one in SERVICES[name]["volumes"] if not one.endswith(":ro")] == [f"{name}-data:/data"]
