"""Where the broker is, as a person writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import BrokerError, ConfigurationError
from gateway.wire.client import BrokerAddress, Connection


def test_schemes_and_their_ports() -> None:
    assert BrokerAddress.parse("mqtt://broker") == BrokerAddress("broker", 1883)
    assert BrokerAddress.parse("mqtts://broker") == BrokerAddress("broker", 8883, tls=True)
    assert BrokerAddress.parse("mqtts://broker:99", ca_file=Path("ca")) == BrokerAddress(
        "broker", 99, True, ca_file=Path("ca")
    )
    assert BrokerAddress.parse("mqtt://home@broker").username == "home"
    assert BrokerAddress.parse("mqtt://home@broker", username="other").username == "other"
    assert str(BrokerAddress.parse("mqtt://[::1]:7")) == "::1:7"


@pytest.mark.parametrize(
    "url", ["", "broker", "broker:1883", "http://broker", "mqtt://", "mqtt://broker:port", "mqtt://broker:70000"]
)
def test_what_is_no_address_is_one_clear_line(url: str) -> None:
    with pytest.raises(ConfigurationError, match="broker"):
        BrokerAddress.parse(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="belongs in a file") as caught:
        BrokerAddress.parse("mqtt://home:hunter2@broker")
    assert "hunter2" not in str(caught.value)


def test_an_authority_that_cannot_be_read_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "absent.pem"):
        address = BrokerAddress("127.0.0.1", 1, tls=True, ca_file=path)
        with pytest.raises(ConfigurationError, match=f"certificate authority {path}"):
            Connection(address, "x", on_message=lambda _: None, on_lost=lambda _: None)


def test_a_closed_connection_takes_nothing() -> None:
    connection = Connection(BrokerAddress("127.0.0.1", 1), "x", on_message=lambda _: None, on_lost=lambda _: None)
    connection.close()
    with pytest.raises(BrokerError, match="is gone"):
        connection.publish("t", b"")
