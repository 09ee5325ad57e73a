"""The power policy as data: when to look, when to record, when to be found. Its cost: edge/common/budget.py."""

RECORDER = {
    "probe_s": 60,  # a look at the temperature: at least every 120 s while it moves, so this is when moving is noticed
    "steady_s": 300,  # a record while the temperature is steady
    "moving_s": 60,  # a record while it moves
    "moved_degc": 0.1,  # change from probe to probe that counts as moving
    "drifted_degc": 0.2,  # or away from the last record
    "settle_s": 600,  # goes on as moving for so long after
    "mouth_degc": 32.0,  # warmer, twice in a row: believed in the mouth
    "out_degc": 30.5,  # cooler, twice in a row: taken out
    "advertising_ms": 250,
    "out_s": 120,  # found all the time for so long after being taken out
    "burst_s": 5,  # then, and in its case, for so long
    "burst_every_s": 300,  # out of so long: a listening gateway needs no more, and awake costs most
    "longest_silence_s": 50400,  # 14 h "in the mouth": warm water or a radiator; then be found now and then
    "found_every_s": 3600,
    "found_for_s": 120,
}

BED = {"advertising_ms": 500}

PAIRING_S = 120
PAIRING_ADVERTISING_MS = 250
LOW_BATTERY_PCT = 15
