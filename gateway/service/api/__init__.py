"""The service's HTTP interface: `create_app` makes it, `serve` runs it, `create_token` lets somebody in."""

from __future__ import annotations

from gateway.service.api.app import create_app
from gateway.service.api.auth import SCOPES, create_token
from gateway.service.api.server import RunningServer, serve
from gateway.service.api.status import ServiceStatus

__all__ = ["SCOPES", "RunningServer", "ServiceStatus", "create_app", "create_token", "serve"]
