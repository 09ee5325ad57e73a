"""The page on adding a device tells what the drivers declare, and names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.home.devices.registry import drivers

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "add-a-device.md").read_text("utf-8")


def test_the_page_lists_every_family_with_what_it_declares() -> None:
    rows = [
        "| "
        + " | ".join(
            (
                f"`{driver.family}`",
                ", ".join(sorted(driver.kinds)),
                ", ".join(sorted(one.value for one in driver.capabilities)),
                ", ".join(sorted(one.value for one in driver.dating)),
                driver.acknowledgement.value,
            )
        )
        + " |"
        for driver in drivers()
    ]
    assert [line for line in PAGE.splitlines() if line.startswith("| `")] == rows


def test_the_page_names_only_files_that_are_there() -> None:
    paths = re.findall(r"`((?:gateway|simulators|tests|docs)/[\w/.-]+)`", PAGE.replace("/FAMILY", ""))
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists() and path != "simulators/devices.py"] == []


def test_the_page_names_only_what_the_contract_has() -> None:
    from gateway.home.devices import driver, identity, live, notified

    found = re.findall(r"`(Desk|Link|identity|live|notified)\.(\w+)", PAGE)
    assert found
    places = {"Desk": driver.Desk, "Link": driver.Link, "identity": identity, "live": live, "notified": notified}
    assert [(place, name) for place, name in found if not hasattr(places[place], name)] == []
