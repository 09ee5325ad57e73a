"""The records on a real PostgreSQL: the same behaviour as on SQLite where the two could differ."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pyotp
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from analytics.alerts.findings import Finding
from gateway.errors import SignInError, SignInReason, StoreRejectedError, StoreUnavailableError
from gateway.service.records import (
    Account,
    Contact,
    Desaturation,
    DeviceState,
    GatewayState,
    NightResult,
    NightUpdate,
    Records,
    Refusal,
    Rejected,
    Role,
    State,
    Subject,
)
from gateway.service.records.tables import Base
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.factor import RECOVERY_CODES, STEP_MS
from gateway.service.sign_in.passwords import Passwords
from gateway.settings import SignInSettings
from tests.integration.access.scene import QUICK
from tests.integration.api.conftest import SetClock
from tests.servers.postgresql import running

PASSWORD = "not in the address"
WORDS = "four words that belong apart"
RING = "o2ring-0011223344"
RESULT = NightResult(RING, date(2026, 3, 10), "peak", "1", "UTC", State.RUNNING, 1, 2, 3.0, {"odi4": 7.5}, 5)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A database cluster of its own."""
    with running(PASSWORD) as address:
        yield address


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    opened = Records(url, password=PASSWORD)
    yield opened
    opened.close()
    engine = plain_engine(url)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    engine.dispose()


def plain_engine(url: str) -> sa.Engine:
    return sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg", password=PASSWORD))


def fall(start_ms: int) -> Desaturation:
    return Desaturation(start_ms, start_ms + 20, start_ms + 40, 96.0, 91.5, 4.5, 80.0, 0.9)


def test_the_migrations_make_exactly_the_tables_that_the_program_maps(records: Records, url: str) -> None:
    engine = plain_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_a_code_is_one_boxs_and_homes_are_as_they_say(records: Records) -> None:
    homes, devices = records.homes, records.devices
    homes.add_code("c" * 64, clinic="clinic", gateway="home-1", name="A", made_by="x", created_ms=1, expires_ms=1 << 42)
    won: list[str] = []

    def knock(box: str) -> None:
        if homes.redeem("c" * 64, box, salt=box, at_ms=5) is not None:
            won.append(box)

    threads = [threading.Thread(target=knock, args=(f"{number:064}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert homes.accounts() == [Account("home-1", won[0], False)]
    devices.enrol("home-1", RING, zone="UTC", at_ms=1)
    records.results.replace_night(RESULT, ())
    assert records.assignments.unassigned() == (1, 1)
    whole = (1 << 53) - 1
    state = GatewayState("home-1", True, 5, 5, "0.1", whole, whole, whole, "ok", True, whole, -whole)
    records.states.hear(state, [(Contact(RING, 5, firmware="2"), DeviceState(RING, 5, boots=whole, clock="ok"))])
    assert records.states.gateways() == {"home-1": state}
    assert records.states.devices([RING])[RING].boots == whole
    homes.set_revoked("home-1", 9)
    assert devices.authorise([("home-1", RING)], auto_enrol=True, zone="UTC", at_ms=9) == {
        ("home-1", RING): Refusal.REVOKED_GATEWAY
    }
    assert homes.accounts() == [Account("home-1", won[0], True)]


def test_many_openings_at_once_migrate_once(url: str, records: Records) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            Records(url, password=PASSWORD).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_nights_are_written_grown_and_replaced(records: Records) -> None:
    records.devices.authorise([("home-1", RING)], auto_enrol=True, zone="UTC", at_ms=1)
    far = 4_000_000_000_000  # beyond 32 bits
    records.results.upsert_running([NightUpdate(RESULT, (fall(far),)), NightUpdate(RESULT, (fall(far + 90),))])
    records.results.upsert_running([NightUpdate(replace(RESULT, end_ms=far), (fall(far),))])
    assert records.results.nights() == [replace(RESULT, end_ms=far)]
    assert records.results.desaturations(RESULT) == [fall(far), fall(far + 90)]
    closed = replace(RESULT, state=State.CLOSED, updated_ms=9)
    for _ in range(2):
        records.results.replace_night(closed, [fall(7)])
    assert records.results.night(RING, RESULT.night) == closed
    assert records.results.desaturations(closed) == [fall(7)]
    with pytest.raises(StoreRejectedError):
        records.results.upsert_running([NightUpdate(replace(RESULT, device="o2ring-ffffffffff"))])


def test_alerts_and_hostile_text(records: Records) -> None:
    records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=1, evidence={"used_pct": 95.0})
    assert records.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=2).count == 2
    records.set_aside.add([Rejected(1, "a\0b", "\ud800", "decode", "no CBOR", b"\0\xff")])
    assert records.set_aside.list()[0].payload == b"\0\xff"
    assert records.set_aside.counts() == {"decode": 1}


def test_two_writers_of_one_alert_both_count(url: str, records: Records) -> None:
    other = Records(url, password=PASSWORD)
    failures: list[Exception] = []

    def work(one: Records) -> None:
        try:
            for step in range(20):
                one.alerts.raise_alert("outbox_full", "home-1", "full", at_ms=step)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in (records, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert failures == []
    assert [alert.count for alert in records.alerts.list()] == [40]


def test_a_wrong_password_is_one_clear_line(url: str) -> None:
    with pytest.raises(StoreUnavailableError, match="password authentication failed") as caught:
        Records(url, password="wrong-one")
    assert "wrong-one" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_away_is_unavailable_not_rejected(url: str) -> None:
    with pytest.raises(StoreUnavailableError):
        Records("postgresql://somnolink@127.0.0.1:1/postgres?connect_timeout=2")


def test_people_alerts_and_the_feed(records: Records) -> None:
    ring = "o2ring-feed000001"
    records.devices.enrol("home-feed", ring, zone="UTC", at_ms=0)
    patient = records.people.add_patient("clinic", "A.", zone="Europe/Berlin", at_ms=0)
    records.assignments.assign(ring, patient.id, from_ms=100, to_ms=200)
    with pytest.raises(StoreRejectedError, match="already"):
        records.assignments.assign(ring, patient.id, from_ms=199)
    records.treatment.put_step(patient.id, date(2026, 3, 1), 4.0, at_ms=1)
    records.treatment.put_step(patient.id, date(2026, 3, 1), 4.5, at_ms=2)
    assert [step.advancement_mm for step in records.treatment.steps(patient.id)] == [4.5]
    records.thresholds.change("patient", patient.id, {("spo2_low", "minutes"): 3.0})
    records.thresholds.change("patient", patient.id, {("spo2_low", "minutes"): None})
    assert records.thresholds.all() == {}
    first = records.feed.last()
    subject = Subject(patient.id, "clinic", patient.id, ring, "home-feed")
    low = Finding("spo2_low", True, 1000, 700, 1000, {"minutes": 5.0})
    assert records.alerts.tell([(subject, low, 500), (subject, low, 500)], recorded_ms=1) == 1
    assert records.alerts.tick(lambda _: 1500, lambda *_: 500, latest_ms=1500, recorded_ms=2) == 1
    (alert,) = records.alerts.list(patient=patient.id)
    records.alerts.snooze(alert.id, 9000, who="desk", at_ms=1600, recorded_ms=3)
    over = Finding("spo2_low", False, 2000, 700, 2000, {})
    records.alerts.tell([(subject, over, 500)], recorded_ms=4)
    again = Finding("spo2_low", True, 3000, 2700, 3000, {"minutes": 5.0})
    records.alerts.tell([(subject, again, 500)], recorded_ms=5)
    events = records.feed.after(first)
    assert [(event.event, event.state) for event in events] == [
        ("raised", "open"),
        ("escalated", "escalated"),
        ("snoozed", "snoozed"),
        ("resolved", "resolved"),
        ("raised", "snoozed"),
    ]
    assert [event.id for event in events] == list(range(first + 1, first + 6))
    assert records.feed.prune(before_ms=5) >= 4
    records.webhooks.add("clinic", "https://example.org/", "env:SOMNOLINK_WEBHOOK_A", at_ms=0)
    assert records.webhooks.list(active=True)[0].seq == records.feed.last()
    records.data_times.put({"home/x": (1, 2)})
    assert records.data_times.all()["home/x"] == (1, 2)


def test_sign_in(records: Records) -> None:
    clock = SetClock()
    sign_in = SignIn(records, clock, SignInSettings(staff_second_factor=True), passwords=Passwords(QUICK))
    user = records.users.add("clinic", "chief@example.org", Role.ADMINISTRATOR, at_ms=0)
    sign_in.accept(sign_in.invite(user.id).text, WORDS)
    started = sign_in.start("Chief@example.org", WORDS, None, address="192.0.2.1", agent="a browser")
    who = sign_in.principal(started.token)
    assert who == started.principal
    assert who.limited
    new = sign_in.account.begin_factor(who, WORDS, address="")
    clock.now_ms = 4_000_000_000_000  # beyond 32 bits, and the session's end
    assert sign_in.principal(started.token) is None
    code = pyotp.TOTP(new.secret).generate_otp(clock.now_ms // STEP_MS)
    assert len(sign_in.account.confirm_factor(who, code, address="")) == RECOVERY_CODES
    for wrong, reason in (("wrong", SignInReason.WRONG), (WORDS, SignInReason.CODE_WRONG)):
        with pytest.raises(SignInError) as refused:
            sign_in.start(user.name, wrong, code, address="192.0.2.2")
        assert refused.value.reason is reason
    for number in range(9):
        with pytest.raises(SignInError):
            sign_in.start(f"name-{number}", "wrong", None, address="192.0.2.2")
    clock.now_ms += STEP_MS
    code = pyotp.TOTP(new.secret).generate_otp(clock.now_ms // STEP_MS)
    again = sign_in.start(user.name, WORDS, code, address="192.0.2.1").principal
    assert [one.id for one in sign_in.account.sessions(again)] == [again.session]
    sign_in.account.make_token(again, "own", ["read"], 1, address="")
    (token,) = sign_in.account.tokens(again)
    assert sign_in.account.remove_token(again, token.id, address="")
    records.credentials.bind("https://idp.example", "a", user.id, at_ms=1)
    with pytest.raises(StoreRejectedError, match="already"):
        records.credentials.bind("https://idp.example", "b", user.id, at_ms=1)
    assert records.credentials.identity("https://idp.example", "a") == user.id
    records.users.set_disabled(user.id, 1)
    assert records.sessions.of_user(user.id) == []


def test_a_link_opens_once_however_many_open_it_at_once(url: str, records: Records) -> None:
    other = Records(url, password=PASSWORD)
    user = records.users.add("clinic", "chief@example.org", Role.ADMINISTRATOR, at_ms=0)
    clock, found = SetClock(), []
    entrances = [SignIn(one, clock, passwords=Passwords(QUICK)) for one in (records, other)]
    code = entrances[0].link(user.id).text

    def open_it(entrance: SignIn) -> None:
        try:
            found.append(entrance.start_by_link(code, address="").principal.name)
        except SignInError as error:
            found.append(error.reason)

    threads = [threading.Thread(target=open_it, args=(entrances[at % 2],)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    other.close()
    assert sorted(found) == sorted([user.name, *[SignInReason.CODE_OVER] * 5])
