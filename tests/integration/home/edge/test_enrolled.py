"""Who may talk with our devices, and which devices the gateway believes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import DeviceError
from gateway.home.devices.driver import After
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through, wear


def test_a_device_without_a_secret_here_is_not_talked_to(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        error = await side.visit()
        assert isinstance(error, DeviceError)
        assert "no enrolment secret" in str(error)

    live_through(tmp_path, scene, enrolled=False)


def test_a_wrong_secret_opens_nothing_and_is_told_in_one_line(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        await wear(side, 20)
        side.secrets.keep("C4:00:00:00:00:07", bytes(16))
        error = await side.visit()
        assert isinstance(error, DeviceError)
        assert "not the one on this device's label" in str(error)
        assert "\n" not in str(error)
        assert (await side.found(), side.device.device.log.pending) == ([], 20)
        assert side.device.device.anchors.entries == []

    live_through(tmp_path, scene)


def test_outside_of_the_pairing_window_no_bond_is_made(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        side.device.pairing = False
        assert isinstance(await side.visit(), DeviceError)
        side.device.pairing = True
        assert await side.visit() is After.SELDOM
        side.device.pairing = False
        assert await side.visit() is After.SELDOM  # the bond is there

    live_through(tmp_path, scene)


def test_a_false_device_that_takes_any_proof_is_found_out(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        await wear(side, 20)
        control = side.device.control
        control._prove = lambda link, request: setattr(link, "owner", True) or b"\x06\x11\x01" + bytes(32)
        error = await side.visit()
        assert isinstance(error, DeviceError)
        assert "a false device" in str(error)
        assert await side.found() == []

    live_through(tmp_path, scene)


def test_the_other_kind_of_device_is_not_taken_for_this_one(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        side.driver = side.other_driver
        error = await side.visit()
        assert isinstance(error, DeviceError)
        assert "is no bed sensor" in str(error)

    live_through(tmp_path, scene)


@pytest.mark.parametrize(("mtu", "fits"), [(63, False), (64, True)])
def test_an_mtu_that_holds_no_proof_is_told(tmp_path: Path, mtu: int, fits: bool) -> None:
    async def scene(side: Bedside) -> None:
        side.device.air.mtu = mtu
        await wear(side, 20)
        ended = await side.visit()
        if fits:
            assert ended is After.SELDOM
            errors_ms(side.truth, await side.found())
        else:
            assert isinstance(ended, DeviceError)
            assert "MTU" in str(ended)

    live_through(tmp_path, scene)
