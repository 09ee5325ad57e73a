"""Rate limits: a bucket a client, both sides of empty."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.service.api import rate
from gateway.service.api.rate import REFUSED_COST, RateLimit, RateLimiter, client_of


class Desk:
    """A limiter over an application that answers what it is told, at a time that stands where it is put."""

    def __init__(self, per_s: float = 2.0, burst: int = 20) -> None:
        self.now_s = 100.0
        self.answer = 200
        self.served = 0
        self._limiter = RateLimiter(self._app, RateLimit(per_s, burst), lambda: self.now_s)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.served += 1
        await send({"type": "http.response.start", "status": self.answer, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(self, client: str = "192.0.2.1") -> tuple[int, str | None]:
        """Status and Retry-After of one request."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (client, 1)}
        asyncio.run(self._limiter(scope, receive, send))
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers.get("retry-after")


def test_as_many_at_once_as_the_burst_and_not_one_more() -> None:
    desk = Desk(per_s=0.25, burst=3)
    assert [desk.ask()[0] for _ in range(4)] == [200, 200, 200, 429]
    assert desk.served == 3
    assert desk.ask() == (429, "4")


def test_it_fills_by_the_second_and_never_beyond_the_burst() -> None:
    desk = Desk(per_s=2.0, burst=3)
    for _ in range(3):
        desk.ask()
    desk.now_s += 0.49
    assert desk.ask()[0] == 429
    desk.now_s += 0.02
    assert desk.ask()[0] == 200
    desk.now_s += 3600
    assert [desk.ask()[0] for _ in range(4)] == [200, 200, 200, 429]


def test_one_client_does_not_take_from_another() -> None:
    desk = Desk(per_s=0.1, burst=1)
    assert desk.ask()[0] == 200
    assert desk.ask()[0] == 429
    assert desk.ask("192.0.2.2")[0] == 200


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_empties_his_bucket_faster(status: int) -> None:
    desk = Desk(per_s=0.001, burst=2 * REFUSED_COST)
    desk.answer = status
    assert [desk.ask()[0] for _ in range(3)] == [status, status, 429]
    well_known = Desk(per_s=0.001, burst=2 * REFUSED_COST)
    assert [well_known.ask()[0] for _ in range(2 * REFUSED_COST + 1)] == [200] * 2 * REFUSED_COST + [429]


def test_clients_are_forgotten_from_the_oldest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_CLIENTS", 2)
    desk = Desk(per_s=0.001, burst=1)
    assert [desk.ask(client)[0] for client in ("a", "b", "a", "c", "b", "a")] == [200, 200, 429, 200, 429, 200]


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix", "unix"),
    ],
)
def test_whose_bucket(host: str, client: str) -> None:
    assert client_of({"type": "http", "client": (host, 1)}) == client


def test_who_has_no_address_has_a_bucket_too() -> None:
    assert client_of({"type": "http", "client": None}) == ""


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_that_lets_nobody_in_is_none(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        RateLimit(per_s, burst)
