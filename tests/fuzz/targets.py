"""Every parser of bytes that come from a device or over the wire, by name: what is fuzzed, and what no byte may break.

A target takes any bytes and either returns or raises `ProtocolError`; what it promises beyond that it asserts itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gateway.cli.frames import FAMILIES, decode
from gateway.errors import ProtocolError, TransferError
from gateway.home.devices import sig
from gateway.home.devices.berrymed.protocol import PacketAssembler
from gateway.home.devices.contec.protocol import MessageAssembler, decode_command
from gateway.home.devices.edge import control as edge
from gateway.home.devices.edge.reception import Reception
from gateway.home.devices.edge.records import decode_wave, decode_wear
from gateway.home.devices.nonin import memory
from gateway.home.devices.nonin import protocol as nonin
from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.oxyii import pull as oxyii_pull
from gateway.home.devices.pc60fw import protocol as pc60fw
from gateway.home.devices.plx.protocol import decode_features
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.stream import StreamAssembler
from gateway.home.devices.viatom import protocol as oxy
from gateway.home.devices.viatom import pull as oxy_pull
from gateway.wire.files.oxyii import encode_oxyii, is_complete, parse_oxyii
from gateway.wire.files.viatom import encode_vld, parse_vld
from tests.fuzz.wire_targets import WIRE, wire_seeds

Target = Callable[[bytes], object]

ASSEMBLERS: Mapping[str, Callable[[], StreamAssembler[Any]]] = {
    "viatom": oxy.FrameAssembler,
    "viatom-request": oxy.RequestAssembler,
    "oxyii": oxyii.FrameAssembler,
    "berrymed": PacketAssembler,
    "contec": MessageAssembler,
    "pc60fw": pc60fw.FrameAssembler,
}
LONGEST_FRAME = 4096 + 8


def _decode_as_json(family: str) -> Target:
    def target(data: bytes) -> object:
        values = decode(family, data)
        return json.dumps(values, allow_nan=False)

    return target


def pieces(data: bytes) -> Iterator[bytes]:
    """`data` cut into pieces whose sizes follow from the data: so that a fuzzer chooses the cuts."""
    at = 0
    while at < len(data):
        size = 1 + data[at] % 23
        yield data[at : at + size]
        at += size


def _framed(family: str, frame: Callable[[int, bytes], bytes]) -> Target:
    """Decode data in a frame whose checksum is right, which no fuzzer would find by itself."""
    inner = _decode_as_json(family)

    def target(data: bytes) -> object:
        return inner(frame(data[0], data[1:1025])) if data else None

    return target


def _oxy_request(code: int, data: bytes) -> bytes:
    return oxy.encode_request(code if code != oxy.Op.FACTORY_RESET else oxy.Op.CONFIG, data)


FRAMED: Mapping[str, Target] = {
    "viatom": _framed("viatom", lambda code, data: oxy.encode_response(oxy.Response(code & 1, code, data))),
    "viatom-request": _framed("viatom-request", _oxy_request),
    "oxyii": _framed("oxyii", lambda code, data: oxyii.encode_frame(oxyii.Frame(code, data, answer=True))),
    "oxyii-request": _framed(
        "oxyii", lambda code, data: oxyii.encode_frame(oxyii.Frame(code, data, answer=code in oxyii.NEVER_SENT))
    ),
    "pc60fw": _framed(
        "pc60fw", lambda code, data: pc60fw.encode_frame(pc60fw.Frame((0x0F, 0xF0)[code & 1], code >> 1, data[:200]))
    ),
}


def _stream(name: str) -> Target:
    def target(data: bytes) -> object:
        whole, cut = ASSEMBLERS[name](), ASSEMBLERS[name]()
        frames = whole.feed(data)
        assert [frame for piece in pieces(data) for frame in cut.feed(piece)] == frames
        assert (whole.discarded, whole.pending) == (cut.discarded, cut.pending)
        assert whole.pending < LONGEST_FRAME
        return frames

    return target


def _playback(data: bytes) -> object:
    whole, cut = memory.MemoryPlayback(), memory.MemoryPlayback()
    whole.feed(data)
    for piece in pieces(data):
        cut.feed(piece)
    assert (whole.discarded, whole.ended) == (cut.discarded, cut.ended)
    sessions = whole.sessions()
    assert [(s.start, s.spo2_pct.tobytes()) for s in sessions] == [
        (s.start, s.spo2_pct.tobytes()) for s in cut.sessions()
    ]
    assert all(session.spo2_pct.size <= session.expected for session in sessions)
    return sessions


def _viatom_pull(data: bytes) -> object:
    """A ring that answers anything at all."""
    pull = oxy_pull.FilePull("20260116233312", data[:40])
    kept = len(pull.data)
    try:
        for piece in pieces(data):
            pull.next_request()
            pull.feed(oxy.Response(piece[0] & 0x80, piece[-1] & 3, piece[1:]))
            assert pull.restarted or len(pull.data) >= kept
            kept = len(pull.data)
    except TransferError:
        return None
    assert not pull.complete or len(pull.data) == pull.size
    return pull.data


def _oxyii_pull(data: bytes) -> object:
    """A ring that answers anything at all."""
    pull = oxyii_pull.FilePull("20260116233312", data[:40])
    try:
        for piece in pieces(data):
            if (request := pull.next_request()) is not None:
                asked = oxyii.decode_frame(request)
                pull.feed(oxyii.Frame(asked.op, piece[1:], asked.seq, answer=True))
    except TransferError:
        return None
    assert not pull.complete or is_complete(pull.data)
    return pull.data


def _edge_wear(data: bytes) -> object:
    decoded = decode_wear(data)
    assert decoded.readings.boot.size + len(decoded.refused) == len(data) // 14
    assert all(column.size == decoded.readings.boot.size for column in decoded.readings.columns.values())
    return decoded


def _edge_wave(data: bytes) -> object:
    decoded = decode_wave(data)
    sizes = decoded.readings.sizes
    assert sizes is not None
    assert sizes.size + len(decoded.refused) == len(data) // 237
    assert all(column.size == sizes.sum() for column in decoded.readings.columns.values())
    return decoded


def _edge_report(data: bytes) -> object:
    """A device that notifies anything at all: what is taken is in order, each sequence once."""
    reception = Reception(7)
    taken = 0
    for piece in pieces(data):
        try:
            reception.feed(edge.decode_notification(bytes((1, *piece[:2], 0, 0)) + piece[2:]), 2)
        except ProtocolError:
            continue
        before = reception.next
        if len(piece) % 5 == 0:
            reception.settle(len(piece))
        taken += sum(records.count for records in reception.take())
        assert reception.next >= before
        assert taken <= reception.next - 7
    return taken


TARGETS: Mapping[str, Target] = {
    **{f"decode-{family}": _decode_as_json(family) for family in FAMILIES},
    **{f"framed-{name}": target for name, target in FRAMED.items()},
    **{f"stream-{name}": _stream(name) for name in ASSEMBLERS},
    "edge-information": edge.decode_information,
    "edge-status": edge.decode_status,
    "edge-response": edge.decode_response,
    "edge-moment": edge.decode_moment,
    "edge-count": edge.decode_count,
    "edge-report-answer": edge.decode_report,
    "edge-notification": edge.decode_notification,
    "edge-report": _edge_report,
    "edge-wear": _edge_wear,
    "edge-wave": _edge_wave,
    "nonin-playback": _playback,
    "nonin-set-clock": nonin.decode_set_clock,
    "nonin-answer": nonin.decode_answer,
    "nonin-clock": nonin.decode_clock,
    "contec-command": decode_command,
    "plx-features": decode_features,
    "sig-current-time": sig.decode_current_time,
    "sig-battery": sig.decode_battery,
    "sig-text": sig.decode_text,
    "viatom-info": oxy.decode_info,
    "viatom-real-time": oxy.decode_real_time,
    "viatom-pull": _viatom_pull,
    "oxyii-file": parse_oxyii,
    "viatom-file": parse_vld,
    "oxyii-battery": oxyii.decode_battery,
    "oxyii-size": oxyii.decode_file_size,
    "oxyii-live": oxyii.decode_live,
    "oxyii-list": oxyii.decode_file_list,
    "oxyii-info": oxyii.decode_info,
    "oxyii-pull": _oxyii_pull,
    **WIRE,
}


def harmless(target: Target, data: bytes) -> None:
    """Run `target`; anything but a return or the project's own error, in one line, breaks the promise and is raised."""
    said = ""
    try:
        target(data)
    except ProtocolError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 400


def seeds() -> list[bytes]:
    """The frames of the vectors, and one file or answer of every greater kind, to begin mutations from."""
    path = Path(__file__).resolve().parent.parent / "unit" / "home" / "devices" / "vectors.json"
    vectors = json.loads(path.read_text())
    start = datetime.fromisoformat("2026-11-22T23:10:00")
    column, whole = np.array([97.0, np.nan, 88.0], "f4"), np.array([97, 255, 88])
    reading = OximeterReading(97.0, 60.0, 1.5, 3, 80.0, worn=True, valid=True)
    session = memory.Session(start, start, start + timedelta(seconds=8), 4, column, column, 3)
    info = oxy.DeviceInfo("2101234567", "1641", "AA", "1.5.0", 96.0, True, start, ("20260116233312",))
    return [
        *(bytes.fromhex(vector["hex"]) for family in vectors.values() for vector in family),
        encode_vld(whole, whole, start=start, interval_s=4),
        encode_oxyii(whole, whole, start=start),
        memory.encode_memory((session, session)),
        memory.encode_memory((session,)) + memory.END,
        nonin.set_clock(start),
        nonin.encode_answer(nonin.Answer(0x60, 0, nonin.encode_clock(start))),
        nonin.encode_clock(start),
        oxy.encode_info(info),
        oxy.encode_real_time(reading, bytes(5)),
        oxyii.encode_info(oxyii.DeviceInfo("25B2303210", "2D010002", start)),
        oxyii.encode_live(oxyii.Live(reading, bytes(5), file_open=False)),
        oxyii.encode_file_list(("20260427105949",)),
        sig.encode_current_time(sig.CurrentTime(start)),
        *wire_seeds(),
    ]
