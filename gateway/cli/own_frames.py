"""`somnolink decode` of our own devices: records, notifications and responses of the control point, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final

from gateway.errors import ProtocolError
from gateway.home.devices.edge import control, records
from gateway.home.devices.edge.control import Op, Result

Values = dict[str, object]

_VALUE_BYTES: Final[Mapping[tuple[int, int], tuple[int, ...]]] = {
    (Op.REPORT, Result.SUCCESS): (8,),
    (Op.REPORT, Result.NO_RECORDS): (8,),
    (Op.REPORT, Result.NOT_COMPLETED): (0, 8),
    (Op.ACKNOWLEDGE, Result.SUCCESS): (4,),
    (Op.ABORT, Result.SUCCESS): (8,),
    (Op.COUNT, Result.SUCCESS): (8,),
    (Op.CHALLENGE, Result.SUCCESS): (control.NONCE_BYTES,),
    (Op.PROVE, Result.SUCCESS): (control.PROOF_BYTES,),
    (Op.TIME, Result.SUCCESS): (10,),
}
"""Bytes of a response's value; none for what is not named here, four (the log's id) where it is another log."""


def recorder(data: bytes) -> Values:
    """A record of 14 bytes, a data notification, or a response of the control point.

    A record has `boot`, `tick_ms`, `temperature`, `acceleration_mg`, `motion_mg` and `status`; what is missing is None.
    """
    return _frame(data, records.WEAR, records.WEAR_BYTES, _wear)


def bed_sensor(data: bytes) -> Values:
    """A frame of 237 bytes, a data notification, or a response of the control point.

    A frame has `boot`, `tick_ms`, `bits`, `gain`, `lost` (samples missing before it), `clipped` and `samples`.
    """
    return _frame(data, records.WAVE, records.WAVE_BYTES, _wave)


def _frame(data: bytes, layout: int, size: int, show: Callable[[bytes], Values]) -> Values:
    if len(data) == size:
        return show(data)
    if data[:1] == bytes((Op.RESPONSE,)):
        return _response(data)
    notification = control.decode_notification(data)
    if notification.layout != layout or len(notification.data) % size:
        raise ProtocolError(f"neither a record of {size} bytes, nor a notification of such, nor a response")
    rows = [notification.data[at : at + size] for at in range(0, len(notification.data), size)]
    return {"sequence": notification.first, "records": [show(row) for row in rows]}


def _wear(row: bytes) -> Values:
    decoded = records.decode_wear(row)
    if decoded.refused:
        raise ProtocolError("a wear record's highest flag is always 0")
    found = decoded.readings
    columns = {name: column[0].item() for name, column in found.columns.items()}
    word = int.from_bytes(row[7:], "little")
    axes = [word >> 14 + 10 * axis & 0x3FF for axis in range(3)]
    return {
        "boot": int(found.boot[0]),
        "tick_ms": int(found.tick_ms[0]),
        "temperature": None if columns["temperature"] != columns["temperature"] else round(columns["temperature"], 2),
        "acceleration_mg": None
        if records.NO_ACCELERATION in axes
        else [columns["accel_x"], columns["accel_y"], columns["accel_z"]],
        "motion_mg": None if word >> 44 == records.NO_MOTION else columns["motion"],
        "status": [name for bit, name in enumerate(records.WEAR_FLAGS) if row[0] >> bit & 1],
    }


def _wave(row: bytes) -> Values:
    decoded = records.decode_wave(row)
    if decoded.refused:
        raise ProtocolError("a waveform frame that cannot be")
    found = decoded.readings
    return {
        "boot": int(found.boot[0]),
        "tick_ms": int(found.tick_ms[0]),
        "bits": 12 + (row[0] & 7),
        "gain": row[1],
        "lost": int.from_bytes(row[9:11], "little"),
        "clipped": bool(row[0] & 8),
        "samples": found.columns["pressure"].tolist(),
    }


def _response(data: bytes) -> Values:
    """`request`, `result`, and what its value says: `next` and `sent`, `oldest`, `first` and `sequences`, ..."""
    response = control.decode_response(data)
    other_log = (4,) if response.result == Result.OTHER_LOG else (0,)
    if len(response.value) not in _VALUE_BYTES.get((response.op, response.result), other_log):
        raise ProtocolError(f"a response with a value of {len(response.value)} bytes")
    shown: Values = {"request": _name(Op, response.op), "result": _name(Result, response.result)}
    if not response.value:
        return shown
    match response.op:
        case _ if response.result == Result.OTHER_LOG:
            shown["log"] = int.from_bytes(response.value, "little")
        case Op.REPORT | Op.ABORT:
            report = control.decode_report(response.value)
            shown |= {"next": report.next, "sent": report.sent}
        case Op.ACKNOWLEDGE:
            shown["oldest"] = int.from_bytes(response.value, "little")
        case Op.COUNT:
            count = control.decode_count(response.value)
            shown |= {"first": count.first, "sequences": count.sequences}
        case Op.TIME:
            moment = control.decode_moment(response.value)
            shown |= {"boot": moment.boot, "tick_ms": moment.tick_ms}
        case _:
            shown["value"] = response.value.hex()
    return shown


def _name(names: type[IntEnum], code: int) -> str:
    known = next((member for member in names if member == code), None)
    return f"{code:#04x}" if known is None else known.name.lower()
