"""Vendor files in: one module a format, `read_recording` for all of oximetry, `read_wear_log` for recorders."""

from gateway.service.exchange.files.detect import read_recording
from gateway.service.exchange.files.wear_log import WearLog, is_wear_log, read_wear_log

__all__ = ["WearLog", "is_wear_log", "read_recording", "read_wear_log"]
