"""The gateway's page, asked over a real socket: as a browser does, and as somebody does who means no good."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import ServerError
from gateway.home.conditions import DeviceFacts, HomeFacts
from gateway.home.page import server
from gateway.home.page.server import Page

NOW = 1_790_114_400_000
BERLIN = ZoneInfo("Europe/Berlin")
RING = DeviceFacts("o2ring-0123456789", "ring", NOW - 1000, NOW - 5000, 80.4)
WELL = HomeFacts(NOW, 10_000.0, devices=(RING,))


async def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: box\r\n\r\n".encode()


async def test_a_patient_reads_that_all_is_well_and_when_the_ring_was_heard() -> None:
    async with Page(lambda: WELL, BERLIN).serve("127.0.0.1", 0) as port:
        head, body = await ask(port, get("/"))
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"default-src 'none'" in head
    text = body.decode()
    assert "All is well." in text
    assert "<td>ring</td><td>22 September, 23:59</td>" in text  # the zone of the home
    assert "80 %" in text
    assert "o2ring-0123456789" not in text
    assert "Everything is at the clinic." in text


async def test_a_patient_reads_what_is_wrong_and_what_to_do() -> None:
    facts = replace(WELL, radio=frozenset({"radio_silent"}), pending=12)
    async with Page(lambda: facts, BERLIN).serve("127.0.0.1", 0) as port:
        _, body = await ask(port, get("/"))
        _, status = await ask(port, get("/status.json?x=1"))
    text = body.decode()
    assert "hears no Bluetooth device at all" in text
    assert "What to do:" in text
    assert "All is well" not in text
    assert "12 packets wait" in text
    found = json.loads(status)
    assert [one["code"] for one in found["conditions"]] == ["radio_silent"]
    assert found["pending"] == 12
    assert found["devices"][0]["battery_pct"] == 80.4


async def test_a_name_cannot_put_anything_into_the_page() -> None:
    nasty = replace(RING, name="<script>alert(1)</script>", battery_pct=1.0)
    async with Page(lambda: replace(WELL, devices=(nasty,)), BERLIN).serve("127.0.0.1", 0) as port:
        _, body = await ask(port, get("/"))
    assert b"<script" not in body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/", "POST"), b"405"),
        (get("/../../etc/passwd"), b"404"),
        (b"\x16\x03\x01 \x00\r\n\r\n", b"405"),
        (get("/", "HEAD"), b"200"),
    ],
)
async def test_other_requests_get_a_short_answer(request_: bytes, status: bytes) -> None:
    async with Page(lambda: WELL, BERLIN).serve("127.0.0.1", 0) as port:
        head, body = await ask(port, request_)
    assert head.split(b" ")[1] == status
    assert len(body) < 40


async def test_who_sends_nothing_or_too_much_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_S", 0.2)
    async with Page(lambda: WELL, BERLIN).serve("127.0.0.1", 0) as port:
        assert await ask(port, b"GET / HTTP/1.1\r\n") == (b"", b"")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /" + b"a" * 200_000)
        try:
            assert await asyncio.wait_for(reader.read(), 20) == b""
        except ConnectionResetError:
            pass
        writer.close()
        head, _ = await ask(port, get("/"))
    assert head.startswith(b"HTTP/1.1 200")


async def test_a_taken_port_is_one_clear_line() -> None:
    page = Page(lambda: WELL, BERLIN)
    async with page.serve("127.0.0.1", 0) as port:
        with pytest.raises(ServerError, match=f"cannot be shown at 127.0.0.1:{port}"):
            async with page.serve("127.0.0.1", port):
                raise AssertionError("it was served twice")
