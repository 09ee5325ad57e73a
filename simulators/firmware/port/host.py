"""MicroPython's end of the pipe. What the firmware says is gathered and goes out whole when it waits or asks."""

import struct

from simulators.firmware.port import codes


class Radio:
    """A radio that is off."""

    def interrupt(self, event: int, body: bytes) -> bytes:
        """Take one event of the stack; what is returned goes back to it."""
        del event, body
        return b""


class Host:
    """The simulation, as the firmware's stand-ins see it; one a process, made by `start.py`.

    Attributes
    ----------
    tick : int
        Raw milliseconds of the board's clock. Computing takes no time in a simulation: it moves on while waiting only.
    levels, free, millivolt : int
        As the header of the last message says.
    radio : Radio
        Who takes interrupts.
    """

    def __init__(self) -> None:
        self.tick = self.levels = self.free = self.millivolt = 0
        self.radio = Radio()
        self._kind = self._event = self._size = 0
        self.resumed_with = b""
        self._body = bytearray(codes.LONGEST_BODY)
        self._header = bytearray(codes.HEADER_BYTES)
        self._out = bytearray(codes.LONGEST_BODY)
        self._at = 0

    def open(self, number: int) -> None:
        """Speak over this file descriptor, a socket."""
        self._pipe = open(number, "r+b")  # noqa: SIM115  # for as long as the process lives

    def put(self, kind: int, body: bytes, value: bytes = b"") -> None:
        """Say something that needs no answer. `value` goes behind the body: joined before, it would take room twice."""
        size = len(body) + len(value)
        if self._at + 3 + size > len(self._out):
            self._flush()
        struct.pack_into("<BH", self._out, self._at, kind, size)
        self._at += 3
        for part in (body, value):
            self._out[self._at : self._at + len(part)] = part
            self._at += len(part)

    def ask(self, kind: int, body: bytes) -> bytes:
        """Say something and return the answer."""
        self.put(kind, body)
        self._flush()
        self._receive()
        return self._received()

    def wait(self, kind: int, period_ms: int) -> None:
        """Ask leave to let time pass; interrupts are served meanwhile. What came with the leave: `resumed_with`."""
        self.put(kind, struct.pack("<I", period_ms))
        self._flush()
        while self._receive() == codes.INTERRUPT:
            self.put(codes.DONE, self.radio.interrupt(self._event, self._received()))
            self._flush()
        self.resumed_with = self._received()

    def _flush(self) -> None:
        self._pipe.write(memoryview(self._out)[: self._at])
        self._at = 0

    def _receive(self) -> int:
        if self._pipe.readinto(self._header) != codes.HEADER_BYTES:
            raise SystemExit  # the simulation is over
        self._kind, self._event, self._size, self.tick, self.levels, self.free, self.millivolt = struct.unpack(
            codes.HEADER, self._header
        )
        if self._size:
            self._pipe.readinto(memoryview(self._body)[: self._size])
        return self._kind

    def _received(self) -> bytes:
        return bytes(memoryview(self._body)[: self._size]) if self._size else b""  # which, as a constant, takes no room


HOST = Host()
