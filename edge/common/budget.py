"""The energy budget that follows from the power policy; docs/power.md says what the numbers rest on. Not for a device.

Charge in microcoulombs: 1 mA for 1 ms, 1 uA for 1 s; 1 mAh is 3,600,000 of them.
"""

PARTS = {
    # asleep uA; a wake in ms and mA; while it may be found and while connected mA
    "ESP32-C3, MicroPython": {"sleep_ua": 7.0, "wake_ms": 350, "wake_ma": 25.0, "found_ma": 30.0, "link_ma": 60.0},
    "nRF52832, native firmware": {"sleep_ua": 2.5, "wake_ms": 4, "wake_ma": 4.0, "found_ma": 0.05, "link_ma": 1.0},
}

SENSORS = {"temperature_uc": 2.1, "motion_ua": 4.0, "record_uc": 30.0}
"""A TMP117 conversion (15.5 ms at 135 uA); a LIS2DH12 at 10 Hz, always on for its FIFO; writing one record to flash."""

DAY = {"outs": 2, "case_h": 17.0, "moving_h": 1.0, "syncs": 1, "sync_s": 4.0}
"""The day that the budget supposes: 7 h worn, taken out twice, else in its case, fetched once."""

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
    found_s = day["outs"] * policy["out_s"] + 3600 * day["case_h"] * policy["burst_s"] / policy["burst_every_s"]
    sleep = 86400 * (part["sleep_ua"] + SENSORS["motion_ua"]) / _MAH_UC
    looking = probes * probe_uc / _MAH_UC
    keeping = records * SENSORS["record_uc"] / _MAH_UC
    radio = (1000 * part["found_ma"] * found_s + day["syncs"] * sync_uc) / _MAH_UC
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
