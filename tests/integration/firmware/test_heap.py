"""Thousands of wakes and contacts in a heap smaller than the recorder has: nothing leaks, and nothing is in the way.

Stack and gateway are played at the pipe, without a radio or a loop: so weeks of contacts pass in seconds.
"""

from __future__ import annotations

import importlib
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.common import control
from edge.common.enrolment import gateway_proof
from simulators.firmware import build, process
from simulators.firmware.device import FLASH_BLOCKS, FULL_MV
from simulators.firmware.port import codes
from simulators.firmware.port.flash import BLOCK_BYTES
from simulators.firmware.stack import BUFFERS, CONNECT, DISCONNECT, ENCRYPTION, INDICATED, MTU, WRITTEN
from tests.integration.firmware.conftest import SECRET
from tests.integration.firmware.peer import NONCE

SPARE_KIB = 2
"""What the recorder of four owners must be able to do without, whatever it does."""
WAKES = 2000
CONTACTS_A_WAKE = 0.1
HOUR_MS = 3_600_000
HANDLES = range(10, 28, 2)  # of the values, in the order of the firmware's table
INFORMATION, STATUS, REQUESTS = HANDLES[4], HANDLES[5], HANDLES[7]
GET_SECRET, SET_SECRET = 29, 30
LINK = b"\x01\x00"


class Home:
    """A recorder that is worn from midnight to 7, and gateways that come by more often than any do."""

    def __init__(self, folder: Path, gateways: int) -> None:
        self.random = random.Random(gateways)
        self.gateways = [b"\x01" + self.random.randbytes(6) for _ in range(gateways)]
        self.bonded: set[bytes] = set()
        self.tick = self.sleeps = self.contacts = self.interval_us = 0
        self.pressed = False
        self.values: dict[int, bytes] = {}
        self.responses: list[bytes] = []
        folder.mkdir()
        (folder / "log").write_bytes(b"\xff" * (FLASH_BLOCKS * BLOCK_BYTES))
        importlib.import_module("edge.common.store").Store(str(folder / "settings")).put(b"secret", SECRET)
        self.firmware = process.FirmwareProcess("recorder", folder, self.board, self.take)

    @property
    def worn(self) -> bool:
        return self.tick % (24 * HOUR_MS) < 7 * HOUR_MS

    def board(self) -> process.Board:
        levels = (codes.BUTTON if self.pressed else 0) | (0 if self.worn else codes.MAGNET)
        return process.Board(self.tick, levels, BUFFERS, FULL_MV)

    def take(self, kind: int, body: bytes) -> bytes | None:
        match kind:
            case codes.ASK if body[0] == codes.TEMPERATURE:
                return struct.pack("<f", (36 if self.worn else 22) + self.random.uniform(-0.05, 0.05))
            case codes.ASK:
                return struct.pack("<hhh", self.random.randrange(-500, 500), 30, 950) * 32
            case codes.SERVICES:
                return struct.pack(f"<{len(HANDLES)}H", *HANDLES)
            case codes.ADVERTISE:
                self.interval_us = int.from_bytes(body[:4], "little")
            case codes.VALUE:
                self.values[int.from_bytes(body[:2], "little")] = body[3:]
            case codes.INDICATE:
                self.responses.append(body[4:])
        return None

    def go_on(self) -> None:
        kind, period_ms = self.firmware.resume()
        self.tick += period_ms
        if kind == codes.SLEEP:
            self.sleeps += 1
            self.interval_us = 0

    def live(self, wakes: int) -> None:
        """Bond with every gateway, then sleep and wake so often."""
        self.pressed = True
        while not self.interval_us:
            self.go_on()
        self.pressed = False
        for gateway in self.gateways * 3:
            self.contact(gateway)
        while self.sleeps < wakes:
            self.go_on()
            if self.interval_us and self.random.random() < CONTACTS_A_WAKE:
                self.contact(self.random.choice(self.gateways))

    def contact(self, gateway: bytes) -> None:
        """Connect, bond or come back, prove the secret, date, pull, free, and go."""
        interrupt = self.firmware.interrupt
        interrupt(CONNECT, LINK + gateway)
        interrupt(MTU, LINK + struct.pack("<H", 247))
        if gateway in self.bonded:
            assert interrupt(GET_SECRET, bytes((1, 0, 1)) + gateway)
        else:
            self.bonded.add(gateway)
            value = bytes((16, 1)) + self.random.randbytes(32)
            for kind in (1, 2):
                assert interrupt(SET_SECRET, bytes((kind, len(gateway))) + gateway + b"\1" + value) == b"\1"
        interrupt(ENCRYPTION, LINK + bytes((1, 0, 1, 16)))
        nonce = self.ask(bytes((control.CHALLENGE,)))
        self.ask(bytes((control.PROVE,)) + NONCE + gateway_proof(SECRET, nonce, NONCE))
        boot, tick = struct.unpack("<HQ", self.ask(bytes((control.TIME,))))
        self.ask(struct.pack("<BHQQI", control.ANCHOR, boot, tick, 1_790_000_000_000 + tick, 20))
        log = self.values[INFORMATION][4:8]
        oldest, end = struct.unpack_from("<II", self.values[STATUS], 2)
        if oldest < end:
            end, _ = struct.unpack("<II", self.ask(struct.pack("<B4sIB", control.REPORT, log, oldest, 0)))
            self.ask(struct.pack("<B4sI", control.ACKNOWLEDGE, log, end - 1))
        interrupt(DISCONNECT, LINK + gateway)
        self.go_on()
        self.contacts += 1

    def ask(self, request: bytes) -> bytes:
        self.firmware.interrupt(WRITTEN, LINK + REQUESTS.to_bytes(2, "little") + request)
        while not self.responses:
            self.go_on()
        self.firmware.interrupt(INDICATED, LINK + REQUESTS.to_bytes(2, "little") + b"\0")
        response = self.responses.pop()
        assert response[:3] == bytes((control.RESPONSE, request[0], control.SUCCESS)), response
        self.go_on()
        return response[3:]


@pytest.fixture
def telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware in a heap of less, which prints at every wake what its heap looks like."""
    made = build.build_firmware()
    place = tmp_path / "build"
    shutil.copytree(made.path, place)
    wake = "        gc.collect()\n        _until_asleep"
    source = build._with_numbers((build.PORT / "start.py").read_text("utf-8"))
    assert wake in source
    source = source.replace(wake, wake.replace("\n", "\n        __import__('micropython').mem_info()\n"))
    (place / "start.py").write_text(source, "utf-8")
    subprocess.run([build._compiler(), "-O3", "-o", place / "start.mpy", place / "start.py"], check=True, timeout=60)
    (place / "start.py").unlink()
    monkeypatch.setattr(process, "build_firmware", lambda: build.Build(made.image, place))
    monkeypatch.setattr(process, "HEAP", f"{int(process.HEAP[:-1]) - SPARE_KIB}k")


@contextmanager
def home(folder: Path, gateways: int) -> Iterator[Home]:
    one = Home(folder, gateways)
    try:
        yield one
    finally:
        one.firmware.kill()


@pytest.mark.parametrize("gateways", [1, 4])
@pytest.mark.usefixtures("telling")
def test_every_wake_finds_the_heap_as_the_first_did_and_no_contact_lacks_room(tmp_path: Path, gateways: int) -> None:
    with home(tmp_path / "recorder", gateways) as one:
        one.live(WAKES)
        words = (tmp_path / "recorder" / "words").read_text("utf-8")
        assert one.contacts > WAKES / 10
    used = re.findall(r"used: (\d+)", words)
    largest = re.findall(r"max free sz: (\d+)", words)  # in blocks of 32 bytes
    assert len(used) == len(largest) == one.sleeps
    print(f"{one.contacts} contacts; {used[0]} bytes used at a wake, largest piece {32 * int(largest[0])}")
    assert set(used) == {used[0]}
    assert set(largest) == {largest[0]}
