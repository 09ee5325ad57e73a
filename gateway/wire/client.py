"""One MQTT connection (paho-mqtt 2, MQTT 3.1.1): made once, used, lost. Who wants another makes another.

A connection that is never revived has no hidden state: what was in flight when it was lost is known to its owner
alone (the outbox, the ingest), and nothing is sent twice behind the owner's back.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import BrokerError, BrokerRefusalError, ConfigurationError
from gateway.wire.buffered import BufferedClient

KEEPALIVE_S: Final = 30
"""A dead peer is noticed within 1.5 of these; half of a minute costs 2 bytes a ping."""

CONNECT_TIMEOUT_S: Final = 10.0
"""A broker on a home line answers in well under a second; past this the try is given up and the back-off begins."""


DENIALS: Final = frozenset({0x86, 0x87})
"""Bad user name or password; not authorized. paho tells MQTT 3.1.1's codes 4 and 5 so."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are to it.

    Attributes
    ----------
    ca_file : Path or None
        Certificate authority of a broker with TLS; None trusts the system's.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None

    @classmethod
    def parse(
        cls, url: str, *, username: str | None = None, password: str | None = None, ca_file: Path | None = None
    ) -> BrokerAddress:
        """Read ``mqtt://host[:port]`` or ``mqtts://host[:port]``.

        Raises
        ------
        ConfigurationError
            It is neither, or carries a password (a URL ends up in logs and process lists).
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ConfigurationError(f"broker {url!r}: the port is not a number of 1 to 65535") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ConfigurationError(f"broker must be mqtt://host[:port] or mqtts://host[:port], not {url!r}")
        if parts.password is not None:
            raise ConfigurationError("a broker's password belongs in a file or the environment, not in its URL")
        tls = parts.scheme == "mqtts"
        name = username if username is not None else parts.username
        return cls(parts.hostname, port or (8883 if tls else 1883), tls, name, password, ca_file)

    @property
    def url(self) -> str:
        """The address as a setting names it: without user, password and authority."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def __str__(self) -> str:
        """Host and port, as an error names them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes (retained, QoS 1) when we vanish."""

    topic: str
    payload: bytes


class Message(msgspec.Struct, frozen=True, eq=False):
    """One message that arrived; `Connection.acknowledge` takes it back.

    Attributes
    ----------
    retained : bool
        It was there before we subscribed.
    connection : Connection or None
        The one it came by: its `mid` means nothing on another.
    """

    topic: str
    payload: bytes
    mid: int
    qos: int
    retained: bool = False
    connection: Connection | None = None


class Connection:
    """A connection to the broker, served by one network thread.

    Parameters
    ----------
    on_message : callable
        Called on the network thread with each message. With `manual_acknowledgement` the broker holds the message
        as unacknowledged until `acknowledge`; a handler that blocks slows the broker down, which is back-pressure.
    on_lost : callable
        Called once, on the network thread, when the connection ends for whatever reason but `close`.
    on_published : callable
        Called with the `mid` of a QoS 1 message when the broker took it. That is no word of the service.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        *,
        on_message: Callable[[Message], None],
        on_lost: Callable[[str], None],
        on_published: Callable[[int], None] | None = None,
        will: Will | None = None,
        manual_acknowledgement: bool = False,
        max_inflight: int = 64,
    ) -> None:
        self.address = address
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_published = on_published
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        self._refusal: str | None = None
        self._denied = False
        self._closing = False
        self._lost = False
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=True,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=manual_acknowledgement,
        )
        client.max_inflight_messages_set(max_inflight)
        client.on_connect = self._handle_connect
        client.on_disconnect = self._handle_disconnect
        client.on_message = self._handle_message
        client.on_publish = self._handle_publish
        client.on_subscribe = self._handle_subscribe
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            try:
                context = ssl.create_default_context(cafile=address.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(f"certificate authority {address.ca_file}: {error}") from None
            client.tls_set_context(context)
        self._client = client

    def open(self, subscriptions: Sequence[str] = ()) -> None:
        """Connect and subscribe (QoS 1); blocks until both are confirmed.

        Raises
        ------
        BrokerError
            No answer, or no connection.
        BrokerRefusalError
            The broker knows us not, or its rules deny a subscription.
        """
        try:
            self._client.connect(self.address.host, self.address.port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise BrokerError(f"no broker at {self.address}: {error}") from None
        self._client.loop_start()
        try:
            self._await(self._connected, "did not answer")
            if subscriptions:
                self._client.subscribe([(topic, 1) for topic in subscriptions])
                self._await(self._subscribed, "did not confirm the subscription")
        except BrokerError:
            self.close()
            raise

    def _await(self, event: threading.Event, otherwise: str) -> None:
        answered = event.wait(CONNECT_TIMEOUT_S)
        if self._refusal is not None:
            kind = BrokerRefusalError if self._denied else BrokerError
            raise kind(f"broker at {self.address} refuses {self.address.username or 'us'}: {self._refusal}")
        if not answered:
            raise BrokerError(f"broker at {self.address} {otherwise} within {CONNECT_TIMEOUT_S:.0f} s")

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Queue a message; returns its `mid`.

        Raises
        ------
        BrokerError
            The connection is gone: the message was not taken.
        """
        if self._lost or self._closing:
            raise BrokerError(f"connection to {self.address} is gone")
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise BrokerError(f"broker at {self.address}: {paho.error_string(info.rc)}")
        return info.mid

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that messages are dealt with (manual acknowledgement only).

        One that came by another connection is left alone: its number may be another message's here.
        """
        self._client.confirm([one.mid for one in messages if one.connection is self and one.qos == 1])

    def close(self) -> None:
        """Disconnect and end the network thread; the will is not sent. `on_lost` is not called."""
        self._closing = True
        self._client.disconnect()
        if threading.current_thread() is not self._client._thread:
            self._client.loop_stop()

    def _handle_connect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            self._denied = reason.value in DENIALS
        self._connected.set()

    def _handle_subscribe(
        self,
        _client: paho.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        failures = [str(reason) for reason in reasons if reason.is_failure]
        if failures:
            self._refusal = f"subscription: {failures[0]}"
            self._denied = True
        self._subscribed.set()

    def _handle_disconnect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._refusal is None and not self._connected.is_set():
            self._refusal = str(reason)
        established = self._connected.is_set()
        self._connected.set()
        self._subscribed.set()
        if self._lost:
            return
        self._lost = True
        if established and not self._closing:
            self._on_lost(str(reason))

    def _handle_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        self._on_message(Message(message.topic, payload, message.mid, message.qos, message.retain, self))

    def _handle_publish(
        self, _client: paho.Client, _userdata: object, mid: int, _reason: ReasonCode, _properties: Properties
    ) -> None:
        if self._on_published is not None:
            self._on_published(mid)
