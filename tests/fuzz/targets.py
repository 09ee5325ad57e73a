"""Every parser of bytes that come from a device, by name: what is fuzzed, and what no byte may break.

A target takes any bytes and either returns or raises `ProtocolError`; what it promises beyond that it asserts itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.cli_decode import FAMILIES, decode
from gateway.errors import ProtocolError, TransferError
from gateway.home.devices import sig
from gateway.home.devices.berrymed.protocol import PacketAssembler
from gateway.home.devices.contec.protocol import MessageAssembler, decode_command
from gateway.home.devices.nonin.memory import MemoryPlayback
from gateway.home.devices.nonin.protocol import decode_set_clock
from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.oxyii import pull as oxyii_pull
from gateway.home.devices.oxyii import stored
from gateway.home.devices.pc60fw.protocol import FrameAssembler as Pc60fwAssembler
from gateway.home.devices.plx.protocol import decode_features
from gateway.home.devices.stream import StreamAssembler
from gateway.home.devices.viatom import protocol as oxy
from gateway.home.devices.viatom import pull as oxy_pull

Target = Callable[[bytes], object]

ASSEMBLERS: Mapping[str, Callable[[], StreamAssembler[Any]]] = {
    "viatom": oxy.FrameAssembler,
    "viatom-request": oxy.RequestAssembler,
    "oxyii": oxyii.FrameAssembler,
    "berrymed": PacketAssembler,
    "contec": MessageAssembler,
    "pc60fw": Pc60fwAssembler,
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
    whole, cut = MemoryPlayback(), MemoryPlayback()
    whole.feed(data)
    for piece in pieces(data):
        cut.feed(piece)
    assert whole.discarded == cut.discarded
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
    assert not pull.complete or stored.is_complete(pull.data)
    return pull.data


TARGETS: Mapping[str, Target] = {
    **{f"decode-{family}": _decode_as_json(family) for family in FAMILIES},
    **{f"stream-{name}": _stream(name) for name in ASSEMBLERS},
    "nonin-playback": _playback,
    "nonin-set-clock": decode_set_clock,
    "contec-command": decode_command,
    "plx-features": decode_features,
    "sig-current-time": sig.decode_current_time,
    "sig-battery": sig.decode_battery,
    "sig-text": sig.decode_text,
    "viatom-info": oxy.decode_info,
    "viatom-real-time": oxy.decode_real_time,
    "viatom-pull": _viatom_pull,
    "oxyii-file": stored.parse_file,
    "oxyii-live": oxyii.decode_live,
    "oxyii-list": oxyii.decode_file_list,
    "oxyii-info": oxyii.decode_info,
    "oxyii-pull": _oxyii_pull,
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
    """The frames of the vectors, to begin mutations from."""
    path = Path(__file__).resolve().parent.parent / "unit" / "home" / "devices" / "vectors.json"
    vectors = json.loads(path.read_text())
    return [bytes.fromhex(vector["hex"]) for family in vectors.values() for vector in family]
