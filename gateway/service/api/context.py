"""What every route works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final

from fastapi import HTTPException, Path, Request

from gateway.clock import Clock
from gateway.errors import ConfigurationError, StoreRejectedError, WireError
from gateway.service.access import Access, Principal
from gateway.service.alerts.stream import FeedHub
from gateway.service.api.door import Door
from gateway.service.api.status import ServiceStatus
from gateway.service.exchange.imports.commit import Analyse
from gateway.service.homes import Enrolment
from gateway.service.patient_nights import own
from gateway.service.records import Alert, Clinic, Device, NightResult, Patient, Records, User
from gateway.service.sign_in import SignIn
from gateway.service.store.base import SampleStore

DEVICE_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""The same rule as for a device's name in a topic."""

PATIENT_PATTERN: Final = r"^p-[0-9a-f]{12}$"

CODE_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
"""Names of profiles and reasons; without it, PostgreSQL would refuse a NUL where SQLite finds nothing."""

DeviceId = Annotated[str, Path(pattern=DEVICE_PATTERN, description="Id of the device, such as o2ring-0a1b2c3d4e")]
PatientId = Annotated[str, Path(pattern=PATIENT_PATTERN, description="Opaque id of the patient")]
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Id of the alert")]
HomeId = Annotated[str, Path(pattern=DEVICE_PATTERN, description="Id of the home's gateway")]
ClinicId = Annotated[str, Path(pattern=DEVICE_PATTERN, description="Id of the clinic")]
NightDate = Annotated[
    date,
    Path(
        ge=date(1970, 1, 2),
        le=date(2199, 12, 31),
        description="The local date on which the night's evening began, YYYY-MM-DD",
    ),
]
"""The bounds are those of the wire's times: `t0_ms` starts at 1970."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the service that the API shows.

    Attributes
    ----------
    at_the_provider : Door
        Where what asks an OpenID Connect provider waits: one that is away must not hold up anybody else.
    at_the_door : Door
        Where what hashes passwords waits for its turn.
    enrolment : Enrolment
        How homes join and are revoked.
    analyse : Analyse or None
        Takes what an import stored; None where no analytics run: then they run when the service starts.
    erase : callable or None
        Has erasures looked at now; None where nothing carries them out: then the service does when it starts.
    """

    records: Records
    store: SampleStore
    clock: Clock
    status: Callable[[], ServiceStatus]
    feed: FeedHub
    sign_in: SignIn
    enrolment: Enrolment
    analyse: Analyse | None = None
    erase: Callable[[], None] | None = None
    at_the_door: Door = field(default_factory=Door)
    at_the_provider: Door = field(default_factory=Door)

    @property
    def access(self) -> Access:
        """Who may do what."""
        return Access(self.records)

    def device(self, device: str) -> Device:
        """The device; a 404 problem if it is not enrolled."""
        found = self.records.devices.get(device)
        if found is None:
            raise HTTPException(404, f"no such device: {device}")
        return found

    def night(self, who: Principal, device: str, night: date, profile: str | None) -> NightResult:
        """The night's result, the last made if `profile` is None; a 404 problem if there is none that `who` sees."""
        self.device(device)
        found = self.records.results.night(device, night, profile=profile)
        assignments = self.access.assignments(who, device)
        if found is None or (assignments is not None and not own([found], assignments)):
            raise HTTPException(404, f"no results for {device} in the night of {night.isoformat()}")
        return found

    def patient(self, patient: str) -> Patient:
        """The patient; a 404 problem if there is none."""
        found = self.records.people.patient(patient)
        if found is None:
            raise HTTPException(404, f"no such patient: {patient}")
        return found

    def user(self, user: str) -> User:
        """The user; a 404 problem if there is none."""
        found = self.records.users.get(user)
        if found is None:
            raise HTTPException(404, f"no such user: {user}")
        return found

    def alert(self, alert: str) -> Alert:
        """The alert; a 404 problem if there is none."""
        found = self.records.alerts.get(alert)
        if found is None:
            raise HTTPException(404, f"no such alert: {alert}")
        return found

    def clinic(self, clinic: str) -> Clinic:
        """The clinic; a 404 problem if there is none."""
        found = next((one for one in self.records.people.clinics() if one.id == clinic), None)
        if found is None:
            raise HTTPException(404, f"no such clinic: {clinic}")
        return found


@contextmanager
def refusing() -> Iterator[None]:
    """What the records refuse of a request's values is a 422 problem that says why."""
    try:
        yield
    except (StoreRejectedError, ConfigurationError, WireError) as error:
        raise HTTPException(422, str(error)) from None


def who_asks(request: Request) -> str:
    """Name of the user, or of the program's token, that the request came with."""
    found: Principal = request.state.principal
    return found.name
