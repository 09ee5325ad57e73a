"""Virtual peripherals: what a sensor measures, keeps and says, as real GATT servers on a virtual radio.

`finger` is what they are worn on, `clocks` and `battery` what ails them all, `base` what they share; `fingertip` is
what oximeters that stream share, `recording_ring` what rings do. A family's GATT server has its name; logic without I/O
stands beside it (`spot_memory` and `plx_values`, `ring_recorder` and `ring_live`). `replay` lets a real recording take
the finger's place.
"""

from simulators.devices.base import VirtualDevice
from simulators.devices.battery import Battery
from simulators.devices.berrymed import BerryMedOptions, BerryMedOximeter
from simulators.devices.blood_pressure import BloodPressureMeter, MeterOptions, TakenPressure
from simulators.devices.clocks import DeviceClock
from simulators.devices.contec import ContecOximeter
from simulators.devices.finger import Finger, Samples, Trace
from simulators.devices.fingertip import FingertipOptions, FingertipOximeter, SentReading
from simulators.devices.jumper import JumperOximeter
from simulators.devices.nonin import NoninOptions, NoninOximeter
from simulators.devices.o2ring import O2Ring
from simulators.devices.oxyii import OxyiiRing
from simulators.devices.pc60fw import Pc60fwOximeter
from simulators.devices.plx import PlxOptions, PulseOximeter
from simulators.devices.replay import Recording, replay_options, replay_trace
from simulators.devices.ring_live import LiveFrame
from simulators.devices.ring_recorder import RingOptions

__all__ = [
    "Battery",
    "BerryMedOptions",
    "BerryMedOximeter",
    "BloodPressureMeter",
    "ContecOximeter",
    "DeviceClock",
    "Finger",
    "FingertipOptions",
    "FingertipOximeter",
    "JumperOximeter",
    "LiveFrame",
    "MeterOptions",
    "NoninOptions",
    "NoninOximeter",
    "O2Ring",
    "OxyiiRing",
    "Pc60fwOximeter",
    "PlxOptions",
    "PulseOximeter",
    "Recording",
    "RingOptions",
    "Samples",
    "SentReading",
    "TakenPressure",
    "Trace",
    "VirtualDevice",
    "replay_options",
    "replay_trace",
]
