"""Vendor files in: one module a format, `read_recording` for all of them."""

from gateway.service.exchange.files.detect import read_recording

__all__ = ["read_recording"]
