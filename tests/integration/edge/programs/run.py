"""Runs a device's own `main` for some hours: `micropython run.py recorder|bed FOLDER HOURS`; prints one JSON object."""

import json
import sys

import bluetooth
from virtual_board import Asleep, Over, World

from edge.common.records import WAVE, WAVE_BYTES, WEAR, WEAR_BYTES, unpack_wave, unpack_wear
from edge.common.ringlog import RingLog

World.folder = sys.argv[2]
World.end_ms = int(sys.argv[3]) * 3_600_000
bed = sys.argv[1] == "bed"
starts = 0
try:
    while True:
        starts += 1
        try:
            if bed:
                from edge.bed_sensor.main import main
            else:
                from edge.mad_recorder.main import main
            main()
        except Asleep:
            pass
except Over:
    pass
log = RingLog(World.flash, WAVE if bed else WEAR, WAVE_BYTES if bed else WEAR_BYTES, 1)
boots = set()
count = samples = longest_ms = 0
last_ms = None
increasing = True
entry = log.read(0)
while entry is not None:
    values = unpack_wave(entry[2]) if bed else unpack_wear(entry[2])
    boots.add(values[0])
    count += 1
    samples += len(values[5]) if bed else 0
    if last_ms is not None:
        increasing = increasing and values[1] > last_ms
        longest_ms = max(longest_ms, values[1] - last_ms)
    last_ms = values[1]
    entry = log.read(entry[0] + 1)
print(
    json.dumps(
        {
            "starts": starts,
            "boots": len(boots),
            "records": count,
            "samples": samples,
            "increasing": increasing,
            "longest_s": longest_ms / 1000,
            "sleeps": World.sleeps,
            "rests": World.rests,
            "advertised": len([interval for interval in bluetooth.advertised if interval]),
        }
    )
)
