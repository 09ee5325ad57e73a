"""One of our own devices on a link: requests and their responses, the proof of the secret, the anchor of the visit."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

from gateway.errors import DeviceError, ProtocolError
from gateway.home.devices.driver import Desk, Link
from gateway.home.devices.edge import control
from gateway.home.devices.edge.control import DeviceKind, Information, Moment, Op, Response, Result, Status
from gateway.home.devices.edge.proof import gateway_proof, is_device_proof
from gateway.home.devices.identity import FIRMWARE, MODEL, text_of

ANSWER_S: Final = 10.0
"""A device answers within some 50 ms; an erase of flash and a bad spell of the radio are outlasted."""

MTU_S: Final = 5.0
MTU_POLL_S: Final = 0.25
"""The exchange of the MTU follows the connection within a second, where the platform tells at all."""

READINGS: Final = 3
"""Of the clock at each contact: that of the shortest round trip counts."""

log = logging.getLogger(__name__)
Queue = asyncio.Queue[bytes | None]
Value = TypeVar("Value")


class Peer:
    """An enrolled device, after `meet`.

    Attributes
    ----------
    information : Information
        As it was read at the start of the visit.
    """

    def __init__(self, link: Link, desk: Desk, responses: Queue, data: Queue) -> None:
        self._link = link
        self._desk = desk
        self._responses = responses
        self._data = data
        self._early: dict[int, Response] = {}
        self.information: Information

    async def ask(self, request: bytes) -> Response:
        """Write a request and return its response, whatever it says.

        Raises
        ------
        DeviceError
            The link is gone, or there is no answer.
        """
        await self.write(request)
        return await self.response(Op(request[0]))

    async def write(self, request: bytes) -> None:
        """Write a request whose response is asked for later."""
        self._early.pop(request[0], None)
        await self._link.write(control.CONTROL, request, response=True)

    async def response(self, op: Op) -> Response:
        """Return the response to the last request `op`; those to others are kept for whoever asks for them."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while op not in self._early:
                    await self._sort(await self._responses.get())
        except TimeoutError:
            raise DeviceError(f"{self._link.address}: no answer to {op.name.lower()}") from None
        return self._early.pop(op)

    async def has_response(self, op: Op) -> bool:
        """Whether the response to `op` is there already."""
        while not self._responses.empty():
            await self._sort(self._responses.get_nowait())
        return op in self._early

    async def _sort(self, data: bytes | None) -> None:
        if data is None:
            self._responses.put_nowait(None)
            raise self._lost()
        try:
            found = control.decode_response(data)
        except ProtocolError as error:
            await self._desk.set_aside(data, str(error))
        else:
            self._early[found.op] = found

    async def data(self, within_s: float) -> bytes | None:
        """Return the next data notification, or None if there is none in time.

        Raises
        ------
        DeviceError
            The link is gone; what arrived before was returned before.
        """
        if self._data.empty():
            try:
                async with asyncio.timeout(within_s):
                    found = await self._data.get()
            except TimeoutError:
                return None
        else:
            found = self._data.get_nowait()
        if found is None:
            self._data.put_nowait(None)
            raise self._lost()
        return found

    @property
    def has_data(self) -> bool:
        """Whether a data notification waits."""
        return not self._data.empty()

    def arrived(self) -> list[bytes]:
        """All data notifications that are here, without waiting; the end of the link is left to whoever waits."""
        found: list[bytes] = []
        while not self._data.empty():
            data = self._data.get_nowait()
            if data is None:
                self._data.put_nowait(None)
                break
            found.append(data)
        return found

    async def enrol(self) -> None:
        """Prove to each other that both know the secret. At every visit: a bond alone shows no false device.

        Raises
        ------
        DeviceError
            Either side does not know it, or the device's bonds are not ours.
        """
        secret = self._desk.secret()
        if secret is None:
            raise DeviceError(f"{self._link.address}: no enrolment secret is entered for this device")
        challenge = await self.ask(control.request_challenge())
        if challenge.result == Result.NOT_ALLOWED:
            raise DeviceError(f"{self._link.address} does not take our bond: press its button and let it pair anew")
        self._need(challenge, Op.CHALLENGE)
        nonce = secrets.token_bytes(control.NONCE_BYTES)
        answer = await self.ask(control.request_prove(nonce, gateway_proof(secret, challenge.value, nonce)))
        if answer.result == Result.WRONG_PROOF:
            raise DeviceError(f"{self._link.address}: the enrolment secret is not the one on this device's label")
        self._need(answer, Op.PROVE)
        if not is_device_proof(answer.value, secret, challenge.value, nonce):
            raise DeviceError(f"{self._link.address} does not know its own secret: a false device")

    async def introduce(self, kind: DeviceKind) -> Status:
        """Read who the device is and how it does, and report it.

        Raises
        ------
        DeviceError
            It is another kind of device.
        """
        self.information = await self.sense(control.decode_information, await self._link.read(control.INFORMATION))
        if self.information.device != kind:
            raise DeviceError(f"{self._link.address} is no {kind.name.lower().replace('_', ' ')}")
        return await self.status()

    async def status(self) -> Status:
        """Read the status and report it."""
        status = await self.sense(control.decode_status, await self._link.read(control.STATUS))
        self._desk.status(boot=float(status.boot), events=float(status.faults))
        if status.battery_pct is not None:
            self._desk.status(battery=float(status.battery_pct))
        return status

    async def anchor(self) -> Moment:
        """Tie the device's clock to ours, on both sides. The half round trip is the uncertainty.

        Raises
        ------
        DeviceError
            The device does not take the anchor.
        """
        best: tuple[int, int, Moment] | None = None
        for _ in range(READINGS):
            asked_ms = self._desk.clock.utc_ms()
            answer = await self.ask(control.request_time())
            answered_ms = self._desk.clock.utc_ms()
            self._need(answer, Op.TIME)
            trip_ms = answered_ms - asked_ms
            if trip_ms >= 0 and (best is None or trip_ms < best[0]):
                best = trip_ms, asked_ms + trip_ms // 2, await self.sense(control.decode_moment, answer.value)
        if best is None:
            raise DeviceError(f"{self._link.address}: our own clock was set while the device's was read")
        trip_ms, utc_ms, moment = best
        doubt_ms = trip_ms // 2 + 2  # both clocks tell whole milliseconds
        self._need(
            await self.ask(control.request_anchor(moment.boot, moment.tick_ms, utc_ms, doubt_ms)),
            Op.ANCHOR,
        )
        await self._desk.note_boot(moment.boot, moment.tick_ms, utc_ms, doubt_ms)
        return moment

    async def acknowledge(self, end: int) -> None:
        """Let the device free every record before sequence `end`."""
        if end > 0:
            self._need(await self.ask(control.request_acknowledge(self.information.log, end - 1)), Op.ACKNOWLEDGE)

    async def sense(self, decode: Callable[[bytes], Value], data: bytes) -> Value:
        """Decode what the visit cannot do without; `DeviceError`, the bytes set aside, if it makes no sense."""
        try:
            return decode(data)
        except ProtocolError as error:
            await self._desk.set_aside(data, str(error))
            raise DeviceError(f"{self._link.address}: {error}") from None

    def _need(self, response: Response, op: Op) -> None:
        if not response.done:
            raise DeviceError(f"{self._link.address}: {op.name.lower()} was refused with {response.result:#04x}")

    def _lost(self) -> LinkGoneError:
        return LinkGoneError(f"{self._link.address}: the link is gone")


class LinkGoneError(DeviceError):
    """The link is gone: the normal end of following a device."""


@asynccontextmanager
async def meet(link: Link, desk: Desk, kind: DeviceKind) -> AsyncIterator[tuple[Peer, Status]]:
    """Bond, prove, introduce and anchor; the device is an open book for the length of the block.

    Raises
    ------
    DeviceError
        It is not ours, another kind, or the link is gone.
    """
    await desk.introduce(
        serial=None, model=await text_of(link, desk, MODEL), firmware=await text_of(link, desk, FIRMWARE)
    )
    await link.pair()
    await _await_mtu(link, desk)
    async with AsyncExitStack() as stack:
        responses = await stack.enter_async_context(link.notifications(control.CONTROL))
        data = await stack.enter_async_context(link.notifications(control.DATA))
        peer = Peer(link, desk, responses, data)
        await peer.enrol()
        status = await peer.introduce(kind)
        await peer.anchor()
        yield peer, status


async def _await_mtu(link: Link, desk: Desk) -> None:
    """Wait until a response to a proof fits."""
    waited_s = 0.0
    while link.payload(control.CONTROL) + 3 < control.LEAST_MTU:
        if waited_s >= MTU_S:
            raise DeviceError(f"{link.address}: an MTU of {link.payload(control.CONTROL) + 3} holds no proof")
        await desk.clock.sleep(MTU_POLL_S)
        waited_s += MTU_POLL_S
