"""Finds the board this runs on."""

import os
import sys

_BOARDS = (("ESP32C3", "esp32"), ("ESP32S3", "esp32"), ("Pico W", "pico_w"), ("Pico 2 W", "pico_w"))


def _module() -> object:
    if sys.platform == "linux":
        name = "virtual_board"  # a board of the simulators, found on their path
    else:
        machine = os.uname().machine
        names = [name for text, name in _BOARDS if text in machine.replace("-", "")]
        if not names:
            raise RuntimeError(f"no board file for {machine}")
        name = "edge.boards." + names[0]
    __import__(name)
    return sys.modules[name]


def recorder() -> object:
    """The recorder's board."""
    return _module().Recorder()


def bed() -> object:
    """The bed sensor's board."""
    return _module().Bed()
