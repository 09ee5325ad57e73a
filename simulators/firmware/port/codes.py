"""What the two ends of the pipe between MicroPython and the simulation call their messages; read by both.

Every message of the firmware is a number, a length (2 bytes) and a body. Every message to it is a header of `HEADER`
and a body. Integers are little-endian. The firmware speaks until it waits; the simulation speaks only while it waits.
"""

# To the simulation.
REST = 1  # ms (4): go on after so long
SLEEP = 2  # ms (4): the same with the radio off
RESTART = 3  # reset: the process ends
DONE = 4  # what the interrupt returned
ASK = 5  # what (1): answered at once
SERVICES = 6  # a table of `bluetooth.BLE.gatts_register_services`: answered with the values' handles
CONFIG = 7  # MTU (2), bonding, secure connections, man-in-the-middle protection, input and output (1 each), name
VALUE = 8  # handle (2), update (1), value
BUFFER = 9  # handle (2), size (2)
NOTIFY = 10  # connection (2), handle (2), value
INDICATE = 11  # connection (2), handle (2), value
ADVERTISE = 12  # us (4; 0: stop), length of the data (1), data, scan response
DISCONNECT = 13  # connection (2)
GAIN = 14  # step (1)

# To the firmware: kind, interrupt, length of the body, raw tick, levels, free buffers, millivolt of the cell.
HEADER = "<BBHIBBH"
HEADER_BYTES = 12
RESUME = 1
INTERRUPT = 2
ANSWER = 3
LONGEST_BODY = 1024

BUTTON = 1
MAGNET = 2
"""Bits of the levels: the button is held; the case's magnet is near."""

TEMPERATURE = 1
ACCELERATION = 2
"""What a sensor is asked for. An empty answer: it does not answer."""
