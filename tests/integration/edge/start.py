"""Starts a program in a small heap: `micropython start.py PROGRAM ARGUMENTS`.

Loads the firmware module by module, smallest need last, collecting in between: on a board its bytecode is frozen into
flash, while here it lies in the heap, and loading needs about twice its size for a moment.
"""

import gc
import sys

for name in (
    "edge.common.control",
    "edge.common.ringlog",
    "edge.common.records",
    "edge.common.device",
    "edge.common.store",
    "edge.mad_recorder.recorder",
):
    __import__(name)
    gc.collect()

sys.argv.pop(0)
__import__(sys.argv[0])
