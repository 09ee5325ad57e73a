"""Gateways and devices: who owns what, and when it was last heard of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.nights import zone_info
from gateway.service.records.database import Database
from gateway.service.records.tables import DeviceRow, GatewayRow
from gateway.service.records.values import Contact, Device, Gateway, Refusal

_COLUMNS = sa.select(*(getattr(DeviceRow, one.name) for one in fields(Device)))  # in the order of `Device`
_CHUNK = 500  # ids in one IN list: far below SQLite's limit of variables


class Devices:
    """Gateways and devices in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def gateway_seen(self, gateway: str, at_ms: int, *, name: str | None = None) -> None:
        """Note that a gateway was heard of; a new one is registered under `name` (its id if None)."""
        with self._database.write() as session:
            note_gateway(session, gateway, at_ms, name)

    def gateways(self) -> list[Gateway]:
        """Every gateway, by id."""
        with self._database.read() as session:
            rows = session.scalars(sa.select(GatewayRow).order_by(GatewayRow.id))
            return [Gateway(row.id, row.name, row.first_seen_ms, row.last_seen_ms) for row in rows]

    def enrol(
        self,
        gateway: str,
        device: str,
        *,
        zone: str,
        at_ms: int,
        model: str | None = None,
        firmware: str | None = None,
    ) -> Device:
        """Make a gateway the owner of a device; once more is the same as once.

        Raises
        ------
        StoreRejectedError
            If another gateway owns it.
        ConfigurationError
            If there is no such zone.
        """
        zone_info(zone)
        with self._database.write() as session:
            note_gateway(session, gateway, at_ms, None)
            row = session.get(DeviceRow, device)
            if row is None:
                row = _new_device(gateway, device, zone, at_ms)
                session.add(row)
            elif row.gateway_id != gateway:
                raise StoreRejectedError(f"device {device} is enrolled by another gateway")
            row.model = model or row.model
            row.firmware = firmware or row.firmware
            return _device(row)

    def authorise(
        self, pairs: Collection[tuple[str, str]], *, auto_enrol: bool, zone: str, at_ms: int
    ) -> dict[tuple[str, str], Device | Refusal]:
        """Say for each (gateway, device) whether that gateway may speak for that device. A revoked one may for none.

        Two queries answer a whole group of messages; no answer is cached, so that a change counts at once.

        Parameters
        ----------
        auto_enrol : bool
            True: the first gateway that speaks for an unknown device becomes its owner.
        zone : str
            IANA name of the zone given to a device that is enrolled so.

        Raises
        ------
        ConfigurationError
            If there is no such zone.
        """
        wanted = set(pairs)
        known = self.get_many({device for _, device in wanted})
        revoked = self._revoked({gateway for gateway, _ in wanted})
        strangers = sorted(pair for pair in wanted if pair[1] not in known and pair[0] not in revoked)
        if strangers and auto_enrol:
            zone_info(zone)
            with self._database.write() as session:
                for gateway, device in strangers:
                    row = session.get(DeviceRow, device)
                    if row is None:
                        note_gateway(session, gateway, at_ms, None)
                        row = _new_device(gateway, device, zone, at_ms)
                        session.add(row)
                        session.flush()
                    known[device] = _device(row)
        return {
            pair: Refusal.REVOKED_GATEWAY if pair[0] in revoked else _verdict(pair[0], known.get(pair[1]))
            for pair in wanted
        }

    def _revoked(self, gateways: Collection[str]) -> frozenset[str]:
        ids = sorted(gateways)
        found: set[str] = set()
        with self._database.read() as session:
            for first in range(0, len(ids), _CHUNK):
                some = GatewayRow.id.in_(ids[first : first + _CHUNK])
                found.update(session.scalars(sa.select(GatewayRow.id).where(some, GatewayRow.revoked_ms.is_not(None))))
        return frozenset(found)

    def contact(self, contacts: Sequence[Contact]) -> None:
        """Note contacts with known devices in one transaction; one that is older than the last known changes nothing.

        Devices that are not enrolled are passed over.
        """
        if not contacts:
            return
        with self._database.write() as session:
            rows = _rows(session, {contact.device for contact in contacts})
            wanted = sorted({row.gateway_id for row in rows.values()})
            owners = {row.id: row for row in session.scalars(sa.select(GatewayRow).where(GatewayRow.id.in_(wanted)))}
            for contact in sorted(contacts, key=lambda one: one.at_ms):
                row = rows.get(contact.device)
                if row is None or contact.at_ms < row.last_contact_ms:
                    continue
                row.last_contact_ms = contact.at_ms
                row.model = contact.model or row.model
                row.firmware = contact.firmware or row.firmware
                if contact.battery_pct is not None:
                    row.battery_pct = contact.battery_pct
                owner = owners[row.gateway_id]
                owner.last_seen_ms = max(owner.last_seen_ms, contact.at_ms)

    def set_zone(self, device: str, zone: str) -> None:
        """Count a device's coming nights in another zone.

        Raises
        ------
        StoreRejectedError
            If the device is not enrolled.
        ConfigurationError
            If there is no such zone.
        """
        zone_info(zone)
        with self._database.write() as session:
            row = session.get(DeviceRow, device)
            if row is None:
                raise StoreRejectedError(f"no such device: {device}")
            row.zone = zone

    def get(self, device: str) -> Device | None:
        """The device, or None if it is not enrolled."""
        return self.get_many([device]).get(device)

    def get_many(self, devices: Collection[str]) -> dict[str, Device]:
        """Those of the devices that are enrolled, by id."""
        # Columns, not objects that a session tracks: this is asked for every group of messages.
        ids = sorted(devices)
        found: dict[str, Device] = {}
        with self._database.read() as session:
            for first in range(0, len(ids), _CHUNK):
                rows = session.execute(_COLUMNS.where(DeviceRow.id.in_(ids[first : first + _CHUNK])))
                found.update((row[0], Device(*row)) for row in rows)
        return found

    def list(self) -> list[Device]:
        """Every enrolled device, by id."""
        with self._database.read() as session:
            return [_device(row) for row in session.scalars(sa.select(DeviceRow).order_by(DeviceRow.id))]


def _rows(session: Session, devices: Collection[str]) -> dict[str, DeviceRow]:
    ids = sorted(devices)
    found: dict[str, DeviceRow] = {}
    for first in range(0, len(ids), _CHUNK):
        rows = session.scalars(sa.select(DeviceRow).where(DeviceRow.id.in_(ids[first : first + _CHUNK])))
        found.update((row.id, row) for row in rows)
    return found


def note_gateway(session: Session, gateway: str, at_ms: int, name: str | None) -> None:
    """Note, within a transaction, that a gateway was heard of."""
    row = session.get(GatewayRow, gateway)
    if row is None:
        session.add(GatewayRow(id=gateway, name=name or gateway, first_seen_ms=at_ms, last_seen_ms=at_ms))
        session.flush()
        return
    row.name = name or row.name
    row.last_seen_ms = max(row.last_seen_ms, at_ms)


def _new_device(gateway: str, device: str, zone: str, at_ms: int) -> DeviceRow:
    family = device.rpartition("-")[0] or device
    return DeviceRow(id=device, family=family, gateway_id=gateway, enrolled_ms=at_ms, last_contact_ms=at_ms, zone=zone)


def _device(row: DeviceRow) -> Device:
    return Device(
        id=row.id,
        family=row.family,
        gateway_id=row.gateway_id,
        zone=row.zone,
        enrolled_ms=row.enrolled_ms,
        last_contact_ms=row.last_contact_ms,
        model=row.model,
        firmware=row.firmware,
        battery_pct=row.battery_pct,
    )


def _verdict(gateway: str, device: Device | None) -> Device | Refusal:
    if device is None:
        return Refusal.UNKNOWN_DEVICE
    return device if device.gateway_id == gateway else Refusal.FOREIGN_DEVICE
