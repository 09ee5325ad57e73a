"""Page events: whoever sends them, a right that was taken away, or a session that is over, does nothing."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest
from socketio.exceptions import ConnectionError as RefusedError

from gateway.service.records import AlertState, Role
from tests.integration.access.scene import Scene
from tests.integration.access.test_pages import EXPECTED, filled
from tests.integration.access.test_table import ROLES
from tests.integration.access.visitor import Visitor, ask

OUTSIDE = ("audit", "sessions")
"""Tables that change by being looked at."""


def records_hash(scene: Scene) -> str:
    """Of all that the records hold, without what changes by being looked at."""
    with sqlite3.connect(scene.folder / "records.db") as raw:
        lines = [line for line in raw.iterdump() if not any(f'"{name}' in line[:60] for name in OUTSIDE)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def state(scene: Scene, alert: str) -> AlertState:
    found = scene.records.alerts.get(alert)
    assert found is not None
    return found.state


def opened(scene: Scene, path: str = "/alerts", role: Role = Role.DENTIST, place: str = "near") -> Visitor:
    return Visitor(scene.url, path, scene.session(role, place))


async def test_an_event_of_who_may_is_done(scene: Scene) -> None:
    async with opened(scene) as visitor:
        before = scene.records.audit.last().number
        await visitor.send(visitor.button("Acknowledge"))
        await visitor.hears("update")
    assert state(scene, scene.alert) is AlertState.ACKNOWLEDGED
    told = [(one.who, one.what) for one in scene.records.audit.after(before)]
    assert told == [("dentist@near", f"POST /alerts/{scene.alert}/acknowledge")]


async def test_an_event_of_who_may_no_longer_does_nothing_and_is_told(scene: Scene) -> None:
    alert = scene.alert_anew()
    user = scene.records.users.named("dentist@near")
    assert user is not None
    async with opened(scene) as visitor:
        button = visitor.button("Acknowledge")
        scene.records.teams.put_user(scene.team, user.id, belongs=False)
        before = scene.records.audit.last().number
        await visitor.send(button)
        assert "not yours to see" in (await visitor.hears("notify"))["message"]
    scene.records.teams.put_user(scene.team, user.id, belongs=True)
    assert state(scene, alert) is AlertState.OPEN
    assert scene.records.audit.last().number == before


@pytest.mark.parametrize("end", ["signed out elsewhere", "kept out", "lain idle"])
async def test_an_event_of_a_session_that_is_over_does_nothing(scene: Scene, end: str) -> None:
    alert = scene.alert_anew()
    user = scene.records.users.named("dentist@near")
    assert user is not None
    async with opened(scene) as visitor:
        now_ms = scene.clock.now_ms
        if end == "signed out elsewhere":
            scene.sign_in.end(visitor.token)
        elif end == "kept out":
            scene.records.users.set_disabled(user.id, now_ms)
        else:
            scene.clock.now_ms += 30 * 86_400_000
        await visitor.send(visitor.button("Acknowledge"))
        assert (await visitor.hears("open"))["path"].startswith("/sign-in")
        scene.records.users.set_disabled(user.id, None)
        scene.clock.now_ms = now_ms
    assert state(scene, alert) is AlertState.OPEN


async def test_somebody_elses_socket_does_not_speak_for_a_page(scene: Scene) -> None:
    alert = scene.alert_anew()
    async with opened(scene) as victim, opened(scene, place="clinic") as other:
        await other.send(victim.button("Acknowledge"), client=victim.client)
        # Messages of one socket are taken in order: this one's answer shows that the other was passed over.
        mark = len(victim.told)
        await victim.send(victim.button("History and comments"))
        await victim.hears("update", mark)
        await other.quiet()
    assert state(scene, alert) is AlertState.OPEN


@pytest.mark.parametrize("what", ["no cookie", "another's cookie", "another origin", "no page", "an unknown page"])
async def test_a_socket_that_is_not_the_pages_own_is_refused(scene: Scene, what: str) -> None:
    visitor = opened(scene)
    given = {
        "no cookie": {"token": ""},
        "another's cookie": {"token": scene.session(Role.DENTIST, "clinic")},
        "another origin": {"origin": "https://elsewhere.example"},
        "no page": {"client": ""},
        "an unknown page": {"client": "00000000-0000-4000-8000-000000000000"},
    }[what]
    with pytest.raises(RefusedError):
        await visitor.connect(**given)


async def test_a_socket_of_a_session_that_is_over_is_refused(scene: Scene) -> None:
    visitor = opened(scene)
    scene.sign_in.end(visitor.token)
    with pytest.raises(RefusedError):
        await visitor.connect()


def test_there_is_no_way_to_the_socket_but_a_web_socket(scene: Scene) -> None:
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert ask(scene.url, path).status_code == 401
    assert ask(scene.url, path, scene.session(Role.DENTIST, "near")).status_code == 404


@pytest.mark.parametrize("path", EXPECTED)
async def test_no_event_of_any_page_does_anything_once_the_session_is_over(scene: Scene, path: str) -> None:
    role = ROLES[next(iter(EXPECTED[path].values()))[0]]
    visitor = opened(scene, filled(scene, path), role)
    async with visitor:
        scene.sign_in.end(visitor.token)
        before, entries = records_hash(scene), scene.records.audit.last().number
        for kind in ("click", "update:model-value", "update:modelValue", "keydown", "change"):
            for event in visitor.events(kind):
                await visitor.send(event, "x")
        await visitor.quiet()
    assert records_hash(scene) == before
    assert scene.records.audit.last().number == entries


async def test_alerts_are_pushed_to_who_sees_them_and_to_nobody_else(scene: Scene) -> None:
    async with opened(scene) as near, opened(scene, place="clinic") as other:
        mark = len(near.told), len(other.told)
        alert = scene.alert_anew()
        await near.hears("update", mark[0])
        await other.quiet()
        assert "Low oxygen saturation now" in str(near.told[mark[0] :])
        assert "Low oxygen" not in str(other.told[mark[1] :])
    assert state(scene, alert) is AlertState.OPEN
