"""Files of vendors over the API: a look first, then a session of a patient's device that the service analyses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
import scipy.io

from analytics.oximetry.stream import PROFILE
from gateway.clock import SystemClock
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.exchange.files import read_recording
from gateway.service.records import Patient
from gateway.wire.files.oxyii import encode_oxyii
from gateway.wire.files.viatom import encode_vld
from simulators.physiology.mouth import Mouth
from simulators.physiology.sleeper import Sleeper
from tests.integration.analyze.edf_builder import Channel, Edf
from tests.integration.analyze.test_bed import beating
from tests.integration.analyze.test_readers import write_mat
from tests.integration.analyze.test_wear import rows as wear_rows
from tests.properties.ingest.scene import EVER, Scene, scene
from tests.unit.analytics.adherence.mouths import CALM, HOUR_MS, T0, even
from tests.unit.service.exchange.dialects import O2_DIALECTS, PLAIN_DIALECTS, as_bytes, rows_of

ZONE = "Europe/Paris"
START = datetime(2026, 3, 13, 22, 58, 1)  # noqa: DTZ001 - naive times are what these files hold
NIGHT = date(2026, 3, 13)
COUNT = 2400


def falling(count: int = COUNT) -> tuple[list[int], list[int]]:
    """SpO2 with a desaturation a minute, and a pulse."""
    place = np.arange(count) % 60
    depth = np.where(place < 20, place / 20 * 6, np.where(place < 30, (30 - place) / 10 * 6, 0))
    return np.round(97 - depth).astype(int).tolist(), (60 + place % 20).tolist()


SPO2, PULSE = falling()
ROWS = rows_of(START, 2, SPO2, PULSE, [0] * COUNT)


def mat() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_mat(Path(folder) / "night.mat")
        return (Path(folder) / "night.mat").read_bytes()


FILES: dict[str, bytes] = {
    **{
        f"{name.replace('/', '-')}.csv": as_bytes(write(ROWS)) for name, write in (O2_DIALECTS | PLAIN_DIALECTS).items()
    },
    "ring.vld": encode_vld(np.array(SPO2), np.array(PULSE), start=START, interval_s=4),
    "ring.dat": encode_oxyii(np.array(SPO2), np.array(PULSE), start=START),
    "night.edf": Edf(
        [Channel("SpO2", SPO2, 1), Channel("Pulse", PULSE, 1, "bpm", (0, 300))], COUNT, plus="C"
    ).to_bytes(),
    "night.mat": mat(),
}
"""Every kind of oximetry that `somnolink analyze` reads."""


@dataclass
class Clinic:
    inside: Scene
    client: httpx.Client
    patient: Patient

    def look(self, name: str, data: bytes, **parameters: str) -> httpx.Response:
        return self.client.post("/imports/preview", params={"name": name, **parameters}, content=data)

    def keep(self, name: str, data: bytes, **parameters: str) -> httpx.Response:
        given = {"name": name, "patient": self.patient.id, **parameters}
        return self.client.post("/imports", params=given, content=data)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with scene(tmp_path_factory.mktemp("imports"), auto_enrol=False, zone=ZONE) as inside:
        patient = inside.records.people.add_patient("clinic", "Case 1", zone=ZONE, at_ms=0)
        token = create_token(inside.records, "imports", ["read", "write"], created_ms=0)
        app = create_app(
            inside.records,
            inside.store,
            status=lambda: ServiceStatus(True, "ok", {}),
            clock=SystemClock(),
            analyse=inside.ingest.analyse,
        )
        headers = {"Authorization": f"Bearer {token}"}
        with (
            serve(app, "127.0.0.1", 0) as server,
            httpx.Client(base_url=server.url + "/api/v1", headers=headers, timeout=60) as client,
        ):
            yield Clinic(inside, client, patient)


@pytest.mark.parametrize("name", list(FILES))
def test_every_kind_of_oximetry_is_shown_and_kept(clinic: Clinic, name: str, tmp_path: Path) -> None:
    data = FILES[name]
    path = tmp_path / name
    path.write_bytes(data)
    truth = read_recording(path, ZoneInfo(ZONE))
    shown = clinic.look(name, data, zone=ZONE)
    assert shown.status_code == 200, shown.text
    preview = shown.json()
    assert (preview["kind"], preview["format"], preview["samples"]) == ("oximetry", truth.kind, truth.spo2.size)
    assert preview["sha256"] == hashlib.sha256(data).hexdigest()
    assert preview["needs"] == ([] if truth.start else ["start"])
    assert set(preview["plot"]["columns"]) == {"spo2", "pulse"}
    drawn = [value for value in preview["plot"]["columns"]["spo2"] if value is not None]
    assert (min(drawn), max(drawn)) == (np.nanmin(truth.spo2), np.nanmax(truth.spo2))

    start = {} if truth.start else {"start": "2026-03-13T21:58:01Z"}
    answer = clinic.keep(name, data, zone=ZONE, sha256=preview["sha256"], **start)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    begin_ms = kept["start_ms"]
    assert begin_ms == round((truth.start or datetime(2026, 3, 13, 21, 58, 1, tzinfo=UTC)).timestamp() * 1000)
    samples = clinic.inside.store.read(kept["device"], "oximetry", begin_ms, kept["end_ms"], origin="stored")
    assert kept["samples"] == truth.spo2.size
    cover = clinic.inside.store.sessions(kept["device"], "oximetry", begin_ms, kept["end_ms"])
    mine = next(one for one in cover if one.session == kept["session"])
    assert (mine.samples, mine.complete, mine.origin) == (truth.spo2.size, True, "stored")
    assert len(samples) >= truth.spo2.size


def test_what_was_kept_is_what_the_file_held_and_is_analysed(clinic: Clinic) -> None:
    patient = clinic.inside.records.people.add_patient("clinic", "Case 2", zone=ZONE, at_ms=0)
    data = FILES["night.edf"]
    preview = clinic.look("night.edf", data, zone=ZONE).json()
    kept = clinic.keep("night.edf", data, patient=patient.id).json()
    samples = clinic.inside.store.read(kept["device"], "oximetry", 0, EVER)
    np.testing.assert_array_equal(samples.columns["spo2"], SPO2)
    np.testing.assert_array_equal(samples.columns["pulse"], PULSE)
    clinic.inside.ingest.settle()
    (night,) = clinic.inside.records.results.nights(device=kept["device"])
    assert [night.night.isoformat()] == kept["nights"]
    assert night.profile == PROFILE
    assert night.indices["odi3"] == pytest.approx(preview["indices"]["odi3"], rel=0.05)
    assert len(clinic.inside.records.results.desaturations(night)) == pytest.approx(COUNT / 60, abs=2)
    assert clinic.inside.records.results.stale() == []
    # The patient's nights, and so the report, tell it.
    joined = clinic.client.get(
        f"/patients/{patient.id}/nights", params={"from": kept["nights"][0], "to": kept["nights"][0]}
    ).json()
    assert [one["oximeters"] for one in joined] == [[kept["device"]]]


def test_the_same_file_twice_is_once(clinic: Clinic) -> None:
    patient = clinic.inside.records.people.add_patient("clinic", "Case 3", zone=ZONE, at_ms=0)
    first = clinic.keep("ring.vld", FILES["ring.vld"], patient=patient.id).json()
    again = clinic.keep("other-name.vld", FILES["ring.vld"], patient=patient.id).json()
    assert (first["new"], again["new"]) == (True, False)
    assert {**first, "new": False} == again
    assert len(clinic.inside.store.read(first["device"], "oximetry", 0, EVER)) == first["samples"]
    assert len(clinic.inside.records.assignments.list(patient=patient.id)) == 1


def test_a_device_of_the_patients_takes_a_file_of_its_own_time_alone(clinic: Clinic) -> None:
    records = clinic.inside.records
    patient = records.people.add_patient("clinic", "Case 4", zone=ZONE, at_ms=0)
    records.devices.enrol("home", "o2ring-00000000c3", zone=ZONE, at_ms=0)
    ring = {"device": "o2ring-00000000c3", "patient": patient.id}
    refused = clinic.keep("ring.vld", FILES["ring.vld"], **ring)
    assert refused.status_code == 422
    assert "was not the patient's over all of the file's time" in refused.json()["detail"]
    begin_ms = round(START.replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
    end_ms = begin_ms + COUNT * 4000
    held = records.assignments.assign("o2ring-00000000c3", patient.id, from_ms=begin_ms, to_ms=end_ms - 1)
    assert clinic.keep("ring.vld", FILES["ring.vld"], **ring).status_code == 422
    records.assignments.end(held.id, to_ms=end_ms)
    kept = clinic.keep("ring.vld", FILES["ring.vld"], **ring)
    assert (kept.status_code, kept.json()["device"]) == (201, "o2ring-00000000c3")
    unknown = clinic.keep("ring.vld", FILES["ring.vld"], device="o2ring-ffffffffff")
    # The same words: whether another has a device of that name is not told.
    assert (unknown.status_code, unknown.json()["detail"]) == (
        422,
        refused.json()["detail"].replace("o2ring-00000000c3", "o2ring-ffffffffff"),
    )


@pytest.fixture(scope="module")
def mouth() -> Mouth:
    return Mouth.of_nights([Sleeper(41).night(T0, index=0)], 41, habits=CALM)


@pytest.mark.parametrize("whole", [True, False])
def test_a_wear_log_becomes_a_night_of_wear(clinic: Clinic, mouth: Mouth, whole: bool) -> None:
    patient = clinic.inside.records.people.add_patient("clinic", "Case 5", zone=ZONE, at_ms=0)
    log = even(mouth, T0 - 9 * HOUR_MS, T0 + 14 * HOUR_MS)
    stamps = [datetime.fromtimestamp(at_ms / 1000, UTC).isoformat() for at_ms in log.t_ms.tolist()]
    data = wear_rows(log, stamps, whole=whole).encode()
    preview = clinic.look("log.csv", data).json()
    truth = mouth.intervals[0]
    assert (preview["kind"], preview["needs"], preview["indices"]["wears"]) == ("wear", [], 1)
    assert preview["indices"]["wear_min"] == pytest.approx(truth.minutes, abs=5)
    assert [one["kind"] for one in preview["plot"]["marks"]] == ["wear"]
    kept = clinic.keep("log.csv", data, patient=patient.id).json()
    clinic.inside.ingest.settle()
    nights = clinic.inside.records.results.nights(device=kept["device"], kind="wear")
    worn = [night.indices["wear_min"] for night in nights if night.indices["wear_min"]]
    assert worn == [pytest.approx(preview["indices"]["wear_min"], abs=0.5)]


def test_a_beds_waveform_of_any_rate_is_kept_at_fifty_a_second(clinic: Clinic, tmp_path: Path) -> None:
    patient = clinic.inside.records.people.add_patient("clinic", "Case 6", zone=ZONE, at_ms=0)
    scipy.io.savemat(tmp_path / "b.mat", {"bcg": beating(1000.0, 120.0)[:, None] * 1e-4, "Fs": np.array([[1000]])})
    data = (tmp_path / "b.mat").read_bytes()
    preview = clinic.look("b.mat", data).json()
    assert (preview["kind"], preview["format"], preview["needs"]) == ("waveform", "waveform", ["start"])
    assert any("kept as means of 20 ms" in note for note in preview["notes"])
    refused = clinic.keep("b.mat", data, patient=patient.id)
    assert "the file holds no start" in refused.json()["detail"]
    kept = clinic.keep("b.mat", data, patient=patient.id, start="2026-03-14T01:00:00").json()
    assert kept["start_ms"] == round(datetime(2026, 3, 14, 0, tzinfo=UTC).timestamp() * 1000)  # given in the zone
    assert kept["samples"] == 120 * 50
    clinic.inside.ingest.settle()
    epochs = clinic.inside.store.read(kept["device"], "bed", kept["start_ms"], kept["end_ms"])
    heart = epochs.columns["heart_rate"]
    assert np.nanmedian(heart) == pytest.approx(66.0, abs=1.0)
    assert np.isfinite(heart).sum() >= 9


def test_local_times_need_a_zone_and_another_file_than_shown_is_refused(clinic: Clinic) -> None:
    data = FILES["ring.vld"]
    preview = clinic.look("ring.vld", data).json()
    assert preview["needs"] == ["zone"]
    assert preview["start"] == "2026-03-13T22:58:01"
    other = clinic.keep("ring.vld", FILES["ring.dat"], sha256=preview["sha256"])
    assert (other.status_code, "another file" in other.json()["detail"]) == (422, True)
    assert clinic.look("ring.vld", data, zone="Mars/Olympus").status_code == 422
    # The patient's zone stands in at the commit.
    kept = clinic.keep("ring.vld", data, sha256=preview["sha256"]).json()
    assert kept["start_ms"] == round(START.replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("report.pdf", b"%PDF-1.7 ...", "report.pdf: no recording but a PDF report"),
        ("table.csv", b"a,b\n1,2\n", "table.csv: line 1: no header"),
        ("noise.bin", bytes(range(200, 256)) * 9, "noise.bin"),
        ("short.vld", FILES["ring.vld"][:30], "short.vld"),
        ("cut.edf", FILES["night.edf"][:300], "cut.edf"),
    ],
)
def test_a_bad_file_is_one_clear_problem(clinic: Clinic, name: str, data: bytes, said: str) -> None:
    for answer in (clinic.look(name, data), clinic.keep(name, data)):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        detail: str = answer.json()["detail"]
        assert detail.startswith(said)
        assert "\n" not in detail
        assert "/tmp" not in detail  # no folder of the server's is told


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.csv", "a\\b.csv", "a\x00b", "x" * 61])
def test_a_name_that_is_a_path_is_none(clinic: Clinic, name: str) -> None:
    assert clinic.look(name, FILES["ring.vld"]).status_code == 422


def test_sixty_letters_of_any_script_are_a_name(clinic: Clinic) -> None:
    assert clinic.look("𝒏" * 60, FILES["ring.vld"]).json()["name"] == "𝒏" * 60


def test_too_large_a_file_is_refused_while_it_comes(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.service.api.routes.imports.MAX_UPLOAD_BYTES", 1 << 20)
    assert clinic.look("big.csv", bytes(1 << 20)).status_code == 422
    assert clinic.look("big.csv", bytes((1 << 20) + 1)).status_code == 413


def test_reading_is_not_enough_to_import(clinic: Clinic) -> None:
    token = create_token(clinic.inside.records, "reader", ["read"], created_ms=0)
    answer = httpx.post(
        f"{clinic.client.base_url}imports/preview",
        params={"name": "x"},
        content=b"x",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 403


def test_what_was_kept_and_not_analysed_is_analysed_at_the_next_start(tmp_path: Path) -> None:
    with scene(tmp_path, auto_enrol=False, zone=ZONE, start=False) as inside:
        patient = inside.records.people.add_patient("clinic", "Case 7", zone=ZONE, at_ms=0)
        token = create_token(inside.records, "imports", ["write"], created_ms=0)
        app = create_app(inside.records, inside.store, status=lambda: ServiceStatus(True, "ok", {}))
        with serve(app, "127.0.0.1", 0) as server:
            answer = httpx.post(
                f"{server.url}/api/v1/imports",
                params={"name": "night.edf", "patient": patient.id},
                content=FILES["night.edf"],
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            )
        kept: dict[str, Any] = answer.json()
        night = date.fromisoformat(kept["nights"][0])
        assert inside.records.results.stale() == [(kept["device"], night)]
        assert inside.records.results.nights(device=kept["device"]) == []
    with scene(tmp_path, auto_enrol=False, zone=ZONE) as again:
        again.ingest.settle()
        assert [one.night for one in again.records.results.nights(device=kept["device"])] == [night]


def test_real_recordings(clinic: Clinic, recordings: Path) -> None:
    patient = clinic.inside.records.people.add_patient("clinic", "Case 8", zone=ZONE, at_ms=0)
    found = sorted((recordings / "oximetry").glob("checkme*.csv"))
    assert found
    for path in found:
        truth = read_recording(path, ZoneInfo(ZONE))
        kept = clinic.keep(path.name, path.read_bytes(), patient=patient.id)
        assert kept.status_code == 201, kept.text
        told = kept.json()
        samples = clinic.inside.store.read(told["device"], "oximetry", told["start_ms"], told["end_ms"])
        np.testing.assert_array_equal(samples.columns["spo2"], truth.spo2)
        assert timedelta(milliseconds=told["end_ms"] - told["start_ms"]).total_seconds() == truth.duration_s
