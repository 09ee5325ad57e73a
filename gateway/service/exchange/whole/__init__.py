"""Everything that is held of one patient, as one ZIP: for the patient, who has a right to it."""

from __future__ import annotations

from gateway.service.exchange.whole.archive import Progress, export_whole, name_of

__all__ = ["Progress", "export_whole", "name_of"]
