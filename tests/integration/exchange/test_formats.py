"""The report as PDF, CSV, FHIR and EDF+: rendered, read back, validated."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pypdfium2
import pytest
from fhir.resources.R4B.bundle import Bundle

from gateway.service.exchange.files import read_recording
from gateway.service.exchange.report import wording
from gateway.service.exchange.report.build import build
from gateway.service.exchange.report.csv import nights_csv, samples_csv
from gateway.service.exchange.report.edf import to_edf
from gateway.service.exchange.report.fhir import to_fhir
from gateway.service.exchange.report.gather import gather
from gateway.service.exchange.report.pdf import to_pdf
from gateway.service.exchange.report.values import Report
from gateway.service.records import SideEffect, SideEffectKind
from tests.integration.exchange import scene


@pytest.fixture(scope="module")
def pdf(report: Report) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(to_pdf(report))
    yield document
    document.close()


def text_of(document: pypdfium2.PdfDocument) -> str:
    pages = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    return " ".join(" ".join(pages).split())


def test_the_pdf_says_every_field_of_the_report(pdf: pypdfium2.PdfDocument, report: Report) -> None:
    text = text_of(pdf)
    rows = (
        *wording.wear_rows(report.wear),
        *wording.response_rows(report),
        *wording.step_rows(report),
        *wording.side_effect_rows(report),
        *wording.follow_up_rows(report),
        *wording.device_rows(report),
        *wording.time_rows(report),
    )
    assert len(rows) > 30
    missing = [one for row in rows for one in (row.label, row.value) if one not in text]
    assert missing == []
    assert text.count(wording.NO_DIAGNOSIS) == len(pdf) + 1  # on top, and below every page
    assert report.facts.patient.id in text
    assert report.facts.patient.name not in text
    assert "PROVISIONAL" not in text


def test_the_pdf_looks_like_a_report(pdf: pypdfium2.PdfDocument) -> None:
    """Whether it is good to look at, people say (docs/figures/report-1.png); here, that all is drawn, and where."""
    assert len(pdf) == 2
    pages = [np.asarray(page.render(scale=1.0).to_pil().convert("RGB"), dtype=np.int16) for page in pdf]
    for page in pages:
        assert page.shape[:2] == (842, 596)
        inked = (page.min(axis=2) < 200).mean()
        assert 0.02 < inked < 0.4
        assert (page[:30] > 250).all()  # the margins stay free
        assert (page[:, :30] > 250).all()
    # Nights with the MAD are teal and those without orange in the trend; worn cells are teal in the calendar.
    first, second = pages
    assert coloured(first, (27, 127, 121)) > 100
    assert coloured(first, (217, 95, 2)) > 100
    assert coloured(second, (27, 127, 121), within=40) > 1000


def coloured(page: np.ndarray[Any, Any], colour: tuple[int, int, int], within: int = 12) -> int:
    return int((np.abs(page - np.array(colour)).max(axis=2) <= within).sum())


def test_a_name_stands_in_the_pdf_only_if_asked_for(report: Report) -> None:
    document = pypdfium2.PdfDocument(to_pdf(report, identified=True))
    assert "Case 17" in text_of(document)
    document.close()


def test_markup_in_a_note_is_text_and_an_empty_report_says_so(practice: scene.Practice) -> None:
    nobody = practice.records.people.add_patient("clinic-north", "Case 20", zone=scene.ZONE, at_ms=0)
    facts = gather(practice.records, practice.store, nobody, (scene.FIRST, scene.LAST), now_ms=scene.NOW_MS)
    note = '#panic("x") *bold* $x$ \\ <label> @ref'
    effect = SideEffect("s", nobody.id, scene.FIRST, SideEffectKind.OTHER, 1, note, 0)
    document = pypdfium2.PdfDocument(to_pdf(build(replace(facts, side_effects=(effect,)))))
    text = text_of(document)
    document.close()
    assert '#panic("x") *bold* $x$ \\ <label> @ref' in text
    assert "PROVISIONAL" in text
    assert text.count(wording.NONE) > 14


def test_a_row_a_night_in_the_csv(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(nights_csv(report).decode(), newline="")))
    assert len(rows) == scene.NIGHTS
    last, missing, before = rows[-1], rows[scene.MISSING], rows[0]
    assert last["night"] == scene.LAST.isoformat()
    assert float(last["wear_h"]) == pytest.approx(7.0)
    assert last["inserted"] == "2026-04-10T22:10:00+0200"
    assert (missing["wear_h"], missing["mad"], before["mad"], last["mad"]) == ("", "unknown", "without", "with")
    assert (before["advancement_mm"], last["advancement_mm"]) == ("", "6.5")
    assert float(before["odi3"]) == 26.0


def test_samples_as_csv_are_read_back_by_analyze(report: Report, tmp_path: Path) -> None:
    trace = report.facts.trace
    assert trace is not None
    path = tmp_path / "night.csv"
    path.write_bytes(samples_csv(trace))
    back = read_recording(path)
    np.testing.assert_array_equal(back.spo2, trace.samples.columns["spo2"])
    np.testing.assert_array_equal(back.pulse, trace.samples.columns["pulse"])
    assert back.start is not None
    assert back.start.timestamp() * 1000 == trace.samples.t_ms[0]


def test_the_stored_night_as_edf_plus(report: Report, tmp_path: Path) -> None:
    trace = report.facts.trace
    assert trace is not None
    path = tmp_path / "night.edf"
    path.write_bytes(to_edf(trace, report.facts.patient))
    back = read_recording(path)
    np.testing.assert_array_equal(back.spo2, trace.samples.columns["spo2"])
    np.testing.assert_array_equal(back.pulse, trace.samples.columns["pulse"])
    events = [one for one in edfio.read_edf(path).annotations if one.text.startswith("Desaturation")]
    assert len(events) == len(trace.desaturations)


def resources(report: Report, **how: bool) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(to_fhir(report, **how))["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def test_the_fhir_bundle_is_valid_and_every_reference_leads_somewhere(report: Report) -> None:
    text = to_fhir(report)
    bundle = Bundle.model_validate_json(text)
    assert bundle.entry is not None
    known = {entry.fullUrl for entry in bundle.entry}
    assert len(known) == len(bundle.entry)
    assert references(json.loads(text)) <= known
    assert to_fhir(report) == text  # the same report is the same bundle


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["reference"]} if "reference" in value else set()
        return own.union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def test_the_night_stands_in_sampled_data(report: Report) -> None:
    trace = report.facts.trace
    assert trace is not None
    sampled = {
        one["code"]["coding"][0]["code"]: one for one in resources(report)["Observation"] if "valueSampledData" in one
    }
    assert set(sampled) == {"59408-5", "8867-4"}
    saturation = sampled["59408-5"]
    assert [one["code"] for one in saturation["code"]["coding"]] == ["59408-5", "2708-6"]
    data = saturation["valueSampledData"]
    assert (data["period"], data["dimensions"], data["origin"]["code"]) == (1000, 1, "%")
    values = np.array([np.nan if one == "E" else float(one) for one in data["data"].split()], np.float32)
    np.testing.assert_array_equal(values, trace.samples.columns["spo2"])
    assert saturation["effectivePeriod"]["start"] == "2026-04-10T22:30:00.000+02:00"
    assert sampled["8867-4"]["valueSampledData"]["origin"]["code"] == "/min"


def test_a_night_without_recorder_data_has_a_reason_and_no_number(report: Report) -> None:
    wear = [one for one in resources(report)["Observation"] if one["code"]["coding"][0]["code"] == "mad_wear_h"]
    assert len(wear) == 20
    absent = [one for one in wear if "dataAbsentReason" in one]
    assert len(absent) == 1
    assert "valueQuantity" not in absent[0]
    missing = scene.FIRST + timedelta(scene.MISSING)
    assert absent[0]["effectivePeriod"]["start"].startswith(missing.isoformat())


def test_the_patient_is_a_pseudonym_unless_asked_for(report: Report) -> None:
    (patient,) = resources(report)["Patient"]
    assert set(patient) == {"resourceType", "id", "identifier"}
    assert patient["identifier"][0]["value"] == report.facts.patient.id
    assert "Case 17" not in to_fhir(report).decode()
    (named,) = resources(report, identified=True)["Patient"]
    assert (named["name"][0]["text"], named["gender"], named["birthDate"]) == ("Case 17", "female", "1971")
    (told,) = resources(report)["DiagnosticReport"]
    assert told["status"] == "final"
    assert told["conclusion"].endswith(wording.NO_DIAGNOSIS)


def test_a_provisional_report_is_preliminary(practice: scene.Practice) -> None:
    period = (scene.LAST - timedelta(5), scene.LAST)
    made = build(gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS))
    (told,) = resources(made)["DiagnosticReport"]
    assert told["status"] == "preliminary"
    assert Bundle.model_validate_json(to_fhir(made)).type == "collection"
