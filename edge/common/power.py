"""The power policy as data, and the energy budget that follows from it; docs/power.md says what the numbers rest on.

Charge in microcoulombs: 1 mA for 1 ms, 1 uA for 1 s; 1 mAh is 3,600,000 of them.
"""

RECORDER = {
    "probe_s": 60,  # a look at the temperature: at least every 120 s while it moves, so this is when moving is noticed
    "steady_s": 300,  # a record while the temperature is steady
    "moving_s": 60,  # a record while it moves
    "moved_degc": 0.1,  # change from probe to probe that counts as moving
    "drifted_degc": 0.2,  # or away from the last record
    "settle_s": 600,  # goes on as moving for so long after
    "mouth_degc": 32.0,  # warmer, twice in a row: believed in the mouth
    "out_degc": 30.5,  # cooler, twice in a row: taken out
    "case_advertising_ms": 1000,
    "out_advertising_ms": 500,
    "out_s": 600,  # so long after being taken out, then slower
    "idle_advertising_ms": 5000,
    "longest_silence_s": 50400,  # 14 h "in the mouth": warm water or a radiator; then be found now and then
    "found_every_s": 3600,
    "found_for_s": 120,
}

BED = {"advertising_ms": 500}

PAIRING_S = 120
PAIRING_ADVERTISING_MS = 250
LOW_BATTERY_PCT = 15

PARTS = {
    # sleep uA, wake ms and mA, charge of one advertising event uC, connected mA
    "ESP32-C3, MicroPython, deep sleep": {
        "sleep_ua": 7.0,
        "wake_ms": 350,
        "wake_ma": 25.0,
        "advert_uc": 400.0,
        "link_ma": 60.0,
    },
    "nRF52832, native firmware": {"sleep_ua": 2.5, "wake_ms": 4, "wake_ma": 4.0, "advert_uc": 12.0, "link_ma": 1.0},
}

SENSORS = {"temperature_uc": 2.1, "motion_ua": 4.0, "record_uc": 30.0}
"""A TMP117 conversion (15.5 ms at 135 uA); a LIS2DH12 at 10 Hz, always on for its FIFO; writing one record to flash."""

DAY = {"worn_h": 7.0, "out_h": 0.2, "idle_h": 0.0, "case_h": 16.8, "moving_h": 1.0, "syncs": 1, "sync_s": 4.0}
"""The day that the budget supposes: worn at night, in its case by day, fetched once."""

USABLE = 0.8
"""Of a cell's nominal charge."""

_MAH_UC = 3600000.0


def budget(part: dict, policy: dict, day: dict, cell_mah: float) -> dict:
    """Charge of a day of the recorder, by use, and days on one cell.

    Returns
    -------
    dict
        `probe_uc`, `record_uc`, `sync_uc`: charge of one; `sleep_mah`, `probes_mah`, `records_mah`, `radio_mah`,
        `day_mah`: of a day; `days`: on `cell_mah`.
    """
    probes = 86400 / policy["probe_s"]
    moving_s = 3600 * day["moving_h"]
    records = moving_s / policy["moving_s"] + (86400 - moving_s) / policy["steady_s"]
    probe_uc = part["wake_ms"] * part["wake_ma"] + SENSORS["temperature_uc"]
    sync_uc = 1000 * part["link_ma"] * day["sync_s"]
    adverts = 3600000 * (
        day["case_h"] / policy["case_advertising_ms"]
        + day["out_h"] / policy["out_advertising_ms"]
        + day["idle_h"] / policy["idle_advertising_ms"]
    )
    sleep = 86400 * (part["sleep_ua"] + SENSORS["motion_ua"]) / _MAH_UC
    looking = probes * probe_uc / _MAH_UC
    keeping = records * SENSORS["record_uc"] / _MAH_UC
    radio = (adverts * part["advert_uc"] + day["syncs"] * sync_uc) / _MAH_UC
    total = sleep + looking + keeping + radio
    return {
        "probe_uc": probe_uc,
        "record_uc": probe_uc + SENSORS["record_uc"],
        "sync_uc": sync_uc,
        "sleep_mah": sleep,
        "probes_mah": looking,
        "records_mah": keeping,
        "radio_mah": radio,
        "day_mah": total,
        "days": USABLE * cell_mah / total,
    }
