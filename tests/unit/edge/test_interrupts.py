"""An interrupt may come between any two steps of the main loop: it is made to come before each of them, one by one.

MicroPython runs the handlers of its Bluetooth stack and of its timers between two byte codes. Its unix port, under
which the simulators run the firmware, never does that by itself. Here CPython runs the same code with a trace of its
byte codes, and calls the handler before the first, the second, the third ... of them.
"""

from __future__ import annotations

import itertools
import struct
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from edge.bed_sensor.fifo import SampleFifo
from edge.common import control
from edge.common.bonds import Bonds
from edge.common.store import Store
from tests.unit.edge.logic.test_gatt import OTHER, PEER, Bench

SETTLED = 4


def interrupted(action: Callable[[], object], interrupt: Callable[[], object], step: int) -> bool:
    """Run `action`, with `interrupt` before its byte code number `step` in `edge/`; False if it has fewer."""
    left = step
    came = False

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left, came
        if "/edge/" not in frame.f_code.co_filename or "/tests/" in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and not came:
            if left == 0:
                came = True
                sys.settrace(None)  # what the handler does is not split, and it comes once
                interrupt()
                return None
            left -= 1
        return None if came else trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return came


def every_step(run: Callable[[int], bool], least: int) -> None:
    """Run with the interrupt at step 0, 1, ... until the action has no more; at least so many there must be."""
    for step in itertools.count():
        if not run(step):
            assert step > least, "the interrupt came hardly anywhere"
            return


def test_a_sample_that_comes_while_samples_are_taken_is_there_once_and_in_order() -> None:
    def run(step: int) -> bool:
        fifo = SampleFifo(8)
        for number in (0, 1, 4, 5):
            fifo.put(number, 20 * number)  # 2 and 3 were missed
        seen: list[int | None] = []

        def take() -> None:
            lost, samples = fifo.take()
            seen.extend([None] * lost + samples)

        came = interrupted(take, lambda: fifo.put(6, 120), step)
        for _ in range(SETTLED):
            take()
        assert seen == ([0, 1, None, None, 4, 5, 6] if came else [0, 1, None, None, 4, 5])
        return came

    every_step(run, 100)


def test_samples_that_come_while_what_was_put_is_given_up_are_counted_or_kept() -> None:
    def run(step: int) -> bool:
        fifo = SampleFifo(4)
        for number in range(6):
            fifo.put(number, 20 * number)  # 4 and 5 find no room
        came = interrupted(fifo.give_up, lambda: fifo.put(6, 120), step)
        if not came:
            fifo.put(6, 120)
        fifo.put(7, 140)
        seen: list[int | None] = []
        for _ in range(SETTLED):
            lost, samples = fifo.take()
            seen += [None] * lost + samples
        assert len(seen) == 8
        assert all(sample in (None, number) for number, sample in enumerate(seen))
        assert seen[7] == 7
        return came

    every_step(run, 100)


@pytest.mark.parametrize("known", [False, True], ids=["new", "in the place of another"])
def test_a_bond_is_known_at_every_step_of_its_way_to_flash(tmp_path: Any, known: bool) -> None:
    def run(step: int) -> bool:
        path = str(tmp_path / str(step))
        bonds = Bonds(Store(path))
        if known:
            bonds.set(1, b"peer", b"old", True)
            bonds.flush()
        bonds.set(1, b"peer", b"key", True)
        told: list[object] = []

        def ask() -> None:
            told.extend((bonds.get(1, 0, b"peer"), bonds.get(1, 0, None)))

        came = interrupted(bonds.flush, ask, step)
        assert told == ([b"key", b"key"] if came else [])
        assert Bonds(Store(path)).get(1, 0, b"peer") == b"key"
        return came

    every_step(run, 100)


def test_a_bond_that_is_made_while_another_goes_to_flash_is_not_lost(tmp_path: Any) -> None:
    def run(step: int) -> bool:
        path = str(tmp_path / str(step))
        bonds = Bonds(Store(path))
        bonds.set(1, b"peer", b"key", True)
        came = interrupted(bonds.flush, lambda: bonds.set(1, b"other", b"another", True), step)
        assert bonds.get(1, 0, b"other") == (b"another" if came else None)
        bonds.flush()
        kept = Bonds(Store(path))
        assert (kept.get(1, 0, b"peer"), kept.get(1, 0, b"other")) == (b"key", b"another" if came else None)
        return came

    every_step(run, 100)


def owned() -> Bench:
    bench = Bench(records=4)
    bench.server.advertise(250)
    bench.own()
    bench.stack.notified = []
    bench.stack.indicated = []
    return bench


def settle(bench: Bench) -> None:
    for _ in range(SETTLED):
        bench.stack.free = 12
        bench.server.pump()


def test_a_request_that_comes_at_any_step_of_the_pump_is_answered_once_and_in_order() -> None:
    def run(step: int) -> bool:
        bench = owned()
        bench.stack.values[bench.requests] = bytes((control.COUNT,))
        bench.event(3, 1, bench.requests)

        def ask() -> None:
            bench.stack.values[bench.requests] = bytes((control.CHALLENGE,))
            bench.event(3, 1, bench.requests)

        came = interrupted(bench.server.pump, ask, step)
        settle(bench)
        bench.event(20, 1, bench.requests, 0)  # the first answer was confirmed
        settle(bench)
        answered = [response[1] for _, response in bench.stack.indicated]
        assert answered == ([control.COUNT, control.CHALLENGE] if came else [control.COUNT])
        return came

    every_step(run, 200)


def test_a_confirmation_that_comes_at_any_step_of_the_pump_lets_the_next_answer_go() -> None:
    def run(step: int) -> bool:
        bench = owned()
        for _ in range(2):
            bench.stack.values[bench.requests] = bytes((control.COUNT,))
            bench.event(3, 1, bench.requests)
        confirmed = 0

        def confirm() -> None:
            nonlocal confirmed
            if bench.stack.indicated:  # a peer confirms what it was sent
                confirmed += 1
                bench.event(20, 1, bench.requests, 0)

        came = interrupted(bench.server.pump, confirm, step)
        settle(bench)
        assert len(bench.stack.indicated) == 1 + confirmed
        return came

    every_step(run, 200)


def test_a_link_lost_at_any_step_of_the_pump_frees_nothing_and_the_next_peer_gets_nothing() -> None:
    def run(step: int) -> bool:
        bench = owned()
        report = struct.pack("<BIIB", control.REPORT, bench.device.log.log_id, 0, 0)
        bench.stack.values[bench.requests] = report
        bench.event(3, 1, bench.requests)
        bench.stack.free = 12
        came = interrupted(bench.server.pump, lambda: bench.event(2, 1, 0, PEER), step)
        settle(bench)
        assert bench.device.log.oldest == 0
        if came:
            assert not bench.server.connected
            assert bench.stack.values[bench.information] == b""
            assert bench.stack.advertised[-1] == 250_000
            sent = len(bench.stack.notified), len(bench.stack.indicated)
            bench.connect(OTHER, 1)
            settle(bench)
            assert (len(bench.stack.notified), len(bench.stack.indicated)) == sent
            assert bench.stack.values[bench.status] == b""
        return came

    every_step(run, 200)
