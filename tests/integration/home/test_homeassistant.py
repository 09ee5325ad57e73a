"""What Home Assistant is told, held against its published format, and over a real broker as it would hear it."""

from __future__ import annotations

import asyncio
import json
import queue
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.clock import SystemClock
from gateway.home import homeassistant
from gateway.home.homeassistant import HomeAssistant, ShownDevice, discovery_message, discovery_topic, state_message
from gateway.settings import load_settings
from gateway.wire.client import BrokerAddress, Connection, Message
from gateway.wire.messages import OximetryFlag
from tests.servers.mosquitto import MosquittoServer

SCHEMA = json.loads((Path(__file__).parent / "discovery.schema.json").read_text("utf-8"))
RING = ShownDevice(
    "o2ring-0123456789", "ring", "1652", "1.9.0", 81.0, 1_790_114_400_000, {"spo2": 96.0, "pulse": 57.0, "flags": 0.0}
)
RECORDER = ShownDevice("mad-0123456789", "recorder in the splint", battery_pct=44.0, oximeter=False)


@pytest.mark.parametrize("shown", [RING, RECORDER, replace(RING, model="", firmware="")], ids=["ring", "mad", "bare"])
def test_a_discovery_message_obeys_home_assistants_format(shown: ShownDevice) -> None:
    message = json.loads(discovery_message("home-1", shown))
    jsonschema.Draft202012Validator(SCHEMA).validate(message)
    ids = [component["unique_id"] for component in message["components"].values()]
    assert len(ids) == len(set(ids))
    assert all(shown.device in unique and "home-1" in unique for unique in ids)


def test_the_checker_itself_refuses_what_home_assistant_refuses() -> None:
    good = json.loads(discovery_message("home-1", RING))

    def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(json.dumps(good))
        change(message)
        return message

    for bad in (
        broken(lambda m: m.pop("origin")),
        broken(lambda m: m["device"].pop("identifiers")),
        broken(lambda m: m["components"]["battery"].update(unit_of_measurement="V")),
        broken(lambda m: m["components"]["last_sync"].update(state_class="measurement")),
        broken(lambda m: m["components"]["spo2"].pop("platform")),
        broken(lambda m: m["components"]["worn"].update(unit_of_measurement="%")),
        broken(lambda m: m.update(components={})),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(bad)


@pytest.mark.parametrize("shown", [RING, RECORDER])
def test_every_value_that_is_announced_is_in_the_state(shown: ShownDevice) -> None:
    components = json.loads(discovery_message("home-1", shown))["components"]
    named = {re.findall(r"value_json\.(\w+)", one["value_template"])[0] for one in components.values()}
    assert set(json.loads(state_message(shown))) == named


def test_live_values_battery_and_last_sync() -> None:
    state = json.loads(state_message(RING))
    assert (state["spo2"], state["pulse"], state["worn"], state["battery"]) == (96.0, 57.0, "ON", 81.0)
    assert datetime.fromisoformat(state["last_sync"]).timestamp() == 1_790_114_400


@pytest.mark.parametrize(
    ("live", "worn", "spo2"),
    [
        ({}, None, None),
        ({"spo2": float("nan"), "flags": float(OximetryFlag.NO_FINGER)}, "OFF", None),
        ({"spo2": 91.25, "flags": float(OximetryFlag.LOW_PERFUSION)}, "ON", 91.2),
    ],
)
def test_what_is_not_known_is_null_and_never_an_old_value(
    live: dict[str, float], worn: str | None, spo2: float | None
) -> None:
    state = json.loads(state_message(replace(RING, live=live, last_sync_ms=0)))
    assert (state["worn"], state["spo2"], state["last_sync"]) == (worn, spo2, None)


def test_it_is_off_unless_a_broker_is_named() -> None:
    assert load_settings(environment={}).home.assistant_url == ""


@contextmanager
def listening(address: BrokerAddress, *topics: str) -> Iterator[queue.Queue[Message]]:
    """As Home Assistant does."""
    heard: queue.Queue[Message] = queue.Queue()
    connection = Connection(address, "home-assistant", on_message=heard.put, on_lost=lambda _: None)
    connection.open(topics)
    try:
        yield heard
    finally:
        connection.close()


async def test_over_a_broker_that_restarts_it_is_told_again_and_goes_unavailable_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(homeassistant, "TELL_EVERY_S", 0.05)
    monkeypatch.setattr(homeassistant, "BACKOFF_FIRST_S", 0.1)
    loop = asyncio.get_running_loop()
    with MosquittoServer() as broker:
        address = BrokerAddress(broker.host, broker.port)
        shown = [RING]
        assistant = HomeAssistant(address, "home-1", SystemClock(), lambda: shown)
        task = asyncio.create_task(assistant.run())
        try:
            with listening(address, "homeassistant/#", "somnolink/home/#") as heard:
                first = {}
                while len(first) < 3:
                    message = await loop.run_in_executor(None, heard.get, True, 20)
                    first[message.topic] = message.payload
            topic = discovery_topic("homeassistant", "home-1", RING.device)
            jsonschema.validate(json.loads(first[topic]), SCHEMA)
            assert first["somnolink/home/home-1/status"] == b"online"
            assert json.loads(first[f"somnolink/home/home-1/{RING.device}/state"])["spo2"] == 96.0
            await loop.run_in_executor(None, broker.restart)
            shown.append(RECORDER)
            with listening(address, "homeassistant/#") as heard:
                topics = set()
                while len(topics) < 2:
                    message = await loop.run_in_executor(None, heard.get, True, 20)
                    topics.add(message.topic)
            assert topics == {discovery_topic("homeassistant", "home-1", one.device) for one in shown}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        with listening(address, "somnolink/home/home-1/status") as heard:
            message = await loop.run_in_executor(None, heard.get, True, 20)
            assert (message.payload, message.retained) == (b"offline", True)
