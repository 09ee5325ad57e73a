"""The records: gateways, devices, results, alerts, set-aside messages and API tokens, in SQLite or PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from gateway.service.records.alerts import Alerts
from gateway.service.records.database import Database
from gateway.service.records.devices import Devices
from gateway.service.records.results import Results
from gateway.service.records.set_aside import SetAsides
from gateway.service.records.tokens import Tokens
from gateway.service.records.values import (
    MAIN_INDICES,
    MAX_PAYLOAD,
    Alert,
    ApiToken,
    Contact,
    Desaturation,
    Device,
    Gateway,
    NightResult,
    NightUpdate,
    Refusal,
    Rejected,
    SetAside,
    Severity,
    State,
)

__all__ = [
    "MAIN_INDICES",
    "MAX_PAYLOAD",
    "Alert",
    "ApiToken",
    "Contact",
    "Desaturation",
    "Device",
    "Gateway",
    "NightResult",
    "NightUpdate",
    "Records",
    "Refusal",
    "Rejected",
    "SetAside",
    "Severity",
    "State",
]


class Records:
    """The records database, opened and brought up to date.

    Every part may be used from many threads at once; each writing call is one durable transaction, retried by nobody:
    on `StoreUnavailableError` the caller may call again, as every one is idempotent or counts again.

    Parameters
    ----------
    url : str or Path
        Path of an SQLite file, ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    password : str or None
        PostgreSQL's password, where it does not stand in the URL (where logs and process lists could show it).

    Attributes
    ----------
    devices : Devices
        Gateways and devices, and who may speak for which.
    results : Results
        Nights, indices, desaturations.
    alerts : Alerts
    set_aside : SetAsides
    tokens : Tokens

    Raises
    ------
    ConfigurationError
        If the URL is none, its driver is missing, or another version of somnolink wrote the database.
    StoreUnavailableError
        If the database cannot be opened.
    """

    def __init__(self, url: str | Path, *, password: str | None = None) -> None:
        self._database = Database(str(url), password)
        self.devices = Devices(self._database)
        self.results = Results(self._database)
        self.alerts = Alerts(self._database)
        self.set_aside = SetAsides(self._database)
        self.tokens = Tokens(self._database)

    def check(self) -> None:
        """Return if the database answers.

        Raises
        ------
        StoreUnavailableError
            If it does not.
        """
        self._database.check()

    def close(self) -> None:
        """Give all connections back; the records are not to be used again."""
        self._database.close()
