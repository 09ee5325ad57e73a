"""Virtual peripherals: what a sensor measures, keeps and says, as real GATT servers on a virtual radio.

`finger` is what they are worn on, `clocks` and `battery` what ails them all, `base` what they share. A family has its
logic without I/O (`spot_memory` and `plx_values`, `ring_recorder` and `ring_live`) beside its GATT server (`plx`,
`o2ring`). `replay` lets a real recording take the finger's place.
"""

from simulators.devices.base import VirtualDevice
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger, Samples, Trace
from simulators.devices.o2ring import O2Ring
from simulators.devices.plx import PlxOptions, PulseOximeter
from simulators.devices.replay import Recording, replay_options, replay_trace
from simulators.devices.ring_live import LiveFrame
from simulators.devices.ring_recorder import RingOptions

__all__ = [
    "Battery",
    "DeviceClock",
    "Finger",
    "LiveFrame",
    "O2Ring",
    "PlxOptions",
    "PulseOximeter",
    "Recording",
    "RingOptions",
    "Samples",
    "Trace",
    "VirtualDevice",
    "replay_options",
    "replay_trace",
]
