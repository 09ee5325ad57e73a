"""Giving a device to a patient."""

from __future__ import annotations

from gateway.service.access import Access, Action, Principal
from gateway.service.records import Assignment, Patient, Records


def give_device(
    records: Records, who: Principal, device: str, patient: Patient, *, from_ms: int, to_ms: int | None, now_ms: int
) -> Assignment:
    """Give a patient, whom `who` may change, a device. Its coming nights are counted in the patient's zone.

    Raises
    ------
    HiddenError, AccessError
        If `who` may not give that device away.
    StoreRejectedError
        If it is another's in that time, or the time is none.
    """
    Access(records).device(who, Action.GIVE_DEVICE, device)
    made = records.assignments.assign(device, patient.id, from_ms=from_ms, to_ms=to_ms)
    if made.holds_at(now_ms):
        records.devices.set_zone(device, patient.zone)
    return made
