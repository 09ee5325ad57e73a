"""The facts become a report: pure, the same facts give the same report."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from analytics.nights.records import Note, PatientNight
from analytics.nights.summary import LEAST_VALID_H, SETTLED_NIGHTS
from gateway.service.exchange.imports.commit import FAMILY
from gateway.service.exchange.report.follow_up import follow_ups
from gateway.service.exchange.report.response import response_of
from gateway.service.exchange.report.values import Facts, Report, Wear
from gateway.service.exchange.report.wear import wear_of
from gateway.service.nights import zone_info

LOW_BATTERY_PCT: Final = 20.0
SILENT_MS: Final = 2 * 86_400_000
"""A device that was not heard of for two days has missed a morning's sync."""

NOTES: Final[dict[Note, str]] = {
    "no_oximetry": "without oximetry",
    "no_bed_sensor": "without the bed sensor: the valid hours of oximetry stand in for the sleep time",
    "no_recorder": "without data of the MAD's recorder",
    "recorder_incomplete": "with recorder data for less than 80 % of the sleep: wear is a lower bound",
    "suspect_wear": "with suspect wear (warm, but without signs of a mouth), which is not counted",
    "two_devices": "with two oximeters at once: the one with more valid time counts",
    "several_devices_in_turn": "with several oximeters in turn",
    "split_sessions": "with a recording in several pieces",
    "split_sleep": "with a sleep in two parts",
    "nap": "with a nap, which is in no index",
    "clock_change": "in which the clocks changed",
    "few_valid_hours": f"with less than {LEAST_VALID_H:g} valid hours of oximetry, which join no mean",
}


def build(facts: Facts) -> Report:
    """Read the facts."""
    nights = tuple(night for night in facts.nights if facts.first <= night.night <= facts.last)
    wear = wear_of(facts)
    usable = sum(night.valid_h >= LEAST_VALID_H for night in nights)
    counted = wear.usage.with_data if wear is not None else usable
    today = datetime.fromtimestamp(facts.now_ms / 1000, UTC).astimezone(zone_info(facts.patient.zone)).date()
    provisional = min(usable, counted) < SETTLED_NIGHTS
    return Report(
        facts=facts,
        nights=nights,
        wear=wear,
        response=response_of(facts),
        follow_ups=follow_ups(facts.steps, today, facts.marks),
        provisional=provisional,
        quality=tuple(_quality(facts, nights, wear, usable, provisional)),
    )


def _quality(
    facts: Facts, nights: tuple[PatientNight, ...], wear: Wear | None, usable: int, provisional: bool
) -> list[str]:
    said = []
    if provisional:
        worn = "" if wear is None else f", {wear.usage.with_data} with data of the recorder"
        said.append(
            f"Provisional: {usable} nights with {LEAST_VALID_H:g} valid hours of oximetry{worn}; a mean is settled "
            f"from {SETTLED_NIGHTS} nights on."
        )
    if wear is not None and wear.usage.missing:
        said.append(f"{_nights(wear.usage.missing)} of wear missing: no data is not the same as not worn.")
    if wear is not None and wear.share.judged > wear.share_by_bed:
        said.append(
            f"Sleep time of {_nights(wear.share.judged - wear.share_by_bed)} is the valid time of oximetry, as no bed "
            "sensor told."
        )
    counts = Counter(note for night in nights for note in night.notes)
    if wear is not None:
        del counts["no_recorder"]  # since there is one, its nights without data are told as missing
    said += [f"{_nights(counts[note])} {text}." for note, text in NOTES.items() if counts[note]]
    if facts.unfinished:
        said.append(f"{_nights(len(facts.unfinished))} not final yet: data are still arriving or being analysed.")
    for use in facts.devices:
        device = use.device
        if device.battery_pct is not None and device.battery_pct < LOW_BATTERY_PCT:
            said.append(f"Battery of {device.id} is low ({device.battery_pct:.0f} %).")
        silent = use.to_ms is None and device.family != FAMILY  # what is in files alone has no sync to miss
        if silent and facts.now_ms - device.last_contact_ms > SILENT_MS:
            days = (facts.now_ms - device.last_contact_ms) // 86_400_000
            said.append(f"{device.id} was last heard of {days} days before this report.")
    return said


def _nights(count: int) -> str:
    return "1 night" if count == 1 else f"{count} nights"
