"""Bleak's scanner on the virtual radio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError
from typing_extensions import override

from simulators.radio.known import KnownDevice

if TYPE_CHECKING:
    from simulators.radio.adapter import Adapter


class VirtualScanner(BaseBleakScanner):
    """A scanner bound to one adapter; `Adapter.scanner_class` makes the bound class.

    Parameters
    ----------
    detection_callback, service_uuids, scanning_mode
        As bleak's own. Passive scanning needs `or_patterns`, as it does with BlueZ.
    bluez
        `or_patterns`, and `filters` of which `RSSI` and `Pattern` are obeyed.
    """

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        *,
        bluez: BlueZScannerArgs,
        **kwargs: Any,  # noqa: ARG002 (bleak hands over those of every platform)
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"
        self._patterns = [OrPattern(*pattern) for pattern in bluez.get("or_patterns", [])]
        filters = bluez.get("filters", {})
        self._rssi_floor_dbm = filters.get("RSSI", -128)
        self._prefix = filters.get("Pattern", "")
        if not self._active and not self._patterns:
            raise BleakError("passive scanning mode requires bluez or_patterns")

    @override
    async def start(self) -> None:
        """Start scanning.

        Raises
        ------
        BleakBluetoothNotAvailableError
            The adapter has no power, or is not there.
        """
        self.seen_devices = {}
        await self.adapter.add_listener(self._on_heard, active=self._active)

    @override
    async def stop(self) -> None:
        """Stop scanning; nothing happens if it had stopped."""
        await self.adapter.remove_listener(self._on_heard)

    def _on_heard(self, known: KnownDevice) -> None:
        if not (self.is_allowed_uuid(known.service_uuids) and self._passes(known)):
            return
        advertisement = known.advertisement_data()
        device = self.create_or_update_device(
            known.address_text, known.address_text, known.name, known.details(), advertisement
        )
        self.call_detection_callbacks(device, advertisement)

    def _passes(self, known: KnownDevice) -> bool:
        if known.rssi_dbm < self._rssi_floor_dbm:
            return False
        if self._prefix and not any(text.startswith(self._prefix) for text in (known.address_text, known.alias)):
            return False
        return self._active or any(
            kind == pattern.ad_data_type and data[pattern.start_position :].startswith(pattern.content_of_pattern)
            for kind, data in known.structures
            for pattern in self._patterns
        )
