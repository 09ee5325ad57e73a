"""The virtual client and scanner have the shape that bleak's abstract classes and its own backend for BlueZ have."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from simulators.radio.client import VirtualClient
from simulators.radio.scanner import VirtualScanner

PAIRS = [(BaseBleakClient, VirtualClient), (BaseBleakScanner, VirtualScanner)]
PEERS = [(BleakClientBlueZDBus, VirtualClient), (BleakScannerBlueZDBus, VirtualScanner)]


def public_members(cls: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers_static(cls) if not name.startswith("_")}


def accepts_all_of(mine: inspect.Signature, theirs: inspect.Signature) -> bool:
    """Whether every call that fits `theirs` fits `mine`."""
    open_keywords = any(p.kind is p.VAR_KEYWORD for p in mine.parameters.values())
    for name, parameter in theirs.parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            if not any(p.kind is parameter.kind for p in mine.parameters.values()):
                return False
            continue
        if name not in mine.parameters:
            if parameter.kind is parameter.KEYWORD_ONLY and open_keywords:
                continue
            return False
        own = mine.parameters[name]
        if own.kind is not parameter.kind or (own.default is own.empty) != (parameter.default is parameter.empty):
            return False
    extra = [mine.parameters[name] for name in mine.parameters if name not in theirs.parameters]
    return all(p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in extra)


@pytest.mark.parametrize(("base", "virtual"), PAIRS)
def test_nothing_abstract_is_left(base: type, virtual: type) -> None:
    assert issubclass(virtual, base)
    assert not inspect.isabstract(virtual)


@pytest.mark.parametrize(("base", "virtual"), PAIRS)
def test_every_public_member_takes_what_the_abstract_one_takes(base: type, virtual: type) -> None:
    members = public_members(base)
    assert members
    for name, member in members.items():
        own = inspect.getattr_static(virtual, name)
        assert type(own) is type(member), name
        if inspect.isfunction(member):
            assert inspect.iscoroutinefunction(own) == inspect.iscoroutinefunction(member), name
            assert accepts_all_of(inspect.signature(own), inspect.signature(member)), name


@pytest.mark.parametrize(("peer", "virtual"), PEERS)
def test_nothing_public_goes_beyond_bluez_but_the_adapter(peer: type, virtual: type) -> None:
    assert set(public_members(virtual)) - set(public_members(peer)) <= {"adapter"}


def test_connect_takes_the_keywords_of_bluez() -> None:
    bluez = inspect.signature(BleakClientBlueZDBus.connect)
    assert accepts_all_of(inspect.signature(VirtualClient.connect), bluez)


@pytest.mark.parametrize(("peer", "virtual"), PEERS)
def test_the_constructor_takes_what_bluez_takes(peer: type, virtual: type) -> None:
    mine, theirs = inspect.signature(virtual.__init__).parameters, inspect.signature(peer.__init__).parameters
    assert set(theirs) <= set(mine)
    assert all(mine[name].kind is theirs[name].kind for name in theirs)


def test_bleak_can_make_them_with_every_argument_it_knows() -> None:
    """bleak-retry-connector adds `_is_retry_client`; bleak adds the arguments of every platform."""
    client = BleakClient(
        "C4:00:00:00:00:01",
        lambda _: None,
        services=["180d"],
        timeout=1.0,
        pair=True,
        bluez={"adapter": "hci0"},
        winrt={},
        backend=VirtualClient,
        _is_retry_client=True,
    )
    assert client.backend_id == "VirtualClient"
    assert client.address == "C4:00:00:00:00:01"
    assert not client.is_connected
    assert BleakScanner(lambda _device, _data: None, ["180d"], backend=VirtualScanner).discovered_devices == []
