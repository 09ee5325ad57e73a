"""Devices."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.service.api.context import Context, DeviceId
from gateway.service.api.guard import Caller
from gateway.service.api.models import DeviceOut


def router(context: Context) -> APIRouter:
    """Routes under ``/devices``."""
    routes = APIRouter(prefix="/devices", tags=["devices"])

    @routes.get("")
    def list_devices(who: Caller) -> list[DeviceOut]:
        """The enrolled devices that the caller sees, by id."""
        seen = context.access.devices(who, context.records.devices.list())
        states = context.records.states.devices()
        return [DeviceOut.of(device, states.get(device.id)) for device in seen]

    @routes.get("/{device}")
    def get_device(device: DeviceId) -> DeviceOut:
        """One device."""
        return DeviceOut.of(context.device(device), context.records.states.devices([device]).get(device))

    return routes
