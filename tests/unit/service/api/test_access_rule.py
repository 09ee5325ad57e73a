"""Every path is closed unless it is listed."""

from __future__ import annotations

import pytest

from gateway.service.api.app import RULE


@pytest.mark.parametrize("path", ["/api/v1/health", "/static/pages.js"])
def test_what_is_open(path: str) -> None:
    assert RULE.is_public(path)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/devices",
        "/api/v1/ready",
        "/api/v1/health/",
        "/api/v1/Health",
        "/api/v1/openapi.json",
        "/metrics",
        "/static",
        "/",
        "//",
        "",
        "/nowhere",
    ],
)
def test_what_is_closed(path: str) -> None:
    assert not RULE.is_public(path)


def test_metrics_take_a_scope_of_their_own() -> None:
    assert RULE.scope_of("/metrics") == "metrics"
    assert RULE.scope_of("/api/v1/devices") == "read"
    assert RULE.scope_of("/api/v1/devices", "HEAD") == "read"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_what_changes_something_takes_another(method: str) -> None:
    assert RULE.scope_of("/api/v1/patients", method) == "write"
    assert RULE.scope_of("/metrics", method) == "write"
