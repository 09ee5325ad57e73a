"""The AsyncAPI document says what the code does: topics, messages, fields, columns, units, limits, directions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import cbor2
import msgspec
import numpy as np
import pytest
import yaml
from jsonschema import Draft7Validator

from analytics.alerts.lifecycle import CHANGES, State
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER, allowed
from gateway.wire.codec import (
    MAX_BATCHES,
    MAX_MESSAGE_BYTES,
    GatewayStatus,
    ServiceStatus,
    encode_acks,
    encode_batch,
    encode_status,
)
from gateway.wire.columns import missing_value
from gateway.wire.feed import Evidence, FeedEvent, encode_event
from gateway.wire.messages import (
    KINDS,
    MAX_COUNT,
    MAX_SAMPLES,
    ORIGINS,
    SCHEMA,
    Ack,
    OximetryFlag,
    Result,
    WaveformFlag,
    WearFlag,
)
from gateway.wire.presence import MAX_DEVICES, ClockState, DeviceStatus, RadioState
from tests.conftest import ROOT
from tests.unit.wire.samples import batch

STATES = (("gatewayStatus", "radio"), ("deviceStatus", "clock"))
GATEWAY, DEVICE = "{gateway}", "{device}"
USERS = {"gateway": "home", "service": SERVICE_USER, "clinic": "clinic"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / Path("docs/asyncapi.yaml")).read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def schemas(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def follow(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def check(document: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft7Validator(whole).iter_errors(value)]


def test_it_is_an_asyncapi_3_document_whose_references_all_lead_somewhere(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"info", "channels", "operations", "components"} <= document.keys()
    for reference in references(document):
        assert follow(document, reference) is not None
    for channel in document["channels"].values():
        names = {part[1:-1] for part in channel["address"].split("/") if part.startswith("{")}
        assert names == channel.get("parameters", {}).keys()
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_every_topic_of_the_code_is_a_channel_and_no_other(document: dict[str, Any]) -> None:
    addresses = {name: channel["address"] for name, channel in document["channels"].items()}
    assert addresses == {
        "batches": topics.batch(GATEWAY, DEVICE, "{kind}"),  # type: ignore[arg-type]  # a template
        "gatewayStatus": topics.status(GATEWAY),
        "acknowledgements": topics.ack(GATEWAY),
        "commands": topics.command(GATEWAY),
        "serviceStatus": topics.SERVICE_STATUS,
        "alertFeed": topics.feed("{clinic}"),
    }
    assert document["channels"]["batches"]["parameters"]["kind"]["enum"] == list(KINDS)
    subscriptions = [operation.get("description", "") for operation in document["operations"].values()]
    assert f"Subscribes to {topics.ALL_BATCHES}." in subscriptions
    assert f"Subscribes to {topics.ALL_STATUS}." in subscriptions


def test_both_directions_are_those_that_the_access_rule_allows(document: dict[str, Any]) -> None:
    said = set()
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"].removeprefix("#/channels/")
        user = USERS[operation["title"].split()[0]]
        action = "write" if operation["action"] == "send" else "read"
        topic = document["channels"][channel]["address"].replace(GATEWAY, "home").replace("{clinic}", "clinic")
        assert allowed(user, action, topic.replace(DEVICE, "plx-1").replace("{kind}", "wear")), operation
        assert operation["bindings"]["mqtt"]["qos"] == 1
        assert operation["bindings"]["mqtt"]["retain"] == channel.endswith("Status")
        said.add((channel, user, action))
    # what one side sends the other receives
    for channel, user, action in said:
        listener = "clinic" if channel == "alertFeed" else "home"
        other = (channel, SERVICE_USER if user != SERVICE_USER else listener, "read" if action == "write" else "write")
        assert other in said or channel == "commands"


def test_columns_with_their_types_and_missing_values_are_those_of_the_schema(schemas: dict[str, Any]) -> None:
    told = schemas["batch"]["x-columns"]
    assert {kind: list(columns) for kind, columns in told.items()} == {k: list(SCHEMA[k]) for k in KINDS}
    for kind in KINDS:
        for name, dtype in SCHEMA[kind].items():
            column = told[kind][name]
            assert column["dtype"] == dtype.str, (kind, name)
            assert column["unit"]
            assert column["description"]
            missing = missing_value(kind, name)
            same = column["missing"] == missing or (column["missing"] == "NaN" and math.isnan(missing))
            assert same, (kind, name)
    for kind, flags in {"oximetry": OximetryFlag, "wear": WearFlag, "waveform": WaveformFlag}.items():
        assert told[kind]["flags"]["bits"] == {flag.name: flag.value for flag in flags}


def test_typed_arrays_have_the_tags_that_are_told(schemas: dict[str, Any]) -> None:
    tags = schemas["batch"]["x-cbor-tags"]
    seen: dict[str, int] = {"<i4": schemas["batch"]["properties"]["t_ms"]["x-cbor-tag"]}
    for kind in KINDS:
        for name, column in cbor2.loads(encode_batch(batch(kind)))["columns"].items():
            seen[SCHEMA[kind][name].str] = column.tag
    assert seen == tags


@pytest.mark.parametrize("even", [True, False])
def test_every_field_of_a_batch_is_told_and_every_batch_obeys(document: dict[str, Any], even: bool) -> None:
    schema = document["components"]["schemas"]["batch"]
    for kind in KINDS:
        times = {} if even else {"dt_ms": None, "t_ms": np.array([0, 1, 1], "<i4")}
        fields = cbor2.loads(encode_batch(batch(kind, last=True, origin="stored", **times)))
        assert fields.keys() <= schema["properties"].keys()
        assert fields.keys() >= set(schema["required"])
        assert fields["clock"].keys() == document["components"]["schemas"]["clock"]["properties"].keys()
        assert check(document, schema, fields) == []
        assert check(document, schema, fields | {"dt_ms": 1, "t_ms": 1}) != []
        assert check(document, schema, {n: v for n, v in fields.items() if n not in ("dt_ms", "t_ms")}) != []


def test_limits_are_those_of_the_code(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    properties = schemas["batch"]["properties"]
    assert properties["origin"]["enum"] == list(ORIGINS)
    for name in ("seq", "revision"):
        assert (properties[name]["minimum"], properties[name]["maximum"]) == (0, MAX_COUNT - 1)
    edges = {"t0_ms": (0, (1 << 43) - 1), "dt_ms": (1, 86_400_000)}
    for name, (least, most) in edges.items():
        assert (properties[name]["minimum"], properties[name]["maximum"]) == (least, most)
        assert getattr(batch(**{name: least}), name) == least
        assert getattr(batch(**{name: most}), name) == most
    assert f"1 to {MAX_SAMPLES} samples" in properties["columns"]["description"]
    message = document["components"]["messages"]["batches"]["description"]
    assert f"at most {MAX_BATCHES}" in message
    assert f"{MAX_MESSAGE_BYTES // 1024} KiB" in message


def test_acknowledgements_and_presence_have_the_fields_that_are_told(
    document: dict[str, Any], schemas: dict[str, Any]
) -> None:
    told = schemas["acknowledgement"]
    assert told["properties"].keys() == set(Ack.__dataclass_fields__)
    assert told["properties"]["result"]["enum"] == list(get_args(Result))
    acks = [Ack("d", "s", "stored", seqs=(1, 2)), Ack("d", "s", "set_aside", up_to=4, revision=1)]
    payload = document["components"]["messages"]["acknowledgements"]["payload"]
    assert check(document, payload, msgspec.json.decode(encode_acks(acks))) == []
    for name, value in (
        ("gatewayStatus", GatewayStatus(True)),
        ("serviceStatus", ServiceStatus(True)),
        ("deviceStatus", DeviceStatus("d")),
    ):
        fields = msgspec.structs.fields(type(value))
        assert list(schemas[name]["properties"]) == [field.name for field in fields]
        assert schemas[name]["required"] == [field.name for field in fields if field.required]
        plain = msgspec.json.decode(msgspec.json.encode(value))
        assert check(document, schemas[name], plain) == []
        defaults = {n: p["default"] for n, p in schemas[name]["properties"].items() if "default" in p}
        assert plain == {schemas[name]["required"][0]: plain[schemas[name]["required"][0]]} | defaults
    states = {name: schemas[name]["properties"][field]["enum"] for name, field in STATES}
    assert states == {"gatewayStatus": list(get_args(RadioState)), "deviceStatus": list(get_args(ClockState))}
    assert schemas["gatewayStatus"]["properties"]["devices"]["maxItems"] == MAX_DEVICES
    full = GatewayStatus(True, 5, devices=[DeviceStatus("d", 3, voltage=2.9, boots=4, clock="ok", drift_ppm=-11.5)])
    assert check(document, schemas["gatewayStatus"], msgspec.json.decode(encode_status(full))) == []


def test_feed_events_have_the_fields_that_are_told(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    fields = msgspec.structs.fields(FeedEvent)
    told = schemas["feedEvent"]
    assert list(told["properties"]) == [field.name for field in fields]
    assert told["required"] == [field.name for field in fields if field.required]
    assert told["properties"]["state"]["enum"] == [state.value for state in State]
    assert set(told["properties"]["event"]["enum"]) == {*CHANGES, "assigned", "commented"}
    values = {"lowest_pct": 84.0, "note": "x", "missing": None}
    event = FeedEvent(
        7, "clinic", "raised", "a", "spo2_low", "open", "urgent", 1, "p-1", None, None, 2, 3, False, False, "m",
        Evidence(1, 2, values), "/api/v1/alerts/a",
    )  # fmt: skip
    plain = msgspec.json.decode(encode_event(event))
    assert check(document, told, plain) == []
    assert check(document, told, plain | {"event": "exploded"}) != []
    assert check(document, told, plain | {"name": "Smith"}) != []
