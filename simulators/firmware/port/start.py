"""Runs a device's own program: ``micropython -m start DEVICE SOCKET FOLDER IMAGE SIZE``, DEVICE `recorder` or `bed`.

On a board the firmware's bytecode is frozen into flash and takes no heap. So here: it is mounted as a ROM file system
in memory that is not MicroPython's, the room that the first variable of the environment (SIZE bytes of no meaning) has
made for it. The heap holds what it holds on a board.

Deep sleep ends `main`, as it does on the ESP32, where the chip then starts over with an empty heap; here the next
`main` finds the modules loaded, and nothing else. All are loaded before the first `main`, and what outlasts a sleep is
made before it too: made later it would lie wherever there was room, and cut the room of every `main` to come in two.
"""

import gc
import sys

from simulators.firmware.port import codes

_NAME_BYTES = 4  # of the variable and its equals sign
_ENVIRONMENT_AT = 47  # fields behind the program's name in /proc/self/stat (proc_pid_stat(5): 50, counted from 3)

_PARTS = (
    "edge.common.control",
    "edge.common.ringlog",
    "edge.common.records",
    "edge.common.gatt",
    "edge.common.device",
    "edge.common.store",
    "edge.common.radio",
    "bluetooth",
    "virtual_board",
)
_PROGRAMS = {
    "recorder": ("edge.boards.common", "edge.mad_recorder.main"),
    "bed": ("edge.bed_sensor.main",),
}
"""Loaded one by one, for what loading leaves behind must not lie between what stays."""


def mount(image: str, size: int) -> None:
    """Put the image where nothing else is, and let modules be found there alone."""
    vfs = __import__("vfs")
    with open("/proc/self/stat") as file:
        fields = file.read().split(")")[-1].split()
    rom = __import__("uctypes").bytearray_at(int(fields[_ENVIRONMENT_AT]) + _NAME_BYTES, size)
    with open(image, "rb") as content:
        content.readinto(rom)
    vfs.mount(vfs.VfsRom(rom), "/rom")
    sys.path[:] = ["/rom", ".frozen"]


def run(device: str, number: int, folder: str) -> None:
    """Be the device until the process ends."""
    from simulators.firmware.port.host import HOST

    for module in _PARTS + _PROGRAMS[device]:
        __import__(module)
        gc.collect()
    sys.modules["virtual_board"].Ground.folder = folder
    HOST.open(number)
    HOST.wait(codes.REST, 0)
    silent = HOST.radio
    while True:
        gc.collect()
        _until_asleep(_PROGRAMS[device][-1])
        HOST.radio = silent


def _until_asleep(name: str) -> None:
    """Run that program to its deep sleep: a function of its own, for a frame holds what it caught while it lasts."""
    try:
        sys.modules[name].main()
    except sys.modules["virtual_board"].Asleep:
        return


if __name__ == "__main__":
    mount(sys.argv[4], int(sys.argv[5]))
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3])
