"""Grafana and Prometheus as they are provisioned: their queries ask for what store and metrics really have.

Neither program runs here: the InfluxQL is run by a real InfluxDB over what the store wrote, the metrics' names are held
against what the service answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.service.api import create_app, serve
from gateway.service.api.scraper import NAME, admit_scraper
from gateway.service.app import Service, ServiceConfig
from gateway.service.records import Records
from gateway.service.store import open_store
from gateway.service.store.sqlite import SqliteStore
from gateway.settings import RetentionSettings
from gateway.wire.client import BrokerAddress
from gateway.wire.messages import SCHEMA, Batch, ClockInfo, Kind
from tests.servers.influxdb import InfluxServer

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
BOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
}
FORM = re.compile(
    r'SELECT (?:min|mean|max)\("(?P<field>\w+)"\) FROM "(?P<kind>\w+)" WHERE "(?P<tag>\w+)" =~ .*'
    r" GROUP BY time\(\$__interval\), (?P<groups>.*) fill\(none\)"
)
TAGS = {"device", "lap", "origin", "revision", "session"}
T0_MS = 1_773_527_400_000
TOKEN = "f00d" * 16


def provisioned(folder: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "grafana/provisioning" / folder / "somnolink.yml").read_text())
    return loaded


SOURCES = {source["uid"]: source for source in provisioned("datasources")["datasources"]}


def targets(kind: str) -> list[dict[str, Any]]:
    """Every query that is asked of one kind of data source."""
    return [
        target
        for board in BOARDS.values()
        for panel in board["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_board_is_one_that_grafana_can_draw(name: str) -> None:
    board = BOARDS[name]
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"])
    assert board["title"]
    assert board["description"]
    assert board["editable"] is False
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) >= 6
    for panel in board["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) >= 1
        for target in panel["targets"]:
            source = target["datasource"]
            assert SOURCES[source["uid"]]["type"] == source["type"] == panel["datasource"]["type"]
    for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_boards_are_found_where_they_are_mounted_and_sources_are_those_of_the_composition() -> None:
    composition = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text("utf-8"))
    grafana = composition["services"]["grafana"]
    mounted = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    (provider,) = provisioned("dashboards")["providers"]
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    for source in SOURCES.values():
        assert source["access"] == "proxy"
        assert re.fullmatch(r"http://(\w+):\d+", source["url"])[1] in composition["services"]  # type: ignore[index]  # it matches
        for secret in source.get("secureJsonData", {}).values():
            assert re.fullmatch(r"\$__file\{/run/secrets/([a-z-]+)\}", secret)[1] in grafana["secrets"]  # type: ignore[index]  # it matches
    bucket = composition["services"]["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert SOURCES["somnolink-samples"]["jsonData"]["dbName"] == bucket


def test_grafanas_user_of_the_samples_may_only_read() -> None:
    script = (DEPLOY / "influxdb" / "20-grafana.sh").read_text("utf-8")
    assert "--read-bucket" in script
    assert "--write-bucket" not in script
    assert f"--username {SOURCES['somnolink-samples']['user']} " in script
    assert "influx-token" not in json.dumps(SOURCES)


def test_measurements_fields_and_tags_are_those_of_the_store() -> None:
    matches = [(FORM.fullmatch(target["query"]), target["alias"]) for target in targets("influxdb")]
    assert len(matches) >= 7
    for matched, alias in matches:
        assert matched
        assert matched["field"] in next(columns for kind, columns in SCHEMA.items() if kind == matched["kind"])
        groups = set(re.findall(r'"(\w+)"', matched["groups"]))
        assert {matched["tag"], *groups} <= TAGS
        assert set(re.findall(r"\$tag_(\w+)", alias)) <= groups


def filled(kind: Kind) -> Batch:
    columns = {name: np.full(30, 5, dtype) for name, dtype in SCHEMA[kind].items()}
    return Batch("o2ring-0011223344", kind, "live", kind, 0, T0_MS, columns, ClockInfo("arrival", 500), dt_ms=1000)


@pytest.fixture(scope="module")
def influx() -> Iterator[InfluxServer]:
    with InfluxServer() as server:
        with open_store(f"influx+v1://{server.host}:{server.port}/samples") as store:
            store.append([filled(kind) for kind in SCHEMA])
        yield server


def ask(server: InfluxServer, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.url}/query", params={"db": "samples", "q": query, "epoch": "ms"}, timeout=20).json()
    assert "error" not in answer["results"][0], answer
    series: list[dict[str, Any]] = answer["results"][0].get("series", [])
    return series


def test_a_real_influxdb_answers_every_query_of_the_boards(influx: InfluxServer) -> None:
    for target in targets("influxdb"):
        query = target["query"].replace("$timeFilter", f"time >= {T0_MS}ms AND time < {T0_MS + 60_000}ms")
        (series,) = ask(influx, query.replace("$__interval", "10s").replace("$device", "(.*)"))
        assert series["tags"] == {"device": "o2ring-0011223344", "origin": "live"}
        assert [value for _, value in series["values"]] == [5, 5, 5]
        assert ask(influx, query.replace("$__interval", "10s").replace("$device", "another")) == []


def test_a_real_influxdb_tells_the_devices_to_choose_from(influx: InfluxServer) -> None:
    (variable,) = BOARDS["devices"]["templating"]["list"]
    found = ask(influx, variable["query"])
    assert {tuple(value) for series in found for value in series["values"]} == {("device", "o2ring-0011223344")}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the service answers to whoever has the token of the file."""
    folder = tmp_path_factory.mktemp("metrics")
    with SqliteStore(folder / "samples.db") as store:
        records = Records(folder / "records.db")
        config = ServiceConfig(BrokerAddress.parse("mqtt://127.0.0.1:1"), "UTC", retention=RetentionSettings())
        service = Service(config, store, records, SystemClock())
        admit_scraper(records, TOKEN, now_ms=1)
        with serve(create_app(records, store, status=service.status), "127.0.0.1", 0) as server:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert httpx.get(f"{server.url}/api/v1/devices", headers=headers).status_code == 403
            yield httpx.get(f"{server.url}/metrics", headers=headers).text
        records.close()


def test_metrics_and_labels_are_those_of_the_service(metrics: str) -> None:
    known = set(re.findall(r"^(\w+?)(?:\{| )", metrics, re.MULTILINE)) | set(
        re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE)
    )
    asked = targets("prometheus")
    assert len(asked) >= 10
    for target in asked:
        for name in re.findall(r"somnolink_\w+", target["expr"]):
            assert name in known, name
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= {"route", "state", "reason"}
    assert 'route="' in metrics
    assert 'state="' in metrics


def test_prometheus_asks_the_service_with_the_token_of_the_file() -> None:
    composition = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text("utf-8"))
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    service = composition["services"]["service"]
    assert job["static_configs"] == [{"targets": [f"service:{service['environment']['SOMNOLINK_SERVICE_HTTP_PORT']}"]}]
    assert job["metrics_path"] == "/metrics"
    file = job["authorization"]["credentials_file"]
    assert file == service["environment"]["SOMNOLINK_SERVICE_METRICS_TOKEN_FILE"]
    assert file.removeprefix("/run/secrets/") in composition["services"]["prometheus"]["secrets"]


def test_a_new_token_in_the_file_ends_the_old_one(tmp_path: Path) -> None:
    from gateway.service.api.auth import token_hash

    records = Records(tmp_path / "records.db")
    for token in (TOKEN, TOKEN, TOKEN[::-1]):
        admit_scraper(records, token, now_ms=1)
    assert records.tokens.find(token_hash(TOKEN)) is None
    known = records.tokens.find(token_hash(TOKEN[::-1]))
    assert known is not None
    assert (known.name, list(known.scopes)) == (NAME, ["metrics"])
    with pytest.raises(ConfigurationError, match="has 31 characters"):
        admit_scraper(records, "x" * 31, now_ms=1)
    records.close()
