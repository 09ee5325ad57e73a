"""Where samples are kept: one contract (`base.SampleStore`), two stores (sqlite, the default; influx)."""

from __future__ import annotations

from gateway.service.store.base import Samples, SampleStore, Selection, SessionCover, StoreHealth

__all__ = ["SampleStore", "Samples", "Selection", "SessionCover", "StoreHealth"]
