"""One frame, notification or file of a device, as plain values: what ``somnolink decode FAMILY HEX`` prints.

The keys that all families share are those of `_reading`; a missing value is None. All else is named in each function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.cli import own_frames
from gateway.errors import ProtocolError
from gateway.home.devices import sig
from gateway.home.devices.berrymed import protocol as berrymed
from gateway.home.devices.blood_pressure import protocol as blood_pressure
from gateway.home.devices.contec import protocol as contec
from gateway.home.devices.jumper import protocol as jumper
from gateway.home.devices.nonin import memory
from gateway.home.devices.nonin import protocol as nonin
from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.pc60fw import protocol as pc60fw
from gateway.home.devices.plx import protocol as plx
from gateway.home.devices.plx import racp
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom import protocol as viatom
from gateway.wire.files.oxyii import SIGNATURE as OXYII_FILE
from gateway.wire.files.oxyii import parse_oxyii
from gateway.wire.files.viatom import parse_vld

Values = dict[str, object]


def parse_hex(text: str) -> bytes:
    """Bytes of hexadecimal text; blanks, colons, hyphens, commas and ``0x`` may stand between them.

    Raises
    ------
    ProtocolError
        Anything else, half a byte, or nothing at all.
    """
    words = text.translate(dict.fromkeys(map(ord, ":-,"), " ")).split()
    digits = "".join(word[2:] if word[:2] in ("0x", "0X") else word for word in words)
    if not digits:
        raise ProtocolError("no bytes given")
    if stray := next((char for char in digits if char not in "0123456789abcdefABCDEF"), None):
        raise ProtocolError(f"not hexadecimal: {stray!r}")
    if len(digits) % 2:
        raise ProtocolError(f"half a byte is left: {len(digits)} hexadecimal digits")
    return bytes.fromhex(digits)


def decode(family: str, data: bytes) -> Values:
    """What `data` says in the language of `family`, one of `FAMILIES`: JSON-serialisable.

    Raises
    ------
    ProtocolError
        An unknown family, or bytes that are no frame of it.
    """
    if family not in FAMILIES:
        raise ProtocolError(f"unknown family {family!r}; known: {', '.join(FAMILIES)}")
    return FAMILIES[family](data)


def _number(value: float | None) -> int | float | None:
    return int(value) if value is not None and value == int(value) else value


def _reading(reading: OximeterReading) -> Values:
    return {
        "spo2": _number(reading.spo2_pct),
        "pulse": _number(reading.pulse_bpm),
        "perfusion_pct": reading.perfusion_pct,
        "battery_pct": _number(reading.battery_pct),
        "battery_v": reading.battery_v,
        "motion": reading.motion,
        "worn": reading.worn,
        "status": list(reading.status),
        "counter": reading.counter,
        "timestamp": None if reading.timestamp is None else reading.timestamp.isoformat(),
        "valid": reading.valid,
    }


def _name(names: type[IntEnum], code: int) -> str:
    """Lower-case name of a code, or its two hexadecimal digits."""
    known = next((member for member in names if member == code), None)
    return f"{code:#04x}" if known is None else known.name.lower()


def _plx(data: bytes) -> Values:
    """Beside the reading, `fast` and `slow` where they were sent."""
    measurement = plx.decode_continuous(data)
    values = _reading(measurement.reading())
    for name, vitals in (("fast", measurement.fast), ("slow", measurement.slow)):
        if vitals is not None:
            shown = plx.ContinuousMeasurement(vitals).reading()
            values[name] = {"spo2": _number(shown.spo2_pct), "pulse": _number(shown.pulse_bpm)}
    return values


def _plx_spot(data: bytes) -> Values:
    return _reading(plx.decode_spot_check(data).reading())


def _sfloat(data: bytes) -> Values:
    """`value`, None where it is not finite; then `special` names it."""
    if len(data) != 2:
        raise ProtocolError(f"an SFLOAT has 2 bytes, not {len(data)}")
    raw = sig.uint(data, 0, 2)
    if raw in sig.SFLOAT_SPECIAL:
        return {"value": None, "special": sig.SFLOAT_SPECIAL[raw]}
    return {"value": sig.decode_sfloat(raw)}


def _racp(data: bytes) -> Values:
    """`op` with `operator` and `operand`, or `records`, or `request` and `result`."""
    match racp.decode(data):
        case racp.Request(op, operator, operand):
            return {"op": _name(racp.Op, op), "operator": _name(racp.Operator, operator), "operand": operand.hex()}
        case racp.Count(records):
            return {"op": "count_response", "records": records}
        case racp.Response(op, result):
            return {"op": "response", "request": _name(racp.Op, op), "result": _name(racp.Result, result)}


def _viatom(data: bytes) -> Values:
    """A response frame, or the bare 13-byte payload of a sensor reading.

    The frame does not name what it answers, so its payload's form decides: 13 bytes are a sensor reading, 12 and a wave
    form of the length it announces a real-time reading, a brace begins the information, four bytes are a file's size;
    all else is a block of a file. Thirteen bare bytes are taken only if every value in them is in its range, which no
    whole or cut-off frame passes.
    """
    if len(data) == viatom.SENSORS_SIZE and _is_sensor_payload(data):
        return _reading(viatom.decode_sensors(data))
    response = viatom.decode_response(data)
    values: Values = {"cmd_status": response.status, "block": response.block, "length": len(response.data)}
    payload = response.data
    if len(payload) == viatom.SENSORS_SIZE:
        return _reading(viatom.decode_sensors(payload)) | values
    if payload[:1] == b"{":
        info = viatom.decode_info(payload)
        return values | {
            "serial": info.serial,
            "model": info.model,
            "battery_pct": _number(info.battery_pct),
            "timestamp": None if info.clock is None else info.clock.isoformat(),
            "files": list(info.files),
        }
    if len(payload) == 4:
        return values | {"size": viatom.decode_file_size(payload)}
    try:
        real_time = viatom.decode_real_time(payload)
    except ProtocolError:
        return values
    return _reading(real_time.reading) | values | {"wave": list(real_time.wave)}


def _is_sensor_payload(data: bytes) -> bool:
    spo2, pulse = data[0], sig.uint(data, 1, 2)
    return (spo2 <= 100 or spo2 == 0xFF) and (pulse <= 300 or pulse == 0xFFFF) and data[7] <= 100 and data[8] <= 2


def _viatom_request(data: bytes) -> Values:
    """`cmd`, `block`, `length`; `file` of an open, `config` of a setting."""
    request = viatom.decode_request(data)
    values: Values = {"cmd": _name(viatom.Op, request.op), "block": request.block, "length": len(request.data)}
    if request.op == viatom.Op.OPEN:
        values["file"] = request.data.rstrip(b"\0").decode("ascii", "replace")
    if request.op == viatom.Op.CONFIG:
        try:
            values["config"] = json.loads(request.data.rstrip(b"\0").decode("utf-8", "replace"))
            json.dumps(values["config"], allow_nan=False)  # what Python reads beyond JSON could not be shown as JSON
        except (ValueError, RecursionError):
            raise ProtocolError("a setting is no JSON") from None
    return values


def _oxyii(data: bytes) -> Values:
    """`cmd`, `seq`, `answer`, `length`, and what the payload says where it is known; or a stored file (01 03 ..)."""
    if data[:2] == OXYII_FILE:
        return _oxyii_file(data)
    frame = oxyii.decode_frame(data)
    values: Values = {
        "cmd": _name(oxyii.Op, frame.op),
        "seq": frame.seq,
        "answer": frame.answer,
        "length": len(frame.data),
    }
    return values | (_oxyii_answer(frame) if frame.answer else _oxyii_request(frame))


def _oxyii_request(frame: oxyii.Frame) -> Values:
    payload = frame.data
    if frame.op == oxyii.Op.SET_TIME and len(payload) == 8:
        local = sig.decode_date_time(payload[:7])
        return {"timestamp": None if local is None else local.isoformat()}
    if frame.op == oxyii.Op.FILE_START:
        return {"file": payload[:16].rstrip(b"\0").decode("ascii", "replace")}
    return {"offset": sig.uint(payload, 0, 4)} if frame.op == oxyii.Op.FILE_DATA and len(payload) == 4 else {}


def _oxyii_answer(frame: oxyii.Frame) -> Values:
    payload = frame.data
    if frame.op == oxyii.Op.LIVE:
        live = oxyii.decode_live(payload)
        return _reading(live.reading) | {"file_open": live.file_open, "wave": list(live.wave)}
    if frame.op == oxyii.Op.BATTERY:
        level_pct, charging = oxyii.decode_battery(payload)
        return {"battery_pct": _number(level_pct), "charging": charging}
    if frame.op == oxyii.Op.FILE_LIST:
        return {"files": list(oxyii.decode_file_list(payload))}
    if frame.op == oxyii.Op.FILE_START:
        return {"size": oxyii.decode_file_size(payload)}
    if frame.op == oxyii.Op.INFO:
        info = oxyii.decode_info(payload)
        timestamp = None if info.clock is None else info.clock.isoformat()
        return {"serial": info.serial, "firmware": info.firmware, "timestamp": timestamp}
    return {}


def _nonin(data: bytes) -> Values:
    """A measurement, or a playback of the memory (`sessions`)."""
    if data[:3] != b"\xfe\xfd\xfb":
        return _reading(nonin.decode_measurement(data))
    return {
        "sessions": [
            {
                "start": session.start.isoformat(),
                "stop": session.stop.isoformat(),
                "interval_s": session.interval_s,
                "complete": session.complete,
                "spo2": _column(session.spo2_pct),
                "pulse": _column(session.pulse_bpm),
            }
            for session in memory.parse_memory(data)
        ]
    }


def _berrymed(data: bytes) -> Values:
    """Beside the reading, `strength`, `pleth` and `bar`."""
    packet = berrymed.decode_packet(data)
    return _reading(packet.reading) | {"strength": packet.strength, "pleth": packet.pleth, "bar": packet.bar}


def _jumper(data: bytes) -> Values:
    """A reading, or `wave`."""
    message = jumper.decode_notification(data)
    return {"wave": list(message.samples)} if isinstance(message, jumper.Wave) else _reading(message)


_CONTEC_COMMANDS: Final = {
    contec.START: "start",
    contec.STOP: "stop",
    contec.KEEP_ALIVE: "keep_alive",
    contec.encode_command(0x9B, b"\0"): "real_time",
}


def _contec(data: bytes) -> Values:
    """A reading, `wave` and `bar`, `battery_pct`, or a command: `cmd` and `length`."""
    if data[:1] and 0x80 <= data[0] <= 0x9F:
        command = contec.decode_command(data)
        return {"cmd": _CONTEC_COMMANDS.get(data, f"{command.code:#04x}"), "length": len(command.argument)}
    match contec.decode_message(data):
        case contec.Wave(sample, bar, _):
            return {"wave": [sample], "bar": bar}
        case contec.Battery(level_pct):
            return {"battery_pct": _number(level_pct)}
        case reading:
            return _reading(reading)


def _pc60fw(data: bytes) -> Values:
    """`cmd` with a reading, `wave`, `battery_level` (0 to 3), or `payload`."""
    match pc60fw.decode_message(pc60fw.decode_frame(data)):
        case OximeterReading() as reading:
            return {"cmd": "values"} | _reading(reading)
        case pc60fw.Wave(samples):
            return {"cmd": "wave", "wave": list(samples)}
        case pc60fw.Battery(level):
            return {"cmd": "battery", "battery_level": level}
        case pc60fw.Frame(token, function, payload):
            return {"cmd": f"{token:02x}:{function:02x}", "payload": payload.hex()}


def _blood_pressure(data: bytes) -> Values:
    """`systolic`, `diastolic`, `mean` in mmHg, `pulse`, `user`, `timestamp`, `status`, `valid`."""
    measurement = blood_pressure.decode_measurement(data)
    pressures = (measurement.systolic_mmhg, measurement.diastolic_mmhg, measurement.mean_mmhg)
    systolic, diastolic, mean = (None if value is None else _number(round(value, 1)) for value in pressures)
    status = () if measurement.status is None else blood_pressure.status_names(measurement.status)
    return {
        "systolic": systolic,
        "diastolic": diastolic,
        "mean": mean,
        "pulse": _number(measurement.pulse_bpm),
        "user": measurement.user,
        "timestamp": None if measurement.timestamp is None else measurement.timestamp.isoformat(),
        "status": list(status) + (["clock_invalid"] if measurement.clock_invalid else []),
        "valid": systolic is not None and diastolic is not None,
    }


def _vld(data: bytes) -> Values:
    """`timestamp` of the first sample, `interval_s`, and the columns `spo2`, `pulse`, `motion` of all `records`.

    `valid` is False where the file does not hold exactly what its header announces.
    """
    stored = parse_vld(data)
    return {
        "version": stored.version,
        "timestamp": None if stored.start is None else stored.start.isoformat(),
        "duration_s": stored.duration_s,
        "interval_s": _number(stored.interval_s),
        "records": int(stored.spo2.size),
        **_stored_columns(stored.spo2, stored.pulse, stored.motion),
        "valid": stored.complete,
    }


def _oxyii_file(data: bytes) -> Values:
    """As `_vld`; `valid` is False before the ring has finished the file, or where its checksum is wrong."""
    stored = parse_oxyii(data)
    return {
        "timestamp": None if stored.start is None else stored.start.isoformat(),
        "interval_s": _number(stored.interval_s),
        "records": int(stored.spo2.size),
        **_stored_columns(stored.spo2, stored.pulse, stored.motion),
        "valid": stored.complete and stored.checksum_ok,
    }


def _stored_columns(
    spo2: NDArray[np.uint8], pulse: NDArray[np.uint8] | NDArray[np.uint16], motion: NDArray[np.uint8]
) -> Values:
    return {
        "spo2": [value if 0 < value <= 100 else None for value in spo2.tolist()],
        "pulse": [None if value in (0, 0xFF, 0xFFFF) else value for value in pulse.tolist()],
        "motion": motion.tolist(),
    }


def _column(values: NDArray[np.float32]) -> list[int | float | None]:
    return [None if value != value else _number(value) for value in values.tolist()]


FAMILIES: Final[Mapping[str, Callable[[bytes], Values]]] = {
    "plx": _plx,
    "plx-spot": _plx_spot,
    "viatom": _viatom,
    "viatom-request": _viatom_request,
    "oxyii": _oxyii,
    "nonin": _nonin,
    "berrymed": _berrymed,
    "jumper": _jumper,
    "contec": _contec,
    "pc60fw": _pc60fw,
    "blood-pressure": _blood_pressure,
    "mad-recorder": own_frames.recorder,
    "bed-sensor": own_frames.bed_sensor,
    "sfloat": _sfloat,
    "racp": _racp,
    "vld": _vld,
}
"""Every family that can be decoded, with what decodes it."""
