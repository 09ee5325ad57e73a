"""Home Assistant, at the patient's own wish: the devices appear there by MQTT discovery, on the home's own broker.

Off unless a broker is named. Nothing of it goes by the clinic's broker, and the clinic sees nothing of it. What is
shown there is for people at home; it is no alarm. Message formats: home-assistant.io, "MQTT", sections "Device
discovery payload", "Sensor", "Binary sensor".
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

import msgspec

from gateway.clock import Clock
from gateway.errors import BrokerError
from gateway.wire.client import BrokerAddress, Connection, Will
from gateway.wire.messages import OximetryFlag
from gateway.wire.topics import check_name

ROOT: Final = "somnolink/home"
TELL_EVERY_S: Final = 5.0
"""Home Assistant draws curves; a point in five seconds is as much as a ring gives."""

EXPIRE_S: Final = 60
"""A live value that is not told again for so long is shown as unknown, not as fresh."""

AGAIN_S: Final = 30.0
"""The same state is told again this often while it is live, so that it does not expire."""

BACKOFF_FIRST_S: Final = 5.0
BACKOFF_MOST_S: Final = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device as it is shown.

    Attributes
    ----------
    live : mapping
        The newest live sample's columns; empty while nothing is streamed.
    last_sync_ms : int
        0 where nothing was pulled since the gateway's start.
    """

    device: str
    name: str
    model: str = ""
    firmware: str = ""
    battery_pct: float | None = None
    last_sync_ms: int = 0
    live: Mapping[str, float] = field(default_factory=dict)
    oximeter: bool = True


def availability_topic(gateway: str) -> str:
    """Where the gateway says that it is there."""
    return f"{ROOT}/{gateway}/status"


def state_topic(gateway: str, device: str) -> str:
    """Where a device's values are."""
    return f"{ROOT}/{gateway}/{device}/state"


def discovery_topic(prefix: str, gateway: str, device: str) -> str:
    """Where a device is made known: one message for all of it (Home Assistant 2024.11 and newer)."""
    return f"{prefix}/device/somnolink_{gateway}_{device}/config"


def discovery_message(gateway: str, shown: ShownDevice) -> bytes:
    """Return the message that makes a device known."""
    unique = f"somnolink_{gateway}_{shown.device}"
    components: dict[str, dict[str, object]] = {
        "battery": {"name": "Battery", "device_class": "battery", "unit_of_measurement": "%"},
        "last_sync": {"name": "Last night fetched", "device_class": "timestamp"},
    }
    if shown.oximeter:
        live = {"state_class": "measurement", "expire_after": EXPIRE_S}
        components |= {
            "spo2": {"name": "SpO2", "unit_of_measurement": "%", "icon": "mdi:water-percent", **live},
            "pulse": {"name": "Pulse", "unit_of_measurement": "bpm", "icon": "mdi:heart-pulse", **live},
        }
    for key, component in components.items():
        component |= {
            "platform": "sensor",
            "unique_id": f"{unique}_{key}",
            "value_template": f"{{{{ value_json.{key} }}}}",
        }
    if shown.oximeter:
        components["worn"] = {
            "platform": "binary_sensor",
            "name": "Worn",
            "unique_id": f"{unique}_worn",
            "value_template": "{{ value_json.worn }}",
            "icon": "mdi:ring",
            "expire_after": EXPIRE_S,
        }
    device: dict[str, object] = {"identifiers": [unique], "name": f"Sleep {shown.name}"}
    if shown.model:
        device["model"] = shown.model
    if shown.firmware:
        device["sw_version"] = shown.firmware
    message = {
        "device": device,
        "origin": {"name": "somnolink", "sw_version": version("somnolink")},
        "components": components,
        "state_topic": state_topic(gateway, shown.device),
        "availability_topic": availability_topic(gateway),
        "qos": 1,
    }
    return msgspec.json.encode(message)


def state_message(shown: ShownDevice) -> bytes:
    """Return a device's values: null is shown as unknown."""
    values: dict[str, object] = {
        "battery": shown.battery_pct,
        "last_sync": datetime.fromtimestamp(shown.last_sync_ms / 1000, UTC).isoformat() if shown.last_sync_ms else None,
    }
    if shown.oximeter:
        flags = shown.live.get("flags")
        worn = None if flags is None else ("OFF" if int(flags) & OximetryFlag.NO_FINGER else "ON")
        values |= {"spo2": _number(shown.live, "spo2"), "pulse": _number(shown.live, "pulse"), "worn": worn}
    return msgspec.json.encode(values)


def _number(live: Mapping[str, float], name: str) -> float | None:
    value = live.get(name, math.nan)
    return None if math.isnan(value) else round(float(value), 1)


class HomeAssistant:
    """Tells Home Assistant's broker; one that is away is tried again, and nothing else waits for it.

    Parameters
    ----------
    shown : callable
        The devices as they are now; called on the event loop.
    prefix : str
        Home Assistant's discovery prefix.
    """

    def __init__(
        self,
        address: BrokerAddress,
        gateway: str,
        clock: Clock,
        shown: Callable[[], Sequence[ShownDevice]],
        *,
        prefix: str = "homeassistant",
    ) -> None:
        self._address = address
        self._gateway = check_name(gateway, "gateway")
        self._clock = clock
        self._shown = shown
        self._prefix = prefix

    async def run(self) -> None:
        """Tell until cancelled."""
        wait_s = BACKOFF_FIRST_S
        while True:
            lost = asyncio.Event()
            loop = asyncio.get_running_loop()
            topic = availability_topic(self._gateway)
            connection = Connection(
                self._address,
                f"somnolink-{self._gateway}-ha",
                on_message=lambda _: None,
                on_lost=lambda _, loop=loop, lost=lost: loop.call_soon_threadsafe(lost.set),  # type: ignore[misc]
                will=Will(topic, b"offline"),
            )
            try:
                await loop.run_in_executor(None, connection.open)
                connection.publish(topic, b"online", retain=True)
                wait_s = BACKOFF_FIRST_S
                await self._tell(connection, lost)
            except BrokerError as error:
                log.warning("Home Assistant: %s", error)
            finally:
                await asyncio.shield(loop.run_in_executor(None, self._say_goodbye, connection))
            await self._clock.sleep(wait_s * random.uniform(0.8, 1.2))
            wait_s = min(BACKOFF_MOST_S, 2 * wait_s)

    async def _tell(self, connection: Connection, lost: asyncio.Event) -> None:
        known: dict[str, bytes] = {}
        told: dict[str, tuple[float, bytes]] = {}
        while not lost.is_set():
            now_s = self._clock.monotonic_s()
            for one in self._shown():
                discovery = discovery_message(self._gateway, one)
                if known.get(one.device) != discovery:
                    topic = discovery_topic(self._prefix, self._gateway, one.device)
                    connection.publish(topic, discovery, retain=True)
                    known[one.device] = discovery
                state = state_message(one)
                at_s, before = told.get(one.device, (-AGAIN_S, b""))
                if state != before or (one.live and now_s - at_s >= AGAIN_S):
                    connection.publish(state_topic(self._gateway, one.device), state, retain=not one.live)
                    told[one.device] = (now_s, state)
            await self._clock.sleep(TELL_EVERY_S)

    def _say_goodbye(self, connection: Connection) -> None:
        try:
            connection.publish(availability_topic(self._gateway), b"offline", retain=True)
        except BrokerError:
            log.debug("the will speaks for us")
        connection.close()
