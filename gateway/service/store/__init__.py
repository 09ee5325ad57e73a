"""Where samples are kept: one contract (`base.SampleStore`), two stores (sqlite, the default; influx), `open_store`."""

from __future__ import annotations

from gateway.service.store.base import Samples, SampleStore, Selection, SessionCover, StoreHealth
from gateway.service.store.opening import open_store

__all__ = ["SampleStore", "Samples", "Selection", "SessionCover", "StoreHealth", "open_store"]
