"""The documents of homes: codes, joining, states, data that wait for an assignment."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from gateway.service.api.models_people import Code, Given
from gateway.service.homes import Invitation, Joined
from gateway.service.homes.enrolment import LIFE_MIN, LIFE_MOST_MIN
from gateway.service.records import Device, DeviceState, GatewayState, Home, JoinCode
from gateway.service.unassigned import Waiting

HomeName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00]*$")]


class InviteIn(Given):
    """Who may join."""

    name: HomeName = Field(description="What the staff call the home or its box; no name of a patient")
    minutes: int = Field(LIFE_MIN, ge=5, le=LIFE_MOST_MIN, description="For how long the code can be used")
    home: Code | None = Field(None, description="A home that gets a new box, or was revoked; left out: a new home")


class CodeOut(BaseModel):
    """A code without its text, which is not kept."""

    id: str
    home: str
    name: str
    made_by: str
    created_ms: int
    expires_ms: int
    used_ms: int | None
    withdrawn_ms: int | None

    @classmethod
    def of(cls, one: JoinCode) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            home=one.gateway,
            name=one.name,
            made_by=one.made_by,
            created_ms=one.created_ms,
            expires_ms=one.expires_ms,
            used_ms=one.used_ms,
            withdrawn_ms=one.withdrawn_ms,
        )


class InvitationOut(CodeOut):
    """A new code, shown this once."""

    code: str
    command: str = Field(description="What the box is told")
    qr: str = Field(description="The command as a QR code, an SVG element")

    @classmethod
    def of_new(cls, one: Invitation) -> Self:
        """From an invitation."""
        kept = CodeOut.of(one.kept).model_dump()
        return cls(**kept, code=one.code, command=one.command, qr=one.qr)


class JoinIn(Given):
    """A box at the door."""

    code: str = Field(max_length=64)
    box: str = Field(pattern=r"^[0-9a-f]{64}$", description="A secret that the box made: it may ask again by it")


class JoinOut(BaseModel):
    """What a box needs to speak to the broker."""

    gateway: str
    broker: str
    password: str
    authority: str | None = Field(description="PEM of the broker's certificate authority; null: the system's")

    @classmethod
    def of(cls, one: Joined) -> Self:
        """From what was decided."""
        return cls(gateway=one.gateway, broker=one.broker, password=one.password, authority=one.authority)


class GatewayStateOut(BaseModel):
    """What a gateway last said of itself. Null, or an empty text: it did not say."""

    online: bool
    since_ms: int = Field(description="Since when it is online, or offline")
    heard_ms: int = Field(description="Of its last word")
    version: str
    pending: int = Field(description="Batches in its outbox")
    oldest_ms: int | None = Field(description="When the one was measured that waits for longest")
    disk_free_bytes: int | None
    radio: str = Field(description="ok, unavailable, silent")
    clock_set: bool | None = Field(description="Whether something keeps its clock right")
    clock_error_ms: int | None = Field(description="By how much it believes its clock may be off")
    clock_offset_ms: int | None = Field(description="Its clock less the service's; the message's way is in it")

    @classmethod
    def of(cls, one: GatewayState) -> Self:
        """From the records' value."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class HomeOut(BaseModel):
    """A home's gateway."""

    id: str
    name: str
    clinic: str
    first_seen_ms: int
    last_seen_ms: int
    joined_ms: int | None = Field(description="When its box last joined by a code; null: its account was made by hand")
    revoked_ms: int | None = Field(description="Since when nothing is taken from it; null: it may speak")
    state: GatewayStateOut | None
    devices: list[str]

    @classmethod
    def of(cls, one: Home, state: GatewayState | None, devices: list[str]) -> Self:
        """From the records' values."""
        return cls(
            id=one.id,
            name=one.name,
            clinic=one.clinic,
            first_seen_ms=one.first_seen_ms,
            last_seen_ms=one.last_seen_ms,
            joined_ms=one.joined_ms,
            revoked_ms=one.revoked_ms,
            state=None if state is None else GatewayStateOut.of(state),
            devices=devices,
        )


class HomesOut(BaseModel):
    """Homes by id, the service's time, and whether a code can be made here."""

    now_ms: int
    by_code: bool
    homes: list[HomeOut]


class HomeChange(Given):
    """What may be changed of a home."""

    revoked: bool


class HomeChangedOut(HomeOut):
    """A home after a change."""

    at_broker: bool = Field(
        description="Whether the broker has it already; if not, the service holds to it all the same and tells it again"
    )


class DeviceStateOut(BaseModel):
    """What was last told of a device. Null, or an empty text: nothing was."""

    heard_ms: int
    contact_ms: int | None = Field(description="Of the gateway's last contact with it, by the gateway's clock")
    reachable: bool | None = Field(description="False: its gateway hears it, but it does not talk")
    voltage: float | None
    boots: int | None
    clock: str = Field(description="ok, or lost: never set, or forgotten")
    drift_ppm: float | None
    uncertainty_ms: int | None = Field(description="By how much the times of its last samples may be off")

    @classmethod
    def of(cls, one: DeviceState) -> Self:
        """From the records' value."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class WaitingOut(BaseModel):
    """Data of a device that nobody had: they wait for an assignment."""

    device: str
    home: str
    kind: str
    from_ms: int
    to_ms: int
    nights: int = Field(description="Nights with results")
    samples: int = Field(description="As they came: what is held both live and stored counts twice")

    @classmethod
    def of(cls, one: Waiting, device: Device) -> Self:
        """From what was found."""
        return cls(
            device=one.device,
            home=device.gateway_id,
            kind=one.kind,
            from_ms=one.from_ms,
            to_ms=one.to_ms,
            nights=one.nights,
            samples=one.samples,
        )
