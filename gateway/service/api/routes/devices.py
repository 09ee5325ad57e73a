"""Devices."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.service.api.context import Context, DeviceId
from gateway.service.api.models import DeviceOut


def router(context: Context) -> APIRouter:
    """Routes under ``/devices``."""
    routes = APIRouter(prefix="/devices", tags=["devices"])

    @routes.get("")
    def list_devices() -> list[DeviceOut]:
        """Every enrolled device, by id."""
        return [DeviceOut.of(device) for device in context.records.devices.list()]

    @routes.get("/{device}")
    def get_device(device: DeviceId) -> DeviceOut:
        """One device."""
        return DeviceOut.of(context.device(device))

    return routes
