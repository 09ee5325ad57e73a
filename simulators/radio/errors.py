"""The errors of the virtual radio: bleak's own, with the names and texts that BlueZ gives them over D-Bus.

Texts as in BlueZ's ``src/error.c`` and ``src/gatt-client.c``, which bleak's BlueZ backend passes on.
"""

from __future__ import annotations

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bumble import att

_NOT_PAIRED = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
)


def not_connected() -> BleakError:
    """There is no link."""
    return BleakError("Not connected")


def link_lost() -> BleakError:
    """The link ended while an operation was under way: BlueZ answers as to ATT error 0x0E."""
    return BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR)


def from_att(error: att.ATT_Error) -> BleakError:
    """Translate the peripheral's error response; BlueZ hides the code where the link is not secure enough."""
    code = BleakGATTProtocolErrorCode(error.error_code)
    if code in _NOT_PAIRED:
        return BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"])
    return BleakGATTProtocolError(code)


def failed(details: str) -> BleakDBusError:
    """BlueZ's general failure, with its reason."""
    return BleakDBusError("org.bluez.Error.Failed", [details])


def not_supported() -> BleakDBusError:
    """The characteristic does not know this operation."""
    return BleakDBusError("org.bluez.Error.NotSupported", ["Operation is not supported"])


def not_ready() -> BleakDBusError:
    """The adapter has no power."""
    return BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"])


def pairing_failed() -> BleakDBusError:
    """Pairing ended without a key, or a key did not fit."""
    return BleakDBusError("org.bluez.Error.AuthenticationFailed", ["Authentication Failed"])


def unknown_device(address: str) -> BleakDeviceNotFoundError:
    """The adapter has never heard of this device, or has forgotten it."""
    return BleakDeviceNotFoundError(address, f"Device with address {address} was not found.")


def powered_off(adapter: str) -> BleakBluetoothNotAvailableError:
    """Scanning is not possible: the adapter has no power."""
    return BleakBluetoothNotAvailableError(
        f"Bluetooth adapter '{adapter}' is powered off.", BleakBluetoothNotAvailableReason.POWERED_OFF
    )


def no_adapter() -> BleakBluetoothNotAvailableError:
    """Scanning is not possible: there is no adapter."""
    return BleakBluetoothNotAvailableError(
        "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
    )
