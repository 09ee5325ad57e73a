"""All device families: each package below this one that has a `driver` module is found by being there."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import gateway.home.devices as families
from gateway.home.devices.driver import Driver, Sighting


@cache
def drivers() -> tuple[type[Driver], ...]:
    """Return the driver class of each family, by name of the family."""
    found = []
    for package in pkgutil.iter_modules(families.__path__, families.__name__ + "."):
        if package.ispkg and any(module.name == "driver" for module in pkgutil.iter_modules(_path(package.name))):
            module = importlib.import_module(f"{package.name}.driver")
            found += [
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, Driver) and value.__module__ == module.__name__
            ]
    return tuple(sorted(found, key=lambda driver: driver.family))


def _path(package: str) -> list[str]:
    return list(importlib.import_module(package).__path__)


def match(sighting: Sighting) -> type[Driver] | None:
    """Return the family that an advertisement is of, or None: a stranger."""
    return next((driver for driver in drivers() if driver.matches(sighting)), None)
