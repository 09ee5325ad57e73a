"""The firmware of our own devices, run as it is by MicroPython, on the virtual radio and in simulated time.

`device` says what of it is the firmware's own. `port` is what MicroPython finds in place of a board's modules; `build`
and `rom` put the bytecode where a board has it, outside the heap; `process` is the pipe; `stack` the radio's host.
"""

from simulators.firmware.bed import BootTruth, VirtualBed
from simulators.firmware.device import FirmwareDevice
from simulators.firmware.process import FirmwareDiedError
from simulators.firmware.recorder import VirtualRecorder, WearTruth

__all__ = ["BootTruth", "FirmwareDevice", "FirmwareDiedError", "VirtualBed", "VirtualRecorder", "WearTruth"]
