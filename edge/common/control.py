"""The control point: requests in, responses and data notifications out. No radio, no clock of its own.

Modelled on the Record Access Control Point of the Bluetooth SIG, whose response codes it uses: every write is answered
by one indicated response, and a write that is malformed, too long or not allowed changes nothing. docs/edge-protocol.md
has every request byte by byte.
"""

import os
import struct

from edge.common.enrolment import NONCE_BYTES, PROOF_BYTES, device_proof, equal, gateway_proof

REPORT, ACKNOWLEDGE, ABORT, COUNT, RESPONSE = 1, 2, 3, 4, 6
CHALLENGE, PROVE, ANCHOR, TIME = 16, 17, 18, 19

SUCCESS, NOT_SUPPORTED, INVALID_OPERAND, NO_RECORDS, ABORT_FAILED, NOT_COMPLETED = 1, 2, 5, 6, 7, 8
NOT_ALLOWED, WRONG_PROOF, NO_CHALLENGE, OTHER_LOG = 0x80, 0x81, 0x82, 0x83

UNTIL_END, FOLLOW = 0, 1
"""Modes of a report: ends at the last record, or goes on with new ones until it is aborted."""

_LENGTHS = {
    REPORT: 10,  # op, log id, first sequence, mode
    ACKNOWLEDGE: 9,  # op, log id, last sequence
    ABORT: 1,
    COUNT: 9,  # op, log id, first sequence
    CHALLENGE: 1,
    PROVE: 1 + NONCE_BYTES + PROOF_BYTES,
    ANCHOR: 23,  # op, boot, tick, UTC, uncertainty
    TIME: 1,
}
_FREE_FOR_ALL = (CHALLENGE, PROVE)
LONGEST_WRITE = max(_LENGTHS.values())
_FIRST_UTC_MS, _LAST_UTC_MS = 1577836800000, 4102444800000  # 2020 to 2100: anything else is a gateway without a clock
DATA_HEADER_BYTES = 5
WRONG_PROOFS = 5
"""Wrong proofs on one connection before the link is to be dropped."""


class Link:
    """What is known of a connection: `encrypted`: by keys of a bond; `owner`: the peer has proved the secret."""

    def __init__(self, encrypted: bool = False, owner: bool = False):
        self.encrypted = encrypted
        self.owner = owner
        self.nonce = None
        self.wrong_proofs = 0


class ControlPoint:
    """Serves one log to one peer at a time.

    Parameters
    ----------
    log
        The ring log.
    secret
        Enrolment secret, 16 bytes, as printed on the device.
    now
        Called without arguments; returns (boot, tick_ms).
    on_anchor
        Called with (boot, tick_ms, utc_ms, uncertainty_ms) for every anchor an owner writes.
    random
        `os.urandom`; tests give their own.
    """

    def __init__(self, log: object, secret: bytes, now: object, on_anchor: object, random: object = os.urandom):
        self._log = log
        self._secret = secret
        self._now = now
        self._on_anchor = on_anchor
        self._random = random
        self._at = -1  # next sequence to send, or -1: no report under way
        self._limit = 0
        self._sent = 0
        self._follow = False
        self._before = (-1, 0)
        self._ended = None

    @property
    def reporting(self) -> bool:
        """Whether a report is under way."""
        return self._at >= 0

    @property
    def sending(self) -> bool:
        """Whether something of the report under way is left to be sent now."""
        return self._at >= 0 and (not self._follow or self._at < self._log.next)

    def disconnected(self) -> None:
        """The peer is gone: what it asked for is over; nothing is freed by that."""
        self._at = -1
        self._ended = None

    def write(self, link: Link, request: bytes) -> bytes:
        """Handle a write to the control point; return the response to indicate.

        None for a report that was begun and ends later: its response then comes from `finished`.
        """
        if not request:
            return bytes((RESPONSE, 0, INVALID_OPERAND))
        op = request[0]
        length = _LENGTHS.get(op)
        if length is None:
            return self._response(op, NOT_SUPPORTED)
        if not link.encrypted or not (link.owner or op in _FREE_FOR_ALL):
            return self._response(op, NOT_ALLOWED)
        if len(request) != length:
            return self._response(op, INVALID_OPERAND)
        if op == CHALLENGE:
            link.nonce = self._random(NONCE_BYTES)
            return self._response(op, SUCCESS, link.nonce)
        if op == PROVE:
            return self._prove(link, request)
        if op == ANCHOR:
            return self._anchor(request)
        if op == TIME:
            boot, tick_ms = self._now()
            return self._response(op, SUCCESS, struct.pack("<HQ", boot, tick_ms))
        if op == ABORT:
            return self._abort()
        log_id, sequence = struct.unpack("<II", request[1:9])
        if log_id != self._log.log_id:
            return self._response(op, OTHER_LOG, struct.pack("<I", self._log.log_id))
        if op == ACKNOWLEDGE:
            try:
                self._log.acknowledge(sequence)
            except ValueError:
                return self._response(op, INVALID_OPERAND)
            return self._response(op, SUCCESS, struct.pack("<I", self._log.oldest))
        if op == COUNT:
            first = max(sequence, self._log.oldest)
            return self._response(op, SUCCESS, struct.pack("<II", first, max(0, self._log.next - first)))
        return self._report(sequence, request[9])

    def data(self, size: int) -> bytes:
        """The next data notification of at most `size` bytes, or None where there is nothing to send just now.

        Layout number, sequence of the first record, then records of sequences that follow each other. The log only
        says what is next: a frame that was built and could not be sent is built again after `unsend`.
        """
        if self._at < 0:
            return None
        frame = None
        count = 0
        while self._at < self._limit or (self._follow and self._at < self._log.next):
            entry = self._log.read(self._at)
            if entry is None or (not self._follow and entry[0] >= self._limit):
                self._at = max(self._at, self._limit)
                break
            sequence, layout, record = entry
            if frame is None:
                if DATA_HEADER_BYTES + len(record) > size:  # the peer's MTU holds no record
                    self._ended = self._end(NOT_COMPLETED)
                    return None
                frame = bytearray(struct.pack("<BI", layout, sequence))
                before = (self._at, self._sent)
            elif layout != frame[0] or sequence != self._at or len(frame) + len(record) > size:
                break
            frame += record
            count += 1
            self._at = sequence + 1
        if frame is None:
            return None
        self._sent += count
        self._before = before
        return bytes(frame)

    def unsend(self) -> None:
        """The frame that `data` gave last did not go out."""
        if self._at >= 0:
            self._at, self._sent = self._before

    def finished(self) -> bytes:
        """The response that ends a report, once all its data have gone out; None before that, and once given."""
        if self._at >= self._limit and not self._follow and self._at >= 0:
            return self._end(SUCCESS)
        response, self._ended = self._ended, None
        return response

    def _end(self, code: int, op: int = REPORT) -> bytes:
        response = self._response(op, code, struct.pack("<II", self._at, self._sent))
        self._at = -1
        return response

    def _report(self, sequence: int, mode: int) -> bytes:
        if mode > FOLLOW or sequence > self._log.next:
            return self._response(REPORT, INVALID_OPERAND)
        if self._at >= 0:
            return self._response(REPORT, NOT_COMPLETED)
        self._sent = 0
        self._limit = self._log.next
        self._follow = mode == FOLLOW
        self._at = max(sequence, self._log.oldest)
        if self._follow:
            return self._response(REPORT, SUCCESS, struct.pack("<II", self._at, 0))
        return self._end(NO_RECORDS) if self._log.read(self._at) is None else None

    def _abort(self) -> bytes:
        return self._response(ABORT, ABORT_FAILED) if self._at < 0 else self._end(SUCCESS, ABORT)

    def _prove(self, link: Link, request: bytes) -> bytes:
        nonce, link.nonce = link.nonce, None  # a challenge serves once
        if nonce is None:
            return self._response(PROVE, NO_CHALLENGE)
        theirs, proof = request[1 : 1 + NONCE_BYTES], request[1 + NONCE_BYTES :]
        if not equal(proof, gateway_proof(self._secret, nonce, theirs)):
            link.wrong_proofs += 1
            return self._response(PROVE, WRONG_PROOF)
        link.owner = True
        return self._response(PROVE, SUCCESS, device_proof(self._secret, nonce, theirs))

    def _anchor(self, request: bytes) -> bytes:
        boot, tick_ms, utc_ms, uncertainty_ms = struct.unpack("<HQQI", request[1:])
        boot_now, tick_now = self._now()
        if boot != boot_now or tick_ms > tick_now or not _FIRST_UTC_MS <= utc_ms < _LAST_UTC_MS:
            return self._response(ANCHOR, INVALID_OPERAND)
        self._on_anchor(boot, tick_ms, utc_ms, uncertainty_ms)
        return self._response(ANCHOR, SUCCESS)

    def _response(self, op: int, code: int, value: bytes = b"") -> bytes:
        return bytes((RESPONSE, op, code)) + value
