"""What rings that record while they are worn have in common: memory, sleep, battery, mishaps."""

from __future__ import annotations

from typing import Final

from bumble.device import Connection, Device

from gateway.clock import Clock
from simulators.devices.base import VirtualDevice
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger
from simulators.devices.ring_live import LiveFrame
from simulators.devices.ring_recorder import Encode, RingOptions, RingRecorder

BATTERY_LIFE_H: Final = 14.0
"""While it measures or talks."""
STANDBY_LIFE_H: Final = 30 * 24.0
"""Off the finger and alone."""


class RecordingRing(VirtualDevice):
    """A ring.

    Parameters
    ----------
    since_utc_ms : int or None
        When it was switched on, if that was before now: what the finger has shown since is recorded. So a simulation
        that is killed and begun again has the same ring with the same files. None: when `start` is called.
    encode : callable or None
        Makes a file of a recording; None: as an O2Ring does.

    Attributes
    ----------
    recorder : RingRecorder
        Its memory; `files` and `memory` show it at the present.
    delivered_live : list of LiveFrame
        Every live frame that it answered.
    """

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        finger: Finger,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: RingOptions | None = None,
        since_utc_ms: int | None = None,
        encode: Encode | None = None,
    ) -> None:
        super().__init__(
            radio, clock, serial=serial, own_clock=own_clock, battery=Battery(clock, life_h=STANDBY_LIFE_H)
        )
        self.options = options if options is not None else RingOptions()
        self.finger = finger
        self.delivered_live: list[LiveFrame] = []
        self._encode = encode
        self._since_ms = since_utc_ms
        self.recorder = self._switched_on()
        self._awake_from_ms = clock.utc_ms()

    @property
    def files(self) -> dict[str, bytes]:
        """Every file that it has made up to now, by name, oldest first: the truth."""
        self.catch_up()
        return dict(self.recorder.files)

    @property
    def memory(self) -> dict[str, bytes]:
        """The files that it still keeps."""
        self.catch_up()
        return dict(self.recorder.memory)

    def wants_to_advertise(self) -> bool:
        """While worn, and for some minutes after: then it sleeps until it is put on or woken."""
        off_ms = self.recorder.off_since_ms
        if off_ms is None:
            return True
        return self.clock.utc_ms() - max(off_ms, self._awake_from_ms) < self.options.sleep_s * 1000

    def wake(self) -> None:
        """Press the button: it advertises again for some minutes."""
        self._awake_from_ms = self.clock.utc_ms()
        if self.running:
            self.spawn(self._advertise())

    async def start(self) -> None:
        """Switch it on: it looks for a finger from now on."""
        if not self.running:
            kept = self.recorder
            self.recorder = self._switched_on()
            self.recorder.files, self.recorder.memory = kept.files, kept.memory
            self._since_ms = None
            self.wake()
        await super().start()

    def _switched_on(self) -> RingRecorder:
        since_ms = self.clock.utc_ms() if self._since_ms is None else self._since_ms
        return RingRecorder(self.options, self.finger, self.own_clock, since_ms, self._encode)

    def on_tick(self) -> None:
        """Record what the finger has shown since, and drain or charge the battery by it."""
        self.catch_up()
        off_ms, charged_s = self.recorder.off_since_ms, self.options.charged_after_s
        if off_ms is not None and charged_s is not None and self.clock.utc_ms() - off_ms >= charged_s * 1000:
            self.battery.charge()
        self.battery.draw(BATTERY_LIFE_H if self.recorder.recording or self.connected else STANDBY_LIFE_H)

    def on_power_lost(self) -> None:
        """Keep what was recorded so far."""
        self.recorder.stop(self.clock.utc_ms())

    def jump_clock(self, seconds: float) -> None:
        """Let its clock jump; what was recorded before keeps its start."""
        self.catch_up()
        super().jump_clock(seconds)

    def on_disconnected(self, connection: Connection) -> None:  # noqa: ARG002 - the hook's
        """Stay awake for some minutes."""
        self.wake()

    def catch_up(self) -> None:
        """Live through the time up to now."""
        if self.running:
            self.recorder.advance(self.clock.utc_ms())
