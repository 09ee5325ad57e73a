"""How gateways and devices are, as they last said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.service.records.database import Database
from gateway.service.records.devices import note_gateway
from gateway.service.records.tables import DeviceRow, GatewayRow
from gateway.service.records.tables_homes import DeviceStateRow, GatewayStateRow
from gateway.service.records.values import Contact
from gateway.service.records.values_homes import DeviceState, GatewayState


class States:
    """States of gateways and devices in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hear(self, state: GatewayState, told: Sequence[tuple[Contact, DeviceState]] = ()) -> None:
        """Keep what a gateway says of itself and of its devices, in one transaction.

        One that is online is registered if it is new; one that went offline said nothing else, so what was known of it
        stays. Since when it is online, or offline, stays while that is so. A word that is older than the one on record
        changes nothing, and of devices that are not its own nothing is taken.
        """
        with self._database.write() as session:
            if state.online:
                note_gateway(session, state.gateway, state.heard_ms, None)
            elif session.get(GatewayRow, state.gateway) is None:
                return
            row = session.get(GatewayStateRow, state.gateway)
            if row is None:
                session.add(GatewayStateRow(gateway_id=state.gateway, **_values(state, "gateway")))
            elif state.heard_ms < row.heard_ms:
                return
            else:
                since_ms = row.since_ms if row.online == state.online else state.since_ms
                if state.online:
                    for name, value in _values(state, "gateway").items():
                        setattr(row, name, value)
                row.online, row.since_ms = state.online, since_ms
            if told:
                self._describe(session, state.gateway, told)

    def _describe(self, session: Session, gateway: str, told: Sequence[tuple[Contact, DeviceState]]) -> None:
        """Take a gateway's word on its own devices; no contact is noted, for nobody has just heard from them."""
        wanted = DeviceRow.id.in_(sorted({contact.device for contact, _ in told}))
        own = {
            row.id: row for row in session.scalars(sa.select(DeviceRow).where(wanted, DeviceRow.gateway_id == gateway))
        }
        for contact, _ in told:
            row = own.get(contact.device)
            if row is not None:
                row.model = contact.model or row.model
                row.firmware = contact.firmware or row.firmware
                row.battery_pct = row.battery_pct if contact.battery_pct is None else contact.battery_pct
        self._put(session, [state for _, state in told if state.device in own])

    def gateways(self) -> dict[str, GatewayState]:
        """What every gateway said of itself, by id."""
        with self._database.read() as session:
            return {row.gateway_id: _gateway(row) for row in session.scalars(sa.select(GatewayStateRow))}

    def put_devices(self, states: Sequence[DeviceState]) -> None:
        """Keep what was told of devices: what was not told stays as it was known. Unknown devices are passed over."""
        if not states:
            return
        with self._database.write() as session:
            wanted = DeviceRow.id.in_(sorted({one.device for one in states}))
            known = set(session.scalars(sa.select(DeviceRow.id).where(wanted)))
            self._put(session, [one for one in states if one.device in known])

    def _put(self, session: Session, states: Sequence[DeviceState]) -> None:
        wanted = DeviceStateRow.device_id.in_(sorted({one.device for one in states}))
        rows = {row.device_id: _device(row) for row in session.scalars(sa.select(DeviceStateRow).where(wanted))}
        for one in states:
            rows[one.device] = merged(rows.get(one.device, DeviceState(one.device, 0)), one)
        self._database.upsert(
            session, DeviceStateRow, [{"device_id": one.device, **_values(one, "device")} for one in rows.values()]
        )

    def devices(self, devices: Collection[str] | None = None) -> dict[str, DeviceState]:
        """What was told of every device, or of some, by id."""
        statement = sa.select(DeviceStateRow)
        if devices is not None:
            statement = statement.where(DeviceStateRow.device_id.in_(sorted(devices)))
        with self._database.read() as session:
            return {row.device_id: _device(row) for row in session.scalars(statement)}


def merged(before: DeviceState, told: DeviceState) -> DeviceState:
    """What is known of a device when something more was told; of two words on its clock the later one holds."""
    new = {
        one.name: value
        for one in fields(DeviceState)
        if one.name not in ("device", "clock", "clock_ms") and (value := getattr(told, one.name)) is not None
    }
    new["heard_ms"] = max(before.heard_ms, told.heard_ms)
    found = replace(before, **new)
    if told.clock and told.clock_ms >= before.clock_ms:
        return replace(found, clock=told.clock, clock_ms=told.clock_ms)
    return found


def _values(state: GatewayState | DeviceState, key: str) -> dict[str, object]:
    return {name: value for name, value in asdict(state).items() if name != key}


def _gateway(row: GatewayStateRow) -> GatewayState:
    return GatewayState(row.gateway_id, **{one.name: getattr(row, one.name) for one in fields(GatewayState)[1:]})


def _device(row: DeviceStateRow) -> DeviceState:
    return DeviceState(row.device_id, **{one.name: getattr(row, one.name) for one in fields(DeviceState)[1:]})
