"""A report as an HL7 FHIR R4 (4.0.1) bundle: Patient, Devices, Observations of each night, one DiagnosticReport.

Oxygen saturation carries LOINC 59408-5 (by pulse oximetry) and 2708-6 (arterial, which R4's vital signs ask for beside
it), pulse 8867-4; the night shown is in SampledData. Our own indices have no code that says what they are, so they have
ours, and words.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.nights.records import PatientNight
from gateway.service.exchange.report.grid import on_grid
from gateway.service.exchange.report.values import NightTrace, Report, WearDay
from gateway.service.exchange.report.wording import NO_DIAGNOSIS
from gateway.service.nights import night_bounds, zone_info
from gateway.service.records import Device

Value = Mapping[str, object]

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
OURS: Final = "urn:somnolink:index"
PATIENTS, DEVICES = "urn:somnolink:patient", "urn:somnolink:device"

_NAMES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:somnolink:fhir")
"""Resources are named by what they tell of, so that the same report is the same bundle."""

_SPO2: Final = (
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    ("2708-6", "Oxygen saturation in Arterial blood"),
)
_PULSE: Final = (("8867-4", "Heart rate"),)
_INDICES: Final = (
    ("odi3", "Desaturations of 3 % or more per hour of valid SpO2 (ODI3)", "/h", "/h"),
    ("odi4", "Desaturations of 4 % or more per hour of valid SpO2 (ODI4)", "/h", "/h"),
    ("t90_pct", "Share of valid SpO2 below 90 % (T90)", "%", "%"),
    ("min_spo2", "Lowest valid SpO2", "%", "%"),
    ("hypoxic_burden", "Hypoxic burden", "% min/h", "%.min/h"),
)


def to_fhir(report: Report, *, identified: bool = False) -> bytes:
    """Write the bundle as JSON.

    Parameters
    ----------
    identified
        Whether the patient's name on record, sex and year of birth are told; else the opaque id alone.
    """
    facts = report.facts
    patient = _named("Patient", facts.patient.id)
    devices = {use.device.id: use.device for use in facts.devices}
    observations = _observations(report, patient)
    resources = [
        _patient(report, patient, identified),
        *(_device(device, patient) for device in devices.values()),
        *observations,
        _diagnostic_report(report, patient, observations),
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(facts.now_ms, facts.patient.zone),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }
    return json.dumps(bundle, allow_nan=False, separators=(",", ":")).encode()


def _named(kind: str, *of: str) -> str:
    return str(uuid.uuid5(_NAMES, "/".join((kind, *of))))


def _to(name: str) -> Value:
    return {"reference": f"urn:uuid:{name}"}


def _patient(report: Report, name: str, identified: bool) -> dict[str, object]:
    patient = report.facts.patient
    told: dict[str, object] = {
        "resourceType": "Patient",
        "id": name,
        "identifier": [{"system": PATIENTS, "value": patient.id}],
    }
    if identified:
        told["name"] = [{"text": patient.name}]
        if patient.sex is not None:
            told["gender"] = patient.sex
        if patient.birth_year is not None:
            told["birthDate"] = str(patient.birth_year)
    return told


def _device(device: Device, patient: str) -> dict[str, object]:
    told: dict[str, object] = {
        "resourceType": "Device",
        "id": _named("Device", device.id),
        "identifier": [{"system": DEVICES, "value": device.id}],
        "type": {"text": device.family},
        "patient": _to(patient),
    }
    if device.model:
        told["deviceName"] = [{"name": device.model, "type": "model-name"}]
    if device.firmware:
        told["version"] = [{"type": {"text": "firmware"}, "value": device.firmware}]
    return told


def _observations(report: Report, patient: str) -> list[dict[str, object]]:
    zone = report.facts.patient.zone
    made: list[dict[str, object]] = []
    for night in report.nights:
        if night.valid_h > 0:
            made += _night(night, patient, final=night.night not in report.facts.unfinished)
    for day in () if report.wear is None else report.wear.days:
        made.append(_wear(day, patient, zone, final=day.night not in report.facts.unfinished))
    if report.facts.trace is not None:
        made += _sampled(report.facts.trace, patient, zone)
    return made


def _night(night: PatientNight, patient: str, *, final: bool) -> list[dict[str, object]]:
    """A night's mean SpO2 and its indices, over all oximetry that counts."""
    begin_ms, end_ms = night.start_ms, night.end_ms
    if night.bedtime_ms is not None and night.rise_ms is not None:
        begin_ms, end_ms = night.bedtime_ms, night.rise_ms
    told = []
    if "mean_spo2" in night.indices:
        mean = {"valueQuantity": _quantity(night.indices["mean_spo2"], "%", "%")}
        told.append(("spo2-mean", "vital-signs", _code(_SPO2, "Mean SpO2 of the night"), mean))
    for name, words, unit, ucum in _INDICES:
        if name in night.indices:
            value = {"valueQuantity": _quantity(night.indices[name], unit, ucum)}
            told.append((name, "procedure", _own(name, words), value))
    return [
        _observation(
            (name, night.night.isoformat()),
            category,
            code,
            value,
            night.oximeters[0] if len(night.oximeters) == 1 else None,
            patient=patient,
            final=final,
            period=_period(begin_ms, end_ms, night.zone),
        )
        for name, category, code, value in told
    ]


def _wear(day: WearDay, patient: str, zone: str, *, final: bool) -> dict[str, object]:
    code = _own("mad_wear_h", "Hours with the mandibular advancement device in the mouth")
    value: dict[str, object]
    if day.hours is None:
        value = {"dataAbsentReason": {"text": "no data of the recorder; not the same as not worn"}}
    else:
        value = {"valueQuantity": _quantity(day.hours, "h", "h")}
    period = _period(*night_bounds(day.night, zone), zone)
    return _observation(
        ("wear", day.night.isoformat()), "therapy", code, value, None, patient=patient, final=final, period=period
    )


def _sampled(trace: NightTrace, patient: str, zone: str) -> list[dict[str, object]]:
    """The night shown, sample by sample; nothing where it is longer than a night can be."""
    if not len(trace.samples):
        return []
    grid = on_grid(trace.samples, ("spo2", "pulse"))
    made = []
    for column, code, unit, ucum in (
        ("spo2", _code(_SPO2, "SpO2"), "%", "%"),
        ("pulse", _code(_PULSE, "Pulse rate"), "beats/minute", "/min"),
    ):
        if column not in grid.columns:
            continue
        values = grid.columns[column]
        sampled = {
            "origin": {"value": 0, "unit": unit, "system": UCUM, "code": ucum},
            "period": grid.dt_ms,
            "dimensions": 1,
            "data": _data(values),
        }
        made.append(
            _observation(
                (column, trace.result.device, trace.result.night.isoformat()),
                "vital-signs",
                code,
                {"valueSampledData": sampled},
                trace.result.device,
                patient=patient,
                final=trace.result.state.value == "closed",
                period=_period(grid.t0_ms, grid.t0_ms + values.size * grid.dt_ms, zone),
            )
        )
    return made


def _data(values: NDArray[np.float64]) -> str:
    """Decimals apart by blanks; ``E`` is R4's word for a value that is missing."""
    return " ".join(f"{value:.6g}" if math.isfinite(value) else "E" for value in values.tolist())


def _observation(
    name: Sequence[str],
    category: str,
    code: Value,
    value: Mapping[str, object],
    device: str | None,
    *,
    patient: str,
    final: bool,
    period: Value,
) -> dict[str, object]:
    told: dict[str, object] = {
        "resourceType": "Observation",
        "id": _named("Observation", patient, *name),
        "status": "final" if final else "preliminary",
        "category": [{"coding": [{"system": CATEGORIES, "code": category}]}],
        "code": code,
        "subject": _to(patient),
        "effectivePeriod": period,
        **value,
    }
    if device is not None:
        told["device"] = _to(_named("Device", device))
    return told


def _diagnostic_report(report: Report, patient: str, observations: Sequence[Mapping[str, object]]) -> dict[str, object]:
    facts = report.facts
    begin_ms, end_ms = night_bounds(facts.first, facts.patient.zone)[0], night_bounds(facts.last, facts.patient.zone)[1]
    said = [*facts.reading.sentences[:-1], *report.quality, NO_DIAGNOSIS]
    return {
        "resourceType": "DiagnosticReport",
        "id": _named("DiagnosticReport", patient, facts.first.isoformat(), facts.last.isoformat()),
        "status": "preliminary" if report.provisional or facts.unfinished else "final",
        "code": {"text": "Home sleep monitoring report"},
        "subject": _to(patient),
        "effectivePeriod": _period(begin_ms, end_ms, facts.patient.zone),
        "issued": _instant(facts.now_ms, facts.patient.zone),
        "performer": [{"display": facts.clinic}],
        "result": [_to(str(one["id"])) for one in observations],
        "conclusion": " ".join(said),
    }


def _code(codes: Sequence[tuple[str, str]], words: str) -> Value:
    return {"coding": [{"system": LOINC, "code": code, "display": display} for code, display in codes], "text": words}


def _own(code: str, words: str) -> Value:
    return {"coding": [{"system": OURS, "code": code}], "text": words}


def _quantity(value: float, unit: str, ucum: str) -> Value:
    return {"value": round(value, 3), "unit": unit, "system": UCUM, "code": ucum}


def _period(start_ms: int, end_ms: int, zone: str) -> Value:
    return {"start": _instant(start_ms, zone), "end": _instant(end_ms, zone)}


def _instant(utc_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone_info(zone)).isoformat(timespec="milliseconds")
