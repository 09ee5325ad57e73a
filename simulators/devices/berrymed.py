"""A BerryMed BM1000: a packet every hundredth of a second, each with what the display shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from bumble.device import Connection

from gateway.home.devices.berrymed.protocol import NOTIFY, SERVICE, Packet, encode_packet
from gateway.home.devices.reading import OximeterReading
from simulators.devices.fingertip import FingertipOptions, FingertipOximeter, SentReading, reading_of

_TOGETHER: Final = 4
"""Packets of a notification."""


@dataclass(frozen=True, slots=True)
class BerryMedOptions(FingertipOptions):
    """How it is made.

    Attributes
    ----------
    notifications_per_s : int
        25 in truth, of four packets each; a simulated night is shorter with fewer.
    """

    notifications_per_s: int = 25


class BerryMedOximeter(FingertipOximeter):
    """The peripheral. It has no serial number to read, and tells no perfusion.

    `delivered_live` holds each reading once, though it is sent in all packets of its second.
    """

    name: ClassVar[str] = "BerryMed"
    service: ClassVar[str] = SERVICE
    notify_uuid: ClassVar[str] = NOTIFY

    def reading(self, utc_ms: int) -> OximeterReading:
        """What it measures at a true moment."""
        return reading_of(self.finger.now(utc_ms), perfusion=False)

    async def measure(self, connection: Connection) -> None:
        """Show a reading for a step of its own clock, and send it all the while."""
        each = self.options.notifications_per_s if isinstance(self.options, BerryMedOptions) else 25
        while True:
            utc_ms = self.clock.utc_ms()
            reading = self.reading(utc_ms)
            sent = False
            for _ in range(round(each * self.options.interval_s)):
                if self.wants_to_send(connection):
                    if not sent:
                        self.delivered_live.append(SentReading(utc_ms, reading))
                        sent = True
                    [value] = self.notifications(reading)
                    await self.radio.notify_subscriber(connection, self.notify, value)
                await self.next_step(1.0 / each)

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """Four packets; without a finger the status says so."""
        status = () if reading.worn else ("no_finger",)
        shown = OximeterReading(spo2_pct=reading.spo2_pct, pulse_bpm=reading.pulse_bpm, status=status)
        return [b"".join(encode_packet(Packet(shown, 8, 30 + 10 * place, place)) for place in range(_TOGETHER))]
